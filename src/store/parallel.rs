//! Work of look-ups that needs no database, on all processors.

/// Does something for all items, in order, on all processors if there are very many.
pub(crate) fn for_all<'i, T: Sync, R: Send>(
    items: &'i [T],
    work: impl Fn(usize, &'i T, &mut Vec<R>) + Sync,
) -> Vec<R> {
    let several = || std::thread::available_parallelism().map_or(1, usize::from).min(PARTS_MAX);
    let parts = if items.len() < PARTED_FROM { 1 } else { several() };
    let size = items.len().div_ceil(parts).max(1);
    let of_part = &|(part, items): (usize, &'i [T])| {
        let mut found = Vec::with_capacity(items.len() * 2);
        (part * size..).zip(items).for_each(|(at, item)| work(at, item, &mut found));
        found
    };
    let mut all = items.chunks(size).enumerate();
    let first = all.next();
    std::thread::scope(|scope| {
        let others: Vec<_> = all.map(|part| scope.spawn(move || of_part(part))).collect();
        let mut found = first.map(of_part).unwrap_or_default();
        for other in others {
            match other.join() {
                Ok(more) => found.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        found
    })
}

/// Fewer items than these are not worth a thread.
const PARTED_FROM: usize = 2_048;
const PARTS_MAX: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_the_items_however_many_there_are() {
        for count in [0, 1, PARTED_FROM - 1, PARTED_FROM, 3 * PARTED_FROM + 1] {
            let items: Vec<usize> = (0..count).map(|item| item * 3).collect();
            let found = for_all(&items, |at, item, found| found.extend([(at, *item), (at, *item + 1)]));
            let expected: Vec<_> = (0..count).flat_map(|at| [(at, at * 3), (at, at * 3 + 1)]).collect();
            assert_eq!(found, expected);
        }
    }
}

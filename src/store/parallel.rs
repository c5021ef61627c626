//! Work of look-ups on all processors.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Does something for all items, in order, on all processors if there are very many.
pub(crate) fn for_all<'i, T: Sync, R: Send>(
    items: &'i [T],
    work: impl Fn(usize, &'i T, &mut Vec<R>) + Sync,
) -> Vec<R> {
    for_parts(items, |start, part, found| {
        (start..).zip(part).for_each(|(at, item)| work(at, item, found));
    })
}

/// The same for parts of them, each with the number of its first item.
pub(crate) fn for_parts<'i, T: Sync, R: Send>(
    items: &'i [T],
    work: impl Fn(usize, &'i [T], &mut Vec<R>) + Sync,
) -> Vec<R> {
    let size = part_size(items.len());
    let parts: Vec<&[T]> = items.chunks(size).collect();
    let parts = each(parts.len(), &|part| {
        let mut found = Vec::with_capacity(parts[part].len() * 2);
        work(part * size, parts[part], &mut found);
        found
    });
    let mut all = Vec::with_capacity(parts.iter().map(Vec::len).sum());
    parts.into_iter().for_each(|mut part| all.append(&mut part));
    all
}

/// Does two things, at once if they are with so many items that it is worth a thread.
pub(crate) fn both<A, B: Send>(
    items: usize,
    one: impl FnOnce() -> A,
    other: impl FnOnce() -> B + Send,
) -> (A, B) {
    if items < PARTED_FROM {
        return (one(), other());
    }
    std::thread::scope(|scope| {
        let other = scope.spawn(other);
        (one(), other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// Hands out numbers, each once, to whoever is ready for the next: so nobody waits for who began late.
pub(crate) struct Shares {
    next: AtomicUsize,
    count: usize,
}

impl Shares {
    /// So many.
    pub(crate) fn new(count: usize) -> Self {
        Self { next: AtomicUsize::new(0), count }
    }

    /// The next ones.
    pub(crate) fn take(&self) -> impl Iterator<Item = usize> {
        std::iter::from_fn(|| {
            Some(self.next.fetch_add(1, Ordering::Relaxed)).filter(|next| *next < self.count)
        })
    }
}

/// Does something for each number below this, on all processors if there are several; what was done, in order.
fn each<R: Send>(count: usize, work: &(impl Fn(usize) -> R + Sync)) -> Vec<R> {
    let shares = Shares::new(count);
    let run = || shares.take().map(|at| (at, work(at))).collect::<Vec<_>>();
    let mut done = std::thread::scope(|scope| {
        let others: Vec<_> = (1..count.min(*THREADS)).map(|_| scope.spawn(run)).collect();
        let mut done = run();
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        done
    });
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, done)| done).collect()
}

/// Few items are one part.
fn part_size(items: usize) -> usize {
    if items < PARTED_FROM { PARTED_FROM } else { items.div_ceil(*THREADS * PARTS_EACH) }
}

/// Asking costs as much as the work for some hundred items.
static THREADS: LazyLock<usize> =
    LazyLock::new(|| std::thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX));
const THREADS_MAX: usize = 4;
const PARTS_EACH: usize = 4;
/// Fewer items than these are not worth a thread.
const PARTED_FROM: usize = 2_048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_the_items_however_many_there_are() {
        for count in [0, 1, PARTED_FROM - 1, PARTED_FROM, PARTED_FROM + 1, 3 * PARTED_FROM + 1, 10_000] {
            let items: Vec<usize> = (0..count).map(|item| item * 3).collect();
            let found = for_all(&items, |at, item, found| found.extend([(at, *item), (at, *item + 1)]));
            let expected: Vec<_> = (0..count).flat_map(|at| [(at, at * 3), (at, at * 3 + 1)]).collect();
            assert_eq!(found, expected);
            let found = for_parts(&items, |start, part, found| found.push((start, part.to_vec())));
            assert_eq!(found.iter().flat_map(|(_, part)| part.clone()).collect::<Vec<_>>(), items);
            assert!(found.iter().all(|(start, part)| part[0] == start * 3));
            assert_eq!(found.len() > 1, count >= PARTED_FROM, "{count}");
        }
    }

    #[test]
    fn both_are_done_and_a_panic_is_not_lost() {
        for items in [0, PARTED_FROM] {
            assert_eq!(both(items, || 1, || "2"), (1, "2"));
            assert!(
                std::panic::catch_unwind(|| both(items, || 1, || -> u8 { panic!("as planned") })).is_err()
            );
        }
        let items: Vec<usize> = (0..PARTED_FROM).collect();
        let work = |_: usize, item: &usize, _: &mut Vec<u8>| assert!(*item != PARTED_FROM - 1);
        assert!(std::panic::catch_unwind(|| for_all(&items, work)).is_err());
    }
}

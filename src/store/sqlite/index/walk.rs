//! Asking what waits in memory for the places of many keys, in their order.

use super::{Entry, Part, Place};

/// Along what waits.
pub(in super::super) struct Walk<'w> {
    part: &'w Part,
    /// Those merged next that come before this are of lower keys.
    at: usize,
}

impl<'w> Walk<'w> {
    pub(super) fn along(part: &'w Part) -> Self {
        Self { part, at: 0 }
    }

    /// Places in memory of a key that is not lower than those asked for before; may name rows that are deleted.
    pub(in super::super) fn places(&mut self, key: i64) -> Vec<Place> {
        let Part { new, recent, frozen, .. } = self.part;
        let rest = &frozen[self.at..];
        // Keys are digests, so they lie evenly: the distance to the next tells about where it is.
        let distance = rest.first().map_or(0, |first| i128::from(key) - i128::from(first.0)).max(0);
        let guess = (distance.cast_unsigned() * frozen.len() as u128) >> 64;
        self.at += seek(rest, key, guess as usize);
        let frozen = frozen[self.at..].iter().take_while(|entry| entry.0 == key);
        let recent = recent.range((key, i64::MIN, i64::MIN)..=(key, i64::MAX, i64::MAX));
        let new = new.iter().filter(|entry| entry.0 == key);
        frozen.chain(recent).chain(new).map(|entry| (entry.1, entry.2)).collect()
    }
}

/// Where entries of this key begin, if that is not far from the guess: little memory is touched.
fn seek(entries: &[Entry], key: i64, guess: usize) -> usize {
    let is_before = |at: usize| entries.get(at).is_some_and(|entry| entry.0 < key);
    let (mut low, mut high, mut step) = (guess, guess, 1);
    if is_before(guess) {
        while is_before(low + step) {
            (low, step) = (low + step, step * 2);
        }
        high = low + step;
    } else {
        while step <= high && !is_before(high - step) {
            (high, step) = (high - step, step * 2);
        }
        low = high.saturating_sub(step);
    }
    let (low, high) = (low.min(entries.len()), high.min(entries.len()));
    low + entries[low..high].partition_point(|entry| entry.0 < key)
}

#[cfg(test)]
mod tests {
    use super::super::{Table, Waiting};
    use super::*;

    #[test]
    fn seeking_finds_the_first_whatever_the_guess() {
        for keys in [&[][..], &[5], &[5, 5, 5], &[1, 2, 2, 3, 5, 8, 8, 8, 13, 21, 34, 55, 55, 89]] {
            let entries: Vec<Entry> = keys.iter().map(|key| (*key, 1, 1)).collect();
            for (key, guess) in (0..91).flat_map(|key| (0..17).map(move |guess| (key, guess))) {
                let expected = keys.iter().filter(|one| **one < key).count();
                assert_eq!(seek(&entries, key, guess), expected, "{key} in {keys:?} from {guess}");
            }
        }
        assert_eq!(seek(&[(i64::MIN, 1, 1), (i64::MAX, 1, 1)], i64::MAX, usize::MAX / 2), 1);
    }

    #[test]
    fn walking_from_key_to_key_finds_what_each_has_wherever_it_waits() {
        let mut random = 1_u64;
        let mut next = |below: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((random >> 33) % below).cast_signed()
        };
        for size in [0, 1, 2, 7, 100, 1_000] {
            let mut entries =
                |count| (0..count).map(|_| (next(500), 1, next(1 << 20))).collect::<Vec<Entry>>();
            let (mut frozen, recent, new) = (entries(size), entries(size / 10), entries(size / 20));
            frozen.sort_unstable();
            let all = [frozen.clone(), recent.clone(), new.clone()].concat();
            let values = Part { frozen, recent: recent.into_iter().collect(), new, ..Part::default() };
            let waiting = Waiting { values, ..Waiting::default() };
            let mut walk = waiting.walk(Table::Values);
            for key in [-1, 0, 0].into_iter().chain((1..500).step_by(3)).chain([499, 1_000]) {
                let expected = all.iter().filter(|entry| entry.0 == key).map(|entry| (entry.1, entry.2));
                let mut expected: Vec<Place> = expected.collect();
                let mut found = walk.places(key);
                expected.sort_unstable();
                found.sort_unstable();
                assert_eq!(found, expected, "{key} of {size}");
                assert_eq!(waiting.places(Table::Values, key).len(), expected.len());
            }
        }
    }
}

//! How long something took, counted in classes.

/// The classes, each up to so many seconds; what took longer has one of its own.
pub const BOUNDS: [i64; 17] = [
    1,
    5,
    15,
    30,
    60,
    2 * 60,
    5 * 60,
    10 * 60,
    15 * 60,
    30 * 60,
    60 * 60,
    2 * 3_600,
    6 * 3_600,
    12 * 3_600,
    86_400,
    7 * 86_400,
    30 * 86_400,
];

/// Delays of very many things.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delays {
    counts: [u64; BOUNDS.len() + 1],
    sum_micros: i128,
}

impl Delays {
    /// Notes that something took so long; clocks that go apart make nothing take less than no time.
    pub fn note(&mut self, micros: i64) {
        let micros = micros.max(0);
        let class = BOUNDS.partition_point(|bound| bound * 1_000_000 < micros);
        self.counts[class] += 1;
        self.sum_micros += i128::from(micros);
    }

    /// Adds all of another.
    pub fn add(&mut self, other: &Self) {
        self.counts.iter_mut().zip(other.counts).for_each(|(own, other)| *own += other);
        self.sum_micros += other.sum_micros;
    }

    /// How many.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// All delays together, in whole seconds.
    pub fn sum_secs(&self) -> i64 {
        i64::try_from(self.sum_micros / 1_000_000).unwrap_or(i64::MAX)
    }

    /// How many of each class: its upper bound in seconds, or none.
    pub fn classes(&self) -> impl Iterator<Item = (Option<i64>, u64)> {
        BOUNDS.iter().copied().map(Some).chain([None]).zip(self.counts)
    }

    /// Within how many seconds so many of a hundred were: the bound of a class, so the truth is no more. Nothing
    /// if it was longer than the longest, or if there is none.
    pub fn within(&self, percent: u64) -> Option<i64> {
        let wanted = (self.count() * percent).div_ceil(100);
        let mut sum = 0;
        let class = self.classes().find(|(_, count)| {
            sum += count;
            sum >= wanted && wanted > 0
        });
        class.and_then(|(bound, _)| bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_classes_tell_within_what_most_were() {
        let mut delays = Delays::default();
        assert_eq!((delays.within(50), delays.count()), (None, 0));
        delays.note(-7);
        delays.note(1_000_000);
        delays.note(1_000_001);
        delays.note(3_600_000_000);
        assert_eq!(
            [delays.within(50), delays.within(75), delays.within(90)],
            [Some(1), Some(5), Some(3_600)]
        );
        (0..6).for_each(|_| delays.note(40 * 86_400 * 1_000_000));
        assert_eq!((delays.within(90), delays.count()), (None, 10));
        assert_eq!(delays.classes().last(), Some((None, 6)));
        assert_eq!(delays.sum_secs(), 1 + 1 + 3_600 + 6 * 40 * 86_400);
        let mut twice = delays.clone();
        twice.add(&delays);
        assert_eq!((twice.count(), twice.sum_secs()), (20, 2 * (1 + 3_600 + 6 * 40 * 86_400) + 2));
    }
}

//! Far more than usual waits for a person: what a partner sends by mistake, or what somebody sends in its
//! place, must not be everywhere before anybody has looked.

/// What is usual, and how much more is too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alarm {
    /// So many times the usual is too much.
    pub factor: u64,
    /// Less than this never is.
    pub least: u64,
}

impl Alarm {
    /// How many objects a run may bring after runs that brought so many each; any number, as long as there
    /// were too few to know.
    pub fn allowed(self, volumes: &[u64]) -> Option<u64> {
        if volumes.len() < RUNS_MIN {
            return None;
        }
        let mut sorted = volumes.to_vec();
        sorted.sort_unstable();
        // Most runs of most jobs bring nothing or little; the larger ones say what is usual.
        let usual = sorted[sorted.len() * 9 / 10];
        Some(usual.saturating_mul(self.factor).max(self.least))
    }

    /// Notes what a run has brought.
    pub fn note(volumes: &mut Vec<u64>, brought: u64) {
        volumes.push(brought);
        let over = volumes.len().saturating_sub(RUNS_KEPT);
        volumes.drain(..over);
    }
}

/// Runs after which what is usual is known.
const RUNS_MIN: usize = 5;
const RUNS_KEPT: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn far_more_than_usual_is_too_much_once_that_is_known() {
        let alarm = Alarm { factor: 10, least: 1_000 };
        assert_eq!(alarm.allowed(&[5_000, 5, 5, 5]), None);
        assert_eq!(alarm.allowed(&[5; 5]), Some(1_000));
        assert_eq!(alarm.allowed(&[300; 20]), Some(3_000));
        // One large run among many does not make large runs usual.
        let mut volumes = vec![300; 49];
        Alarm::note(&mut volumes, 1_000_000);
        assert_eq!(alarm.allowed(&volumes), Some(3_000));
        (0..60).for_each(|_| Alarm::note(&mut volumes, 7));
        assert_eq!((volumes.len(), alarm.allowed(&volumes)), (50, Some(1_000)));
    }
}

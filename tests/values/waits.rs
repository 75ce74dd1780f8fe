//! How long is waited after what was refused or failed.

use std::time::Duration;

use ld_dynamodb_relay::writer::{ReadPace, after_failures};
use proptest::prelude::*;

use crate::given::{SECOND, close, jitter};

/// The first wait and the longest one.
const PACE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(30));

/// A wait that doubles, shortened by chance.
pub(crate) fn doubled(first: Duration, longest: Duration, times: u32, jitter: f64) -> Duration {
    let mut wait = first;
    for _ in 1..times {
        wait = longest.min(wait * 2);
    }
    wait.mul_f64(1.0 - jitter / 2.0)
}

/// The wait after so many failures in a row.
pub(crate) fn wait_after(failures: u32, needs_operator: bool, jitter: f64) -> Duration {
    let (first, longest) = if needs_operator { (5, 60) } else { (1, 30) };
    doubled(first * SECOND, longest * SECOND, failures, jitter)
}

/// How many seconds a page waits for the one before, as a plain number.
#[derive(Default)]
pub(crate) struct Gap(f64);

impl Gap {
    pub(crate) fn refused(&mut self, jitter: f64) -> Duration {
        self.0 = (self.0 * 2.0).clamp(0.1, 30.0);
        Duration::from_secs_f64(self.0 * (1.0 - jitter / 2.0))
    }

    pub(crate) fn accepted(&mut self) -> Duration {
        self.0 *= 0.75;
        if self.0 < 0.05 {
            self.0 = 0.0;
        }
        Duration::from_secs_f64(self.0)
    }
}

proptest! {
    #[test]
    fn failures_wait_longer_and_longer_within_bounds(
        failures in prop_oneof![0..12_u32, any::<u32>()],
        needs_operator in any::<bool>(),
        jitter in jitter(),
    ) {
        let wait = after_failures(failures, needs_operator, jitter);
        let counted = failures.clamp(1, 50);
        prop_assert!(close(wait, wait_after(counted, needs_operator, jitter)), "{wait:?}");
        let longest = if needs_operator { 60 * SECOND } else { 30 * SECOND };
        prop_assert!(wait <= longest && wait >= SECOND / 2);
        // A random number that is none does not leave the bounds.
        let odd = after_failures(failures, needs_operator, jitter * 4.0 - 2.0);
        prop_assert!(odd <= longest && odd >= SECOND / 2);
    }

    #[test]
    fn pages_wait_longer_when_refused_and_shorter_when_given(
        answers in prop::collection::vec((any::<bool>(), jitter()), 0..80),
    ) {
        let (mut pace, mut gap) = (ReadPace::default(), Gap::default());
        for (given, jitter) in answers {
            let (found, expected) = if given {
                (pace.accepted(), gap.accepted())
            } else {
                let wait = pace.refused(jitter);
                prop_assert!(wait >= PACE.0 / 2 && wait <= PACE.1);
                (wait, gap.refused(jitter))
            };
            prop_assert!(close(found, expected), "{found:?}, {expected:?}");
        }
    }
}

#[test]
fn a_refused_page_waits_up_to_half_a_minute_and_the_wait_shrinks_to_nothing() {
    let mut pace = ReadPace::default();
    assert_eq!(pace.accepted(), Duration::ZERO);
    for times in 1..20 {
        assert_eq!(pace.refused(0.0), doubled(PACE.0, PACE.1, times, 0.0));
    }
    let mut before = PACE.1;
    let mut pages = 0;
    while !before.is_zero() {
        let wait = pace.accepted();
        assert!(wait < before);
        assert!(wait.is_zero() || wait >= PACE.0 / 2);
        (before, pages) = (wait, pages + 1);
    }
    assert!((20..30).contains(&pages), "{pages} pages");
    assert_eq!(pace.refused(1.0), PACE.0 / 2);
}

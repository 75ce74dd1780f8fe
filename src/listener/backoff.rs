//! How long to wait before the next attempt. Pure: the jitter is passed in.

use std::time::Duration;

use crate::launchdarkly::Transport;
use crate::model::{doubled, shortened};

/// The listening half's two curves, by LaunchDarkly's RETRY rules: seconds for what passes, minutes for what lasts. Once
/// something lasting was seen, only healthy operation leads back.
#[derive(Clone, Debug)]
pub struct Backoff {
    base: Duration,
    failures: u32,
    lasting_failures: u32,
}

/// The first delay of the short curve.
const BASE: Duration = Duration::from_secs(1);
/// The last delay of the short curve.
const MAX: Duration = Duration::from_secs(30);
/// What a server may ask for at least.
const MIN_BASE: Duration = Duration::from_millis(100);
/// The first delay of the long curve.
const LASTING_BASE: Duration = Duration::from_mins(5);
/// The last delay of the long curve.
const LASTING_MAX: Duration = Duration::from_hours(1);

impl Default for Backoff {
    fn default() -> Self {
        Self {
            base: BASE,
            failures: 0,
            lasting_failures: 0,
        }
    }
}

impl Backoff {
    /// The delay after one more failure. `jitter` from 0 to 1 takes away up to half.
    pub fn failed(&mut self, lasting: bool, jitter: f64) -> Duration {
        let whole = if lasting || self.lasting_failures > 0 {
            self.lasting_failures = self.lasting_failures.saturating_add(1);
            doubled(LASTING_BASE, self.lasting_failures, LASTING_MAX)
        } else {
            self.failures = self.failures.saturating_add(1);
            doubled(self.base, self.failures, MAX)
        };
        shortened(whole, jitter)
    }

    /// The server wants the short curve to begin here.
    pub fn server_wants(&mut self, base: Duration) {
        self.base = base.clamp(MIN_BASE, MAX);
    }

    /// Whether something was seen that lasts.
    pub const fn is_lasting(&self) -> bool {
        self.lasting_failures > 0
    }

    /// A connection was healthy.
    pub fn healthy(&mut self) {
        (self.failures, self.lasting_failures) = (0, 0);
    }
}

/// Reopening is limited: at most three at once, and then one each 30 s, or a poll each 5 s.
#[derive(Clone, Debug)]
pub(super) struct Allowance {
    /// Time until one more is allowed. Nobody may cut waits short more often than this.
    pub(super) each: Duration,
    left: u32,
    counted: tokio::time::Instant,
}

/// Reopenings at once.
const AT_ONCE: u32 = 3;
/// Time until one more is allowed.
const EACH: Duration = Duration::from_secs(30);
/// The same for a poll, which costs less than a stream.
pub(super) const EACH_POLL: Duration = Duration::from_secs(5);

impl Allowance {
    /// With all of it left.
    pub(super) fn new(transport: Transport, now: tokio::time::Instant) -> Self {
        Self {
            each: match transport {
                Transport::Stream => EACH,
                Transport::Poll(_) => EACH_POLL,
            },
            left: AT_ONCE,
            counted: now,
        }
    }

    /// Takes one, or says when there will be one.
    pub(super) fn take(&mut self, now: tokio::time::Instant) -> Result<(), tokio::time::Instant> {
        while self.left < AT_ONCE && self.counted + self.each <= now {
            self.left += 1;
            self.counted += self.each;
        }
        if self.left == AT_ONCE {
            self.counted = now;
        }
        if self.left == 0 {
            return Err(self.free_at());
        }
        self.left -= 1;
        Ok(())
    }

    /// Since when there is one, or when there will be one.
    pub(super) fn free_at(&self) -> tokio::time::Instant {
        if self.left == 0 {
            self.counted + self.each
        } else {
            self.counted
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::time::Instant;

    use super::*;

    /// The whole delay of the `attempt`th failure in a row, before jitter.
    fn curve(base: Duration, attempt: usize, max: Duration) -> Duration {
        (1..attempt).fold(base, |delay, _| (delay * 2).min(max))
    }

    proptest! {
        #[test]
        fn a_failure_waits_twice_as_long_as_the_one_before(
            jitters in prop::collection::vec(0.0..=1.0, 1..40),
            lasting in any::<bool>(),
        ) {
            let (base, max) = if lasting { (LASTING_BASE, LASTING_MAX) } else { (BASE, MAX) };
            let mut backoff = Backoff::default();
            for (before, jitter) in jitters.into_iter().enumerate() {
                let delay = backoff.failed(lasting, jitter);
                let whole = curve(base, before + 1, max);
                prop_assert!((whole / 2..=whole).contains(&delay), "{delay:?} of {whole:?}");
                prop_assert_eq!(delay, whole.mul_f64(1.0 - jitter / 2.0));
            }
        }

        #[test]
        fn what_lasts_goes_on_until_a_connection_was_healthy(
            before in prop::collection::vec(Just(false), 0..10),
            after in prop::collection::vec(any::<bool>(), 0..10),
        ) {
            let mut backoff = Backoff::default();
            for lasting in before {
                prop_assert!(backoff.failed(lasting, 0.0) <= MAX);
            }
            prop_assert_eq!(backoff.failed(true, 0.0), LASTING_BASE);
            for (number, lasting) in after.into_iter().enumerate() {
                let whole = curve(LASTING_BASE, number + 2, LASTING_MAX);
                prop_assert_eq!(backoff.failed(lasting, 0.0), whole);
            }
            backoff.healthy();
            prop_assert_eq!(backoff.failed(false, 0.0), BASE);
        }

        #[test]
        fn a_server_moves_where_the_short_curve_begins(wanted in 0..100_000_u64, attempts in 1..20_usize) {
            let mut backoff = Backoff::default();
            backoff.server_wants(Duration::from_millis(wanted));
            let base = Duration::from_millis(wanted.clamp(100, 30_000));
            for attempt in 1..=attempts {
                prop_assert_eq!(backoff.failed(false, 0.0), curve(base, attempt, MAX));
            }
            prop_assert_eq!(backoff.failed(true, 0.0), LASTING_BASE);
        }

        /// Whenever it is asked for: never more than three, and one more for each 30 s, in any stretch of time.
        #[test]
        fn reopening_is_allowed_three_times_at_once_and_then_each_30_seconds(
            waits in prop::collection::vec(prop_oneof![0..2_000_u64, 0..90_000_u64], 1..60),
        ) {
            let start = Instant::now();
            let mut allowance = Allowance::new(Transport::Stream, start);
            let (mut now, mut taken) = (start, Vec::new());
            for wait in waits {
                now += Duration::from_millis(wait);
                let is_free = allowance.free_at() <= now;
                prop_assert_eq!(allowance.clone().take(now).is_ok(), is_free);
                match allowance.take(now) {
                    Ok(()) => taken.push(now),
                    Err(at) => {
                        prop_assert_eq!(allowance.free_at(), at);
                        prop_assert!(now < at && at <= now + EACH);
                        let mut later = allowance.clone();
                        prop_assert!(later.take(at - Duration::from_millis(1)).is_err());
                        prop_assert!(allowance.clone().take(at).is_ok(), "as it said");
                    }
                }
            }
            for (index, first) in taken.iter().enumerate() {
                for (more, last) in taken[index..].iter().enumerate() {
                    let allowed = 3.0 + (*last - *first).as_secs_f64() / 30.0;
                    prop_assert!((f64::from(u32::try_from(more).unwrap()) + 1.0) <= allowed);
                }
            }
        }
    }

    #[test]
    fn three_at_once_are_allowed_after_a_quiet_time_and_no_more() {
        let start = Instant::now();
        let mut allowance = Allowance::new(Transport::Stream, start);
        let later = start + Duration::from_hours(5);
        for now in [start, later] {
            assert!((0..3).all(|_| allowance.take(now).is_ok()));
            assert_eq!(allowance.take(now), Err(now + EACH));
        }
    }
}

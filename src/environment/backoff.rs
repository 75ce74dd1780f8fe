//! How long to wait before the next attempt. Pure: the jitter is passed in.

use std::time::Duration;

/// The listening half's two curves, by LaunchDarkly's RETRY rules: seconds for what passes, minutes for what lasts. Once
/// something lasting was seen, only healthy operation leads back.
#[derive(Clone, Debug)]
pub(super) struct Backoff {
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
/// A connection that was good for so long since its first event ends both curves.
pub(super) const HEALTHY_AFTER: Duration = Duration::from_mins(1);

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
    pub(super) fn failed(&mut self, lasting: bool, jitter: f64) -> Duration {
        let whole = if lasting || self.lasting_failures > 0 {
            self.lasting_failures = self.lasting_failures.saturating_add(1);
            doubled(LASTING_BASE, self.lasting_failures, LASTING_MAX)
        } else {
            self.failures = self.failures.saturating_add(1);
            doubled(self.base, self.failures, MAX)
        };
        whole.mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 2.0)
    }

    /// The server wants the short curve to begin here.
    pub(super) fn server_wants(&mut self, base: Duration) {
        self.base = base.clamp(MIN_BASE, MAX);
    }

    /// A connection was healthy.
    pub(super) fn healthy(&mut self) {
        (self.failures, self.lasting_failures) = (0, 0);
    }
}

/// A pass that failed is tried again after a second, doubling to 30 s; what only an operator can mend after 5 s, doubling to 60 s.
#[derive(Clone, Debug, Default)]
pub(super) struct PassBackoff {
    failures: u32,
}

impl PassBackoff {
    /// The delay after a pass in which something failed. `progress` means that something else was applied.
    pub(super) fn failed(&mut self, needs_operator: bool, progress: bool) -> Duration {
        self.failures = if progress {
            1
        } else {
            self.failures.saturating_add(1)
        };
        if needs_operator {
            doubled(
                Duration::from_secs(5),
                self.failures,
                Duration::from_mins(1),
            )
        } else {
            doubled(
                Duration::from_secs(1),
                self.failures,
                Duration::from_secs(30),
            )
        }
    }

    /// A pass went well.
    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
    }
}

fn doubled(base: Duration, attempt: u32, max: Duration) -> Duration {
    base.saturating_mul(1 << attempt.saturating_sub(1).min(20))
        .min(max)
}

/// Reopening is limited: at most three at once, and then one each 30 s.
#[derive(Clone, Debug)]
pub(super) struct Allowance {
    left: u32,
    counted: tokio::time::Instant,
}

/// Reopenings at once.
const AT_ONCE: u32 = 3;
/// Time until one more is allowed.
const EACH: Duration = Duration::from_secs(30);

impl Allowance {
    pub(super) fn new(now: tokio::time::Instant) -> Self {
        Self {
            left: AT_ONCE,
            counted: now,
        }
    }

    /// Takes one, or says when there will be one.
    pub(super) fn take(&mut self, now: tokio::time::Instant) -> Result<(), tokio::time::Instant> {
        while self.left < AT_ONCE && self.counted + EACH <= now {
            self.left += 1;
            self.counted += EACH;
        }
        if self.left == AT_ONCE {
            self.counted = now;
        }
        if self.left == 0 {
            return Err(self.counted + EACH);
        }
        self.left -= 1;
        Ok(())
    }
}

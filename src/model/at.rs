//! When a step of one of the two halves is made, and how long is waited after it.

use std::time::Duration;

use tokio::time::Instant;

/// When a step is made. `jitter` is a random number from 0 to 1.
#[derive(Clone, Copy, Debug)]
pub struct At {
    /// The time.
    pub now: Instant,
    /// Takes from waits, so that many environments do not come in step.
    pub jitter: f64,
}

/// The wait after so many failures in a row: `first`, doubling to `longest`.
pub fn doubled(first: Duration, failures: u32, longest: Duration) -> Duration {
    let doublings = failures.saturating_sub(1).min(20);
    first.saturating_mul(1 << doublings).min(longest)
}

/// A wait of which `jitter` from 0 to 1 takes away up to half.
pub fn shortened(wait: Duration, jitter: f64) -> Duration {
    wait.mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 2.0)
}

//! When a step of one of the two halves is made.

use tokio::time::Instant;

/// When a step is made. `jitter` is a random number from 0 to 1.
#[derive(Clone, Copy, Debug)]
pub struct At {
    /// The time.
    pub now: Instant,
    /// Takes from waits, so that many environments do not come in step.
    pub jitter: f64,
}

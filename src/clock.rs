//! The one place that reads the wall clock.

use std::time::SystemTime;

use tokio::time::Instant;

/// A moment: monotonic for rules, wall clock for people.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// For differences.
    pub monotonic: Instant,
    /// For display.
    pub wall: SystemTime,
}

/// This moment, by both clocks. Rules use the monotonic one; the wall clock is only shown.
#[expect(
    clippy::disallowed_methods,
    reason = "everybody else is passed the time"
)]
pub fn now() -> Moment {
    Moment {
        monotonic: Instant::now(),
        wall: SystemTime::now(),
    }
}

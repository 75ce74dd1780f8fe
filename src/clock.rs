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

impl Moment {
    /// By the wall clock, in milliseconds since 1970; 0 for what was before.
    pub fn milliseconds(&self) -> u64 {
        since_epoch(self.wall)
    }
}

/// Milliseconds since 1970; 0 for what was before.
pub fn since_epoch(at: SystemTime) -> u64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).ok();
    let since = since.and_then(|since| u64::try_from(since.as_millis()).ok());
    since.unwrap_or_default()
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

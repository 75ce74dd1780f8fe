//! The one place that reads the wall clock.

use std::time::SystemTime;

use tokio::time::Instant;

use crate::status::Moment;

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

//! The time of a step, and how the time of the next one is awaited.

use tokio::time::{Instant, sleep_until};

use crate::model::At;

/// A step that is made now.
pub(super) fn now() -> At {
    At {
        now: Instant::now(),
        jitter: rand::random(),
    }
}

/// Completes at that time; never where there is none.
pub(super) async fn reached(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

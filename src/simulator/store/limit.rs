//! DynamoDB's limit for one partition: so many units a second, the rest is refused.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use super::request::Partition;

/// Units that a partition has left. Holds one second's worth; a request passes while anything is left and may overdraw,
/// as AWS has it. Pure: the time is passed in.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    rate: f64,
    level: f64,
    at: Instant,
}

impl Bucket {
    /// A full bucket that gets `units_per_second`.
    pub const fn full(units_per_second: f64, now: Instant) -> Self {
        Self {
            rate: units_per_second,
            level: units_per_second,
            at: now,
        }
    }

    /// Whether a request may pass at `now`.
    pub fn admits(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.level = (self.level + passed * self.rate).min(self.rate);
        self.at = now;
        self.level > 0.0
    }

    /// Takes what a request that passed has cost.
    pub fn take(&mut self, units: f64) {
        self.level -= units;
    }
}

/// What a request uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Use {
    Read,
    Write,
}

#[derive(Default)]
pub(super) struct Limits(Mutex<LimitState>);

#[derive(Default)]
struct LimitState {
    write: Option<f64>,
    read: Option<f64>,
    buckets: HashMap<(Partition, Use), Bucket>,
}

impl Limits {
    pub(super) fn set(&self, of: Use, units_per_second: Option<f64>) {
        self.with(|state| {
            match of {
                Use::Write => state.write = units_per_second,
                Use::Read => state.read = units_per_second,
            }
            state.buckets.retain(|(_, kept), _| *kept != of);
        });
    }

    pub(super) fn admits(&self, partition: &Partition, of: Use, now: Instant) -> bool {
        self.with(|state| {
            let rate = match of {
                Use::Write => state.write,
                Use::Read => state.read,
            };
            rate.is_none_or(|rate| {
                state
                    .buckets
                    .entry((partition.clone(), of))
                    .or_insert_with(|| Bucket::full(rate, now))
                    .admits(now)
            })
        })
    }

    pub(super) fn take(&self, partition: &Partition, of: Use, units: f64) {
        self.with(|state| {
            if let Some(bucket) = state.buckets.get_mut(&(partition.clone(), of)) {
                bucket.take(units);
            }
        });
    }

    fn with<T>(&self, change: impl FnOnce(&mut LimitState) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_bucket_holds_a_second_and_may_be_overdrawn_once() {
        let start = Instant::now();
        let at = |seconds: f64| start + Duration::from_secs_f64(seconds);
        let mut bucket = Bucket::full(100.0, start);
        assert!(bucket.admits(at(0.0)));
        bucket.take(99.0);
        assert!(bucket.admits(at(0.0)));
        bucket.take(51.0);
        assert!(!bucket.admits(at(0.49)), "it owes fifty");
        assert!(bucket.admits(at(0.51)));
        bucket.take(1.0);
        assert!(bucket.admits(at(60.0)));
        bucket.take(100.0);
        assert!(!bucket.admits(at(60.0)), "no credit beyond a second");
    }
}

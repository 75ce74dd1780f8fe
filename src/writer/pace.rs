//! How fast one partition is written to: as fast as DynamoDB lets us, found out by being refused. Pure.
//!
//! Unpaced until the first refusal. Then a rate in write units a second that doubles in a second while all is accepted and
//! halves when something sent since the last cut is refused.

use std::time::Duration;

use tokio::time::Instant;

/// DynamoDB's published limit of a partition, in write units a second: where the search begins.
const PUBLISHED_LIMIT: f64 = 1_000.0;
/// `ln 2`: growth for each accepted unit that doubles the rate in a second at any rate.
const GROWTH: f64 = 0.69;
/// A burst after so long finds its own rate: old ones mislead.
const FORGET_AFTER: Duration = Duration::from_secs(10);
/// The shortest pause after a refusal.
const PAUSE: Duration = Duration::from_millis(50);
/// The longest that one write makes the next one wait, also at a low rate.
const LONGEST_GAP: Duration = Duration::from_mins(1);

/// The pace of one partition.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace {
    /// Write units a second; none while no limit is known.
    rate: Option<f64>,
    next: Option<Instant>,
    sent: Option<Instant>,
    cut: Option<Instant>,
    /// Something sent after the last cut was accepted. Without it, an outage would grind the rate down.
    heard: bool,
}

impl Pace {
    /// When the next write may be sent; now, where that is past.
    pub(super) fn next(&self, now: Instant) -> Instant {
        self.next.map_or(now, |next| next.max(now))
    }

    /// The rate in write units a second; none while no limit is known.
    pub(super) const fn rate(&self) -> Option<f64> {
        self.rate
    }

    /// A write of so many units goes out.
    pub(super) fn send(&mut self, now: Instant, units: f64) {
        // To wait for the partition is not to be idle.
        let busy_until = self.sent.max(self.next);
        if busy_until.is_some_and(|until| until + FORGET_AFTER < now) {
            self.rate = None;
        }
        self.sent = Some(now);
        if let Some(rate) = self.rate {
            self.next = Some(self.next(now) + gap(units, rate));
        }
    }

    /// A write sent then was accepted.
    pub(super) fn accepted(&mut self, sent: Instant, units: f64) {
        if let Some(rate) = &mut self.rate {
            *rate += GROWTH * units;
        }
        self.heard |= self.cut.is_none_or(|cut| sent > cut);
    }

    /// A write sent then was refused.
    pub(super) fn refused(&mut self, now: Instant, sent: Instant, units: f64) {
        if self.cut.is_some_and(|cut| sent <= cut) {
            return; // The overload that was answered by the cut.
        }
        let rate = match self.rate {
            None => PUBLISHED_LIMIT,
            Some(rate) if self.heard => (rate / 2.0).max(1.0),
            Some(rate) => rate,
        };
        self.rate = Some(rate);
        self.cut = Some(now);
        self.heard = false;
        self.next = Some(self.next(now).max(now + PAUSE.max(gap(units, rate))));
    }
}

fn gap(units: f64, rate: f64) -> Duration {
    Duration::from_secs_f64(units / rate.max(1.0)).min(LONGEST_GAP)
}

#[cfg(all(test, feature = "demo"))]
mod tests;

//! What an environment did lately, for people: its last changes, how long writes took to arrive, what they cost. Bounded,
//! however much is written.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::clock::Moment;
use crate::model::{ItemKey, MAX_KEY_BYTES};
use crate::writer::RowChange;

/// Changes that are remembered.
const CHANGES: usize = 20;
/// Writes whose propagation is remembered.
const WRITES: usize = 500;
/// Write units are kept by the minute, for so many of them.
const MINUTES: u64 = 60;
/// Propagation is told of what was written since then.
const HOUR: Duration = Duration::from_hours(1);

/// One row that was written.
#[derive(Clone, Debug)]
pub struct Written {
    /// Whose.
    pub key: ItemKey,
    /// What was done.
    pub done: RowChange,
    /// The version that stood there, where there was one.
    pub from: Option<u64>,
    /// The version that stands there now.
    pub to: Option<u64>,
    /// When it was acknowledged.
    pub at: Moment,
    /// How long it took since its event's last byte was received; none where no event announced it.
    pub propagation: Option<Duration>,
    /// Whether the row had changed without us.
    pub repair: bool,
}

/// How long the last writes took since LaunchDarkly announced them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Propagation {
    /// How many writes this is about.
    pub writes: usize,
    /// Half of them took no longer.
    pub p50: Duration,
    /// Of a hundred, ninety-nine took no longer.
    pub p99: Duration,
}

/// What was done lately.
#[derive(Clone, Debug, Default)]
pub struct Recent {
    changes: VecDeque<Written>,
    /// Each with when the write was acknowledged.
    propagation: VecDeque<(Instant, Duration)>,
    /// Units by minute since `counted_from`, the latest last.
    units: VecDeque<(u64, f64)>,
    counted_from: Option<Instant>,
    repaired: u64,
}

impl Recent {
    /// A row was written.
    pub fn wrote(&mut self, written: Written) {
        self.repaired += u64::from(written.repair);
        if let Some(took) = written.propagation {
            let answered = written.at.monotonic;
            push(&mut self.propagation, (answered, took), WRITES);
        }
        if written.key.key.len() <= MAX_KEY_BYTES {
            push(&mut self.changes, written, CHANGES);
        }
    }

    /// DynamoDB's answer to a write says that it cost so many units.
    pub fn spent(&mut self, units: f64, now: Instant) {
        let minute = self.minute(now);
        match self.units.back_mut() {
            // Answers do not come in order.
            Some((last, sum)) if *last >= minute => *sum += units,
            _ => self.units.push_back((minute, units)),
        }
        self.units.retain(|(at, _)| at + MINUTES > minute);
    }

    fn minute(&mut self, now: Instant) -> u64 {
        let from = *self.counted_from.get_or_insert(now);
        now.saturating_duration_since(from).as_secs() / 60
    }

    /// The last changes, the latest first.
    pub fn changes(&self) -> impl ExactSizeIterator<Item = &Written> {
        self.changes.iter().rev()
    }

    /// How long the last writes of the last hour took; none where there are none. A first write is not told for longer.
    pub fn propagation(&self, now: Instant) -> Option<Propagation> {
        let is_late = |at: Instant| now.saturating_duration_since(at) < HOUR;
        let lately = self.propagation.iter().filter(|(at, _)| is_late(*at));
        let mut took: Vec<_> = lately.map(|(_, took)| *took).collect();
        took.sort_unstable();
        // The smallest that so many are not above.
        let rank = |percent: usize| took.get((took.len() * percent).div_ceil(100).checked_sub(1)?);
        Some(Propagation {
            writes: took.len(),
            p50: *rank(50)?,
            p99: *rank(99)?,
        })
    }

    /// Write units of the last hour, to the minute.
    pub fn write_units(&self, now: Instant) -> f64 {
        let Some(from) = self.counted_from else {
            return 0.0;
        };
        let minute = now.saturating_duration_since(from).as_secs() / 60;
        let lately = self.units.iter().filter(|(at, _)| at + MINUTES > minute);
        lately.map(|(_, units)| units).sum()
    }

    /// Rows that had changed without us and were written again, since the start.
    pub const fn repaired(&self) -> u64 {
        self.repaired
    }
}

fn push<T>(queue: &mut VecDeque<T>, new: T, most: usize) {
    if queue.len() == most {
        queue.pop_front();
    }
    queue.push_back(new);
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    fn written(number: u64) -> Written {
        Written {
            key: ItemKey::flag(format!("flag-{number}")),
            done: RowChange::Stored,
            from: None,
            to: Some(number),
            at: Moment {
                monotonic: Instant::now(),
                wall: SystemTime::UNIX_EPOCH,
            },
            propagation: Some(Duration::from_millis(number)),
            repair: number.is_multiple_of(2),
        }
    }

    #[test]
    fn the_last_changes_are_kept_and_no_more() {
        let mut recent = Recent::default();
        assert_eq!(recent.changes().len(), 0);
        for number in 1..=30 {
            recent.wrote(written(number));
        }
        let versions: Vec<_> = recent.changes().map(|it| it.to.unwrap()).collect();
        assert_eq!(versions, (11..=30).rev().collect::<Vec<_>>());
        assert_eq!(recent.repaired(), 15);
        let long = ItemKey::flag("x".repeat(MAX_KEY_BYTES + 1));
        recent.wrote(Written {
            key: long,
            ..written(31)
        });
        assert_eq!(recent.changes().next().unwrap().to, Some(30));
    }

    #[test]
    fn propagation_is_of_the_last_writes_and_says_of_how_many() {
        let mut recent = Recent::default();
        assert_eq!(recent.propagation(Instant::now()), None);
        let check = |recent: &Recent, writes, p50, p99| {
            let expect = Propagation {
                writes,
                p50: Duration::from_millis(p50),
                p99: Duration::from_millis(p99),
            };
            assert_eq!(recent.propagation(Instant::now()), Some(expect));
        };
        recent.wrote(written(7));
        check(&recent, 1, 7, 7);
        recent.wrote(written(9));
        check(&recent, 2, 7, 9);
        for number in 1..=100 {
            recent.wrote(written(number));
        }
        for number in 1..=500 {
            recent.wrote(written(number));
        }
        check(&recent, 500, 250, 495);
        let unannounced = Written {
            propagation: None,
            ..written(1)
        };
        recent.wrote(unannounced);
        check(&recent, 500, 250, 495);
        assert_eq!(recent.propagation(Instant::now() + HOUR), None);
    }

    #[test]
    fn write_units_are_those_of_the_last_hour() {
        let mut recent = Recent::default();
        let start = Instant::now();
        let at = |minutes: u64| start + Duration::from_mins(minutes);
        let check = |recent: &Recent, minutes, expect: f64| {
            let units = recent.write_units(at(minutes));
            assert!((units - expect).abs() < 0.001, "{minutes}: {units}");
        };
        check(&recent, 0, 0.0);
        for minute in 0..200 {
            recent.spent(2.0, at(minute));
            recent.spent(0.5, at(minute));
        }
        assert_eq!(recent.units.len(), 60, "it does not grow");
        check(&recent, 199, 150.0);
        check(&recent, 229, 75.0);
        check(&recent, 258, 2.5);
        check(&recent, 259, 0.0);
        recent.spent(1.0, at(100));
        check(&recent, 199, 151.0);
    }
}

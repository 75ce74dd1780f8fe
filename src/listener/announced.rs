//! How long changes took from the date of the webhook that announced them to the acknowledgement of their write. Pure.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::recent::RecentItems;
use crate::model::ItemKey;

/// What is written later than this after its webhook came is not what that announced.
const PATIENCE: Duration = Duration::from_mins(5);
/// More than this are not awaited; the oldest are given up first.
const MOST: usize = 1_000;

/// See the module.
#[derive(Debug, Default)]
pub struct Announced {
    stored: RecentItems,
    /// In the order in which they came.
    expected: VecDeque<Expected>,
}

#[derive(Debug)]
struct Expected {
    key: ItemKey,
    happened: Instant,
    came: Instant,
}

impl Announced {
    /// A webhook that came now says that this item changed then. How long it took, if it is stored already.
    pub fn announce(&mut self, key: &ItemKey, happened: Instant, now: Instant) -> Option<Duration> {
        if let Some(stored) = self.stored.since(key, happened) {
            return Some(stored.saturating_duration_since(happened));
        }
        if self.expected.len() >= MOST {
            self.expected.pop_front();
        }
        self.expected.push_back(Expected {
            key: key.clone(),
            happened,
            came: now,
        });
        None
    }

    /// The write of this item was acknowledged: how long it took since each webhook that announced it.
    pub fn stored(&mut self, key: &ItemKey, answered: Instant) -> Vec<Duration> {
        self.stored.note(key, answered);
        let mut took = Vec::new();
        self.expected.retain(|expected| {
            let in_time = expected.came + PATIENCE >= answered;
            if in_time && expected.key == *key {
                took.push(answered.saturating_duration_since(expected.happened));
                return false;
            }
            in_time
        });
        took
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn key() -> ItemKey {
        ItemKey::flag("flag")
    }

    #[test]
    fn what_is_stored_later_took_from_the_date_and_is_told_once() {
        let (mut announced, start) = (Announced::default(), Instant::now());
        assert_eq!(announced.announce(&key(), start, start + seconds(1)), None);
        let other = ItemKey::segment("flag");
        assert!(announced.stored(&other, start + seconds(2)).is_empty());
        assert_eq!(announced.stored(&key(), start + seconds(3)), [seconds(3)]);
        assert!(announced.stored(&key(), start + seconds(4)).is_empty());
    }

    #[test]
    fn what_was_stored_before_the_webhook_came_is_told_at_once() {
        let (mut announced, start) = (Announced::default(), Instant::now());
        let at = |s| start + seconds(s);
        announced.stored(&key(), at(10));
        assert_eq!(announced.announce(&key(), at(8), at(20)), Some(seconds(2)));
        // Its clock is ahead of ours.
        assert_eq!(announced.announce(&key(), at(12), at(20)), Some(seconds(0)));
        // That was another change.
        assert_eq!(announced.announce(&key(), at(16), at(20)), None);
        assert_eq!(announced.stored(&key(), at(21)), [seconds(5)]);
    }

    #[test]
    fn each_webhook_is_awaited_for_5_minutes_and_not_too_many() {
        let (mut announced, start) = (Announced::default(), Instant::now());
        announced.announce(&key(), start, start);
        announced.announce(&key(), start, start + seconds(1));
        let late = start + PATIENCE + seconds(1);
        assert_eq!(announced.stored(&key(), late), [PATIENCE + seconds(1)]);
        for number in 0..2 * MOST {
            let key = ItemKey::flag(format!("other-{number}"));
            announced.announce(&key, late, late);
            assert!(announced.expected.len() <= MOST);
        }
        let last = ItemKey::flag(format!("other-{}", 2 * MOST - 1));
        assert_eq!(announced.stored(&last, late), [seconds(0)]);
    }
}

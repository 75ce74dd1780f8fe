//! What happened to which item within the last minutes. Pure.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::model::ItemKey;

/// How far LaunchDarkly's clock, by which webhooks are dated, may be ahead of ours.
pub(super) const SKEW: Duration = Duration::from_secs(5);
/// As old as a webhook may be, and the skew. Where older ones are let in, they find nothing here and cost a reopening.
const KEPT: Duration = Duration::from_secs(5 * 60 + 5);
/// Everything is forgotten rather than more than this kept: that costs a reopening, or a sample.
const MOST: usize = 2_000;
/// How often what is too old is let go.
const PRUNED_EACH: Duration = Duration::from_secs(30);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct RecentItems {
    when: HashMap<ItemKey, Instant>,
    pruned: Option<Instant>,
}

impl RecentItems {
    /// It happened to this item.
    pub(super) fn note(&mut self, key: &ItemKey, now: Instant) {
        if let Some(when) = self.when.get_mut(key) {
            *when = now;
            return;
        }
        if self.pruned.is_none_or(|last| last + PRUNED_EACH <= now) {
            self.when.retain(|_, when| *when + KEPT > now);
            self.when.shrink_to_fit();
            self.pruned = Some(now);
        }
        if self.when.len() >= MOST {
            self.when = HashMap::new();
        }
        self.when.insert(key.clone(), now);
    }

    /// When it last happened to this item, if that may be on account of what `happened` then.
    pub(super) fn since(&self, key: &ItemKey, happened: Instant) -> Option<Instant> {
        let when = self.when.get(key).copied();
        when.filter(|when| *when + SKEW >= happened)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flag(number: usize) -> ItemKey {
        ItemKey::flag(format!("flag-{number}"))
    }

    #[test]
    fn what_happened_is_known_from_5_seconds_before_the_date() {
        let (mut recent, start) = (RecentItems::default(), Instant::now());
        recent.note(&flag(0), start);
        for (seconds, known) in [(0, true), (5, true), (6, false)] {
            let happened = start + Duration::from_secs(seconds);
            assert_eq!(recent.since(&flag(0), happened).is_some(), known);
        }
        assert_eq!(recent.since(&flag(1), start), None);
        let later = start + Duration::from_secs(10);
        recent.note(&flag(0), later);
        assert_eq!(recent.since(&flag(0), start), Some(later));
    }

    #[test]
    fn the_old_is_let_go_and_there_is_never_more_than_so_much() {
        let (mut recent, start) = (RecentItems::default(), Instant::now());
        (0..100).for_each(|number| recent.note(&flag(number), start));
        recent.note(&flag(100), start + KEPT);
        assert_eq!(recent.when.len(), 1);
        for number in 0..3 * MOST {
            recent.note(&flag(number), start + KEPT);
            assert!(recent.when.len() <= MOST);
        }
        assert!(recent.since(&flag(3 * MOST - 1), start).is_some());
    }
}

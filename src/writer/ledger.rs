//! What the table holds, as far as is known, and who else changed it. Pure.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Bound;
use std::sync::Arc;

use tokio::time::Instant;

use super::contests::Contests;
use super::request::Page;
use crate::model::{
    Desired, Digest, DriftType, GUARD_TIME, ItemKey, Kind, Observed, Stamp, is_as_said,
};

/// Tombstones deleted at one verify, at most.
const EXPIRED_AT_ONCE: usize = 25;

/// See the module. Rows are changed through [`Ledger::remember`] and [`Ledger::compare`] alone.
#[derive(Debug, Default)]
pub struct Ledger {
    observed: Observed,
    /// Live rows, in the order of [`Kind::ALL`]: kept, because a change must not cost what the environment holds.
    live: [usize; 2],
    /// Since when each tombstone guards.
    guards: HashMap<ItemKey, Instant>,
    /// Rows that a write left in doubt: to be read before they are compared.
    doubtful: BTreeSet<ItemKey>,
    /// Rows that changed without us, until they are repaired or nothing is left to repair.
    drifted: HashMap<ItemKey, DriftType>,
    /// Drift that is left alone, with what was said when it was found: what is said later is written.
    left: HashMap<ItemKey, Option<Digest>>,
    /// A missing marker is left alone.
    pub left_marker: bool,
    contests: Contests,
}

impl Ledger {
    /// What the table holds.
    pub const fn observed(&self) -> &Observed {
        &self.observed
    }

    /// The same, where nothing else is of use any more.
    pub fn into_observed(self) -> Observed {
        self.observed
    }

    /// Live rows of a kind.
    pub const fn live(&self, kind: Kind) -> usize {
        self.live[kind.index()]
    }

    /// Whether the table holds a live row.
    pub fn holds_anything(&self) -> bool {
        self.live.iter().any(|count| *count > 0)
    }

    /// The marker was seen, written, or found missing.
    pub const fn mark(&mut self, initialized: bool) {
        self.observed.initialized = initialized;
    }

    /// This ID is stored beside the data.
    pub fn identify(&mut self, id: Option<Arc<str>>) {
        self.observed.environment_id = id;
    }

    /// A row holds this now.
    pub fn remember(&mut self, key: ItemKey, stamp: Option<Stamp>, now: Instant) {
        self.doubtful.remove(&key);
        if stamp.as_ref().is_some_and(|stamp| stamp.tombstone) {
            self.guards.entry(key.clone()).or_insert(now);
        } else {
            self.guards.remove(&key);
        }
        let is_live = |stamp: &Option<Stamp>| stamp.as_ref().is_some_and(|it| !it.tombstone);
        let index = key.kind.index();
        self.live[index] += usize::from(is_live(&stamp));
        let before = match stamp {
            Some(stamp) => self.observed.items.insert(key, stamp),
            None => self.observed.items.remove(&key),
        };
        self.live[index] -= usize::from(is_live(&before));
    }

    /// What this row holds is unknown.
    pub fn doubt(&mut self, key: ItemKey) {
        self.doubtful.insert(key);
    }

    /// Whether this row is in doubt.
    pub fn is_doubtful(&self, key: &ItemKey) -> bool {
        self.doubtful.contains(key)
    }

    /// The rows in doubt.
    pub const fn doubtful(&self) -> &BTreeSet<ItemKey> {
        &self.doubtful
    }

    /// Takes a page of the table and says which of its rows changed without us. A page speaks for every key between its
    /// ends, so what is remembered there and not on it is gone. It does not speak for `ours`: what we wrote while it was read.
    pub fn compare(
        &mut self,
        page: &Page,
        ours: &HashSet<ItemKey>,
        now: Instant,
    ) -> Vec<(ItemKey, DriftType)> {
        let speaks_for =
            |ledger: &Self, key: &ItemKey| !ours.contains(key) && !ledger.doubtful.contains(key);
        let seen: HashSet<&str> = page.rows.iter().map(|(key, _)| &**key).collect();
        let gone: Vec<_> = self
            .between(page)
            .filter(|(key, _)| !seen.contains(&*key.key) && speaks_for(self, key))
            .map(|(key, stamp)| (key.clone(), stamp.tombstone))
            .collect();
        let mut drift = Vec::new();
        for (key, was_tombstone) in gone {
            self.remember(key.clone(), None, now);
            // A tombstone is as good as absence.
            if !was_tombstone {
                drift.push((key, DriftType::Missing));
            }
        }
        for (key, stamp) in &page.rows {
            let key = ItemKey {
                kind: page.kind,
                key: Arc::clone(key),
            };
            let before = self.observed.items.get(&key);
            if before == Some(stamp) || !speaks_for(self, &key) {
                continue;
            }
            if let Some(found) = drift_type(before, stamp) {
                drift.push((key.clone(), found));
            }
            self.remember(key, Some(stamp.clone()), now);
        }
        drift
    }

    /// The remembered rows for which a page speaks.
    fn between(&self, page: &Page) -> impl Iterator<Item = (&ItemKey, &Stamp)> {
        let at = |key: &Arc<str>| ItemKey {
            kind: page.kind,
            key: Arc::clone(key),
        };
        let from = match &page.after {
            Some(after) => Bound::Excluded(at(after)),
            None => Bound::Included(at(&"".into())),
        };
        let rest = self.observed.items.range((from, Bound::Unbounded));
        let last = page.last.as_ref().map(at);
        rest.take_while(move |(key, _)| {
            key.kind == page.kind && last.as_ref().is_none_or(|last| *key <= last)
        })
    }

    /// Takes note of drift: it is repaired, or left alone while LaunchDarkly says what it says now.
    pub fn drift(&mut self, key: ItemKey, found: DriftType, repair: bool, said: Option<&Desired>) {
        if repair {
            self.drifted.insert(key, found);
        } else {
            let said = said.and_then(|it| it.items.get(&key)).map(|it| it.digest);
            self.left.insert(key, said);
        }
    }

    /// How this row drifted, if it waits to be repaired.
    pub fn drifted(&self, key: &ItemKey) -> Option<DriftType> {
        self.drifted.get(key).copied()
    }

    /// Whether a repair is under way.
    pub fn is_repairing(&self) -> bool {
        !self.drifted.is_empty()
    }

    /// Drift that is left alone.
    pub const fn left(&self) -> &HashMap<ItemKey, Option<Digest>> {
        &self.left
    }

    /// These rows are what is wanted, without a write: LaunchDarkly says by now what somebody else stored.
    pub fn mended(&mut self, is_mended: impl Fn(&ItemKey) -> bool) {
        self.drifted.retain(|key, _| !is_mended(key));
    }

    /// Something new was said of this item: what was left alone is written.
    pub fn pick_up(&mut self, key: &ItemKey) {
        self.left.remove(key);
    }

    /// The row is what is wanted: how it had drifted, where this repaired it.
    pub fn finish(&mut self, key: &ItemKey) -> Option<DriftType> {
        self.left.remove(key);
        self.drifted.remove(key)
    }

    /// The whole table was read and `drift` was found. `waits` says which items differ still and are held or pending.
    /// Returns the tombstones that have guarded long enough: nobody speaks of them any more.
    pub fn verified(
        &mut self,
        drift: &[(ItemKey, DriftType)],
        waits: impl Fn(&ItemKey) -> bool,
        said: Option<&Desired>,
        now: Instant,
    ) -> Vec<ItemKey> {
        // What waits no longer was repaired, or is now what is said.
        self.drifted.retain(|key, _| waits(key));
        self.contests
            .verified(drift.iter().map(|(key, _)| key), waits);
        let observed = &self.observed.items;
        let wanted = |key: &ItemKey| {
            let item = said.and_then(|said| said.items.get(key));
            item.filter(|item| !item.is_tombstone())
        };
        // What somebody else put right is no difference any more.
        self.left
            .retain(|key, _| !is_as_said(wanted(key), observed.get(key)));
        let spoken_of = |key: &ItemKey| said.is_none_or(|said| said.items.contains_key(key));
        let expired = self.guards.iter().filter(|(key, since)| {
            **since + GUARD_TIME <= now && !spoken_of(key) && !self.doubtful.contains(*key)
        });
        expired
            .map(|(key, _)| key.clone())
            .take(EXPIRED_AT_ONCE)
            .collect()
    }

    /// The items that somebody else keeps writing.
    pub fn contested(&self) -> BTreeSet<ItemKey> {
        self.contests.contested()
    }
}

fn drift_type(before: Option<&Stamp>, now: &Stamp) -> Option<DriftType> {
    let Some(before) = before else {
        return (!is_as_said(None, Some(now))).then(|| DriftType::of_unsaid(now));
    };
    Some(match (before.number(), now.number()) {
        (Some(before), Some(now)) if now < before => DriftType::Older,
        (Some(before), Some(now)) if now > before => DriftType::Newer,
        _ => DriftType::Altered,
    })
}

//! What is to be compared and written, and since when. Pure.

use std::collections::{HashMap, HashSet};

use tokio::time::Instant;

use crate::model::{Generation, ItemKey};

/// Why an item is to be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// LaunchDarkly announced it singly. It goes first, and how long it takes is measured from when its last byte came.
    Announced(Instant),
    /// A full set of a running term says something newer of it. The last byte came then.
    Said(Instant),
    /// Its row is not what we thought, or something was left undone: nobody waits for it since a known time.
    Found,
    /// Its tombstone has guarded long enough.
    Expired,
}

/// One item that is to be compared.
#[derive(Clone, Copy, Debug)]
pub struct AgendaEntry {
    /// Why.
    pub why: Why,
    /// What was said up to before this is not kept back by it.
    pub since: Generation,
    /// What was last said of it.
    pub latest: Generation,
}

/// A full set that is to be compared as a whole.
#[derive(Clone, Copy, Debug)]
pub struct FullSet {
    /// When its last byte came, where what it says counts as an announcement.
    pub received: Option<Instant>,
    /// Its generation.
    pub since: Generation,
}

/// See the module: one map, so what is announced twice is written once, and it is bounded by the environment.
#[derive(Debug, Default)]
pub struct Agenda {
    items: HashMap<ItemKey, AgendaEntry>,
    everything: Option<FullSet>,
    /// The marker is to be written, once everything else is done.
    pub marker: bool,
    /// Something came that the pass under way does not know.
    pub fresh: bool,
}

impl Agenda {
    /// An item is to be compared.
    pub fn add(&mut self, key: ItemKey, entry: AgendaEntry) {
        self.fresh = true;
        self.keep(key, entry);
    }

    /// The same for an item of which the pass under way takes care.
    pub fn keep(&mut self, key: ItemKey, entry: AgendaEntry) {
        self.items
            .entry(key)
            .and_modify(|before| {
                before.since = before.since.min(entry.since);
                before.latest = before.latest.max(entry.latest);
                // An announcement is measured from its own last byte; nothing else takes its place.
                let announced = |why| matches!(why, Why::Announced(_));
                if announced(entry.why) || !announced(before.why) {
                    before.why = entry.why;
                }
            })
            .or_insert(entry);
    }

    /// Whether this item is to be compared.
    pub fn contains(&self, key: &ItemKey) -> bool {
        self.items.contains_key(key)
    }

    /// Everything is to be compared.
    pub fn add_everything(&mut self, received: Option<Instant>, generation: Generation) {
        self.fresh = true;
        let everything = match self.everything {
            // What the one before brought is not told apart from what this one brings.
            Some(before) => FullSet {
                received: before.received.and(received),
                since: before.since,
            },
            None => FullSet {
                received,
                since: generation,
            },
        };
        self.everything = Some(everything);
    }

    /// Whether everything is to be compared.
    pub const fn everything(&self) -> Option<FullSet> {
        self.everything
    }

    /// The items.
    pub const fn items(&self) -> &HashMap<ItemKey, AgendaEntry> {
        &self.items
    }

    /// Whether nothing is to be compared.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty() && self.everything.is_none() && !self.marker
    }

    /// Whether no item is to be compared or written.
    pub fn is_done(&self) -> bool {
        self.items.is_empty() && self.everything.is_none()
    }

    /// Items whose entry satisfies this.
    pub fn keys_where(&self, holds: impl Fn(Why) -> bool) -> HashSet<ItemKey> {
        let found = self.items.iter().filter(|(_, entry)| holds(entry.why));
        found.map(|(key, _)| key.clone()).collect()
    }

    /// A plan was made: only what it writes is left to do. What a full set changed is measured from when that came.
    pub fn planned<'a>(
        &mut self,
        writes: impl Iterator<Item = &'a ItemKey>,
        marks: bool,
        taken: Generation,
    ) {
        let everything = self.everything.take();
        let mut before = std::mem::take(&mut self.items);
        for key in writes {
            let mut entry = before.remove(key).unwrap_or_else(|| AgendaEntry {
                why: everything
                    .and_then(|it| it.received)
                    .map_or(Why::Found, Why::Said),
                since: taken,
                latest: taken,
            });
            if let Some(everything) = everything {
                // The full set may have changed this item too, before or after the patch that put it here.
                entry.since = entry.since.min(everything.since);
                entry.latest = taken;
            }
            self.items.insert(key.clone(), entry);
        }
        (self.marker, self.fresh) = (marks, false);
    }

    /// The row is what was wanted when `written` was the latest generation. What was said since then stays.
    pub fn finish(&mut self, key: &ItemKey, written: Generation) {
        let Some(entry) = self.items.get_mut(key) else {
            return;
        };
        if entry.latest <= written {
            self.items.remove(key);
        } else {
            entry.since = entry.since.min(written.next());
        }
    }

    /// Nothing may be compared with what was said.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Up to which generation nothing is left to do, where `taken` is the last one that is known here.
    pub fn done_up_to(&self, taken: Generation) -> Generation {
        let items = self.items.values().map(|entry| entry.since);
        let everything = self.everything.map(|it| it.since);
        let first = items.chain(everything).min();
        first.map_or(taken, |first| first.before().min(taken))
    }
}

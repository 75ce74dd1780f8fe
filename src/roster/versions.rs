//! The order of versions: for each ID the highest one that was heard, and whether it lives.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// How many deletions are remembered between two `put`s; the oldest are forgotten first.
pub const MAX_TOMBSTONES: usize = 10_000;

/// The highest version of each ID.
#[derive(Default)]
pub(super) struct Versions {
    live: HashMap<Arc<str>, u64>,
    tombstones: HashMap<Arc<str>, Burial>,
    /// The same by their age.
    oldest: BTreeMap<u64, Arc<str>>,
    burials: u64,
}

struct Burial {
    version: u64,
    age: u64,
}

/// How a description stands to what was heard before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Precedence {
    /// It is news.
    Newer,
    /// It is what we have.
    Current,
    /// It came late.
    Late,
}

impl Versions {
    /// Whether a description of this version is news. Remembers nothing.
    pub(super) fn judge(&self, id: &str, version: u64) -> Precedence {
        if let Some(live) = self.live.get(id) {
            return match version.cmp(live) {
                std::cmp::Ordering::Greater => Precedence::Newer,
                std::cmp::Ordering::Equal => Precedence::Current,
                std::cmp::Ordering::Less => Precedence::Late,
            };
        }
        match self.tombstones.get(id) {
            Some(tombstone) if version <= tombstone.version => Precedence::Late,
            _ => Precedence::Newer,
        }
    }

    /// It lives at this version.
    pub(super) fn live(&mut self, id: &Arc<str>, version: u64) {
        self.unbury(id);
        self.live.insert(Arc::clone(id), version);
    }

    /// It was deleted at this version. True if that is news of one that lived.
    pub(super) fn delete(&mut self, id: &Arc<str>, version: u64) -> bool {
        if let Some(live) = self.live.get(id) {
            if version <= *live {
                return false;
            }
            self.live.remove(id);
            self.bury(id, version);
            return true;
        }
        let known = self.tombstones.get(id);
        if known.is_none_or(|it| version > it.version) {
            self.bury(id, version);
        }
        false
    }

    /// As if it had never been heard of.
    pub(super) fn forget(&mut self, id: &str) {
        self.live.remove(id);
        self.unbury(id);
    }

    /// Keeps the tombstones of these alone.
    pub(super) fn keep_tombstones(&mut self, is_listed: impl Fn(&str) -> bool) {
        self.tombstones.retain(|id, _| is_listed(id));
        self.oldest.retain(|_, id| is_listed(id));
    }

    fn bury(&mut self, id: &Arc<str>, version: u64) {
        self.unbury(id);
        let age = self.burials;
        self.burials += 1;
        let burial = Burial { version, age };
        self.tombstones.insert(Arc::clone(id), burial);
        self.oldest.insert(age, Arc::clone(id));
        if self.tombstones.len() > MAX_TOMBSTONES
            && let Some((_, oldest)) = self.oldest.pop_first()
        {
            self.tombstones.remove(&oldest);
        }
    }

    fn unbury(&mut self, id: &str) {
        if let Some(burial) = self.tombstones.remove(id) {
            self.oldest.remove(&burial.age);
        }
    }
}

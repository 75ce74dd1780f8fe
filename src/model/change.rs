//! What a source says, and how it changes what is desired.

use std::collections::HashMap;

use tokio::time::Instant;

use super::item::{Item, ItemKey, Kind};

/// Every item of an environment.
pub type DataSet = HashMap<ItemKey, Item>;

/// What LaunchDarkly says.
#[derive(Clone, Debug)]
pub struct Desired {
    /// Every item that was said, tombstones included.
    pub items: DataSet,
    /// When everything was last asked for.
    pub asked: Instant,
    /// Items that a full set left out, with the version that they had and when: a guard against late patches.
    absent: HashMap<ItemKey, (u64, Instant)>,
}

/// What a change of one item did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It is what is desired now.
    Yes,
    /// It says what was said before.
    Same,
    /// It is older than what was said, or other content under the same version: somebody is wrong, so ask again.
    Older,
}

impl Desired {
    /// From the first full set, asked for at `asked`.
    pub fn new(items: DataSet, asked: Instant) -> Self {
        Self {
            items,
            asked,
            absent: HashMap::new(),
        }
    }

    /// Takes a full set that was asked for at `asked`. What it leaves out keeps its last version as a guard until
    /// `guarded_until` has passed.
    pub fn replace(&mut self, items: DataSet, asked: Instant, guarded_until: Instant) {
        let old = std::mem::replace(&mut self.items, items);
        self.absent
            .retain(|key, (_, until)| *until > asked && !self.items.contains_key(key));
        for (key, item) in old {
            if let Some(version) = item.version()
                && !self.items.contains_key(&key)
            {
                self.absent.insert(key, (version, guarded_until));
            }
        }
        self.asked = asked;
    }

    /// The items that a full set says otherwise.
    pub fn differing<'a>(&'a self, items: &'a DataSet) -> impl Iterator<Item = &'a ItemKey> {
        let new = items.iter().filter(|(key, item)| {
            self.items
                .get(*key)
                .is_none_or(|said| said.digest != item.digest)
        });
        let gone = self.items.keys().filter(|key| !items.contains_key(*key));
        new.map(|(key, _)| key).chain(gone)
    }

    /// Takes one item by protocol 1's rule.
    pub fn apply_newer(&mut self, key: ItemKey, item: Item) -> Applied {
        if let Some(said) = self.items.get(&key) {
            if said.digest == item.digest && said.content == item.content {
                return Applied::Same;
            }
            if item.version() <= said.version() && said.version().is_some() {
                return Applied::Older;
            }
        } else if let Some((version, _)) = self.absent.get(&key) {
            if item.version() <= Some(*version) {
                return Applied::Older;
            }
            self.absent.remove(&key);
        }
        self.items.insert(key, item);
        Applied::Yes
    }

    /// Live items of a kind, for the status.
    pub fn count(&self, kind: Kind) -> usize {
        self.items
            .iter()
            .filter(|(key, item)| key.kind == kind && !item.is_tombstone())
            .count()
    }
}

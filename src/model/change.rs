//! What a source says, and how it changes what is desired.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokio::time::Instant;

use super::item::{Item, ItemKey};

/// How long a full set's omission guards against late patches; as long as a tombstone guards in the table.
pub const GUARD_TIME: Duration = Duration::from_mins(15);

/// The number of a change of what is desired. What must not run ahead of the table is tied to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(u64);

impl Generation {
    /// The next one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The one before.
    #[must_use]
    pub const fn before(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// As a number.
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// What was touched since a reader last took it.
#[derive(Debug, Default)]
pub struct Touched {
    /// A full set came.
    pub full: Option<TouchedFull>,
    /// Single items, with when the last byte of their event came.
    pub items: HashMap<ItemKey, Instant>,
    /// The first change since then.
    pub since: Generation,
    /// The last change.
    pub latest: Generation,
}

/// A full set that came.
#[derive(Clone, Copy, Debug)]
pub struct TouchedFull {
    /// When its last byte did.
    pub received: Instant,
    /// Nothing had been said before in this term.
    pub is_first: bool,
}

impl Touched {
    /// Whether nothing was touched.
    pub fn is_empty(&self) -> bool {
        self.full.is_none() && self.items.is_empty()
    }
}

/// What a full set says otherwise than was said before it.
#[derive(Debug)]
pub struct Changed {
    /// How many items, in the order of [`Kind::ALL`](super::Kind::ALL).
    pub counts: [usize; 2],
    /// Which; empty for the first set of a term, where it is all of them.
    pub items: HashSet<ItemKey>,
    /// The number of this change.
    pub generation: Generation,
}

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
}

//! What to write: the difference of what LaunchDarkly says and what the table holds.
//!
//! Forward at once, backward only when said again. A new item and a newer version are written as soon as they are said.
//! Everything else (a removal, a lower version, other content under one version) waits as a [`Hold`] until a full set
//! that was asked for after the hold began says so too. A full set that would remove most of what is live waits longer.

mod brake;
pub mod identity;
mod order;

use std::collections::{HashMap, HashSet};

use tokio::time::Instant;

pub use brake::BRAKE_TIME;

use crate::model::{
    Content, Desired, Digest, Item, ItemFault, ItemKey, MAX_ROW_BYTES, Observed, Stamp,
};

/// One step. Each is conditional on what was observed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Store the item where the row is as it was seen, or where there is none.
    Put(ItemKey, Item, Option<Stamp>),
    /// Delete the row if it is as it was seen.
    Remove(ItemKey, Stamp),
    /// Say that everything has been written once.
    MarkInitialized,
}

impl Write {
    /// The item that it is about; none for the marker.
    pub const fn key(&self) -> Option<&ItemKey> {
        match self {
            Self::Put(key, ..) | Self::Remove(key, _) => Some(key),
            Self::MarkInitialized => None,
        }
    }

    /// What the row was seen to hold: the write is conditional on that.
    pub const fn seen(&self) -> Option<&Stamp> {
        match self {
            Self::Put(_, _, seen) => seen.as_ref(),
            Self::Remove(_, seen) => Some(seen),
            Self::MarkInitialized => None,
        }
    }

    /// The digest of the row that it leaves, where it leaves one.
    pub const fn digest(&self) -> Option<Digest> {
        match self {
            Self::Put(_, item, _) => Some(item.digest),
            Self::Remove(..) | Self::MarkInitialized => None,
        }
    }
}

/// Why a difference is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It would go backward and has been said only once.
    Unconfirmed,
    /// It is one of too many removals.
    Brake,
    /// The row would have so many bytes, more than DynamoDB takes.
    TooLarge(usize),
    /// It cannot be stored as it is.
    Malformed(ItemFault),
    /// Its write failed time after time while the table took others.
    Failing,
}

/// A difference that is left, or one that was held and is being written now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Why.
    pub reason: Reason,
    /// Since when.
    pub since: Instant,
    /// Confirmed or released: its write is under way. It stays here until the write has been applied.
    pub going: bool,
    /// What was said: digest and version, or nothing for an item that is absent.
    said: Option<(Digest, Option<u64>)>,
    /// What was found in the table.
    found: Option<Digest>,
}

/// All holds, and what was decided about the removals of the last full set. Goes into the next plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holds {
    /// By item.
    pub items: HashMap<ItemKey, Hold>,
    /// The full set (by when it was asked for) whose removals were judged, and whether they were released.
    judged: Option<(Instant, bool)>,
}

impl Holds {
    /// How many removals the brake holds.
    pub fn braked(&self) -> usize {
        self.items
            .values()
            .filter(|hold| hold.reason == Reason::Brake && !hold.going)
            .count()
    }
}

/// What a plan compares.
#[derive(Clone, Copy, Debug)]
pub enum Scope<'a> {
    /// Everything: the table was read anew or a full set came.
    All,
    /// These, and what was held before.
    Keys(&'a HashSet<ItemKey>),
}

impl Scope<'_> {
    /// Whether this item is compared, where that was held before.
    pub fn compares(&self, key: &ItemKey, held: &Holds) -> bool {
        match self {
            Self::All => true,
            Self::Keys(keys) => keys.contains(key) || held.items.contains_key(key),
        }
    }
}

/// What a plan is told besides the two maps.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    /// The time of this plan.
    pub now: Instant,
    /// The length in bytes of the name of a data partition.
    pub namespace_bytes: usize,
    /// An operator confirmed the removal of so many items.
    pub confirmed_removals: Option<usize>,
    /// Items that changed last: they go first.
    pub urgent: &'a HashSet<ItemKey>,
    /// Drift that is reported and not repaired, while what is said is what was said when it was found.
    pub leave: &'a HashMap<ItemKey, Option<Digest>>,
    /// A missing marker is drift that is not repaired.
    pub leave_marker: bool,
    /// Tombstones that have guarded long enough.
    pub expired: &'a HashSet<ItemKey>,
    /// Items whose writes fail: no stage waits for them.
    pub aside: &'a HashMap<ItemKey, Aside>,
}

/// An item that is set aside because its write failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aside {
    /// Why: [`Reason::Failing`], or malformed where DynamoDB refused it.
    pub reason: Reason,
    /// Its write is due for another attempt.
    pub retry: bool,
}

/// What to do, and what is left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Stages in order; the writes of one may go at once, the next begins when all of them were applied.
    pub stages: Vec<Vec<Write>>,
    /// Writes that failed before and are due for another attempt: sent after the others, and no stage waits for them.
    pub retries: Vec<Write>,
    /// For the next plan.
    pub held: Holds,
}

impl Plan {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.stages.is_empty() && self.retries.is_empty()
    }
}

/// Compares what is said with what is stored.
pub fn plan(
    desired: &Desired,
    observed: &Observed,
    held: &Holds,
    scope: Scope<'_>,
    policy: &Policy<'_>,
) -> Plan {
    let mut draft = PlanDraft {
        desired,
        observed,
        held,
        policy,
        writes: Vec::new(),
        removals: Vec::new(),
        retries: Vec::new(),
        failing: false,
        next: HashMap::new(),
    };
    match scope {
        Scope::All => {
            for key in desired.items.keys() {
                draft.compare(key);
            }
            observed
                .items
                .keys()
                .filter(|key| !desired.items.contains_key(*key))
                .for_each(|key| draft.compare(key));
        }
        Scope::Keys(keys) => {
            for key in keys {
                draft.compare(key);
            }
            held.items
                .keys()
                .filter(|key| !keys.contains(*key))
                .for_each(|key| draft.compare(key));
        }
    }
    let judged = draft.judge(scope);
    let mut stages = order::stages(draft.writes, policy.urgent);
    // A set that was never compared as a whole may hold what is neither stored nor held.
    let compared = judged.is_some_and(|(set, _)| set == desired.asked);
    if compared && !observed.initialized && !policy.leave_marker && !draft.failing {
        stages.push(vec![Write::MarkInitialized]);
    }
    Plan {
        stages,
        retries: draft.retries,
        held: Holds {
            items: draft.next,
            judged,
        },
    }
}

/// A plan in the making.
struct PlanDraft<'a> {
    desired: &'a Desired,
    observed: &'a Observed,
    held: &'a Holds,
    policy: &'a Policy<'a>,
    writes: Vec<Write>,
    /// Confirmed removals of live items, before the brake has been asked.
    removals: Vec<(ItemKey, Write)>,
    retries: Vec<Write>,
    /// An item is neither stored nor held for a reason of its own: the marker would vouch for too much.
    failing: bool,
    next: HashMap<ItemKey, Hold>,
}

impl PlanDraft<'_> {
    fn compare(&mut self, key: &ItemKey) {
        let said = self.desired.items.get(key);
        if self.policy.leave.get(key) == Some(&said.map(|item| item.digest)) {
            return;
        }
        match (said, self.observed.items.get(key)) {
            (None, None) => {}
            (None, Some(stored)) if stored.tombstone => {
                if self.policy.expired.contains(key) {
                    self.write(key, None, Write::Remove(key.clone(), stored.clone()));
                } else if stored.bare {
                    // Nothing is removed by it, and then every SDK can read it.
                    self.write(key, None, removal(key, stored));
                }
            }
            (None, Some(stored)) => {
                if self.confirm(key, None, stored) {
                    self.removals.push((key.clone(), removal(key, stored)));
                }
            }
            (Some(item), stored) => self.compare_item(key, item, stored),
        }
    }

    fn compare_item(&mut self, key: &ItemKey, item: &Item, stored: Option<&Stamp>) {
        if stored.is_some_and(|stored| stored.digest == item.digest) {
            return;
        }
        if let Some(reason) = self.fault(key, item) {
            self.hold(key, reason, Some((item.digest, item.version())));
            return;
        }
        let Some(stored) = stored else {
            let write = Write::Put(key.clone(), item.clone(), None);
            self.write(key, Some(item), write);
            return;
        };
        if stored.number().is_some() && item.version() > stored.number() {
            let write = Write::Put(key.clone(), item.clone(), Some(stored.clone()));
            self.write(key, Some(item), write);
        } else if item.is_tombstone() && stored.tombstone {
            // As good as what is said, whoever wrote it, if every SDK can read it.
            if stored.bare {
                self.write(key, Some(item), removal(key, stored));
            }
        } else if self.confirm(key, Some(item), stored) {
            let write = Write::Put(key.clone(), item.clone(), Some(stored.clone()));
            if item.is_tombstone() {
                self.removals.push((key.clone(), write));
            } else {
                self.write(key, Some(item), write);
            }
        }
    }

    /// Takes a write into the stages, unless its item is set aside.
    fn write(&mut self, key: &ItemKey, item: Option<&Item>, write: Write) {
        let Some(aside) = self.policy.aside.get(key) else {
            self.writes.push(write);
            return;
        };
        self.failing |= aside.reason == Reason::Failing;
        if aside.retry {
            self.retries.push(write);
        }
        // A confirmation outlives the attempts: what was said twice is not asked about again.
        if !self.next.contains_key(key) {
            let said = item.map(|item| (item.digest, item.version()));
            self.hold(key, aside.reason, said);
        }
    }

    fn fault(&self, key: &ItemKey, item: &Item) -> Option<Reason> {
        if let Content::Malformed(fault) = item.content {
            return Some(Reason::Malformed(fault));
        }
        let bytes = item.row_bytes(key, self.policy.namespace_bytes);
        (bytes > MAX_ROW_BYTES).then_some(Reason::TooLarge(bytes))
    }

    fn hold(&mut self, key: &ItemKey, reason: Reason, said: Option<(Digest, Option<u64>)>) {
        let since = match self.held.items.get(key) {
            Some(before) if before.reason == reason && before.said == said => before.since,
            _ => self.policy.now,
        };
        let hold = Hold {
            reason,
            since,
            going: false,
            said,
            found: None,
        };
        self.next.insert(key.clone(), hold);
    }

    /// Holds a difference that goes backward; true once a full set that was asked for since says so again. What is said
    /// may have moved forward meanwhile; what is stored must be what it was.
    fn confirm(&mut self, key: &ItemKey, item: Option<&Item>, stored: &Stamp) -> bool {
        let said = item.map(|item| (item.digest, item.version()));
        let found = Some(stored.digest);
        let before = self.held.items.get(key).filter(|before| {
            matches!(before.reason, Reason::Unconfirmed | Reason::Brake)
                && before.found == found
                && (before.said == said || moved_forward(before.said, said))
        });
        let (reason, since) = before.map_or((Reason::Unconfirmed, self.policy.now), |before| {
            (before.reason, before.since)
        });
        let confirmed = before.is_some_and(|before| {
            before.reason == Reason::Brake || before.since < self.desired.asked
        });
        self.next.insert(
            key.clone(),
            Hold {
                reason,
                since,
                going: confirmed,
                said,
                found,
            },
        );
        confirmed
    }
}

/// A removal leaves a tombstone at the stored version as a guard, or nothing where that version is no number.
fn removal(key: &ItemKey, stored: &Stamp) -> Write {
    match stored.number() {
        Some(version) => Write::Put(
            key.clone(),
            Item::tombstone(key, version),
            Some(stored.clone()),
        ),
        None => Write::Remove(key.clone(), stored.clone()),
    }
}

fn moved_forward(
    before: Option<(Digest, Option<u64>)>,
    now: Option<(Digest, Option<u64>)>,
) -> bool {
    matches!((before, now), (Some((_, before)), Some((_, now))) if now > before)
}

//! What the writing half tells: one reporter makes status, metrics and log of it. Never an item's contents.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::vocabulary::{HeldReason, Purpose, TablePhase};
use crate::model::{DriftType, Generation, ItemKey};
use crate::plan::identity::Mismatch;
use crate::table::{Op, Trouble, WriteOutcome};

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum WriteFact {
    /// The table was read for the first time.
    Read {
        /// Its rows.
        rows: usize,
        /// Whether the marker was there.
        initialized: bool,
        /// How long it took.
        took: Duration,
    },
    /// It was read again as a whole.
    Verified {
        /// How long it took.
        took: Duration,
    },
    /// DynamoDB says, or bills, that a request cost so many units.
    Spent(Op, Purpose, f64),
    /// A write was answered.
    WriteEnded(WriteOutcome, Duration),
    /// A request failed.
    Failed(Trouble),
    /// Something that failed is tried again after the wait.
    Waits {
        /// What failed.
        trouble: Trouble,
        /// The wait.
        wait: Duration,
        /// It is this item that fails, and the table works.
        own: bool,
    },
    /// A row is what was wanted.
    Stored(Stored),
    /// A row, or the marker where there is no key, changed without us.
    Drifted(Option<ItemKey>, DriftType),
    /// The marker was written.
    Marked,
    /// Whose data this is was stored beside it.
    Identified {
        /// LaunchDarkly's ID of the environment.
        id: Arc<str>,
        /// What stood there.
        before: Option<Arc<str>>,
    },
    /// What an operator confirmed was used up: what the brake held before and what it holds now.
    Confirmed {
        /// What was confirmed.
        removals: usize,
        /// Removals that the brake held before.
        before: usize,
        /// Removals that it holds now.
        now: usize,
    },
    /// The table was not initialised when this term began, and everything that was said is in it now.
    FirstWriteComplete {
        /// When the last byte of the first full set came.
        received: Option<Instant>,
    },
    /// Where the writing half stands.
    Stands(Box<Standing>),
}

/// A row that is what was wanted.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Whose.
    pub key: ItemKey,
    /// What was done to it.
    pub change: RowChange,
    /// The version that stood there, where there was one.
    pub from: Option<u64>,
    /// The version that stands there now.
    pub to: Option<u64>,
    /// How it had changed without us, where this repaired it.
    pub repaired: Option<DriftType>,
    /// How long it took since the last byte of what announced it, where this was a live change.
    pub propagation: Option<Duration>,
    /// When it was acknowledged.
    pub at: Instant,
    /// A live item now has a lower version than before.
    pub lowered: bool,
    /// It stood there already: by a write whose answer was lost, or by somebody else.
    pub already: bool,
    /// It is one of the many of a first write.
    pub of_first_write: bool,
}

/// Where the writing half stands.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The phase.
    pub phase: TablePhase,
    /// The trouble with the table, if there is any.
    pub trouble: Option<Trouble>,
    /// Why nothing may be written, while LaunchDarkly's data is another environment's.
    pub refused: Option<Mismatch>,
    /// Whether the marker is there.
    pub initialized: bool,
    /// Live rows, in the order of [`crate::model::Kind::ALL`].
    pub live: [usize; 2],
    /// The largest row that LaunchDarkly's items make, in bytes.
    pub largest: usize,
    /// Differences left to write.
    pub pending: usize,
    /// What is held, by key.
    pub held: BTreeMap<ItemKey, Held>,
    /// Removals that the brake holds.
    pub braked: usize,
    /// Items that somebody else keeps writing.
    pub contested: BTreeSet<ItemKey>,
    /// Whether repairs are left to do.
    pub repairing: bool,
    /// Up to which generation everything is stored or held by name.
    pub stored_up_to: Generation,
    /// Everything that was said is stored or held by name.
    pub settled: bool,
    /// Write units a second, by kind; none while no limit is known.
    pub rates: [Option<f64>; 2],
}

/// One item that is held.
#[derive(Clone, Debug)]
pub struct Held {
    /// Why.
    pub reason: HeldReason,
    /// A sentence: how large it is, what it lacks.
    pub detail: String,
    /// Since when.
    pub since: Instant,
}

/// What was done to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowChange {
    /// An item was stored.
    Stored,
    /// A tombstone was stored in its place.
    Deleted,
    /// The row was removed.
    Removed,
}

impl RowChange {
    /// As a word.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Deleted => "deleted",
            Self::Removed => "removed",
        }
    }
}

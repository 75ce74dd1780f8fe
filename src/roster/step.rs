//! What the roster says is to be done.

use std::sync::Arc;
use std::time::Duration;

use super::destination::Destination;
use super::entry::{EntryDifference, EnvironmentEntry};
use super::message::{IgnoredMessage, MalformedMessage};

/// What is to be done. The parts do not wait for each other.
#[derive(Clone, Debug, Default)]
pub struct RosterStep {
    /// What is to be done with environments: additions and updates first, removals after them, and then additions that
    /// waited for the destination of a removed one.
    pub changes: Vec<RosterChange>,
    /// What is to be done with the cache.
    pub cache: Vec<CacheOrder>,
    /// What is to be done with the connection.
    pub connection: Reconnection,
    /// What people should hear of.
    pub news: Vec<RosterNews>,
}

/// What is to be done with one environment.
#[derive(Clone, Debug)]
pub enum RosterChange {
    /// Serve it.
    Add {
        /// Its description. Its keys are usable.
        entry: Arc<EnvironmentEntry>,
        /// Where it goes, for as long as this process lives.
        destination: Destination,
    },
    /// It is described otherwise. It stays where it is.
    Update {
        /// The description that holds now. Its keys are usable.
        entry: Arc<EnvironmentEntry>,
        /// What differs; nothing, if it is something that we do not read.
        difference: EntryDifference,
    },
    /// Stop it. Its rows stay.
    Remove(Arc<str>),
}

/// What is to be done with the connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reconnection {
    /// Nothing.
    #[default]
    Stay,
    /// Close it and open another one now.
    AtOnce,
    /// Close it, and open another one after a wait.
    Close(WaitCurve),
    /// Open another one after a wait, to hear everything again; this one goes on until then.
    Repeat(WaitCurve),
    /// The same after this long.
    RepeatAfter(Duration),
}

/// By which curve to wait, jitter included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitCurve {
    /// Seconds.
    Normal,
    /// Minutes to an hour: the same will come again.
    Extended,
}

/// What is to be done with a row of the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CacheOrder {
    /// Write the row of this environment as [`Roster::entry`](super::Roster::entry) has it, unless it says so already.
    Put(Arc<str>),
    /// Remove the row of this environment.
    Delete(Arc<str>),
    /// Remove the rows of all environments that [`Roster::is_listed`](super::Roster::is_listed) does not know.
    DeleteUnlisted,
}

/// What people should hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RosterNews {
    /// Nothing was taken of an event.
    Ignored(IgnoredMessage),
    /// An event was dropped whole.
    Malformed(MalformedMessage),
    /// A description cannot be used.
    Refused(RefusedEnvironment),
    /// Names changed, but the environment stays where it is.
    NotMoved {
        /// Its ID.
        id: Arc<str>,
        /// Where it would go by its names.
        elsewhere: Destination,
    },
    /// The removal of so many environments is held, of so many that there were.
    Held {
        /// How many are held.
        removals: usize,
        /// How many there were.
        of: usize,
    },
}

/// An environment whose description cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedEnvironment {
    /// The ID under which it is listed.
    pub id: Arc<str>,
    /// Why: a sentence that follows the ID.
    pub reason: String,
    /// Whether an earlier description of it is served.
    pub serving: bool,
}

impl WaitCurve {
    /// What is bad once may be mended soon; twice in a row, the same will come again.
    pub(super) const fn of(again: bool) -> Self {
        if again { Self::Extended } else { Self::Normal }
    }
}

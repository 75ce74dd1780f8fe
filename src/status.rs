//! What is known of an environment, and what that means now.
//!
//! The two halves write facts into an [`EnvironmentStatus`]; who asks computes from them what holds now.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::clock::Moment;
use crate::model::{Generation, ItemKey, Kind};

mod confirmed;
mod health;
mod recent;
mod roster;
mod summary;
mod vocabulary;

pub use health::{Health, health};
pub use recent::{Propagation, Recent, Written};
pub use roster::{ArchiveFacts, RosterFacts, RosterStatus, TakenArchive};
pub use summary::Summary;
pub use vocabulary::SourcePhase;

// What facts are made of has the words of the half that it is of.
pub use crate::listener::ErrorKind;
pub use crate::writer::{Held, HeldReason, RowChange, TablePhase};

impl TablePhase {
    /// What this phase says about the table itself: it changes less often than the phase.
    pub const fn reach(self) -> Reach {
        match self {
            Self::Reading => Reach::Untried,
            Self::Settled | Self::Writing | Self::Throttled => Reach::Works,
            Self::Unreachable | Self::Misconfigured => Reach::Fails,
        }
    }
}

/// Whether the table answers as it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It has not been read yet.
    Untried,
    /// It can be read and written.
    Works,
    /// It cannot.
    Fails,
}

/// The last error and when.
#[derive(Clone, Debug)]
pub struct LastError {
    /// What it was.
    pub kind: ErrorKind,
    /// The HTTP status, for [`ErrorKind::Response`].
    pub status_code: Option<u16>,
    /// A sentence for people, without secrets.
    pub message: String,
    /// When.
    pub at: Moment,
}

/// What is known of one environment. Everything is a fact with its time; nothing here decides.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The listening half's phase and since when.
    pub source: (SourcePhase, Moment),
    /// Its last error.
    pub last_error: Option<LastError>,
    /// How long after an answer LaunchDarkly is asked again, where nobody holds a stream open.
    pub polled_each: Option<Duration>,
    /// When a byte last came from LaunchDarkly.
    pub heard: Option<Moment>,
    /// The last change that LaunchDarkly said, by its number, and when.
    pub said: (Generation, Moment),
    /// Since when LaunchDarkly is known to have what it has not said, while it is.
    pub owed: Option<Moment>,
    /// Up to which change everything is stored or held by name.
    pub stored_up_to: Generation,
    /// Whether that, and the marker, is all there is to store.
    pub complete: bool,
    /// Whether LaunchDarkly has said everything once.
    pub said_everything: bool,
    /// LaunchDarkly's environment ID, where it told.
    pub environment_id: Option<String>,
    /// The writing half's phase and since when.
    pub table: (TablePhase, Moment),
    /// What an operator has to do about the table, where something is to be done.
    pub table_advice: Option<String>,
    /// Whether the marker has been seen or written.
    pub initialized: bool,
    /// When everything said was last known to be stored or held by name.
    pub stored: Option<Moment>,
    /// Live items in the table, by kind.
    pub items: [(Kind, usize); 2],
    /// The largest row that LaunchDarkly's items make, in bytes.
    pub largest_item: usize,
    /// Differences left to write.
    pub pending: usize,
    /// What is held, by key.
    pub held: BTreeMap<ItemKey, Held>,
    /// Number of removals that the brake holds; 0 when it holds none.
    pub braked: usize,
    /// Items that three consecutive verifications found altered: another writer may own this prefix.
    pub contested: BTreeSet<ItemKey>,
    /// Rows written and rows removed since the start.
    pub written: u64,
    /// When the table was last read as a whole.
    pub verified: Option<Moment>,
    /// What was done lately.
    pub recent: Arc<Recent>,
    /// Kept by [`EnvironmentStatus::update`].
    confirmed: Option<Moment>,
    /// Since when the two halves are not both done, while they are not. Kept by [`EnvironmentStatus::update`]: the phases'
    /// own times start anew whenever one trouble follows another, and would hide that nothing was right in between.
    behind_since: Option<Moment>,
    /// Whether the table answers, and since when; kept likewise.
    reach: (Reach, Moment),
}

impl Facts {
    /// Whether the table answers, and since when.
    pub const fn reach(&self) -> (Reach, Moment) {
        self.reach
    }

    /// Both halves are done: everything was said, as far as is known, and it is stored or held by name.
    fn settled(&self) -> bool {
        let complete = match self.table.0 {
            TablePhase::Settled => true,
            // It is only read slowly.
            TablePhase::Throttled => self.complete,
            _ => false,
        };
        let said = self.source.0 == SourcePhase::Connected && self.owed.is_none();
        said && complete && self.stored_up_to >= self.said.0
    }

    /// It is known how this environment fares: both halves are done, or one is in trouble.
    pub fn is_tried(&self) -> bool {
        self.settled()
            || self.reach.0 == Reach::Fails
            || self.is_unheard()
            || self.source.0 == SourcePhase::Refused
    }

    /// LaunchDarkly cannot be reached, as far as is known: it was lost, or a first attempt failed.
    pub fn is_unheard(&self) -> bool {
        match self.source.0 {
            SourcePhase::Interrupted => true,
            SourcePhase::Connecting => self.last_error.is_some(),
            SourcePhase::Connected | SourcePhase::Refused => false,
        }
    }

    /// Bytes came, and up to this change everything in them was taken.
    pub fn hear(&mut self, generation: Generation, now: Moment) {
        self.heard = Some(now);
        if self.said.0 != generation {
            self.said = (generation, now);
        }
    }

    /// The last of the two halves' changes of phase, or of what was said or is known to be missing.
    fn changed(&self) -> Moment {
        let moments = [self.source.1, self.table.1, self.said.1];
        let last = moments.into_iter().chain(self.owed);
        let last = last.max_by_key(|it| it.monotonic);
        last.unwrap_or(self.said.1)
    }

    fn track(&mut self) {
        if self.settled() {
            self.behind_since = None;
            self.confirmed = self
                .heard
                .filter(|_| self.said_everything)
                .or(self.confirmed);
        } else if self.behind_since.is_none() {
            self.behind_since = Some(self.changed());
        }
        if self.reach.0 != self.table.0.reach() {
            self.reach = (self.table.0.reach(), self.table.1);
        }
    }
}

/// The cell in which an environment's facts are. Cheap to clone.
#[derive(Clone)]
pub struct EnvironmentStatus(Arc<watch::Sender<Facts>>);

impl EnvironmentStatus {
    /// Of an environment that has just been started.
    pub fn new(now: Moment) -> Self {
        Self(Arc::new(watch::Sender::new(Facts {
            source: (SourcePhase::Connecting, now),
            last_error: None,
            polled_each: None,
            heard: None,
            said: (Generation::default(), now),
            owed: None,
            stored_up_to: Generation::default(),
            complete: false,
            said_everything: false,
            environment_id: None,
            table: (TablePhase::Reading, now),
            table_advice: None,
            initialized: false,
            stored: None,
            items: [(Kind::Flag, 0), (Kind::Segment, 0)],
            largest_item: 0,
            pending: 0,
            held: BTreeMap::new(),
            braked: 0,
            contested: BTreeSet::new(),
            written: 0,
            verified: None,
            recent: Arc::default(),
            confirmed: None,
            behind_since: Some(now),
            reach: (Reach::Untried, now),
        })))
    }

    /// The same of one that is heard by polling.
    pub fn polled(each: Duration, now: Moment) -> Self {
        let status = Self::new(now);
        status.note(|facts| facts.polled_each = Some(each));
        status
    }

    /// Begins anew, after a panic: neither half is at work. What readers have is not touched by that.
    pub fn restart(&self, now: Moment) {
        self.update(|facts| {
            facts.source = (SourcePhase::Connecting, now);
            facts.table = (TablePhase::Reading, now);
            facts.said_everything = false;
            facts.said = (Generation::default(), now);
            facts.owed = None;
            facts.stored_up_to = Generation::default();
            facts.complete = false;
            // It is counted anew.
            facts.contested.clear();
        });
    }

    /// A copy of what is known.
    pub fn facts(&self) -> Facts {
        self.0.borrow().clone()
    }

    /// Changes what is known. `change` must be short: others wait.
    pub fn update(&self, change: impl FnOnce(&mut Facts)) {
        self.0.send_modify(|facts| {
            change(facts);
            facts.track();
        });
    }

    /// The same for what comes with every row and every byte: wakes nobody, so who waits sees it with the next
    /// [`update`](Self::update).
    pub fn note(&self, change: impl FnOnce(&mut Facts)) {
        self.0.send_if_modified(|facts| {
            change(facts);
            facts.track();
            false
        });
    }

    /// Waits until this holds of what is known.
    pub async fn wait_until(&self, holds: impl FnMut(&Facts) -> bool) {
        if self.0.subscribe().wait_for(holds).await.is_err() {
            // Only a sender that is gone ends the wait, and it is ours.
            std::future::pending::<()>().await;
        }
    }
}

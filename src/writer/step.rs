//! The writing half as a value: what it is told, what it asks of the table and what it tells come from here.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::agenda::{Agenda, AgendaEntry, Why};
use super::fact::WriteFact;
use super::guard::Guard;
use super::largest::Largest;
use super::ledger::Ledger;
use super::looks::{Looks, ReadPace};
use super::pace::Pace;
use super::pass::Pass;
use super::request::{Answered, TableRequest};
use super::setbacks::Setbacks;
use super::standing::LastStanding;
use crate::model::{At, Desired, Generation, ItemKey, ReopenCause, Touched};
use crate::plan::identity::Admission;
use crate::plan::{Holds, Write};
use crate::table::Trouble;

/// How the writing half goes about it.
#[derive(Clone, Debug)]
pub struct Manner {
    /// Requests that write or read a row, in flight at most.
    pub concurrency: usize,
    /// How often the whole prefix is read and compared.
    pub verify_interval: Duration,
    /// How often the marker is looked at.
    pub marker_check_interval: Duration,
    /// Whether drift is repaired, or only reported.
    pub repair: bool,
    /// The removals that an operator confirmed in advance.
    pub confirmed_removals: Option<usize>,
    /// The length of a data partition's name, in bytes.
    pub namespace_bytes: usize,
    /// LaunchDarkly's ID of the environment, where the settings name it.
    pub environment_id: Option<Arc<str>>,
}

/// What LaunchDarkly says, as it is at a step.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// Everything; none until a full set has come.
    pub desired: Option<&'a Desired>,
    /// LaunchDarkly's ID of the environment that the last full set is of.
    pub environment_id: Option<&'a str>,
    /// The number of the last change.
    pub generation: Generation,
    /// Everything is being asked for again already.
    pub asking: bool,
}

/// What the writing half is told.
#[derive(Debug)]
pub enum WriteEvent {
    /// LaunchDarkly said something.
    Touched(Touched),
    /// An operator wants everything said and read again.
    Sync,
    /// An operator confirms so many removals.
    Release(usize),
    /// A request was answered.
    Answered(Answered),
    /// No request is begun any more.
    Stop,
}

/// What there is to do.
#[derive(Debug, Default)]
pub struct Work {
    /// Requests to send now.
    pub requests: Vec<TableRequest>,
    /// Everything is to be asked for again.
    pub reopen: Option<ReopenCause>,
    /// When to look again, if nothing happens before.
    pub wake: Option<Instant>,
}

impl Work {
    pub(super) fn wake_at(&mut self, at: Option<Instant>) {
        self.wake = [self.wake, at].into_iter().flatten().min();
    }
}

/// A write that has no answer yet.
#[derive(Clone, Debug)]
pub(super) struct Flying {
    pub(super) why: Why,
    pub(super) latest: Generation,
    /// Writes that the table had taken when it was sent.
    pub(super) taken: u64,
    pub(super) units: f64,
}

/// See the module.
#[derive(Debug)]
pub struct Writer {
    pub(super) manner: Manner,
    /// What the table holds.
    pub(super) ledger: Ledger,
    /// What is to be compared.
    pub(super) agenda: Agenda,
    pub(super) holds: Holds,
    pub(super) looks: Looks,
    pub(super) guard: Guard,
    pub(super) setbacks: Setbacks,
    pub(super) paces: [Pace; 2],
    pub(super) pass: Option<Pass>,
    /// Writes in flight; none is the marker.
    pub(super) flight: HashMap<Option<ItemKey>, Flying>,
    pub(super) rows: Rows,
    pub(super) largest: Largest,
    pub(super) said: Heard,
    pub(super) told: LastStanding,
    pub(super) facts: Vec<WriteFact>,
}

/// Rows in doubt that are being read, and the wish to store whose data this is.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) reading: BTreeSet<ItemKey>,
    /// Writes whose answer was lost, by the row that they left in doubt.
    pub(super) lost: HashMap<ItemKey, (Write, Flying)>,
    pub(super) pace: ReadPace,
    /// None is read before then.
    pub(super) not_before: Option<Instant>,
    /// When one was last refused for now, and with what; none once no row is in doubt, or rows are read without a wait again.
    pub(super) refused: Option<(Instant, Trouble)>,
    /// Whose data this is, is being stored.
    pub(super) remembering: bool,
}

/// What was taken of what was said, and where that leads.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// The last change that is known here.
    pub(super) taken: Generation,
    /// Up to here everything is stored or held by name.
    pub(super) stored_up_to: Generation,
    /// When the last byte of the first full set came.
    pub(super) first_received: Option<Instant>,
    /// The table was not initialised when this term began, and is not complete yet.
    pub(super) first_write: bool,
    /// As above, and something besides the items that fail is still missing.
    pub(super) loading: bool,
    pub(super) stopping: bool,
}

impl Writer {
    /// Begins with reading the table.
    pub fn new(manner: Manner, now: Instant) -> Self {
        Self {
            looks: Looks::new(manner.verify_interval, manner.marker_check_interval, now),
            guard: Guard::new(manner.environment_id.clone(), manner.confirmed_removals),
            manner,
            ledger: Ledger::default(),
            agenda: Agenda::default(),
            holds: Holds::default(),
            setbacks: Setbacks::default(),
            paces: Default::default(),
            pass: None,
            flight: HashMap::new(),
            rows: Rows::default(),
            largest: Largest::default(),
            said: Heard::default(),
            told: LastStanding::default(),
            facts: Vec::new(),
        }
    }

    /// What the table is known to hold.
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What is held.
    pub const fn holds(&self) -> &Holds {
        &self.holds
    }

    /// What has failed.
    pub const fn setbacks(&self) -> &Setbacks {
        &self.setbacks
    }

    /// What is to be told of the steps since this was last asked.
    pub fn facts(&mut self) -> Vec<WriteFact> {
        std::mem::take(&mut self.facts)
    }

    /// Takes what happened.
    pub fn heed(&mut self, event: WriteEvent, view: View<'_>, at: At) {
        match event {
            WriteEvent::Touched(touched) => self.touched(touched),
            WriteEvent::Sync => self.looks.order(),
            WriteEvent::Release(removals) => {
                self.guard
                    .confirm(removals, view.desired.map(|desired| desired.asked));
                // The brake judges a set when all of it is compared.
                let received = self.agenda.everything().and_then(|it| it.received);
                self.agenda.add_everything(received, self.said.taken);
            }
            WriteEvent::Answered(answered) => self.answered(answered, view, at),
            WriteEvent::Stop => self.said.stopping = true,
        }
    }

    fn touched(&mut self, touched: Touched) {
        let (since, latest) = (touched.since, touched.latest);
        self.said.taken = latest;
        if let Some(full) = touched.full {
            // What a first set brings is no live change: nobody knows since when it is so.
            let received = Some(full.received).filter(|_| !full.is_first);
            self.said.first_received.get_or_insert(full.received);
            self.agenda.add_everything(received, since);
        }
        for (key, received) in touched.items {
            self.ledger.pick_up(&key);
            let why = Why::Announced(received);
            let entry = AgendaEntry { why, since, latest };
            self.agenda.add(key, entry);
        }
    }

    /// Decides what to do now.
    pub fn next(&mut self, view: View<'_>, at: At) -> Work {
        let mut work = Work::default();
        // Nothing that is decided below changes it.
        let refused = self.refused(view);
        if !self.said.stopping {
            self.look(at, &mut work);
            if self.looks.is_known() && self.is_admitted(view, at, &mut work) {
                self.resolve_doubts(at, &mut work);
                self.carry_on(view, at, &mut work);
            }
            if refused.is_none() {
                self.ask_again(view, at, &mut work);
            }
        }
        self.stand(view, refused);
        work
    }

    fn look(&mut self, at: At, work: &mut Work) {
        let identity = self.guard.reads_id();
        let flying = self.flight.keys().flatten();
        let ours = flying.chain(self.ledger.doubtful()).cloned();
        work.requests
            .extend(self.looks.next(identity, ours, at.now));
        work.wake_at(self.looks.due());
    }

    /// Whether what LaunchDarkly says may be written here. Whose data this is, is stored first.
    fn is_admitted(&mut self, view: View<'_>, at: At, work: &mut Work) -> bool {
        if view.desired.is_none() {
            // The first full set will have everything compared.
            self.not_judged();
            return false;
        }
        let remembered = self.ledger.observed().environment_id.clone();
        let id = match self.guard.admit(view.environment_id, remembered.as_deref()) {
            Admission::Fine => {
                if !self.agenda.marker {
                    // Somebody else wrote it, or it is not wanted any more.
                    self.setbacks.alone_is_over();
                }
                return true;
            }
            Admission::Remember(id) => Arc::from(id),
            Admission::Refused(_) => {
                self.setbacks.alone_is_over();
                self.refuse();
                return false;
            }
        };
        let anyway = self.manner.repair || !self.guard.knows();
        if self.rows.remembering || !(anyway || self.has_work(at.now)) {
            work.wake_at(self.setbacks.next_due(at.now));
            return false;
        }
        let due = self.setbacks.alone_at().filter(|due| *due > at.now);
        if due.is_some() {
            work.wake_at(due);
        } else {
            self.rows.remembering = true;
            let before = remembered;
            work.requests.push(TableRequest::Remember { id, before });
        }
        false
    }

    /// Nothing of this is written. Once it is admitted everything is compared.
    fn refuse(&mut self) {
        self.pass = None;
        self.agenda.clear();
        self.agenda
            .add_everything(None, self.said.stored_up_to.next());
        self.not_judged();
    }

    /// What an operator confirmed was confirmed of other data.
    fn not_judged(&mut self) {
        self.used_up(None);
    }

    /// What an operator confirmed is used up; the brake was judged with it where `held` says what is held now.
    pub(super) fn used_up(&mut self, held: Option<&Holds>) {
        let Some(removals) = self.guard.use_up() else {
            return;
        };
        let before = self.holds.braked();
        let now = held.map_or(before, Holds::braked);
        self.facts.push(WriteFact::Confirmed {
            removals,
            before,
            now,
        });
    }
}

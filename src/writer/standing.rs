//! Where the writing half stands: computed from what it remembers, and told when it may have changed.

use std::time::Duration;

use tokio::time::Instant;

use super::fact::{Held, Standing, WriteFact};
use super::step::{View, Work, Writer};
use super::vocabulary::{HeldReason, TablePhase};
use crate::model::{At, Generation, Kind, ReopenCause};
use crate::plan::identity::{Admission, Mismatch};
use crate::plan::{BRAKE_TIME, Hold, Reason};
use crate::table::Trouble;

/// A hold that has stood so long makes the listening half ask again.
const CONFIRM_AFTER: Duration = Duration::from_secs(5);

/// What was told last.
#[derive(Debug, Default)]
pub(super) struct LastStanding {
    /// More than what is here may have changed since then.
    pub(super) outdated: bool,
    phase: Option<TablePhase>,
    trouble: Option<Trouble>,
    settled: bool,
    stored_up_to: Generation,
}

impl Writer {
    /// Has everything asked for again once a hold has stood long enough.
    pub(super) fn ask_again(&self, view: View<'_>, at: At, work: &mut Work) {
        let Some(due) = self.confirm_at(view) else {
            return;
        };
        if due <= at.now {
            work.reopen = Some(ReopenCause::Held);
        } else {
            work.wake_at(Some(due));
        }
    }

    /// When the next hold wants to be confirmed; none while it is being asked for, or the answer would not count.
    fn confirm_at(&self, view: View<'_>) -> Option<Instant> {
        let asked = view.desired?.asked;
        if view.asking {
            return None;
        }
        let holds = self.holds.items.values().filter(|hold| !hold.going);
        holds
            .filter_map(|hold| match hold.reason {
                // What was said again since then only waits for its plan.
                Reason::Unconfirmed => {
                    Some(hold.since + CONFIRM_AFTER).filter(|_| hold.since >= asked)
                }
                Reason::Brake => Some(hold.since + BRAKE_TIME).filter(|due| asked < *due),
                Reason::TooLarge(_) | Reason::Malformed(_) | Reason::Failing => None,
            })
            .min()
    }

    /// Why nothing may be written, where what LaunchDarkly says is another environment's.
    pub(super) fn refused(&self, view: View<'_>) -> Option<Mismatch> {
        view.desired?;
        let remembered = self.ledger.observed().environment_id.as_deref();
        match self.guard.admit(view.environment_id, remembered) {
            Admission::Refused(mismatch) => Some(mismatch),
            Admission::Fine | Admission::Remember(_) => None,
        }
    }

    /// Whether everything that was said is stored or held by name, also what was not taken yet.
    fn is_settled(&self, view: View<'_>) -> bool {
        self.looks.is_known()
            && view.desired.is_some()
            && view.generation == self.said.taken
            && self.agenda.is_empty()
            && !self.is_open()
            && self.is_marked() | self.ledger.left_marker
    }

    /// Whether the marker is there, as far as is known.
    fn is_marked(&self) -> bool {
        self.ledger.observed().initialized && !self.looks.is_marker_gone()
    }

    /// Something may be neither stored nor held by name though nothing is left on the agenda.
    pub(super) fn is_open(&self) -> bool {
        // A write under way that nobody wants any more, or did not for a while, changes its row all the same.
        let forgotten = self.flight.iter().filter_map(|(key, flying)| {
            let entry = self.agenda.items().get(key.as_ref()?);
            let is_wanted = entry.is_some_and(|it| it.since <= flying.latest.next());
            key.as_ref().filter(|_| !is_wanted)
        });
        let mut unknown = self.ledger.doubtful().iter().chain(forgotten);
        self.setbacks.is_undecided()
            || self.setbacks.waited_for().next().is_some()
            || unknown.any(|key| self.setbacks.aside(key).is_none())
    }

    /// Tells where it stands, if that is another place than was told last.
    pub(super) fn stand(&mut self, view: View<'_>, refused: Option<Mismatch>) {
        let settled = refused.is_none() && self.is_settled(view);
        // Of a long list it is told when a pass ends: a change must not cost what is left to do.
        let is_short = self.told.outdated || self.agenda.items().len() <= self.manner.concurrency;
        if is_short && self.looks.is_known() && refused.is_none() && !self.is_open() {
            let done = self.agenda.done_up_to(self.said.taken);
            self.said.stored_up_to = self.said.stored_up_to.max(done);
        }
        if self.said.loading && view.desired.is_some() {
            self.said.loading = !self.looks.is_known() || !self.agenda.is_done() || self.is_open();
        }
        let mut trouble = self.setbacks.trouble().or(self.looks.trouble());
        if let Some((_, refused)) = &self.rows.refused
            && trouble.is_none_or(|trouble| !trouble.needs_operator())
        {
            // What failed waits for the row that says what became of it.
            trouble = Some(refused);
        }
        let phase = match trouble {
            _ if refused.is_some() => TablePhase::Misconfigured,
            Some(Trouble::Throttled(_)) => TablePhase::Throttled,
            Some(Trouble::Invalid(_)) => TablePhase::Misconfigured,
            Some(trouble) if trouble.needs_operator() => TablePhase::Misconfigured,
            Some(_) => TablePhase::Unreachable,
            None if !self.looks.is_known() => TablePhase::Reading,
            None if settled => TablePhase::Settled,
            None => TablePhase::Writing,
        };
        let told = &self.told;
        if !told.outdated
            && told.phase == Some(phase)
            && told.trouble.as_ref() == trouble
            && told.settled == settled
            && told.stored_up_to == self.said.stored_up_to
        {
            return;
        }
        let trouble = trouble.cloned();
        self.told = LastStanding {
            outdated: false,
            phase: Some(phase),
            trouble: trouble.clone(),
            settled,
            stored_up_to: self.said.stored_up_to,
        };
        let items = self.holds.items.iter();
        let held = items.filter_map(|(key, hold)| {
            let cause = self.setbacks.own_cause(key);
            let aside = self.setbacks.aside(key).filter(|_| cause.is_some());
            // Confirmed, and it cannot be stored.
            let reason = if hold.going { aside? } else { hold.reason };
            let undecided = reason == Reason::Failing && aside.is_none();
            (!undecided).then(|| (key.clone(), describe(hold, reason, cause)))
        });
        let held = held.collect();
        self.facts.push(WriteFact::Stands(Box::new(Standing {
            phase,
            trouble,
            refused,
            initialized: self.is_marked(),
            live: Kind::ALL.map(|kind| self.ledger.live(kind)),
            largest: self.largest.bytes(),
            pending: self.agenda.items().len() + self.ledger.left().len(),
            held,
            braked: self.holds.braked(),
            contested: self.ledger.contested(),
            repairing: self.ledger.is_repairing(),
            stored_up_to: self.said.stored_up_to,
            settled,
            rates: Kind::ALL.map(|kind| self.paces[kind.index()].rate()),
        })));
        // Who reads in the log that it is complete finds it so in the status.
        if settled && std::mem::take(&mut self.said.first_write) {
            let received = self.said.first_received;
            self.facts.push(WriteFact::FirstWriteComplete { received });
        }
    }
}

/// A hold as it is shown.
pub fn describe(hold: &Hold, reason: Reason, cause: Option<&Trouble>) -> Held {
    let (label, detail) = match reason {
        Reason::Unconfirmed => (
            HeldReason::Unconfirmed,
            "it goes backward and has been said only once".to_owned(),
        ),
        Reason::Brake => (
            HeldReason::Brake,
            "one of too many removals at once".to_owned(),
        ),
        Reason::TooLarge(bytes) => (
            HeldReason::TooLarge,
            format!(
                "its row would have {bytes} bytes, DynamoDB takes 409600; its previous version stays"
            ),
        ),
        Reason::Malformed(fault) => (
            HeldReason::Malformed,
            format!("{fault}; its previous version stays"),
        ),
        Reason::Failing => (
            HeldReason::Failing,
            cause.map_or_else(
                || "its writes fail; its previous version stays".to_owned(),
                |cause| {
                    format!(
                        "its writes fail while others succeed: {cause}; its previous version stays, and it is tried again"
                    )
                },
            ),
        ),
    };
    Held {
        reason: label,
        detail,
        since: hold.since,
    }
}

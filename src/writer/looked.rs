//! What a look at the table means for what is remembered: the marker, whose data it is, and the rows of a page.

use std::sync::Arc;

use super::agenda::{AgendaEntry, Why};
use super::fact::WriteFact;
use super::looks::Finished;
use super::step::{View, Writer};
use super::vocabulary::Purpose;
use crate::model::{At, DriftType, ItemKey};
use crate::plan::Reason;
use crate::table::{Op, Outcome, PageRows, Read, Trouble, Vouchers};

impl Writer {
    pub(super) fn vouchers(&mut self, seen: Vouchers, at: At) {
        let was_there = self.ledger.observed().initialized;
        let known = self.looks.is_known();
        let counts = self.looks.vouchers(seen.initialized, was_there, at.now);
        let purpose = match counts {
            Some(false) if !known => Purpose::FirstLook,
            Some(false) => Purpose::Verify,
            Some(true) | None => Purpose::Marker,
        };
        self.facts
            .push(WriteFact::Spent(Op::Read, purpose, seen.marker_units));
        let identity = Purpose::Identity;
        self.facts
            .push(WriteFact::Spent(Op::Read, identity, seen.identity_units));
        if counts.is_none() {
            return;
        }
        self.guard.saw(seen.environment_id.as_ref());
        self.ledger.identify(seen.environment_id);
        if counts == Some(false) && !known {
            self.said.first_write = !seen.initialized;
            self.said.loading = !seen.initialized;
        }
        // Who removed the marker may have removed more: it comes back after everything was read.
        if seen.initialized || !was_there {
            self.ledger.mark(seen.initialized);
            self.ledger.left_marker &= !seen.initialized;
        }
    }

    pub(super) fn page(&mut self, read: Read<PageRows>, view: View<'_>, at: At) {
        let is_verify = self.looks.is_known();
        let purpose = if is_verify {
            Purpose::Verify
        } else {
            Purpose::FirstLook
        };
        self.facts
            .push(WriteFact::Spent(Op::Read, purpose, read.units));
        let Some((page, ours)) = self.looks.page(read.value, at.now) else {
            return;
        };
        let was_last = page.last.is_none();
        let mut drift = self.ledger.compare(&page, &ours, at.now);
        if !is_verify {
            drift.clear();
        }
        for (key, found) in &drift {
            self.drifted(key.clone(), *found, view);
        }
        self.told.outdated |= !drift.is_empty();
        let finished = self.looks.compared(drift, was_last, at.now, at.jitter);
        if let Some(finished) = finished {
            self.read_everything(&finished, view, at);
        }
    }

    fn drifted(&mut self, key: ItemKey, found: DriftType, view: View<'_>) {
        self.facts
            .push(WriteFact::Drifted(Some(key.clone()), found));
        let repair = self.manner.repair;
        self.ledger.drift(key.clone(), found, repair, view.desired);
        if repair {
            let entry = self.found();
            self.agenda.add(key, entry);
        }
    }

    fn read_everything(&mut self, finished: &Finished, view: View<'_>, at: At) {
        self.told.outdated = true;
        if finished.first {
            self.facts.push(WriteFact::Read {
                rows: finished.rows,
                initialized: self.ledger.observed().initialized,
                took: finished.took,
            });
            if self.agenda.everything().is_none() {
                self.agenda.add_everything(None, self.said.taken);
            }
            return;
        }
        let took = finished.took;
        self.facts.push(WriteFact::Verified { took });
        let (agenda, holds) = (&self.agenda, &self.holds);
        let waits = |key: &ItemKey| {
            let hold = holds.items.get(key);
            agenda.contains(key)
                || hold.is_some_and(|it| {
                    matches!(
                        it.reason,
                        Reason::Unconfirmed | Reason::Brake | Reason::Failing
                    )
                })
        };
        let expired = self
            .ledger
            .verified(&finished.drift, waits, view.desired, at.now);
        for key in expired {
            let why = Why::Expired;
            let entry = AgendaEntry {
                why,
                ..self.found()
            };
            self.agenda.add(key, entry);
        }
        // What made DynamoDB refuse them, an index say, may be gone.
        let refused = |reason| matches!(reason, Some(Reason::Malformed(_)));
        for key in self.setbacks.forget(|_, reason, _| refused(reason)) {
            self.holds.items.remove(&key);
            let entry = self.found();
            self.agenda.add(key, entry);
        }
        let vanished = |(_, it): &(ItemKey, DriftType)| *it == DriftType::Missing;
        if finished.marker_gone || finished.drift.iter().any(vanished) {
            self.looks.verify_soon(at.now, at.jitter);
        }
        if finished.marker_gone {
            let repair = self.manner.repair;
            self.ledger.mark(false);
            self.ledger.left_marker = !repair;
            self.facts.push(WriteFact::Drifted(None, DriftType::Marker));
            if repair {
                self.agenda.add_everything(None, self.said.taken);
            }
        }
    }

    /// Whose data this is was stored, or somebody else stored something.
    pub(super) fn remembered(&mut self, id: &Arc<str>, outcome: Outcome, units: f64, at: At) {
        self.rows.remembering = false;
        self.facts
            .push(WriteFact::Spent(Op::Write, Purpose::Identity, units));
        let trouble = match outcome {
            Outcome::Applied => {
                self.setbacks.alone_is_over();
                self.facts.push(WriteFact::Identified {
                    id: Arc::clone(id),
                    before: self.ledger.observed().environment_id.clone(),
                });
                self.guard.saw(Some(id));
                self.ledger.identify(Some(Arc::clone(id)));
                // A look that began before has not seen it.
                self.looks.outdate();
                return;
            }
            // Somebody was faster, or an answer of ours was lost: what stands there is read now, and judged.
            Outcome::Superseded(_) => {
                self.guard.contradicted();
                self.looks.outdate();
                self.looks.look_now(at.now);
                Trouble::Other(
                    "PutItem",
                    "an environment ID was stored there meanwhile; it is read now".into(),
                )
            }
            Outcome::Refused(trouble)
            | Outcome::Invalid(trouble)
            | Outcome::Unknown(trouble)
            | Outcome::Failed(trouble) => trouble,
        };
        self.failed_alone(trouble, at);
    }
}

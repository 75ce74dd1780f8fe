//! What the writing half tells: the status, the log, the metrics. Never an item's contents.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::time::Instant;
use tracing::{Level, debug, error, info, warn};

use super::Environment;
use super::write::Writer;
use crate::clock;
use crate::model::{Item, ItemKey, Kind, Stamp};
use crate::plan::{Hold, Holds, Plan, Reason};
use crate::status::{Held, HeldReason, Reach, RowChange, TablePhase, Written};
use crate::table::{Op, Trouble};
use crate::writer::{PropagationStart, Purpose};

/// More things of one sort than this are told by their number.
pub(super) const NAMED_AT_ONCE: usize = 20;

impl Writer<'_> {
    /// The table has been read as a whole.
    pub(super) fn report_read(&self) {
        let now = clock::now();
        let live = self.live;
        self.environment.status.update(|facts| {
            facts.verified = Some(now);
            facts.items = Kind::ALL.map(|kind| (kind, live[kind.index()]));
        });
        self.report_marker(self.observed.initialized);
    }

    /// The marker was seen, written or found missing.
    pub(super) fn report_marker(&self, initialized: bool) {
        self.environment
            .status
            .update(|facts| facts.initialized = initialized);
    }

    /// The table answered though nothing had to be written.
    pub(super) fn report_reached(&self) {
        let idle = self.backlog.is_empty() && self.doubtful.is_empty();
        let settled = self.is_settled() && self.cell.look(|desired| desired.is_some());
        if self.refused.is_some() {
            // The table can be read again, and nothing may be written.
            self.report_refused();
            return;
        }
        let now = clock::now();
        self.environment.status.update(|facts| {
            // While something is left to write, only writing it shows that the trouble is over.
            if idle
                && matches!(
                    facts.table.0,
                    TablePhase::Unreachable | TablePhase::Misconfigured
                )
            {
                let phase = if settled {
                    TablePhase::Settled
                } else {
                    TablePhase::Reading
                };
                (facts.table, facts.table_advice) = ((phase, now), None);
            }
            if settled {
                facts.stored = Some(now);
            }
        });
    }

    /// A plan was made: says what is newly held.
    pub(super) fn report_plan(&self, plan: &Plan) {
        let known = |key: &ItemKey, hold: &Hold| {
            self.holds
                .items
                .get(key)
                .is_some_and(|before| before.reason == hold.reason)
        };
        let new: Vec<_> = plan
            .held
            .items
            .iter()
            .filter(|(key, hold)| !known(key, hold))
            .collect();
        if new.len() > NAMED_AT_ONCE {
            warn!(items = new.len(), "newly held; the status names them");
        } else {
            for (key, hold) in new {
                newly_held(key, hold);
            }
        }
        let (before, now) = (self.holds.braked(), plan.held.braked());
        if now > 0 && now != before {
            error!(
                removals = now,
                detail = format!(
                    "to confirm it now: POST /sync/{}?confirm=removals&count={now}, or sync --confirm-removals {now}",
                    self.environment.name
                ),
                "the brake holds the removal of most items until LaunchDarkly says so again in 10 minutes"
            );
        } else if before > 0 && now == 0 {
            info!(removals = before, "the brake holds nothing any more");
        }
        if !plan.is_empty() {
            self.report_writing(false);
        }
        self.report_holds(&plan.held, plan.stages.iter().map(Vec::len).sum());
        if self.everything {
            self.report_largest();
        }
    }

    fn report_holds(&self, holds: &Holds, pending: usize) {
        let braked = holds.braked();
        let held = holds.items.iter().filter(|(_, hold)| !hold.going);
        let held = held
            .map(|(key, hold)| (key.clone(), describe(hold)))
            .collect();
        self.environment.status.update(|facts| {
            (facts.held, facts.braked, facts.pending) = (held, braked, pending);
        });
    }

    fn report_largest(&self) {
        let namespace_bytes = self.environment.table.layout.namespace_bytes();
        let largest = self.cell.look(|desired| {
            let items = desired.into_iter().flat_map(|desired| &desired.items);
            items
                .map(|(key, item)| item.row_bytes(key, namespace_bytes))
                .max()
        });
        self.environment
            .status
            .update(|facts| facts.largest_item = largest.unwrap_or_default());
    }

    /// A pass ended.
    pub(super) fn report_pass(&mut self) {
        for kind in Kind::ALL {
            let rate = self.paces[kind.index()].rate();
            let was_paced = std::mem::replace(&mut self.paced[kind.index()], rate.is_some());
            if let Some(rate) = rate
                && !was_paced
            {
                let units_per_second = rate.round();
                info!(%kind, units_per_second, "DynamoDB throttles: writes are paced");
            }
            self.environment
                .metrics
                .pace
                .of(kind)
                .set(rate.unwrap_or_default());
        }
        if self.drifted.is_empty() {
            self.repaired.all_repaired();
        }
        let settled = self.is_settled();
        if settled && std::mem::take(&mut self.first_write) {
            let took = self
                .full_received
                .map(|received| received.elapsed().as_millis());
            info!(
                segments = self.live[0],
                flags = self.live[1],
                milliseconds = took,
                "first write complete"
            );
        }
        let now = clock::now();
        let pending = self.backlog.len() + self.doubtful.len() + self.left.len();
        let live = self.live;
        self.report_holds(&self.holds, pending);
        self.environment.status.update(|facts| {
            facts.items = Kind::ALL.map(|kind| (kind, live[kind.index()]));
            if settled {
                facts.stored = Some(now);
                facts.table_advice = None;
                if facts.table.0 != TablePhase::Settled {
                    facts.table = (TablePhase::Settled, now);
                }
            }
        });
    }

    /// Everything said is stored or held by name, also what was said during this pass.
    fn is_settled(&self) -> bool {
        self.cell.is_untouched()
            && self.backlog.is_empty()
            && self.doubtful.is_empty()
            && !self.everything
            && self.observed.initialized | self.left_marker
    }

    /// A write was applied.
    pub(super) fn report_applied(
        &mut self,
        key: &ItemKey,
        before: Option<&Stamp>,
        item: Option<&Item>,
        answered: Instant,
    ) {
        let metrics = &self.environment.metrics;
        let drift = self.drifted.remove(key);
        // What nobody announced has not come from anywhere.
        let received = self.received.get(key).copied().or(self.full_received);
        let received = received.filter(|_| drift.is_none() && item.is_some());
        let took = received.map(|received| answered.saturating_duration_since(received));
        if let Some(took) = took {
            metrics
                .propagation
                .of(PropagationStart::Received)
                .record(took.as_secs_f64());
            for took in self.environment.control.stored(key, answered) {
                let since_webhook = metrics.propagation.of(PropagationStart::WebhookDate);
                since_webhook.record(took.as_secs_f64());
            }
        }
        let (old, new) = (before.and_then(Stamp::number), item.and_then(Item::version));
        let lowered = item.is_some_and(|item| !item.is_tombstone()) && new < old;
        if lowered {
            metrics.versions_lowered.increment(1);
        }
        let level = drift.map(|drift| {
            metrics.repairs.of(drift).increment(1);
            self.repaired.repaired(drift)
        });
        let done = match item {
            None => RowChange::Removed,
            Some(item) if item.is_tombstone() => RowChange::Deleted,
            Some(_) => RowChange::Stored,
        };
        let action = done.label();
        let written = Written {
            key: key.clone(),
            done,
            from: old,
            to: new,
            at: clock::now(),
            propagation: took,
            repair: drift.is_some(),
        };
        self.environment.status.note(|facts| {
            facts.written += 1;
            Arc::make_mut(&mut facts.recent).wrote(written);
        });
        let milliseconds = took.map(|took| (took.as_secs_f64() * 10_000.0).round() / 10.0);
        // The items of a first write and of many repairs have their summary; a line for each would bury everything else.
        let in_summary = match level {
            Some(level) => level != Level::INFO,
            None => self.first_write && !self.urgent.contains(key),
        };
        if in_summary {
            debug!(kind = %key.kind, key = %key.key, old_version = old, new_version = new, milliseconds, "{action}");
        } else {
            info!(kind = %key.kind, key = %key.key, old_version = old, new_version = new, milliseconds, "{action}");
        }
    }

    /// DynamoDB says what a write cost.
    pub(super) fn report_spent(&self, purpose: Purpose, units: f64) {
        let Environment {
            metrics, status, ..
        } = self.environment;
        metrics.spent(Op::Write, purpose, units);
        let now = Instant::now();
        status.note(|facts| Arc::make_mut(&mut facts.recent).spent(units, now));
    }

    /// DynamoDB refuses an item as invalid.
    pub(super) fn report_invalid(key: &ItemKey) {
        warn!(kind = %key.kind, key = %key.key, reason = HeldReason::Malformed.label(), "DynamoDB refused the item as invalid; its previous version stays until LaunchDarkly sends another one");
    }

    /// There is something to write. What is in trouble stays so until a write was applied.
    pub(super) fn report_writing(&self, applied: bool) {
        let now = clock::now();
        self.environment.status.note(|facts| {
            let troubled = facts.table.0.reach() == Reach::Fails;
            if facts.table.0 != TablePhase::Writing && (applied || !troubled) {
                (facts.table, facts.table_advice) = ((TablePhase::Writing, now), None);
            }
        });
    }

    /// A request failed.
    pub(super) fn report_trouble(&self, trouble: &Trouble) {
        let phase = if trouble.needs_operator() {
            TablePhase::Misconfigured
        } else {
            TablePhase::Unreachable
        };
        self.report_phase(phase, trouble.to_string());
    }

    /// What LaunchDarkly says may not be written here.
    pub(super) fn report_refused(&self) {
        if let Some(why) = &self.refused {
            self.report_phase(TablePhase::Misconfigured, why.to_string());
        }
    }

    fn report_phase(&self, phase: TablePhase, advice: String) {
        let now = clock::now();
        self.environment.status.update(|facts| {
            facts.table_advice = Some(advice);
            if facts.table.0 != phase {
                facts.table = (phase, now);
            }
        });
    }
}

impl Writer<'_> {
    /// These are contested now.
    pub(super) fn report_contests(&self, contested: BTreeSet<ItemKey>) {
        const CAUSE: &str = "somebody else writes here: a Relay Proxy, or an SDK that is not in daemon mode, with the same table and prefix; stop it";
        let status = &self.environment.status;
        let before = status.facts().contested;
        let new: Vec<_> = contested.difference(&before).collect();
        if new.len() > NAMED_AT_ONCE {
            error!(
                items = new.len(),
                detail = CAUSE,
                "contested, found altered by three verifies running; the status names them"
            );
        } else {
            for key in new {
                error!(kind = %key.kind, key = %key.key, detail = CAUSE, "contested, found altered by three verifies running");
            }
        }
        if contested.is_empty() && !before.is_empty() {
            info!("no item is contested any more");
        }
        if contested != before {
            status.update(|facts| facts.contested = contested);
        }
    }
}

fn newly_held(key: &ItemKey, hold: &Hold) {
    let Held { reason, detail, .. } = describe(hold);
    match hold.reason {
        Reason::TooLarge(_) | Reason::Malformed(_) => {
            warn!(kind = %key.kind, key = %key.key, reason = reason.label(), detail, "held");
        }
        Reason::Unconfirmed if !hold.going => {
            info!(kind = %key.kind, key = %key.key, reason = reason.label(), detail, "held");
        }
        // Many at once, told by their number.
        Reason::Unconfirmed | Reason::Brake => {}
    }
}

/// A hold as it is shown.
pub(super) fn describe(hold: &Hold) -> Held {
    let (reason, detail) = match hold.reason {
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
    };
    Held {
        reason,
        detail,
        since: hold.since,
    }
}

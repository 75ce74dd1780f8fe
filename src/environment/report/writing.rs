//! What the half that writes tells.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tracing::{debug, error, info, warn};

use super::tally::{NAMED_AT_ONCE, Tally};
use super::told::Told;
use crate::clock::{self, Moment};
use crate::environment::Environment;
use crate::metrics::EnvironmentMetrics;
use crate::model::{ItemKey, Kind};
use crate::plan::identity::{Expects, Mismatch};
use crate::status::{Held, HeldReason, Written};
use crate::table::{Op, Trouble, WriteOutcome};
use crate::writer::{PropagationStart, Purpose, Standing, Stored, WriteFact};

/// See the module.
pub(in crate::environment) struct WriteReporter<'a> {
    environment: &'a Environment,
    /// The trouble with the table, as it was told.
    told: Told,
    repaired: Tally,
    found: Tally,
    /// Where the half stood when it was last told.
    stood: Option<Box<Standing>>,
}

impl<'a> WriteReporter<'a> {
    pub(in crate::environment) fn new(environment: &'a Environment) -> Self {
        Self {
            environment,
            told: Told::default(),
            repaired: Tally::default(),
            found: Tally::default(),
            stood: None,
        }
    }

    fn metrics(&self) -> &'a EnvironmentMetrics {
        &self.environment.metrics
    }

    pub(in crate::environment) fn tell(&mut self, facts: Vec<WriteFact>) {
        for fact in facts {
            self.tell_one(fact);
        }
    }

    fn tell_one(&mut self, fact: WriteFact) {
        let repair = self.environment.manner.repair;
        match fact {
            WriteFact::Read {
                rows,
                initialized,
                took,
            } => {
                let milliseconds = took.as_millis();
                info!(rows, initialized, milliseconds, "read the table");
                self.verified();
            }
            WriteFact::Verified { took } => {
                self.metrics().verify_seconds.record(took.as_secs_f64());
                self.found.all_found(repair);
                self.verified();
            }
            WriteFact::Spent(op, purpose, units) => self.spent(op, purpose, units),
            WriteFact::WriteEnded(outcome, took) => {
                self.metrics().writes.of(outcome).increment(1);
                self.metrics().write_seconds.record(took.as_secs_f64());
                if outcome == WriteOutcome::Refused {
                    self.metrics().throttled.increment(1);
                }
            }
            WriteFact::Failed(trouble) => {
                let class = trouble.class();
                self.metrics().write_errors.of(class).increment(1);
            }
            WriteFact::Waits { trouble, wait, own } => self.waits(&trouble, wait, own),
            WriteFact::Stored(stored) => self.stored(stored),
            WriteFact::Drifted(key, drift) => {
                self.metrics().drift.of(drift).increment(1);
                let label = drift.label();
                if let Some(key) = key {
                    self.found.found(&key, drift, repair);
                } else {
                    warn!(r#type = label, repair, "the marker changed without us");
                }
            }
            WriteFact::Marked => info!("the marker was written"),
            WriteFact::Identified { id, before } => info!(
                environment_id = &*id,
                old_environment_id = before.as_deref(),
                "remembered LaunchDarkly's environment ID"
            ),
            WriteFact::Confirmed {
                removals,
                before,
                now,
            } => {
                if before > 0 && now == 0 {
                    info!(removals = before, "released, as an operator confirmed");
                } else {
                    warn!(
                        confirmed = removals,
                        removals = now,
                        "nothing was released: what was confirmed is not what the brake holds now"
                    );
                }
            }
            WriteFact::FirstWriteComplete { received } => {
                let took = received.map(|received| clock::now().monotonic - received);
                let [segments, flags] = self.stood.as_ref().map_or([0, 0], |stood| stood.live);
                info!(
                    segments,
                    flags,
                    milliseconds = took.map(|took| took.as_millis()),
                    "first write complete"
                );
            }
            WriteFact::Stands(standing) => self.stands(standing),
        }
    }

    fn verified(&self) {
        let now = clock::now();
        self.environment
            .status
            .update(|facts| facts.verified = Some(now));
    }

    /// DynamoDB says what a request cost.
    fn spent(&self, op: Op, purpose: Purpose, units: f64) {
        self.metrics().spent(op, purpose, units);
        if op == Op::Write {
            let now = clock::now().monotonic;
            self.environment
                .status
                .note(|facts| Arc::make_mut(&mut facts.recent).spent(units, now));
        }
    }

    /// A request failed and is made again.
    fn waits(&mut self, trouble: &Trouble, wait: Duration, own: bool) {
        let detail = trouble.to_string();
        let retry_in_milliseconds = wait.as_millis();
        // What is the item's own is told as held.
        if !own && self.told.is_news(&detail, clock::now().monotonic) {
            warn!(
                detail,
                retry_in_milliseconds, "the table could not be read or written"
            );
        } else {
            debug!(
                detail,
                retry_in_milliseconds, "the table could not be read or written"
            );
        }
    }

    fn stored(&mut self, stored: Stored) {
        let metrics = self.metrics();
        let Stored {
            key,
            change,
            from,
            to,
            repaired,
            propagation,
            at,
            lowered,
            already,
            of_first_write,
        } = stored;
        if let Some(took) = propagation {
            let since = &metrics.propagation;
            since
                .of(PropagationStart::Received)
                .record(took.as_secs_f64());
            for took in self.environment.control.stored(&key, at) {
                since
                    .of(PropagationStart::WebhookDate)
                    .record(took.as_secs_f64());
            }
        }
        if lowered {
            metrics.versions_lowered.increment(1);
        }
        // The items of a first write and of many repairs have their summary; a line for each would bury everything else.
        let named = match repaired {
            Some(drift) => {
                metrics.repairs.of(drift).increment(1);
                self.repaired.repaired(drift)
            }
            None => !of_first_write,
        };
        let milliseconds = propagation.map(|took| (took.as_secs_f64() * 10_000.0).round() / 10.0);
        let action = change.label();
        if already {
            info!(kind = %key.kind, key = %key.key, "stored already, by a write whose answer was lost or by somebody else");
        } else if named {
            info!(kind = %key.kind, key = %key.key, old_version = from, new_version = to, milliseconds, "{action}");
        } else {
            debug!(kind = %key.kind, key = %key.key, old_version = from, new_version = to, milliseconds, "{action}");
        }
        let written = Written {
            key,
            done: change,
            from,
            to,
            at: Moment {
                monotonic: at,
                ..clock::now()
            },
            propagation,
            repair: repaired.is_some(),
        };
        self.environment.status.note(|facts| {
            facts.written += 1;
            Arc::make_mut(&mut facts.recent).wrote(written);
        });
    }

    fn stands(&mut self, standing: Box<Standing>) {
        self.held(&standing);
        let before = self.stood.take();
        self.braked(before.as_ref().map_or(0, |it| it.braked), standing.braked);
        contested(before.as_deref(), &standing);
        self.paced(before.as_deref(), &standing);
        if !standing.repairing {
            self.repaired.all_repaired();
        }
        if standing.trouble.is_none() && self.told.is_over() {
            info!("the table can be read and written again");
        }
        let name = &self.environment.name;
        let refused = standing.refused.as_ref();
        let refused = refused.map(|mismatch| {
            let is_listed = self.environment.launchdarkly_id.is_some();
            word_mismatch(name, is_listed, mismatch)
        });
        let was_refused = before.is_some_and(|it| it.refused.is_some());
        match &refused {
            Some(detail) if !was_refused => error!(
                detail,
                "nothing is written: the SDK key belongs to another environment"
            ),
            None if was_refused => info!(
                "the SDK key belongs to the environment whose data is stored here: writing goes on"
            ),
            _ => {}
        }
        let now = clock::now();
        let trouble = standing.trouble.as_ref();
        // What keeps us from looking whether the key is right again comes first.
        let urgent = trouble.filter(|it| it.needs_operator());
        let advice = urgent.map(ToString::to_string).or(refused);
        let advice = advice.or_else(|| trouble.map(ToString::to_string));
        self.environment.status.update(|facts| {
            if facts.table.0 != standing.phase {
                facts.table = (standing.phase, now);
            }
            facts.table_advice = advice;
            facts.initialized = standing.initialized;
            facts.items = Kind::ALL.map(|kind| (kind, standing.live[kind.index()]));
            facts.largest_item = standing.largest;
            facts.pending = standing.pending;
            facts.held.clone_from(&standing.held);
            facts.braked = standing.braked;
            facts.contested.clone_from(&standing.contested);
            facts.stored_up_to = standing.stored_up_to;
            facts.complete = standing.settled;
            if standing.settled {
                facts.stored = Some(now);
            }
        });
        self.stood = Some(standing);
    }

    /// Says what is newly held.
    fn held(&self, standing: &Standing) {
        let none = BTreeMap::new();
        let before = self.stood.as_ref().map_or(&none, |stood| &stood.held);
        let known =
            |key: &ItemKey, held: &Held| before.get(key).is_some_and(|it| it.reason == held.reason);
        let held = standing.held.iter();
        let new: Vec<_> = held.filter(|(key, held)| !known(key, held)).collect();
        if new.len() > NAMED_AT_ONCE {
            warn!(items = new.len(), "newly held; the status names them");
            return;
        }
        for (key, Held { reason, detail, .. }) in new {
            let label = reason.label();
            match reason {
                // Many at once, told by their number.
                HeldReason::Brake => {}
                HeldReason::Unconfirmed => {
                    info!(kind = %key.kind, key = %key.key, reason = label, detail, "held");
                }
                HeldReason::TooLarge | HeldReason::Malformed | HeldReason::Failing => {
                    warn!(kind = %key.kind, key = %key.key, reason = label, detail, "held");
                }
            }
        }
    }

    fn braked(&self, before: usize, now: usize) {
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
    }

    fn paced(&self, before: Option<&Standing>, standing: &Standing) {
        for kind in Kind::ALL {
            let rate = standing.rates[kind.index()];
            let was_paced = before.is_some_and(|it| it.rates[kind.index()].is_some());
            if let Some(rate) = rate.filter(|_| !was_paced) {
                let units_per_second = rate.round();
                info!(%kind, units_per_second, "DynamoDB throttles: writes are paced");
            }
            self.metrics().pace.of(kind).set(rate.unwrap_or_default());
        }
    }
}

/// Says which items are contested now.
fn contested(before: Option<&Standing>, standing: &Standing) {
    const CAUSE: &str = "somebody else writes here: a Relay Proxy, or an SDK that is not in daemon mode, with the same table and prefix; stop it";
    let was = |key: &&ItemKey| before.is_some_and(|it| it.contested.contains(*key));
    let contested = &standing.contested;
    let new: Vec<_> = contested.iter().filter(|key| !was(key)).collect();
    if new.len() > NAMED_AT_ONCE {
        error!(
            items = new.len(),
            detail = CAUSE,
            "items altered again in three consecutive verifications; the status names them"
        );
    } else {
        for key in new {
            error!(kind = %key.kind, key = %key.key, detail = CAUSE, "altered again in three consecutive verifications; another writer may own this prefix");
        }
    }
    if contested.is_empty() && before.is_some_and(|it| !it.contested.is_empty()) {
        info!("no item is contested any more");
    }
}

/// What is wrong with the key, and what its reader is to do.
pub(in crate::environment) fn word_mismatch(
    name: &str,
    is_listed_for_us: bool,
    mismatch: &Mismatch,
) -> String {
    let Mismatch { said, expected, by } = mismatch;
    match by {
        Expects::Table if is_listed_for_us => format!(
            "the environment {said} has been given a place that holds the data of {expected}; nothing is written. Put $CID into ENV_DATASTORE_PREFIX, so that each has a place of its own; or, if {said} is to have that place, delete its row `$identity` (with the prefix before it) and restart the daemon"
        ),
        Expects::Setting => format!(
            "the SDK key of `{name}` belongs to LaunchDarkly's environment {said}, but LD_CLIENT_SIDE_ID_{name} says {expected}; nothing is written. Check LD_ENV_{name}"
        ),
        Expects::Successor => format!(
            "the SDK key of `{name}` belongs to LaunchDarkly's environment {said}, but somebody whose settings name {expected} has taken the prefix over; nothing is written. Give one of both another LD_PREFIX, and start again whoever is to keep this one"
        ),
        Expects::Table => format!(
            "the SDK key of `{name}` belongs to LaunchDarkly's environment {said}, but this prefix holds the data of {expected}; nothing is written. Check LD_ENV_{name}; if {said} is meant, set LD_CLIENT_SIDE_ID_{name}={said}"
        ),
    }
}

//! What the half that listens tells.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tracing::{debug, info, warn};

use super::told::Told;
use crate::clock;
use crate::environment::Control;
use crate::listener::{
    Action, Hint, HintOutcomes, Ignored, ListenFact, SessionEnd, SessionFailure, WakeResult,
};
use crate::metrics::{ConnectionGuard, EnvironmentMetrics};
use crate::model::Kind;
use crate::status::{EnvironmentStatus, ErrorKind, LastError, SourcePhase};
use crate::writer::PropagationStart;

/// See the module.
pub(in crate::environment) struct ListenReporter<'a> {
    status: &'a EnvironmentStatus,
    metrics: &'a EnvironmentMetrics,
    control: &'a Control,
    /// How the last connection ended, as it was told.
    told: Told,
    /// Why there is no key, as it was last told.
    keyless: Option<Arc<str>>,
}

impl<'a> ListenReporter<'a> {
    pub(in crate::environment) fn new(
        status: &'a EnvironmentStatus,
        metrics: &'a EnvironmentMetrics,
        control: &'a Control,
    ) -> Self {
        Self {
            status,
            metrics,
            control,
            told: Told::default(),
            keyless: None,
        }
    }

    /// A connection counts as open for as long as this lives.
    pub(in crate::environment) fn connected(&self) -> ConnectionGuard {
        self.metrics.connected()
    }

    pub(in crate::environment) fn tell(&mut self, facts: Vec<ListenFact>) {
        for fact in facts {
            self.tell_one(fact);
        }
    }

    fn tell_one(&mut self, fact: ListenFact) {
        let now = clock::now();
        match fact {
            ListenFact::Connected(id) => self.status.update(|facts| {
                facts.environment_id = id.or(facts.environment_id.take());
            }),
            ListenFact::Heard(generation) => self.status.note(|facts| facts.hear(generation, now)),
            ListenFact::Owed(owed) => self.status.update(|facts| {
                facts.owed = owed.then_some(now);
            }),
            ListenFact::SaidEverything {
                items,
                took,
                changed,
                generation,
            } => {
                self.keyless = None;
                if let Some(took) = took {
                    self.told.is_over();
                    let milliseconds = millis(took);
                    info!(items, milliseconds, "LaunchDarkly said everything");
                }
                for kind in Kind::ALL {
                    let counter = self.metrics.changes.of((kind, Action::Full));
                    counter.increment(changed[kind.index()] as u64);
                }
                self.status.update(|facts| {
                    facts.hear(generation, now);
                    facts.said_everything = true;
                    if facts.source.0 != SourcePhase::Connected {
                        facts.source = (SourcePhase::Connected, now);
                    }
                });
            }
            ListenFact::Changed(kind, action, generation) => {
                self.metrics.changes.of((kind, action)).increment(1);
                self.status.note(|facts| facts.hear(generation, now));
            }
            ListenFact::Ignored(reason) => {
                if matches!(reason, Ignored::UnknownEvent | Ignored::UnknownKind) {
                    debug!(reason = reason.label(), "ignored an event");
                }
                self.metrics.changes_ignored.of(reason).increment(1);
            }
            ListenFact::Older { key, version } => {
                info!(kind = %key.kind, key = %key.key, new_version = version, "ignored a change that is not newer than what was said");
            }
            ListenFact::Ended(end) => self.ended(end),
            ListenFact::Failed(failure) => self.failed(failure, now),
            ListenFact::Reopening(cause) => {
                self.metrics.reopens.of(cause).increment(1);
                info!(
                    cause = cause.label(),
                    "asking LaunchDarkly for everything again"
                );
            }
            ListenFact::Keyless(why) => self.keyless(why, now),
            ListenFact::Rekeyed => info!("the SDK key is another one"),
            ListenFact::KeyReset(times) => {
                self.metrics.wakes.of(WakeResult::KeyReset).increment(times);
            }
            ListenFact::Announced(hint, came) => self.announced(&hint, came),
            ListenFact::Hints(answered) => self.hints(&answered),
        }
    }

    fn ended(&self, end: SessionEnd) {
        self.metrics.sessions.of(end).increment(1);
    }

    fn failed(&mut self, failure: SessionFailure, now: clock::Moment) {
        let retry_in_milliseconds = millis(failure.wait);
        let detail = &*failure.detail;
        if self.told.is_news(detail, now.monotonic) {
            warn!(
                detail,
                retry_in_milliseconds, "the connection to LaunchDarkly ended"
            );
        } else {
            debug!(
                detail,
                retry_in_milliseconds, "the connection to LaunchDarkly ended"
            );
        }
        self.status.update(|facts| {
            facts.last_error = Some(LastError {
                kind: failure.kind,
                status_code: failure.status_code,
                message: failure.detail,
                at: now,
            });
            let phase = match facts.source.0 {
                _ if failure.still_connected => return,
                _ if failure.refused => SourcePhase::Refused,
                // A key that was refused stays so until LaunchDarkly has said everything.
                SourcePhase::Connected => SourcePhase::Interrupted,
                other => other,
            };
            if facts.source.0 != phase {
                facts.source = (phase, now);
            }
        });
    }

    fn keyless(&mut self, why: Option<Arc<str>>, now: clock::Moment) {
        if why == self.keyless {
            return;
        }
        if let Some(why) = &why {
            warn!(detail = %why, "waiting for the SDK key");
            self.status.update(|facts| {
                facts.last_error = Some(LastError {
                    kind: ErrorKind::Network,
                    status_code: None,
                    message: why.to_string(),
                    at: now,
                });
            });
        }
        self.keyless = why;
    }

    /// What is stored before its webhook comes is measured when that comes.
    fn announced(&self, hint: &Hint, came: Instant) {
        let Some(key) = &hint.item else { return };
        if let Some(took) = self.control.announced(key, hint.happened, came) {
            let since = self.metrics.propagation.of(PropagationStart::WebhookDate);
            since.record(took.as_secs_f64());
        }
    }

    fn hints(&self, answered: &HintOutcomes) {
        for (wake, count) in answered.wakes() {
            self.metrics.wakes.of(wake).increment(count);
        }
        if answered.late > 0 {
            let item = answered.late_item.as_ref();
            warn!(
                kind = item.map(|item| item.kind.label()),
                key = item.map(|item| &*item.key),
                changes = answered.late,
                "LaunchDarkly is lagging: it had not delivered in 5 s what a webhook announced"
            );
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

//! The half that listens: keeps one connection, applies what it says to the cell, and opens another when everything has
//! to be said again. The old connection lives until the new one has said everything.

mod ended;
mod keys;
mod woken;

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use super::Environment;
use super::backoff::{Allowance, Backoff, EarlyTry};
use super::cell::{Cell, Reopen};
use super::hints::Hints;
use super::line::{Line, next};
use super::told::Told;
use crate::clock;
use crate::launchdarkly::fdv1::{Said, Unknown};
use crate::launchdarkly::{Refusal, Signal};
use crate::listener::{Action, Ignored, SessionEnd};
use crate::model::{Applied, DataSet, Item, ItemKey, Kind, ReopenCause};
use crate::status::SourcePhase;

/// See the module.
pub(super) struct Listener<'a> {
    environment: &'a Environment,
    cell: &'a Cell,
    reopen: &'a Reopen,
    backoff: Backoff,
    allowance: Allowance,
    /// The connection whose changes count.
    current: Option<Line>,
    /// A connection that has not said everything yet.
    opening: Option<Line>,
    /// Not before then is another one opened.
    retry_at: Instant,
    /// When everything was last asked for, of what was said.
    asked: Option<Instant>,
    malformed: u32,
    /// The SDK key that connections are made with.
    key: Option<SecretString>,
    /// Why there is no key, as it was last told.
    keyless: Option<Arc<str>>,
    early: EarlyTry,
    hints: Hints,
    /// How the last connection ended, as it was told.
    told: Told,
}

impl<'a> Listener<'a> {
    pub(super) fn new(environment: &'a Environment, cell: &'a Cell, reopen: &'a Reopen) -> Self {
        let now = Instant::now();
        Self {
            environment,
            cell,
            reopen,
            backoff: Backoff::default(),
            allowance: Allowance::new(now),
            current: None,
            opening: None,
            retry_at: now + environment.first_delay,
            asked: None,
            malformed: 0,
            key: environment.key.value(),
            keyless: None,
            early: EarlyTry::default(),
            hints: Hints::default(),
            told: Told::default(),
        }
    }

    pub(super) async fn run(mut self, stop: &CancellationToken) {
        let mut wishes = self.reopen.watch();
        // What came while there was no term.
        self.woken();
        loop {
            let (due, hints_due) = (self.due(), self.hints_due());
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                signal = next(&mut self.opening) => self.heard_opening(signal),
                signal = next(&mut self.current) => self.heard_current(signal),
                () = self.environment.key.other_than(self.key.as_ref()) => self.rekeyed(),
                () = self.environment.control.woken() => self.woken(),
                () = reached(due) => self.open(),
                () = reached(hints_due) => self.look_at_hints(),
                _ = wishes.changed() => {}
            }
        }
        for _ in [&self.opening, &self.current].into_iter().flatten() {
            self.count_end(SessionEnd::Stopped);
        }
    }

    /// When the next connection is to be opened.
    fn due(&self) -> Option<Instant> {
        if self.opening.is_some() {
            None
        } else if self.current.is_none() || self.reopen.wished_since(self.asked).is_some() {
            Some(self.retry_at)
        } else {
            None
        }
    }

    fn open(&mut self) {
        let Some(key) = &self.key else {
            self.without_key();
            return;
        };
        if self.current.is_some() {
            let now = Instant::now();
            if let Err(allowed_at) = self.allowance.take(now) {
                self.retry_at = allowed_at;
                return;
            }
            let cause = self
                .reopen
                .wished_since(self.asked)
                .unwrap_or(ReopenCause::Hint);
            self.environment.metrics.reopens.of(cause).increment(1);
            info!(
                cause = cause.label(),
                "asking LaunchDarkly for everything again"
            );
        }
        self.opening = Some(Line::open(&self.environment.client, key));
    }

    fn heard_opening(&mut self, signal: Result<Signal, Refusal>) {
        let Some(line) = &mut self.opening else {
            return;
        };
        match signal {
            Ok(Signal::Connected(greeting)) => {
                line.connected(&greeting, self.environment.metrics.connected());
                self.heard();
                self.environment.status.update(|facts| {
                    facts.environment_id = greeting.environment_id.or(facts.environment_id.take());
                });
            }
            Ok(Signal::Said(Said::Full(items), received)) => {
                line.first_event = Some(received);
                let (asked, id) = (line.asked(), line.environment_id.clone());
                if self.current.is_some() {
                    self.count_end(SessionEnd::Reopened);
                }
                self.current = self.opening.take();
                self.told.is_over();
                info!(
                    items = items.len(),
                    milliseconds = millis(received - asked),
                    "LaunchDarkly said everything"
                );
                self.said_everything(items, asked, received, id);
            }
            Ok(Signal::Said(said, received)) => {
                line.first_event.get_or_insert(received);
                self.heard();
                if let Said::Unknown(unknown) = said {
                    self.ignore(unknown);
                }
            }
            Ok(Signal::RetryDelay(delay)) => self.retry_delay(delay),
            Ok(Signal::Alive) => self.heard(),
            Err(refusal) => {
                let line = self.opening.take();
                self.ended(line, &refusal);
            }
        }
    }

    fn heard_current(&mut self, signal: Result<Signal, Refusal>) {
        let Some(line) = &mut self.current else {
            return;
        };
        match signal {
            Ok(Signal::Said(said, received)) => {
                let (asked, id) = (line.asked(), line.environment_id.clone());
                line.first_event.get_or_insert(received);
                self.said(said, asked, received, id);
            }
            Ok(Signal::RetryDelay(delay)) => self.retry_delay(delay),
            Ok(Signal::Connected(_) | Signal::Alive) => self.heard(),
            Err(refusal) => {
                let line = self.current.take();
                self.ended(line, &refusal);
            }
        }
    }

    fn said(&mut self, said: Said, asked: Instant, received: Instant, id: Option<Arc<str>>) {
        self.heard();
        match said {
            Said::Full(items) => self.said_everything(items, asked, received, id),
            Said::Newer(key, item) => {
                self.malformed = 0;
                self.newer(key, item, received);
            }
            Said::Hint => self.reopen.wish(received, ReopenCause::Hint),
            Said::Unknown(unknown) => self.ignore(unknown),
        }
    }

    fn said_everything(
        &mut self,
        items: DataSet,
        asked: Instant,
        received: Instant,
        id: Option<Arc<str>>,
    ) {
        self.malformed = 0;
        self.asked = Some(asked);
        let changed = self.cell.full(items, asked, received, id);
        for kind in Kind::ALL {
            let counter = self.environment.metrics.changes.of((kind, Action::Full));
            counter.increment(changed.counts[kind.index()] as u64);
        }
        let settled = self.hints.everything(asked, &changed.items, received);
        self.count_settled(&settled);
        let now = clock::now();
        self.environment.status.update(|facts| {
            facts.heard = Some(now);
            facts.said_everything = true;
            if facts.source.0 != SourcePhase::Connected {
                facts.source = (SourcePhase::Connected, now);
            }
        });
    }

    fn newer(&mut self, key: ItemKey, item: Item, received: Instant) {
        let metrics = &self.environment.metrics;
        let action = if item.is_tombstone() {
            Action::Delete
        } else {
            Action::Put
        };
        let (kind, version) = (key.kind, item.version());
        let name = key.clone();
        let applied = self.cell.newer(key, item, received);
        match applied {
            Some(Applied::Yes) => metrics.changes.of((kind, action)).increment(1),
            Some(Applied::Same) => metrics.changes_ignored.of(Ignored::Same).increment(1),
            Some(Applied::Older) => {
                metrics.changes_ignored.of(Ignored::Older).increment(1);
                info!(%kind, key = %name.key, new_version = version, "ignored a change that is not newer than what was said");
                self.reopen.wish(received, ReopenCause::Older);
            }
            // Everything has been said by whom we listen to.
            None => {}
        }
        if matches!(applied, Some(Applied::Yes | Applied::Same)) {
            let settled = self.hints.delivered(&name, received);
            self.count_settled(&settled);
        }
    }

    fn ignore(&self, unknown: Unknown) {
        let reason = match unknown {
            Unknown::Event => Ignored::UnknownEvent,
            Unknown::Path => Ignored::UnknownKind,
        };
        debug!(reason = reason.label(), "ignored an event");
        self.environment
            .metrics
            .changes_ignored
            .of(reason)
            .increment(1);
    }

    fn retry_delay(&mut self, delay: Duration) {
        self.heard();
        self.backoff.server_wants(delay);
    }

    fn heard(&self) {
        let now = clock::now();
        self.environment
            .status
            .note(|facts| facts.heard = Some(now));
    }
}

/// Completes then, or never.
async fn reached(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

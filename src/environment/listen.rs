//! The half that listens: keeps one connection, applies what it says to the cell, and opens another when everything has
//! to be said again. The old connection lives until the new one has said everything.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::Environment;
use super::backoff::{Allowance, Backoff, HEALTHY_AFTER};
use super::cell::{Cell, Reopen};
use crate::clock;
use crate::launchdarkly::fdv1::{Said, Unknown};
use crate::launchdarkly::sse::Broken;
use crate::launchdarkly::{Refusal, Session, Signal};
use crate::metrics::{Action, ConnectionGuard, Ignored, ReopenCause, SessionEnd};
use crate::model::{Applied, DataSet, Item, ItemKey, Kind};
use crate::status::{ErrorKind, LastError, SourcePhase};

/// Bad data so often in a row means that the same bytes will come again.
const MALFORMED_IN_A_ROW: u32 = 2;

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
}

/// An open connection.
struct Line {
    session: Session,
    first_event: Option<Instant>,
    connected: Option<ConnectionGuard>,
    /// LaunchDarkly's ID of the environment, where its answer tells one.
    environment_id: Option<Arc<str>>,
}

/// The next signal, or never where there is no line.
async fn next(line: &mut Option<Line>) -> Result<Signal, Refusal> {
    match line {
        Some(line) => line.session.next().await,
        None => std::future::pending().await,
    }
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
        }
    }

    pub(super) async fn run(mut self, stop: &CancellationToken) {
        let mut wishes = self.reopen.watch();
        loop {
            let due = self.due();
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                signal = next(&mut self.opening) => self.heard_opening(signal),
                signal = next(&mut self.current) => self.heard_current(signal),
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => self.open(),
                _ = wishes.changed() => {}
            }
        }
        for _ in [self.opening, self.current].into_iter().flatten() {
            self.environment
                .metrics
                .sessions
                .of(SessionEnd::Stopped)
                .increment(1);
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
        let Some(key) = self.environment.key.value() else {
            return;
        };
        let session = self.environment.client.open(&key);
        self.opening = Some(Line {
            session,
            first_event: None,
            connected: None,
            environment_id: None,
        });
    }

    fn heard_opening(&mut self, signal: Result<Signal, Refusal>) {
        let Some(line) = &mut self.opening else {
            return;
        };
        match signal {
            Ok(Signal::Connected(greeting)) => {
                line.connected = Some(self.environment.metrics.connected());
                line.environment_id = greeting.environment_id.as_deref().map(Into::into);
                self.heard();
                self.environment.status.update(|facts| {
                    facts.environment_id = greeting.environment_id.or(facts.environment_id.take());
                });
            }
            Ok(Signal::Said(Said::Full(items), received)) => {
                line.first_event = Some(received);
                let (asked, id) = (line.session.asked, line.environment_id.clone());
                if self.current.is_some() {
                    self.environment
                        .metrics
                        .sessions
                        .of(SessionEnd::Reopened)
                        .increment(1);
                }
                self.current = self.opening.take();
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
                let (asked, id) = (line.session.asked, line.environment_id.clone());
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
            counter.increment(changed[kind.index()] as u64);
        }
        let now = clock::now();
        self.environment.status.update(|facts| {
            facts.heard = Some(now);
            facts.said_everything = true;
            if facts.source.0 != SourcePhase::Connected {
                facts.source = (SourcePhase::Connected, now);
            }
        });
    }

    fn newer(&self, key: ItemKey, item: Item, received: Instant) {
        let metrics = &self.environment.metrics;
        let action = if item.is_tombstone() {
            Action::Delete
        } else {
            Action::Put
        };
        let (kind, version) = (key.kind, item.version());
        let name = key.key.clone();
        match self.cell.newer(key, item, received) {
            Some(Applied::Yes) => metrics.changes.of((kind, action)).increment(1),
            Some(Applied::Same) => metrics.changes_ignored.of(Ignored::Same).increment(1),
            Some(Applied::Older) => {
                metrics.changes_ignored.of(Ignored::Older).increment(1);
                info!(%kind, key = %name, version, "ignored a change that is not newer than what was said");
                self.reopen.wish(received, ReopenCause::Older);
            }
            // Everything has been said by whom we listen to.
            None => {}
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

    /// A connection ended by itself: decides when to try again.
    fn ended(&mut self, line: Option<Line>, refusal: &Refusal) {
        let now = clock::now();
        let first_event = line.and_then(|line| line.first_event);
        if first_event.is_some_and(|first| first + HEALTHY_AFTER <= now.monotonic) {
            self.backoff.healthy();
        }
        if refusal.is_malformed() {
            self.malformed += 1;
        }
        let lasting = refusal.is_lasting() || self.malformed >= MALFORMED_IN_A_ROW;
        let mut delay = self.backoff.failed(lasting, rand::random());
        if let Refusal::Status {
            retry_after: Some(wanted),
            ..
        } = refusal
        {
            delay = delay.max(*wanted);
        }
        self.retry_at = now.monotonic + delay;
        self.environment
            .metrics
            .sessions
            .of(end(refusal))
            .increment(1);
        warn!(reason = %refusal, retry_in_milliseconds = millis(delay), "the connection to LaunchDarkly ended");
        let still_connected = self.current.is_some();
        let refused = matches!(refusal, Refusal::Status { .. }) && refusal.is_lasting();
        self.environment.status.update(|facts| {
            facts.last_error = Some(LastError {
                kind: kind(refusal),
                status_code: status_code(refusal),
                message: refusal.to_string(),
                at: now,
            });
            let phase = match facts.source.0 {
                _ if still_connected => return,
                _ if refused => SourcePhase::Refused,
                // A key that was refused stays so until LaunchDarkly has said everything.
                SourcePhase::Connected => SourcePhase::Interrupted,
                other => other,
            };
            if facts.source.0 != phase {
                facts.source = (phase, now);
            }
        });
    }
}

const fn end(refusal: &Refusal) -> SessionEnd {
    match refusal {
        Refusal::Closed => SessionEnd::Closed,
        Refusal::Silent(_) => SessionEnd::Silent,
        Refusal::Malformed(_) | Refusal::Broken(_) => SessionEnd::Malformed,
        Refusal::Status { .. } if refusal.is_lasting() => SessionEnd::Refused,
        Refusal::Network(_) | Refusal::Status { .. } | Refusal::NotAStream(_) => SessionEnd::Failed,
    }
}

const fn kind(refusal: &Refusal) -> ErrorKind {
    match refusal {
        Refusal::Status { .. } | Refusal::NotAStream(_) => ErrorKind::Response,
        Refusal::Malformed(_) | Refusal::Broken(Broken::Utf8 | Broken::TooLong(_)) => {
            ErrorKind::InvalidData
        }
        Refusal::Network(_) | Refusal::Closed | Refusal::Silent(_) => ErrorKind::Network,
    }
}

const fn status_code(refusal: &Refusal) -> Option<u16> {
    match refusal {
        Refusal::Status { status, .. } => Some(*status),
        _ => None,
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

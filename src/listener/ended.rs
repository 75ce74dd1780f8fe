//! A connection ended by itself: what that means, and when another one is tried.

use super::backoff::EACH_POLL;
use super::fact::{ErrorKind, ListenFact, SessionFailure};
use super::line::{Line, Role};
use super::step::{ConnectionOrder, Listener};
use super::vocabulary::SessionEnd;
use crate::launchdarkly::sse::Broken;
use crate::launchdarkly::{Refusal, Transport};
use crate::model::At;

/// Bad data so often in a row means that the same bytes will come again.
const MALFORMED_IN_A_ROW: u32 = 2;

impl Listener {
    pub(super) fn ended(&mut self, which: Role, refusal: &Refusal, at: At) {
        if let Some(line) = self.state.close(which) {
            self.was_good(&line, at);
        }
        if refusal.is_malformed() {
            self.malformed += 1;
        }
        if refusal.is_of_the_key() {
            self.orders.push(ConnectionOrder::RecheckKey);
        }
        let lasting = refusal.is_lasting() || self.malformed >= MALFORMED_IN_A_ROW;
        let mut wait = self.backoff.failed(lasting, at.jitter);
        if let Refusal::Status {
            retry_after: Some(wanted),
            ..
        } = refusal
        {
            wait = wait.max(*wanted);
        }
        if let Transport::Poll(interval) = self.transport {
            // LaunchDarkly is not polled more often because it fails, but a change that a webhook announced is not left until
            // the next poll.
            let announced = self.polls_soon() && self.hints.is_waiting();
            wait = wait.max(if announced { EACH_POLL } else { interval });
        }
        self.retry_at = at.now + wait;
        self.facts.push(ListenFact::Ended(end(refusal)));
        self.facts.push(ListenFact::Failed(SessionFailure {
            detail: refusal.to_string(),
            kind: kind(refusal),
            status_code: status_code(refusal),
            wait,
            still_connected: self.state.current().is_some(),
            refused: matches!(refusal, Refusal::Status { .. }) && refusal.is_lasting(),
        }));
    }

    /// The current connection is good still: once it is healthy both curves are over.
    pub(super) fn is_good(&mut self, at: At) {
        let transport = self.transport;
        let Some(line) = self.state.line_mut(Role::Current) else {
            return;
        };
        if !line.is_healthy && line.was_healthy(transport, at.now) {
            line.is_healthy = true;
            self.backoff.healthy();
        }
    }

    /// A connection that was healthy ends both curves, however it ended.
    pub(super) fn was_good(&mut self, line: &Line, at: At) {
        if line.was_healthy(self.transport, at.now) {
            self.backoff.healthy();
        }
    }
}

const fn end(refusal: &Refusal) -> SessionEnd {
    match refusal {
        Refusal::Closed => SessionEnd::Closed,
        Refusal::Silent(_) | Refusal::Incomplete(_) => SessionEnd::Silent,
        Refusal::Malformed(_)
        | Refusal::Broken(_)
        | Refusal::MalformedAnswer(_)
        | Refusal::TooLarge(_) => SessionEnd::Malformed,
        Refusal::Status { .. } if refusal.is_lasting() => SessionEnd::Refused,
        Refusal::Network { .. }
        | Refusal::Proxy(_)
        | Refusal::Status { .. }
        | Refusal::NotAStream(_)
        | Refusal::NotJson(_) => SessionEnd::Failed,
    }
}

const fn kind(refusal: &Refusal) -> ErrorKind {
    match refusal {
        Refusal::Status { .. } | Refusal::NotAStream(_) | Refusal::NotJson(_) => {
            ErrorKind::Response
        }
        Refusal::Malformed(_)
        | Refusal::Broken(Broken::Utf8 | Broken::TooLong(_))
        | Refusal::MalformedAnswer(_)
        | Refusal::TooLarge(_) => ErrorKind::InvalidData,
        Refusal::Network { .. }
        | Refusal::Proxy(_)
        | Refusal::Closed
        | Refusal::Silent(_)
        | Refusal::Incomplete(_) => ErrorKind::Network,
    }
}

const fn status_code(refusal: &Refusal) -> Option<u16> {
    match refusal {
        Refusal::Status { status, .. } => Some(*status),
        _ => None,
    }
}

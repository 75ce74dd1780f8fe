//! A connection ended by itself: why, what is told of it, and when another one is tried.

use tracing::{debug, warn};

use super::{Listener, millis};
use crate::clock;
use crate::environment::backoff::HEALTHY_AFTER;
use crate::environment::line::Line;
use crate::launchdarkly::Refusal;
use crate::launchdarkly::sse::Broken;
use crate::listener::SessionEnd;
use crate::status::{ErrorKind, LastError, SourcePhase};

/// Bad data so often in a row means that the same bytes will come again.
const MALFORMED_IN_A_ROW: u32 = 2;

impl Listener<'_> {
    pub(super) fn ended(&mut self, line: Option<Line>, refusal: &Refusal) {
        let now = clock::now();
        let first_event = line.and_then(|line| line.first_event);
        if first_event.is_some_and(|first| first + HEALTHY_AFTER <= now.monotonic) {
            self.backoff.healthy();
        }
        if refusal.is_malformed() {
            self.malformed += 1;
        }
        if refusal.is_of_the_key() {
            self.environment.key.recheck();
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
        self.count_end(end(refusal));
        let detail = refusal.to_string();
        let retry_in_milliseconds = millis(delay);
        if self.told.is_news(&detail, now.monotonic) {
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

    pub(super) fn count_end(&self, end: SessionEnd) {
        self.environment.metrics.sessions.of(end).increment(1);
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

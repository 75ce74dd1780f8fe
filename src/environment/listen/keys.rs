//! The SDK key: none yet, another one, or said to be reset.

use std::time::Duration;

use tokio::time::Instant;
use tracing::{info, warn};

use super::Listener;
use crate::clock;
use crate::listener::{SessionEnd, Wake};
use crate::model::ReopenCause;
use crate::status::{ErrorKind, LastError};

/// How often we look why there is no key yet. A key itself ends the wait at once.
const LOOK_FOR_KEY: Duration = Duration::from_secs(5);
/// The same while it is being read for the first time, so that what is wrong with it is told soon.
const LOOK_FOR_TROUBLE: Duration = Duration::from_millis(250);

impl Listener<'_> {
    /// There is no key to connect with: says why, once.
    pub(super) fn without_key(&mut self) {
        let now = clock::now();
        let trouble = self.environment.key.trouble();
        self.retry_at = now.monotonic
            + if trouble.is_some() {
                LOOK_FOR_KEY
            } else {
                LOOK_FOR_TROUBLE
            };
        if trouble == self.keyless {
            return;
        }
        if let Some(trouble) = &trouble {
            warn!(detail = %trouble, "waiting for the SDK key");
            self.environment.status.update(|facts| {
                facts.last_error = Some(LastError {
                    kind: ErrorKind::Network,
                    status_code: None,
                    message: trouble.to_string(),
                    at: now,
                });
            });
        }
        self.keyless = trouble;
    }

    /// The key is another one: the next connection is made with it, and soon. Until that one has said everything, a
    /// stream that is open lives on; what was refused until now says nothing of this key.
    pub(super) fn rekeyed(&mut self) {
        let now = Instant::now();
        let had = std::mem::replace(&mut self.key, self.environment.key.value());
        if had.is_some() {
            info!("the SDK key is another one");
        }
        self.backoff.healthy();
        self.retry_at = now;
        if self.opening.take().is_some() {
            self.count_end(SessionEnd::Reopened);
        }
        if self.current.is_some() {
            self.reopen.wish(now, ReopenCause::Key);
        }
    }

    /// The key is said to be reset, so many times.
    pub(super) fn key_reset(&mut self, times: u64) {
        if times == 0 {
            return;
        }
        self.environment
            .metrics
            .wakes
            .of(Wake::KeyReset)
            .increment(times);
        self.environment.key.recheck();
        if self.current.is_none() && self.opening.is_none() {
            self.retry_at = self.early.instead_of(self.retry_at, Instant::now());
        }
    }
}

//! One connection of the listening half.

use std::sync::Arc;

use secrecy::SecretString;
use tokio::time::Instant;

use crate::launchdarkly::{Client, Greeting, Refusal, Session, Signal};
use crate::metrics::ConnectionGuard;

/// See the module. Dropping it closes the connection.
pub(super) struct Line {
    session: Session,
    /// When it first said something.
    pub(super) first_event: Option<Instant>,
    /// LaunchDarkly's ID of the environment, where its answer tells one.
    pub(super) environment_id: Option<Arc<str>>,
    connected: Option<ConnectionGuard>,
}

impl Line {
    /// Begins to connect.
    pub(super) fn open(client: &Client, key: &SecretString) -> Self {
        Self {
            session: client.open(key),
            first_event: None,
            environment_id: None,
            connected: None,
        }
    }

    /// LaunchDarkly answers with a stream.
    pub(super) fn connected(&mut self, greeting: &Greeting, guard: ConnectionGuard) {
        self.environment_id = greeting.environment_id.as_deref().map(Into::into);
        self.connected = Some(guard);
    }

    /// When it asked for everything.
    pub(super) const fn asked(&self) -> Instant {
        self.session.asked
    }
}

/// The next signal, or never where there is no line.
pub(super) async fn next(line: &mut Option<Line>) -> Result<Signal, Refusal> {
    match line {
        Some(line) => line.session.next().await,
        None => std::future::pending().await,
    }
}

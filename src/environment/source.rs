//! Where an environment's data comes from: LaunchDarkly, or what a test has in its place.

use secrecy::SecretString;

use crate::launchdarkly::{Client, Refusal, Session, Signal};

/// Opens connections; each asks for everything.
pub trait Source: Send + Sync {
    /// A connection.
    type Session: Speaks;

    /// Begins to connect with this SDK key.
    fn open(&self, key: &SecretString) -> Self::Session;
}

/// A connection. Dropping it closes it.
pub trait Speaks: Send {
    /// The next thing that is told. May be dropped and called again without loss. Nothing comes after a refusal.
    fn next(&mut self) -> impl Future<Output = Result<Signal, Refusal>> + Send;
}

impl Source for Client {
    type Session = Session;

    fn open(&self, key: &SecretString) -> Session {
        Self::open(self, key)
    }
}

impl Speaks for Session {
    async fn next(&mut self) -> Result<Signal, Refusal> {
        Self::next(self).await
    }
}

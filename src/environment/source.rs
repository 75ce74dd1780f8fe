//! Where an environment's data comes from: LaunchDarkly, an archive, or what a test has in their place.

use secrecy::SecretString;

use crate::archive::{ArchiveSession, ArchiveSource};
use crate::launchdarkly::{Client, Refusal, Session, Signal, Transport};

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

/// Where an environment's data comes from. Cheap to clone.
#[derive(Clone)]
pub enum EnvironmentSource {
    /// From LaunchDarkly.
    LaunchDarkly(Client),
    /// From an archive, which needs nobody.
    Archive(ArchiveSource),
}

/// A connection to it.
pub enum EnvironmentSession {
    /// To LaunchDarkly.
    LaunchDarkly(Session),
    /// To an archive.
    Archive(ArchiveSession),
}

impl EnvironmentSource {
    /// How it is heard. An archive says what changes when it does, as a stream.
    pub const fn transport(&self) -> Transport {
        match self {
            Self::LaunchDarkly(client) => client.transport(),
            Self::Archive(_) => Transport::Stream,
        }
    }
}

impl Source for EnvironmentSource {
    type Session = EnvironmentSession;

    fn open(&self, key: &SecretString) -> EnvironmentSession {
        match self {
            Self::LaunchDarkly(client) => EnvironmentSession::LaunchDarkly(client.open(key)),
            Self::Archive(archive) => EnvironmentSession::Archive(archive.open()),
        }
    }
}

impl Speaks for EnvironmentSession {
    async fn next(&mut self) -> Result<Signal, Refusal> {
        match self {
            Self::LaunchDarkly(session) => session.next().await,
            Self::Archive(session) => session.next().await,
        }
    }
}

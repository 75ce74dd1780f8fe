//! What a session tells, and why it ended.

use std::time::Duration;

use reqwest::header::HeaderMap;
use tokio::time::Instant;

use super::fdv1::{Malformed, Said};
use super::sse::Broken;

/// What LaunchDarkly says of itself when it answers.
#[derive(Clone, Debug, Default)]
pub struct Greeting {
    /// Its ID of the environment.
    pub environment_id: Option<String>,
    /// What time it is there, as HTTP writes it.
    pub date: Option<String>,
}

impl Greeting {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let header = |name| {
            let value = headers.get(name)?;
            value.to_str().ok().map(ToOwned::to_owned)
        };
        Self {
            environment_id: header("X-LD-EnvID"),
            date: header("Date"),
        }
    }
}

/// What a session tells.
#[derive(Debug)]
pub enum Signal {
    /// LaunchDarkly answers as it should.
    Connected(Greeting),
    /// Bytes came that say nothing.
    Alive,
    /// Everything was asked for once more at this moment, and is said next.
    Asked(Instant),
    /// An event, complete since the moment.
    Said(Said, Instant),
    /// Reconnect with this delay at first.
    RetryDelay(Duration),
}

impl Signal {
    /// The same, where whose data it is is known without being told: an answer that names no environment is of this one.
    #[must_use]
    pub fn of(mut self, environment_id: Option<&str>) -> Self {
        if let Self::Connected(Greeting {
            environment_id: said @ None,
            ..
        }) = &mut self
        {
            *said = environment_id.map(ToOwned::to_owned);
        }
        self
    }
}

/// Why a session ended.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// No connection, or it broke.
    #[error("no connection to LaunchDarkly: {cause}; check {setting}, PROXY_URL and the network")]
    Network {
        /// As the HTTP client words it.
        cause: String,
        /// What holds the address.
        setting: &'static str,
    },
    /// A forward proxy lets nothing through: no word of LaunchDarkly's.
    #[error("the forward proxy refused the connection to LaunchDarkly: {0}")]
    Proxy(&'static str),
    /// Closed by the other side.
    #[error("LaunchDarkly closed the stream")]
    Closed,
    /// Nothing came for the read timeout.
    #[error("nothing came from LaunchDarkly for {0:?}")]
    Silent(Duration),
    /// Something came, but not everything, which each connection begins with.
    #[error("LaunchDarkly did not say everything within {0:?}")]
    Incomplete(Duration),
    /// An answer that is no success.
    #[error("LaunchDarkly answered {status}{}", advice(*status))]
    Status {
        /// The status.
        status: u16,
        /// How long to wait at least.
        retry_after: Option<Duration>,
    },
    /// A success that is no stream: a captive portal, a proxy's page.
    #[error("STREAM_URI answered with {0} instead of an event stream: is something else there?")]
    NotAStream(String),
    /// The same where JSON was asked for.
    #[error("BASE_URI answered with {0} instead of JSON: is something else there?")]
    NotJson(String),
    /// An event of which nothing was applied.
    #[error("malformed event, {0}")]
    Malformed(#[from] Malformed),
    /// The same of an answer to a poll.
    #[error("malformed answer, {0}")]
    MalformedAnswer(Malformed),
    /// An answer to a poll that is larger than is accepted.
    #[error("the answer is larger than MAX_EVENT_BYTES ({0} bytes)")]
    TooLarge(usize),
    /// Bytes that are no event stream.
    #[error("malformed stream: {0}")]
    Broken(#[from] Broken),
}

const fn advice(status: u16) -> &'static str {
    match status {
        401 | 403 => {
            ": it does not accept the SDK key; check LD_ENV_<name>, or what auto-configuration lists: it has to be the environment's server-side SDK key"
        }
        304 => ": everything had been asked for; is there a cache that answers in its place?",
        404 => {
            ": nothing is there for this key; check STREAM_URI, or BASE_URI where UPSTREAM is poll"
        }
        _ => "",
    }
}

impl Refusal {
    /// Whether the next attempt is made only after minutes: an answer that does not change by itself.
    pub const fn is_lasting(&self) -> bool {
        match self {
            Self::Status { status, .. } => {
                matches!(*status, 300..=499) && !matches!(*status, 304 | 400 | 408 | 429)
            }
            Self::Broken(Broken::TooLong(_)) | Self::TooLarge(_) => true,
            _ => false,
        }
    }

    /// Whether LaunchDarkly does not accept the SDK key.
    pub const fn is_of_the_key(&self) -> bool {
        matches!(
            self,
            Self::Status {
                status: 401 | 403,
                ..
            }
        )
    }

    /// Whether the data were bad rather than the connection.
    pub const fn is_malformed(&self) -> bool {
        matches!(
            self,
            Self::Malformed(_) | Self::Broken(_) | Self::MalformedAnswer(_) | Self::TooLarge(_)
        )
    }
}

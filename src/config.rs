//! What the daemon was told: read once, into types that cannot be wrong.
//!
//! [`load`] takes a file and the environment variables, which win, and tells every problem at once. One table,
//! `options`, says of each option what it is called in each of the three syntaxes and what becomes of it; everything
//! else here follows that table.

mod accepted;
mod check;
mod draft;
mod given;
mod ini;
mod keys;
mod load;
mod options;
mod origin;
mod pem_files;
mod reference;
mod refused;
mod report;
mod roster;
mod secret;
pub mod secret_check;
mod settings;
mod shown;
mod sources;
mod toml_file;
mod values;

pub use load::load;
pub use origin::{Origin, Problems, Remark};
pub use reference::Reference;
pub use report::{Effect, Input, Loaded, Setting};
pub use roster::{
    ArchiveSettings, AutoConfigSettings, CacheSettings, DestinationTemplates, RosterSettings,
};
pub use secret::{Secret, mask};
pub use sources::Sources;
pub use values::level as log_level;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tracing::level_filters::LevelFilter;

/// Everything that can be set.
pub struct Config {
    /// Those that are listed; no two write to one (table, prefix).
    pub environments: Vec<EnvironmentSettings>,
    /// Where environments come from. At least one is listed, or this says where.
    pub roster: RosterSettings,
    /// How to reach LaunchDarkly.
    pub upstream: Upstream,
    /// How to reach DynamoDB.
    pub store: StoreSettings,
    /// What is looked at without being asked.
    pub upkeep: Upkeep,
    /// Where to listen.
    pub http: Http,
    /// When to start, give up and stop.
    pub lifecycle: Lifecycle,
    /// What to log.
    pub log: Log,
}

impl Upstream {
    /// Where an environment is heard.
    pub fn uri(&self, source: SourceKind) -> &str {
        match source {
            SourceKind::Stream => &self.stream_uri,
            SourceKind::Poll => &self.base_uri,
        }
    }
}

/// A LaunchDarkly environment and where it goes.
#[derive(Clone)]
pub struct EnvironmentSettings {
    /// Its name here: on the status, in metrics and logs.
    pub name: Arc<str>,
    /// The server-side SDK key.
    pub sdk_key: Secret,
    /// The table that its readers read.
    pub table: String,
    /// The prefix that its readers use; empty for none.
    pub prefix: String,
    /// Its own log level, where it has one.
    pub log_level: Option<LevelFilter>,
    /// LaunchDarkly's project key, where given.
    pub project: Option<String>,
    /// LaunchDarkly's key of the environment, where given and other than the name.
    pub environment_key: Option<String>,
    /// The webhook's secrets for this environment; where there are none, [`WebhookSettings::secrets`] hold.
    pub webhook_secrets: Vec<Secret>,
    /// LaunchDarkly's environment ID (the "client-side ID"), where given.
    pub environment_id: Option<String>,
    /// The mobile key, where given: shown masked on the status, used for nothing.
    pub mobile_key: Option<SecretString>,
    /// How it is heard.
    pub source: SourceKind,
}

/// How LaunchDarkly is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// On a stream.
    Stream,
    /// By asking for everything each [`Upstream::poll_interval`].
    Poll,
}

/// How to reach LaunchDarkly.
#[derive(Clone)]
pub struct Upstream {
    /// Base of the streaming API, without a slash at its end.
    pub stream_uri: String,
    /// Base of the polling API, without a slash at its end.
    pub base_uri: String,
    /// How long a stream may be silent; every byte starts it anew.
    pub read_timeout: Duration,
    /// How long after an answer the next poll is made.
    pub poll_interval: Duration,
    /// The longest event, or answer to a poll, that is accepted, in bytes.
    pub max_event_bytes: usize,
    /// A forward proxy for LaunchDarkly.
    pub proxy_url: Option<SecretString>,
    /// PEM files with certificate authorities to trust besides the system's.
    pub ca_certificates: Vec<PathBuf>,
}

/// How to reach DynamoDB; region and credentials come from the AWS chain.
#[derive(Clone)]
pub struct StoreSettings {
    /// An endpoint of one's own, such as DynamoDB Local's.
    pub endpoint: Option<String>,
    /// Writes in flight at most, for each environment.
    pub write_concurrency: usize,
}

/// What is looked at without being asked.
#[derive(Clone, Copy)]
pub struct Upkeep {
    /// How often the whole prefix is read and compared.
    pub verify_interval: Duration,
    /// How often the marker is looked at.
    pub marker_check_interval: Duration,
    /// Whether drift is repaired, or only reported.
    pub repair: bool,
}

/// Where to listen.
#[derive(Clone)]
pub struct Http {
    /// The port for load balancers; 0 takes a free one.
    pub port: u16,
    /// The port for operators and Prometheus; 0 takes a free one.
    pub admin_port: u16,
    /// With it `port` speaks TLS; the admin port never does.
    pub tls: Option<TlsSettings>,
    /// Whether the admin port answers `/metrics`.
    pub metrics: bool,
    /// What every metric's name begins with, with the underscore at its end.
    pub metrics_prefix: String,
    /// Allows operators from elsewhere than loopback.
    pub admin_token: Option<Secret>,
    /// What the webhook takes.
    pub webhook: WebhookSettings,
}

/// TLS on the port for load balancers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsSettings {
    /// A PEM file: the certificate, then the chain behind it.
    pub certificate: PathBuf,
    /// A PEM file: the certificate's private key.
    pub key: PathBuf,
    /// The lowest version that is spoken.
    pub min_version: TlsVersion,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsVersion {
    /// 1.2.
    Tls12,
    /// 1.3.
    Tls13,
}

/// What the webhook takes.
#[derive(Clone)]
pub struct WebhookSettings {
    /// Its secrets, one or while they are changed two; none switches it off, but for environments with their own.
    pub secrets: Vec<Secret>,
    /// What is dated longer ago wakes nobody.
    pub max_age: Duration,
}

/// When to start, give up and stop.
#[derive(Clone, Copy)]
pub struct Lifecycle {
    /// How long the first synchronisation may take before it counts as failed.
    pub init_timeout: Duration,
    /// Exit with 3 when it failed.
    pub exit_on_error: bool,
    /// Synchronise once and exit.
    pub exit_always: bool,
    /// Keep running after `init_timeout` whatever `exit_on_error` says about connections.
    pub ignore_connection_errors: bool,
    /// How long a stop may take.
    pub shutdown_timeout: Duration,
    /// How long an environment may be behind before it counts as stale.
    pub disconnected_status_time: Duration,
}

/// What to log.
#[derive(Clone)]
pub struct Log {
    /// The lowest level that is logged.
    pub level: LevelFilter,
    /// JSON or text; without it, text on a terminal and JSON elsewhere.
    pub format: Option<LogFormat>,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

//! The configuration while it is put together: options fill it one by one, `check` makes it whole.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use tracing::level_filters::LevelFilter;

use super::roster::RosterDraft;
use super::{
    Http, Lifecycle, Log, Secret, SourceKind, StoreSettings, TlsVersion, Upkeep, Upstream,
    WebhookSettings,
};

/// A configuration in the making.
pub(super) struct Draft {
    pub(super) upstream: Upstream,
    pub(super) store: StoreSettings,
    pub(super) upkeep: Upkeep,
    pub(super) http: Http,
    pub(super) tls: TlsDraft,
    pub(super) lifecycle: Lifecycle,
    pub(super) log: Log,
    /// How every environment is heard that does not say so itself.
    pub(super) source: SourceKind,
    /// The table of every environment without one of its own.
    pub(super) table: Option<String>,
    pub(super) environments: Vec<EnvironmentDraft>,
    /// Where others come from.
    pub(super) roster: RosterDraft,
}

/// TLS in the making: [`Http::tls`](super::Http::tls) once it is whole.
pub(super) struct TlsDraft {
    pub(super) enabled: bool,
    pub(super) certificate: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
    pub(super) min_version: TlsVersion,
}

/// An environment in the making.
pub(super) struct EnvironmentDraft {
    pub(super) name: String,
    pub(super) sdk_key: Option<Secret>,
    pub(super) table: Option<String>,
    pub(super) prefix: Option<String>,
    pub(super) log_level: Option<LevelFilter>,
    pub(super) project: Option<String>,
    pub(super) environment_key: Option<String>,
    pub(super) webhook_secrets: Vec<Secret>,
    pub(super) environment_id: Option<String>,
    pub(super) mobile_key: Option<SecretString>,
    pub(super) source: Option<SourceKind>,
}

impl Draft {
    /// Nothing set. Every field that has no `None` gets its value from the options' defaults, which are kept there alone.
    pub(super) fn blank() -> Self {
        Self {
            upstream: Upstream {
                stream_uri: String::new(),
                base_uri: String::new(),
                read_timeout: Duration::ZERO,
                poll_interval: Duration::ZERO,
                max_event_bytes: 0,
                proxy_url: None,
                ca_certificates: Vec::new(),
            },
            store: StoreSettings {
                endpoint: None,
                write_concurrency: 0,
            },
            upkeep: Upkeep {
                verify_interval: Duration::ZERO,
                marker_check_interval: Duration::ZERO,
                repair: false,
            },
            http: Http {
                port: 0,
                admin_port: 0,
                tls: None,
                metrics: false,
                metrics_prefix: String::new(),
                admin_token: None,
                webhook: WebhookSettings {
                    secrets: Vec::new(),
                    max_age: Duration::ZERO,
                },
            },
            tls: TlsDraft {
                enabled: false,
                certificate: None,
                key: None,
                min_version: TlsVersion::Tls12,
            },
            lifecycle: Lifecycle {
                init_timeout: Duration::ZERO,
                exit_on_error: false,
                exit_always: false,
                ignore_connection_errors: false,
                shutdown_timeout: Duration::ZERO,
                disconnected_status_time: Duration::ZERO,
            },
            log: Log {
                level: LevelFilter::OFF,
                format: None,
            },
            source: SourceKind::Stream,
            table: None,
            environments: Vec::new(),
            roster: RosterDraft::default(),
        }
    }

    /// The environment of this name, new if it was not mentioned before.
    pub(super) fn environment(&mut self, name: &str) -> &mut EnvironmentDraft {
        let known = self.environments.iter().position(|it| it.name == name);
        let index = known.unwrap_or_else(|| {
            self.environments.push(EnvironmentDraft::named(name));
            self.environments.len() - 1
        });
        &mut self.environments[index]
    }
}

impl EnvironmentDraft {
    fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            sdk_key: None,
            table: None,
            prefix: None,
            log_level: None,
            project: None,
            environment_key: None,
            webhook_secrets: Vec::new(),
            environment_id: None,
            mobile_key: None,
            source: None,
        }
    }
}

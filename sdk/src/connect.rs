//! The clients: whose region and credentials, whose connections, and how long a request may take.

use std::sync::Arc;
use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{Builder, IdentityCache, Region};
use tokio::sync::OnceCell;

use crate::layout::Names;
use crate::table::Table;

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(2);
/// How long one attempt of a request may take.
const ATTEMPT: Duration = Duration::from_secs(3);
/// How long a read may take with its retries.
pub(crate) const OPERATION: Duration = Duration::from_secs(10);

/// Where region and credentials come from.
#[derive(Clone)]
pub(crate) enum Source {
    /// AWS's default chain.
    Chain,
    Config(Box<SdkConfig>),
    Client(Client),
}

/// Where the rows are. Connects when it is first asked for the table.
pub(crate) struct Place {
    table: Arc<str>,
    names: Arc<Names>,
    endpoint: Option<String>,
    source: Source,
    connected: OnceCell<Table>,
}

impl Place {
    pub(crate) fn new(table: &str, prefix: &str, endpoint: Option<String>, source: Source) -> Self {
        Self {
            table: table.into(),
            names: Arc::new(Names::new(prefix)),
            endpoint,
            source,
            connected: OnceCell::new(),
        }
    }

    pub(crate) async fn table(&self) -> Table {
        let connect = || async {
            let config = self.config().await;
            let writes = config
                .clone()
                .retry_config(RetryConfig::disabled()) // writes are tried again by `retry`, and by nobody else
                .build();
            Table {
                name: Arc::clone(&self.table),
                names: Arc::clone(&self.names),
                reads: Client::from_conf(config.build()),
                writes: Client::from_conf(writes),
            }
        };
        self.connected.get_or_init(connect).await.clone()
    }

    async fn config(&self) -> Builder {
        let given = match &self.source {
            Source::Chain => {
                let chain = aws_config::defaults(BehaviorVersion::latest());
                Builder::from(&chain.load().await).build()
            }
            Source::Config(config) => Builder::from(&**config).build(),
            Source::Client(client) => client.config().clone(),
        };
        let mut timeouts = given
            .timeout_config()
            .cloned()
            .unwrap_or_else(|| TimeoutConfig::builder().build());
        let ours = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .operation_attempt_timeout(ATTEMPT)
            .operation_timeout(OPERATION)
            .build();
        timeouts.take_defaults_from(&ours);
        let mut config = given.to_builder().timeout_config(timeouts);
        // What is under way on another runtime, which may be waiting for us, is not waited for.
        config.set_identity_cache(IdentityCache::lazy().build());
        if let Some(endpoint) = &self.endpoint {
            config.set_endpoint_url(Some(endpoint.clone()));
            if given.region().is_none() {
                // The endpoint needs none, but the signature does.
                config.set_region(Some(Region::from_static("us-east-1")));
            }
        }
        config
    }
}

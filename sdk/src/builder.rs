//! How an application says where its flags are.

use std::{fmt, io};

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use launchdarkly_server_sdk::{PersistentDataStore, PersistentDataStoreFactory};

use crate::connect::{Place, Source};
use crate::store::DynamoDbDataStore;

/// Configures the DynamoDB data store, and makes it when the SDK asks for it.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use launchdarkly_server_sdk::{ConfigBuilder, NullEventProcessorBuilder, PersistentDataStoreBuilder};
/// use launchdarkly_server_sdk_dynamodb::DynamoDbDataStoreBuilder;
///
/// let store = DynamoDbDataStoreBuilder::new("launchdarkly").prefix("production");
/// let config = ConfigBuilder::new("sdk-key")
///     .daemon_mode(true)
///     .data_store(PersistentDataStoreBuilder::new(Arc::new(store)).cache_seconds(30))
///     .event_processor(&NullEventProcessorBuilder::new())
///     .build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Region and credentials come from AWS's default chain (environment, profile, container, instance), unless
/// [`sdk_config`](Self::sdk_config) or [`client`](Self::client) brings them; of these two the last one counts. The chain
/// is asked in the background as soon as the SDK makes the store, never here.
///
/// The table must exist, with the partition key `namespace` and the sort key `key`, both strings. That it does not, or
/// that credentials or permissions are missing, is told by the first request: the SDK logs it.
#[derive(Clone)]
pub struct DynamoDbDataStoreBuilder {
    table: String,
    prefix: String,
    endpoint: Option<String>,
    source: Source,
}

impl DynamoDbDataStoreBuilder {
    /// For the table of this name.
    pub fn new(table: impl Into<String>) -> Self {
        Self {
            table: table.into(),
            prefix: String::new(),
            endpoint: None,
            source: Source::Chain,
        }
    }

    /// Keeps several environments apart in one table. It must be what the table's writer has; by default, and if it is
    /// empty, there is none.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Another endpoint than the region's, such as `http://localhost:8000` for DynamoDB Local.
    #[must_use]
    pub fn endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// Region, credentials and all else from a configuration that the application has loaded already.
    #[must_use]
    pub fn sdk_config(mut self, config: &SdkConfig) -> Self {
        self.source = Source::Config(Box::new(config.clone()));
        self
    }

    /// The configuration of a client that the application has already.
    ///
    /// The store makes connections of its own: those of the application's client belong to the runtime that opened them,
    /// and would stand still while that runtime waits for a flag. Only an HTTP client that was put into the client's
    /// configuration on purpose is used as it is.
    #[must_use]
    pub fn client(mut self, client: Client) -> Self {
        self.source = Source::Client(client);
        self
    }

    fn place(&self) -> io::Result<Place> {
        if self.table.is_empty() {
            return Err(invalid(
                "the DynamoDB data store needs a table's name".into(),
            ));
        }
        if let Some(endpoint) = &self.endpoint {
            let rest = ["http://", "https://"]
                .iter()
                .find_map(|scheme| endpoint.strip_prefix(scheme));
            if rest.is_none_or(|host| host.is_empty() || host.starts_with('/')) {
                return Err(invalid(format!(
                    "{endpoint:?} is no endpoint for the DynamoDB data store: it begins with http:// or https:// and a host"
                )));
            }
        }
        let endpoint = self.endpoint.clone();
        Ok(Place::new(
            &self.table,
            &self.prefix,
            endpoint,
            self.source.clone(),
        ))
    }
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

impl PersistentDataStoreFactory for DynamoDbDataStoreBuilder {
    fn create_persistent_data_store(&self) -> Result<Box<dyn PersistentDataStore>, io::Error> {
        Ok(Box::new(DynamoDbDataStore::start(self.place()?)?))
    }
}

/// Without what may carry credentials.
impl fmt::Debug for DynamoDbDataStoreBuilder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("DynamoDbDataStoreBuilder")
            .field("table", &self.table)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

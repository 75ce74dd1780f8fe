//! A table of its own for each case, and the store under test on it.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU32, Ordering};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::client::Waiters as _;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType,
};
use launchdarkly_server_sdk::{
    AllData, DataKind, PersistentDataStore, PersistentDataStoreFactory as _, SerializedItem,
};
use launchdarkly_server_sdk_dynamodb::DynamoDbDataStoreBuilder;
use launchdarkly_server_sdk_dynamodb::layout::{Names, item_key};
use ld_dynamodb_relay::simulator::{Store, StoreOptions};
use tokio::runtime::Runtime;

pub(crate) type Row = HashMap<String, AttributeValue>;

/// A table; its own client stands for everybody else.
pub(crate) struct Place {
    pub(crate) table: String,
    pub(crate) prefix: &'static str,
    pub(crate) names: Names,
    pub(crate) client: Client,
    endpoint: String,
    pub(crate) runtime: Runtime,
    embedded: Option<Store>,
}

/// Every store that there is, with a prefix and without.
pub(crate) fn places() -> Vec<Place> {
    let mut places = Vec::new();
    for prefix in ["", "env:1"] {
        let runtime = Runtime::new().unwrap();
        let store = runtime
            .block_on(Store::start(StoreOptions::default()))
            .unwrap();
        places.push(Place::new(runtime, &store.endpoint(), prefix, Some(store)));
        #[expect(
            clippy::disallowed_methods,
            reason = "tests are told by the environment where a store is"
        )]
        let elsewhere = std::env::var("DYNAMODB_LOCAL_ENDPOINT");
        if let Ok(endpoint) = elsewhere {
            places.push(Place::new(Runtime::new().unwrap(), &endpoint, prefix, None));
        }
    }
    places
}

impl Place {
    /// In the embedded DynamoDB, whose faults are to be had.
    pub(crate) fn embedded() -> Self {
        let runtime = Runtime::new().unwrap();
        let store = Store::start(StoreOptions::default());
        let store = runtime.block_on(store).unwrap();
        Self::new(runtime, &store.endpoint(), "p", Some(store))
    }

    /// The embedded DynamoDB.
    pub(crate) fn dynamo(&self) -> &Store {
        self.embedded.as_ref().unwrap()
    }

    fn new(
        runtime: Runtime,
        endpoint: &str,
        prefix: &'static str,
        embedded: Option<Store>,
    ) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let table = format!("contract-{}-{number}", std::process::id());
        let client = client(endpoint);
        runtime.block_on(create(&client, &table));
        Self {
            table,
            prefix,
            names: Names::new(prefix),
            client,
            endpoint: endpoint.to_owned(),
            runtime,
            embedded,
        }
    }

    pub(crate) fn builder(&self) -> DynamoDbDataStoreBuilder {
        DynamoDbDataStoreBuilder::new(&self.table).client(self.client.clone())
    }

    pub(crate) fn endpoint(&self) -> String {
        self.endpoint.clone()
    }

    pub(crate) fn store(&self) -> Box<dyn PersistentDataStore> {
        self.store_under(self.prefix)
    }

    pub(crate) fn store_under(&self, prefix: &str) -> Box<dyn PersistentDataStore> {
        let builder = self.builder().prefix(prefix);
        builder.create_persistent_data_store().unwrap()
    }

    /// Writes a row behind the store's back.
    pub(crate) fn write(&self, namespace: &str, key: &str, attributes: &[(&str, AttributeValue)]) {
        let mut row = item_key(namespace, key);
        row.extend(
            attributes
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone())),
        );
        let put = self.client.put_item().table_name(&self.table);
        self.runtime
            .block_on(put.set_item(Some(row)).send())
            .unwrap();
    }

    pub(crate) fn row(&self, namespace: &str, key: &str) -> Option<Row> {
        let get = self
            .client
            .get_item()
            .table_name(&self.table)
            .consistent_read(true);
        let got = get.set_key(Some(item_key(namespace, key))).send();
        self.runtime.block_on(got).unwrap().item
    }

    /// Every row's text by partition and sort key; of the marker none.
    pub(crate) fn rows(&self) -> BTreeMap<(String, String), Option<String>> {
        let scan = self
            .client
            .scan()
            .table_name(&self.table)
            .consistent_read(true);
        let rows = scan
            .into_paginator()
            .items()
            .send()
            .collect::<Result<Vec<_>, _>>();
        let rows = self.runtime.block_on(rows).unwrap();
        let text = |row: &Row, name: &str| row.get(name).map(|it| it.as_s().unwrap().clone());
        rows.iter()
            .map(|row| {
                let keys = ["namespace", "key"].map(|name| text(row, name).unwrap());
                (keys.into(), text(row, "item"))
            })
            .collect()
    }

    /// What the attributes of the flag's row are.
    pub(crate) fn flag_row(&self, key: &str) -> Option<(String, String)> {
        let row = self.row(&self.names.flags, key)?;
        assert_eq!(row.len(), 4, "nothing but keys, version and item");
        Some((
            row["version"].as_n().unwrap().clone(),
            row["item"].as_s().unwrap().clone(),
        ))
    }
}

/// A client for whatever is at that endpoint.
pub(crate) fn client(endpoint: &str) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("tests", "tests", None, None, "tests"))
        .endpoint_url(endpoint);
    Client::from_conf(config.build())
}

/// Makes a table with the schema that SDKs expect.
async fn create(client: &Client, table: &str) {
    let mut request = client
        .create_table()
        .table_name(table)
        .billing_mode(BillingMode::PayPerRequest);
    for (name, role) in [("namespace", KeyType::Hash), ("key", KeyType::Range)] {
        let attribute = AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::S);
        let key = KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(role);
        request = request
            .attribute_definitions(attribute.build().unwrap())
            .key_schema(key.build().unwrap());
    }
    request.send().await.unwrap();
    let exists = client.wait_until_table_exists().table_name(table);
    exists
        .wait(std::time::Duration::from_secs(10))
        .await
        .unwrap();
}

/// A live item as this SDK writes it, and `more`, members that each begin with a comma.
pub(crate) fn live(key: &str, version: u64, more: &str) -> SerializedItem {
    let key = serde_json::Value::from(key);
    SerializedItem {
        version,
        deleted: false,
        serialized_item: format!(r#"{{"key":{key},"version":{version}{more},"deleted":false}}"#),
    }
}

/// A tombstone as this SDK writes it.
pub(crate) fn gone(version: u64) -> SerializedItem {
    SerializedItem {
        version,
        deleted: true,
        serialized_item: format!(r#"{{"version":{version},"key":"$deleted","deleted":true}}"#),
    }
}

pub(crate) type Items = AllData<SerializedItem, SerializedItem>;

/// Flags and segments with these keys and versions.
pub(crate) fn set(flags: &[(&str, u64)], segments: &[(&str, u64)]) -> Items {
    let items = |of: &[(&str, u64)]| {
        let items = of
            .iter()
            .map(|(key, version)| ((*key).to_owned(), live(key, *version, "")));
        items.collect()
    };
    AllData {
        flags: items(flags),
        segments: items(segments),
    }
}

/// An item in a form that can be compared.
pub(crate) fn seen(item: &SerializedItem) -> (u64, bool, String) {
    (item.version, item.deleted, item.serialized_item.clone())
}

/// The version and whether it is deleted.
pub(crate) fn one(item: Option<SerializedItem>) -> Option<(u64, bool)> {
    item.map(|it| (it.version, it.deleted))
}

pub(crate) const KINDS: [fn() -> DataKind; 2] = [|| DataKind::Flag, || DataKind::Segment];

/// The item of a kind.
pub(crate) fn get(
    store: &dyn PersistentDataStore,
    kind: &DataKind,
    key: &str,
) -> Option<SerializedItem> {
    match kind {
        DataKind::Flag => store.flag(key),
        DataKind::Segment => store.segment(key),
    }
    .unwrap()
}

//! The table: in the embedded DynamoDB, or at the endpoint that `DYNAMODB_LOCAL_ENDPOINT` names.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::client::Waiters as _;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType,
};
use ld_dynamodb_relay::model::{ItemKey, Kind};
use ld_dynamodb_relay::simulator::{Items, Store, StoreOptions};
use tokio::time::Instant;

const SETTLE: Duration = Duration::from_secs(90);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) endpoint: String,
    client: Client,
    _embedded: Option<Store>,
}

/// A row of one of the two data partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) version: String,
    pub(crate) item: String,
}

impl Table {
    /// A new, empty table.
    pub(crate) async fn create() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        #[expect(
            clippy::disallowed_methods,
            reason = "tests are told by the environment where a store is"
        )]
        let elsewhere = std::env::var("DYNAMODB_LOCAL_ENDPOINT").ok();
        let embedded = match elsewhere {
            None => Some(Store::start(StoreOptions::default()).await.unwrap()),
            Some(_) => None,
        };
        let endpoint = match &embedded {
            Some(store) => store.endpoint(),
            None => elsewhere.unwrap(),
        };
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let table = Self {
            name: format!("interop-{}-{number}", std::process::id()),
            client: client(&endpoint),
            endpoint,
            _embedded: embedded,
        };
        table.make().await;
        table
    }

    async fn make(&self) {
        let mut request = self
            .client
            .create_table()
            .table_name(&self.name)
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
        self.client
            .wait_until_table_exists()
            .table_name(&self.name)
            .wait(SETTLE)
            .await
            .unwrap();
    }

    /// Takes it away again: an endpoint of somebody else's is left as it was.
    pub(crate) async fn remove(self) {
        self.client
            .delete_table()
            .table_name(&self.name)
            .send()
            .await
            .unwrap();
    }

    pub(crate) async fn put(&self, namespace: &str, key: &str, row: Option<Row>) {
        let text = |it: &str| AttributeValue::S(it.into());
        let mut request = self
            .client
            .put_item()
            .table_name(&self.name)
            .item("namespace", text(namespace))
            .item("key", text(key));
        if let Some(Row { version, item }) = row {
            request = request
                .item("version", AttributeValue::N(version))
                .item("item", text(&item));
        }
        request.send().await.unwrap();
    }

    /// Returns once the table holds just what LaunchDarkly says, byte for byte, and the marker.
    ///
    /// # Panics
    ///
    /// With what differs, after a minute and a half.
    pub(crate) async fn until_holds(&self, prefix: &str, said: &Items) {
        let deadline = Instant::now() + SETTLE;
        let mut look = tokio::time::interval(LOOK_AGAIN);
        loop {
            look.tick().await;
            let wrong = self.wrong(prefix, said).await;
            if wrong.is_empty() {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "{prefix}: {} rows are not what LaunchDarkly says: {:?}",
                wrong.len(),
                &wrong[..wrong.len().min(10)]
            );
        }
    }

    async fn wrong(&self, prefix: &str, said: &Items) -> Vec<String> {
        let mut wrong = Vec::new();
        if !self
            .rows(&format!("{prefix}:$inited"))
            .await
            .contains_key(&format!("{prefix}:$inited"))
        {
            wrong.push("there is no marker".into());
        }
        for kind in Kind::ALL {
            let mut rows = self.rows(&namespace(prefix, kind)).await;
            let of_kind = said.iter().filter(|(key, _)| key.kind == kind);
            for (key, text) in of_kind {
                let row = rows.remove(&*key.key).flatten();
                let right = match row {
                    _ if is_deleted(text) => row.is_none_or(|row| is_deleted(&row.item)),
                    None => false,
                    Some(row) => {
                        row.item == **text && row.version.parse().ok() == said.version(key)
                    }
                };
                if !right {
                    wrong.push(key.to_string());
                }
            }
            // A tombstone is as good as absence.
            let left = rows
                .into_iter()
                .filter(|(_, row)| !row.as_ref().is_some_and(|row| is_deleted(&row.item)));
            wrong.extend(left.map(|(key, _)| {
                format!(
                    "{} is left",
                    ItemKey {
                        kind,
                        key: key.into()
                    }
                )
            }));
        }
        wrong
    }

    /// The rows of a partition by sort key; `None` for one that is not an item's.
    async fn rows(&self, namespace: &str) -> BTreeMap<String, Option<Row>> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.name)
            .consistent_read(true)
            .key_condition_expression("namespace = :namespace")
            .expression_attribute_values(":namespace", AttributeValue::S(namespace.into()))
            .into_paginator()
            .items()
            .send();
        let mut rows = BTreeMap::new();
        while let Some(mut row) = pages.try_next().await.unwrap() {
            let mut take = |name| match row.remove(name) {
                Some(AttributeValue::S(text) | AttributeValue::N(text)) => Some(text),
                _ => None,
            };
            let key = take("key").unwrap();
            let item = take("item").zip(take("version"));
            rows.insert(key, item.map(|(item, version)| Row { version, item }));
        }
        rows
    }
}

/// The partition of a kind.
pub(crate) fn namespace(prefix: &str, kind: Kind) -> String {
    match kind {
        Kind::Flag => format!("{prefix}:features"),
        Kind::Segment => format!("{prefix}:segments"),
    }
}

/// Whether a text is a tombstone's.
pub(crate) fn is_deleted(item: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct Item {
        #[serde(default)]
        deleted: bool,
    }
    serde_json::from_str::<Item>(item).is_ok_and(|it| it.deleted)
}

fn client(endpoint: &str) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(super::reader::REGION))
        .credentials_provider(Credentials::new(
            "interop", "interop", None, None, "interop",
        ))
        .endpoint_url(endpoint)
        .build();
    Client::from_conf(config)
}

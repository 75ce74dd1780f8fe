//! A table of its own in each store that there is.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType,
};
use ld_dynamodb_relay::model::{ItemKey, Stamp};
use ld_dynamodb_relay::simulator::{Store, StoreOptions};
use ld_dynamodb_relay::table::{self, Connection, Fixed, Table};

pub(crate) const PREFIX: &str = "contract";

/// A table of its own in one of the stores.
pub(crate) struct Place {
    store: &'static str,
    pub(crate) client: Client,
    pub(crate) connection: Connection,
    pub(crate) table: Table,
    _embedded: Option<Store>,
}

impl Place {
    pub(crate) async fn new(store: &'static str, endpoint: &str, embedded: Option<Store>) -> Self {
        let connection = table::connect(Some(endpoint), Some(Fixed)).await;
        let client = connection.client();
        let name = format!("contract-{:x}", rand::random::<u64>());
        create(
            &client,
            &name,
            &[("namespace", KeyType::Hash), ("key", KeyType::Range)],
        )
        .await;
        Self {
            store,
            client,
            table: Table::new(connection.clone(), name, PREFIX),
            connection,
            _embedded: embedded,
        }
    }

    /// Writes a row as somebody else would.
    pub(crate) async fn write(&self, key: &ItemKey, attributes: &[(&str, AttributeValue)]) {
        let mut row = self.keys(key);
        row.extend(
            attributes
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone())),
        );
        let put = self.client.put_item().table_name(&self.table.name);
        put.set_item(Some(row)).send().await.unwrap();
    }

    pub(crate) async fn text(&self, key: &ItemKey) -> Option<String> {
        let get = self.client.get_item().table_name(&self.table.name);
        let got = get.set_key(Some(self.keys(key))).send().await.unwrap();
        Some(got.item?.get("item")?.as_s().unwrap().clone())
    }

    pub(crate) fn keys(&self, key: &ItemKey) -> HashMap<String, AttributeValue> {
        let namespace = self.table.layout.namespace(key.kind).to_owned();
        HashMap::from([
            ("namespace".to_owned(), AttributeValue::S(namespace)),
            ("key".to_owned(), AttributeValue::S(key.key.to_string())),
        ])
    }

    pub(crate) async fn read(&self, key: &ItemKey) -> Option<Stamp> {
        self.table.read(key).await.unwrap().value
    }
}

#[expect(
    clippy::print_stderr,
    reason = "says which store it was, where a test fails"
)]
impl Drop for Place {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("this was {}", self.store);
        }
    }
}

pub(crate) async fn create(client: &Client, name: &str, keys: &[(&str, KeyType)]) {
    let mut request = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest);
    for (attribute, kind) in keys {
        let definition = AttributeDefinition::builder()
            .attribute_name(*attribute)
            .attribute_type(ScalarAttributeType::S);
        let element = KeySchemaElement::builder()
            .attribute_name(*attribute)
            .key_type(kind.clone());
        request = request
            .attribute_definitions(definition.build().unwrap())
            .key_schema(element.build().unwrap());
    }
    request.send().await.unwrap();
}

/// Every store that there is.
pub(crate) async fn places() -> Vec<Place> {
    let embedded = Store::start(StoreOptions::default()).await.unwrap();
    let endpoint = embedded.endpoint();
    let mut places = vec![Place::new("the embedded DynamoDB", &endpoint, Some(embedded)).await];
    if let Some(endpoint) = std::env::var_os("DYNAMODB_LOCAL_ENDPOINT") {
        let endpoint = endpoint.to_str().unwrap();
        places.push(Place::new("DynamoDB Local", endpoint, None).await);
    }
    places
}

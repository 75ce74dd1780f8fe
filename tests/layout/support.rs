//! An embedded DynamoDB with one table.

use ld_dynamodb_relay::model::{Item, ItemKey, Kind};
use ld_dynamodb_relay::simulator::store::Row;
use ld_dynamodb_relay::simulator::{Store, StoreOptions};
use ld_dynamodb_relay::table::{Connection, Fixed, Outcome, Table, connect};
use serde_json::value::RawValue;

const TABLE: &str = "flags";

/// See the module.
pub(crate) struct Dynamo {
    pub(crate) store: Store,
    connection: Connection,
}

impl Dynamo {
    pub(crate) async fn start() -> Self {
        let store = Store::start(StoreOptions::default()).await.unwrap();
        store.create_table(TABLE).unwrap();
        let connection = connect(Some(&store.endpoint()), Some(Fixed)).await;
        Self { store, connection }
    }

    /// The rows under a prefix.
    pub(crate) fn table(&self, prefix: &str) -> Table {
        Table::new(self.connection.clone(), TABLE, prefix)
    }

    /// One row, as it is stored.
    pub(crate) fn row(&self, namespace: &str, key: &str) -> Option<Row> {
        self.store.row(TABLE, namespace, key).unwrap()
    }

    /// Everything that is stored.
    pub(crate) fn rows(&self) -> Vec<Row> {
        self.store.table(TABLE).unwrap()
    }

    /// Somebody else writes.
    pub(crate) fn put_row(&self, row: Row) {
        self.store.put_row(TABLE, row).unwrap();
    }

    pub(crate) fn delete_row(&self, row: &Row) {
        self.store
            .delete_row(TABLE, &row.namespace, &row.key)
            .unwrap();
    }

    /// Stores an item where there is none.
    pub(crate) async fn put(&self, prefix: &str, key: &ItemKey, item: &Item) -> Outcome {
        self.table(prefix).put(key, item, None).await.0
    }
}

/// The item with this text, as it would have come.
pub(crate) fn item(key: &ItemKey, text: impl Into<String>) -> Item {
    Item::parse(key, &RawValue::from_string(text.into()).unwrap())
}

/// The key of an item of the kind that is stored under this name.
pub(crate) fn key_of(stored_under: &str, key: &str) -> ItemKey {
    let kind = match stored_under {
        "features" => Kind::Flag,
        "segments" => Kind::Segment,
        other => panic!("no kind is stored under {other}"),
    };
    ItemKey {
        kind,
        key: key.into(),
    }
}

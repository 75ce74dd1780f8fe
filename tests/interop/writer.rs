//! A writer of the tests, which stores items as the layout says or as a broken one would.

use ld_dynamodb_relay::model::{Item, ItemKey, Kind};
use ld_dynamodb_relay::simulator::Items;
use ld_dynamodb_relay::simulator::file_data::Step;
use serde_json::value::RawValue;

use super::table::{Row, Table, namespace};

/// What a writer makes of an item's text.
pub(crate) type Encode = fn(&str) -> String;

/// Nothing: it stores what was said.
pub(crate) fn as_it_came(text: &str) -> String {
    text.into()
}

pub(crate) struct Writer<'a> {
    table: &'a Table,
    prefix: &'a str,
    encode: Encode,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(table: &'a Table, prefix: &'a str, encode: Encode) -> Self {
        Self {
            table,
            prefix,
            encode,
        }
    }

    /// Everything, and the marker.
    pub(crate) async fn fill(&self, items: &Items) {
        for kind in Kind::ALL {
            for (key, text) in items.iter().filter(|(key, _)| key.kind == kind) {
                self.put(key, text).await;
            }
        }
        let marker = format!("{}:$inited", self.prefix);
        self.table.put(&marker, &marker, None).await;
    }

    /// One change.
    pub(crate) async fn apply(&self, step: &Step) {
        match step {
            Step::Put(key, text) => self.put(key, text).await,
            Step::Delete(key, version) => self.store(key, &Item::tombstone(key, *version)).await,
        }
    }

    async fn put(&self, key: &ItemKey, text: &str) {
        let text = RawValue::from_string((self.encode)(text)).unwrap();
        self.store(key, &Item::parse(key, &text)).await;
    }

    async fn store(&self, key: &ItemKey, item: &Item) {
        let row = Row {
            version: item.version().unwrap().to_string(),
            item: item.text.to_string(),
        };
        let namespace = namespace(self.prefix, key.kind);
        self.table.put(&namespace, &key.key, Some(row)).await;
    }
}

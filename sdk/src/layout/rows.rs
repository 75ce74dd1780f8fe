//! Rows as DynamoDB's API has them.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::{ITEM, KEY, NAMESPACE, VERSION};

/// A row as DynamoDB's API has it.
pub type Row = HashMap<String, AttributeValue>;

/// The row of an item.
pub fn item_row(namespace: &str, key: &str, version: u64, text: &str) -> Row {
    let mut row = item_key(namespace, key);
    row.insert(VERSION.into(), AttributeValue::N(version.to_string()));
    row.insert(ITEM.into(), AttributeValue::S(text.to_owned()));
    row
}

/// The keys of an item's row.
pub fn item_key(namespace: &str, key: &str) -> Row {
    HashMap::from([
        (NAMESPACE.into(), AttributeValue::S(namespace.to_owned())),
        (KEY.into(), AttributeValue::S(key.to_owned())),
    ])
}

/// A row alone in its partition, which has the partition's name for its key. The marker is nothing but this.
pub fn lone_key(name: &str) -> Row {
    item_key(name, name)
}

//! The rows themselves, behind every client's back: not counted, not limited, not subject to faults.

use std::collections::{BTreeMap, HashMap};

use anyhow::Context as _;
use dynoxide::actions::delete_item::DeleteItemRequest;
use dynoxide::actions::get_item::GetItemRequest;
use dynoxide::actions::put_item::PutItemRequest;
use dynoxide::actions::scan::ScanRequest;
use dynoxide::{Database, DynoxideError};

pub use dynoxide::AttributeValue as Attribute;

/// A row of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The partition value.
    pub namespace: String,
    /// The sort key.
    pub key: String,
    /// Everything else, by name.
    pub attributes: BTreeMap<String, Attribute>,
}

impl Row {
    /// A row with nothing but its keys, as the marker is.
    pub fn new(namespace: impl Into<String>, key: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            key: key.into(),
            attributes: BTreeMap::new(),
        }
    }

    /// With this version, a number.
    #[must_use]
    pub fn at_version(self, version: u64) -> Self {
        self.with("version", Attribute::N(version.to_string()))
    }

    /// With this text as its item.
    #[must_use]
    pub fn holding(self, item: impl Into<String>) -> Self {
        self.with("item", Attribute::S(item.into()))
    }

    /// With any attribute.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: Attribute) -> Self {
        self.attributes.insert(name.into(), value);
        self
    }

    /// The attribute `version`, where it is a whole number.
    pub fn version(&self) -> Option<u64> {
        match self.attributes.get("version")? {
            Attribute::N(digits) => digits.parse().ok(),
            _ => None,
        }
    }

    /// The attribute `item`, where it is text.
    pub fn item(&self) -> Option<&str> {
        match self.attributes.get("item")? {
            Attribute::S(text) => Some(text),
            _ => None,
        }
    }

    fn whole(self) -> HashMap<String, Attribute> {
        let mut row = keys(&self.namespace, &self.key);
        row.extend(self.attributes);
        row
    }

    fn of(mut row: HashMap<String, Attribute>) -> Option<Self> {
        let (Some(Attribute::S(namespace)), Some(Attribute::S(key))) =
            (row.remove("namespace"), row.remove("key"))
        else {
            return None;
        };
        Some(Self {
            namespace,
            key,
            attributes: row.into_iter().collect(),
        })
    }
}

fn keys(namespace: &str, key: &str) -> HashMap<String, Attribute> {
    HashMap::from([
        ("namespace".into(), Attribute::S(namespace.into())),
        ("key".into(), Attribute::S(key.into())),
    ])
}

pub(super) fn create_table(database: &Database, name: &str) -> anyhow::Result<()> {
    let request = serde_json::from_value(serde_json::json!({
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [
            { "AttributeName": "namespace", "KeyType": "HASH" },
            { "AttributeName": "key", "KeyType": "RANGE" },
        ],
        "AttributeDefinitions": [
            { "AttributeName": "namespace", "AttributeType": "S" },
            { "AttributeName": "key", "AttributeType": "S" },
        ],
    }))
    .context("the simulator asks for its table wrongly")?;
    match database.create_table(request) {
        Ok(_) | Err(DynoxideError::ResourceInUseException(_)) => Ok(()),
        Err(error) => Err(error).with_context(|| format!("the table {name} cannot be created")),
    }
}

/// Every row of a table, sorted.
pub(super) fn all(database: &Database, table: &str) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    let mut after = None;
    loop {
        let page = database
            .scan(ScanRequest {
                table_name: table.into(),
                exclusive_start_key: after,
                consistent_read: Some(true),
                ..ScanRequest::default()
            })
            .with_context(|| format!("the table {table} cannot be read"))?;
        rows.extend(page.items.into_iter().flatten().filter_map(Row::of));
        after = page.last_evaluated_key;
        if after.is_none() {
            rows.sort_by(|a, b| (&a.namespace, &a.key).cmp(&(&b.namespace, &b.key)));
            return Ok(rows);
        }
    }
}

pub(super) fn one(
    database: &Database,
    table: &str,
    namespace: &str,
    key: &str,
) -> anyhow::Result<Option<Row>> {
    let found = database
        .get_item(GetItemRequest {
            table_name: table.into(),
            key: keys(namespace, key),
            consistent_read: Some(true),
            ..GetItemRequest::default()
        })
        .with_context(|| format!("the table {table} cannot be read"))?;
    Ok(found.item.and_then(Row::of))
}

pub(super) fn put(database: &Database, table: &str, row: Row) -> anyhow::Result<()> {
    database
        .put_item(PutItemRequest {
            table_name: table.into(),
            item: row.whole(),
            ..PutItemRequest::default()
        })
        .map(drop)
        .with_context(|| format!("the table {table} does not take the row"))
}

pub(super) fn delete(
    database: &Database,
    table: &str,
    namespace: &str,
    key: &str,
) -> anyhow::Result<()> {
    database
        .delete_item(DeleteItemRequest {
            table_name: table.into(),
            key: keys(namespace, key),
            ..DeleteItemRequest::default()
        })
        .map(drop)
        .with_context(|| format!("the table {table} does not let the row go"))
}

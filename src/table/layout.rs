//! Names and attributes, as LaunchDarkly's SDKs expect them. Pure.

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::model::{Digest, Item, ItemKey, Kind, Stamp, StoredVersion};

/// The partition key's attribute.
pub(super) const NAMESPACE: &str = "namespace";
/// The sort key's attribute.
pub(super) const KEY: &str = "key";
/// The attribute with an item's version.
pub(super) const VERSION: &str = "version";
/// The attribute with an item's text.
pub(super) const ITEM: &str = "item";

/// The attribute with LaunchDarkly's ID of the environment that is stored here.
pub(super) const ENVIRONMENT_ID: &str = "environmentId";

/// A row as DynamoDB's API has it.
pub(super) type Row = HashMap<String, AttributeValue>;

/// The names of one environment's partitions. An empty prefix has no colon.
#[derive(Clone, Debug)]
pub struct Layout {
    flags: Arc<str>,
    segments: Arc<str>,
    marker: Arc<str>,
    identity: Arc<str>,
}

impl Layout {
    /// For a prefix as the readers have it configured.
    pub fn new(prefix: &str) -> Self {
        let name = |name: &str| -> Arc<str> {
            if prefix.is_empty() {
                name.into()
            } else {
                format!("{prefix}:{name}").into()
            }
        };
        Self {
            flags: name("features"),
            segments: name("segments"),
            marker: name("$inited"),
            identity: name("$identity"),
        }
    }

    /// The partition of a kind.
    pub fn namespace(&self, kind: Kind) -> &str {
        match kind {
            Kind::Flag => &self.flags,
            Kind::Segment => &self.segments,
        }
    }

    /// Both keys of the marker.
    pub fn marker(&self) -> &str {
        &self.marker
    }

    /// Both keys of the item that remembers whose data this is. No SDK queries it.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// Every partition that is read and written.
    pub fn partitions(&self) -> [&str; 4] {
        [&self.flags, &self.segments, &self.marker, &self.identity]
    }

    /// The length of a data partition's name in bytes; both have the same.
    pub fn namespace_bytes(&self) -> usize {
        self.flags.len()
    }

    /// The row of an item that is not malformed.
    pub(super) fn row(&self, key: &ItemKey, item: &Item) -> Row {
        let mut row = self.key(key);
        row.insert(
            VERSION.into(),
            AttributeValue::N(item.version().unwrap_or_default().to_string()),
        );
        row.insert(ITEM.into(), AttributeValue::S(item.text.to_string()));
        row
    }

    /// The keys of an item's row.
    pub(super) fn key(&self, key: &ItemKey) -> Row {
        HashMap::from([
            (
                NAMESPACE.into(),
                AttributeValue::S(self.namespace(key.kind).into()),
            ),
            (KEY.into(), AttributeValue::S(key.key.to_string())),
        ])
    }

    /// The marker: nothing but its keys.
    pub(super) fn marker_row(&self) -> Row {
        both_keys(&self.marker)
    }

    /// The keys of the item that remembers whose data this is.
    pub(super) fn identity_key(&self) -> Row {
        both_keys(&self.identity)
    }
}

fn both_keys(name: &str) -> Row {
    let name = AttributeValue::S(name.to_owned());
    HashMap::from([(NAMESPACE.into(), name.clone()), (KEY.into(), name)])
}

/// What is remembered of a row.
#[expect(clippy::implicit_hasher, reason = "the AWS client has this one")]
pub fn stamp(row: &HashMap<String, AttributeValue>) -> Stamp {
    let version = match row.get(VERSION) {
        None => StoredVersion::Missing,
        Some(AttributeValue::N(text)) => match text.parse() {
            Ok(number) => StoredVersion::Number(number),
            Err(_) => StoredVersion::OddNumber(text.as_str().into()),
        },
        Some(AttributeValue::S(text)) => StoredVersion::Text(text.as_str().into()),
        Some(other) => StoredVersion::Other(type_name(other)),
    };
    let tombstone = matches!(row.get(ITEM), Some(AttributeValue::S(text)) if says_deleted(text));
    Stamp {
        version,
        tombstone,
        digest: row_digest(row),
    }
}

/// Of all attributes but the keys.
#[expect(clippy::implicit_hasher, reason = "the AWS client has this one")]
pub fn row_digest(row: &HashMap<String, AttributeValue>) -> Digest {
    let mut attributes: Vec<_> = row
        .iter()
        .filter(|(name, _)| *name != NAMESPACE && *name != KEY)
        .collect();
    attributes.sort_unstable_by_key(|(name, _)| *name);
    let texts: Vec<_> = attributes
        .into_iter()
        .map(|(name, value)| match value {
            AttributeValue::S(text) => (
                name.as_str(),
                'S',
                std::borrow::Cow::Borrowed(text.as_bytes()),
            ),
            AttributeValue::N(text) => (name.as_str(), 'N', text.as_bytes().into()),
            // Never ours, and their order is not told: that they are there is what matters.
            AttributeValue::M(_) | AttributeValue::L(_) => {
                (name.as_str(), '?', type_name(value).as_bytes().into())
            }
            // Never ours, so only equality with itself matters.
            other => (name.as_str(), '?', format!("{other:?}").into_bytes().into()),
        })
        .collect();
    Digest::of_attributes(
        texts
            .iter()
            .map(|(name, kind, value)| (*name, *kind, &**value)),
    )
}

/// Whether readers take this text for a deleted item.
fn says_deleted(text: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct Row {
        #[serde(default)]
        deleted: bool,
    }
    // Most rows are live; to parse each would be most of the work of a first look.
    text.contains("\"deleted\"") && serde_json::from_str::<Row>(text).is_ok_and(|row| row.deleted)
}

/// DynamoDB's name of a value's type.
pub(super) fn type_name(value: &AttributeValue) -> &'static str {
    match value {
        AttributeValue::B(_) => "B",
        AttributeValue::Bool(_) => "BOOL",
        AttributeValue::Null(_) => "NULL",
        AttributeValue::M(_) => "M",
        AttributeValue::L(_) => "L",
        AttributeValue::Ss(_) => "SS",
        AttributeValue::Ns(_) => "NS",
        AttributeValue::Bs(_) => "BS",
        AttributeValue::N(_) => "N",
        _ => "S",
    }
}

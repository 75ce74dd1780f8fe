//! Names and attributes, as LaunchDarkly's SDKs expect them. Pure.

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use launchdarkly_server_sdk_dynamodb::layout::{
    ITEM, Names, Row, item_key, item_row, lone_key, name, says_deleted,
};

use crate::model::{Digest, Item, ItemKey, Kind, Stamp, StoredVersion};

pub(super) use launchdarkly_server_sdk_dynamodb::layout::{KEY, NAMESPACE, VERSION};

/// The attribute with LaunchDarkly's ID of the environment that is stored here.
pub(super) const ENVIRONMENT_ID: &str = "environmentId";

/// The names of one environment's partitions, shared with the data store for LaunchDarkly's Rust SDK; and one of ours.
#[derive(Clone, Debug)]
pub struct Layout {
    names: Arc<Names>,
    identity: Arc<str>,
}

impl Layout {
    /// For a prefix as the readers have it configured.
    pub fn new(prefix: &str) -> Self {
        Self {
            names: Arc::new(Names::new(prefix)),
            identity: name(prefix, "$identity").into(),
        }
    }

    /// The partition of a kind.
    pub fn namespace(&self, kind: Kind) -> &str {
        match kind {
            Kind::Flag => &self.names.flags,
            Kind::Segment => &self.names.segments,
        }
    }

    /// Both keys of the marker.
    pub fn marker(&self) -> &str {
        &self.names.marker
    }

    /// Both keys of the item that remembers whose data this is. No SDK queries it.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// Every partition that is read and written.
    pub fn partitions(&self) -> [&str; 4] {
        [
            &self.names.flags,
            &self.names.segments,
            &self.names.marker,
            &self.identity,
        ]
    }

    /// The length of a data partition's name in bytes; both have the same.
    pub fn namespace_bytes(&self) -> usize {
        self.names.flags.len()
    }

    /// The row of an item that is not malformed.
    pub(super) fn row(&self, key: &ItemKey, item: &Item) -> Row {
        let version = item.version().unwrap_or_default();
        item_row(self.namespace(key.kind), &key.key, version, &item.text)
    }

    /// The keys of an item's row.
    pub(super) fn key(&self, key: &ItemKey) -> Row {
        item_key(self.namespace(key.kind), &key.key)
    }

    /// The marker: nothing but its keys.
    pub(super) fn marker_row(&self) -> Row {
        lone_key(&self.names.marker)
    }

    /// The keys of the item that remembers whose data this is.
    pub(super) fn identity_key(&self) -> Row {
        lone_key(&self.identity)
    }
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
    let text = row.get(ITEM).and_then(|text| text.as_s().ok());
    let tombstone = text.is_some_and(|text| says_deleted(text));
    let is_object = text.is_some_and(|text| text.trim_start().starts_with('{'));
    Stamp {
        version,
        tombstone,
        bare: tombstone && !is_object,
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

//! A flag or a segment at a version, as the text that LaunchDarkly sent.

use std::fmt;
use std::sync::Arc;

use launchdarkly_server_sdk_dynamodb::layout;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::stamp::Digest;
use crate::label::Label;

pub use layout::{MAX_KEY_BYTES, MAX_ROW_BYTES};

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A feature flag, stored under `features`.
    Flag,
    /// A segment, stored under `segments`.
    Segment,
}

impl Kind {
    /// Both, segments first: the order in which they are written.
    pub const ALL: [Self; 2] = [Self::Segment, Self::Flag];

    /// Where a kind's things are in an array: in the order of [`Kind::ALL`].
    pub const fn index(self) -> usize {
        match self {
            Self::Segment => 0,
            Self::Flag => 1,
        }
    }

    /// As a label: `flag` or `segment`.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Segment => "segment",
        }
    }
}

impl Label for Kind {
    const NAME: &'static str = "kind";
    const VALUES: &'static [Self] = &Self::ALL;

    fn text(self) -> &'static str {
        self.label()
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.label())
    }
}

/// Names one item of an environment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemKey {
    /// Flag or segment.
    pub kind: Kind,
    /// LaunchDarkly's key, verbatim.
    pub key: Arc<str>,
}

impl ItemKey {
    /// The flag with this key.
    pub fn flag(key: impl Into<Arc<str>>) -> Self {
        Self {
            kind: Kind::Flag,
            key: key.into(),
        }
    }

    /// The segment with this key.
    pub fn segment(key: impl Into<Arc<str>>) -> Self {
        Self {
            kind: Kind::Segment,
            key: key.into(),
        }
    }
}

impl fmt::Display for ItemKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.kind, self.key)
    }
}

/// Why an item cannot be stored. Each is a sentence that an operator reads after the item's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ItemFault {
    /// The value is not a JSON object.
    #[error("it is not a JSON object")]
    NotAnObject,
    /// `version` is missing, or not a whole number from 0 to 2^64 - 1.
    #[error("it has no usable version")]
    NoVersion,
    /// `key` is missing, or differs from the key under which the item came.
    #[error("its own key differs from the key under which it came")]
    OtherKey,
    /// The key is empty or longer than DynamoDB's sort keys may be.
    #[error("its key is empty or longer than 1,024 bytes")]
    KeyLength,
    /// DynamoDB refused the item as invalid.
    #[error("DynamoDB refused it as invalid")]
    Refused,
}

/// What LaunchDarkly says an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// It exists.
    Live {
        /// LaunchDarkly's version of it.
        version: u64,
    },
    /// It was deleted.
    Tombstone {
        /// The version of the deletion.
        version: u64,
    },
    /// It cannot be stored; its text is kept to notice when it changes.
    Malformed(ItemFault),
}

/// An item: its text as it came, and the little that we read of it. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Item {
    /// Live, tombstone or malformed.
    pub content: Content,
    /// What is stored in the attribute `item`.
    pub text: Arc<str>,
    /// The digest that a row holding this item has.
    pub digest: Digest,
    /// Flags that have to be stored before this one: `prerequisites[].key`.
    pub prerequisites: Arc<[Arc<str>]>,
    /// A big segment, whose membership is kept elsewhere.
    pub unbounded: bool,
}

impl Item {
    /// Reads what we need of `text`, which came under `key`; everything else stays as it is. `"deleted":true` makes it a
    /// tombstone, which gets [`Item::tombstone`]'s text.
    pub fn parse(key: &ItemKey, text: &RawValue) -> Self {
        let text = text.get();
        match Header::read(key, text) {
            Err(fault) => Self::new(Content::Malformed(fault), text.into(), Header::default()),
            Ok(header) if header.deleted => {
                Self::tombstone(key, header.version.unwrap_or_default())
            }
            Ok(header) => {
                let version = header.version.unwrap_or_default();
                Self::new(Content::Live { version }, text.into(), header)
            }
        }
    }

    /// The record that `key` was deleted: every member that the strictest readers demand, the real key.
    pub fn tombstone(key: &ItemKey, version: u64) -> Self {
        let text = match key.kind {
            Kind::Flag => layout::flag_tombstone(&key.key, version),
            Kind::Segment => layout::segment_tombstone(&key.key, version),
        };
        Self::new(
            Content::Tombstone { version },
            text.into(),
            Header::default(),
        )
    }

    fn new(content: Content, text: Arc<str>, header: Header) -> Self {
        let version = match content {
            Content::Live { version } | Content::Tombstone { version } => version,
            Content::Malformed(_) => 0,
        };
        let digest = Digest::of_item(version, &text);
        Self {
            content,
            text,
            digest,
            prerequisites: header.prerequisites.into(),
            unbounded: header.unbounded,
        }
    }

    /// The version, where there is a usable one.
    pub const fn version(&self) -> Option<u64> {
        match self.content {
            Content::Live { version } | Content::Tombstone { version } => Some(version),
            Content::Malformed(_) => None,
        }
    }

    /// The size of the row that holds this item, in bytes, as DynamoDB counts: names and values in UTF-8, a number as half
    /// its digits and one. `namespace_bytes` is the length of the partition's name.
    pub fn row_bytes(&self, key: &ItemKey, namespace_bytes: usize) -> usize {
        let version = self.version().unwrap_or_default();
        layout::row_bytes(namespace_bytes, &key.key, version, &self.text)
    }

    /// Whether this is a tombstone.
    pub const fn is_tombstone(&self) -> bool {
        matches!(self.content, Content::Tombstone { .. })
    }
}

/// Without the text: an item's contents belong in no log.
impl fmt::Debug for Item {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Item")
            .field("content", &self.content)
            .field("bytes", &self.text.len())
            .finish_non_exhaustive()
    }
}

/// What we read of an item. Of a member that occurs twice the last one counts, as in every reader.
#[derive(Default)]
struct Header {
    key: Option<String>,
    version: Option<u64>,
    deleted: bool,
    unbounded: bool,
    prerequisites: Vec<Arc<str>>,
}

/// The members that we read.
#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Member {
    Key,
    Version,
    Deleted,
    Unbounded,
    Prerequisites,
    #[serde(other)]
    Other,
}

impl Header {
    fn read(key: &ItemKey, text: &str) -> Result<Self, ItemFault> {
        if key.key.is_empty() || key.key.len() > MAX_KEY_BYTES {
            return Err(ItemFault::KeyLength);
        }
        let header: Self = serde_json::from_str(text).map_err(|_| ItemFault::NotAnObject)?;
        if header.key.as_deref() != Some(&*key.key) {
            return Err(ItemFault::OtherKey);
        }
        if header.version.is_none() {
            return Err(ItemFault::NoVersion);
        }
        Ok(header)
    }
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct HeaderVisitor;

        impl<'de> Visitor<'de> for HeaderVisitor {
            type Value = Header;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
                let mut header = Header::default();
                while let Some(member) = map.next_key()? {
                    match member {
                        Member::Key => header.key = lenient(map.next_value()?),
                        Member::Version => header.version = lenient(map.next_value()?),
                        Member::Deleted => {
                            header.deleted = lenient(map.next_value()?).unwrap_or_default();
                        }
                        Member::Unbounded => {
                            header.unbounded = lenient(map.next_value()?).unwrap_or_default();
                        }
                        Member::Prerequisites => {
                            header.prerequisites = prerequisites(map.next_value()?);
                        }
                        Member::Other => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(header)
            }
        }

        deserializer.deserialize_map(HeaderVisitor)
    }
}

/// The value if it has the type that we expect: a model that grows must not block the pipe.
fn lenient<'de, T: Deserialize<'de>>(value: &'de RawValue) -> Option<T> {
    serde_json::from_str(value.get()).ok()
}

fn prerequisites(value: &RawValue) -> Vec<Arc<str>> {
    #[derive(Deserialize)]
    struct Prerequisite {
        key: Arc<str>,
    }
    lenient::<Vec<Prerequisite>>(value)
        .unwrap_or_default()
        .into_iter()
        .map(|it| it.key)
        .collect()
}

//! What the table holds, remembered as little as is enough to write only differences.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::item::{Content, Item, ItemKey};
use super::vocabulary::DriftType;

/// 128 bits over all attributes of a row but its keys: equal digests, equal rows.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 16]);

impl Digest {
    /// Of a row that holds `version` and `text` and nothing else.
    pub fn of_item(version: u64, text: &str) -> Self {
        Self::of_attributes([
            ("item", 'S', text.as_bytes()),
            ("version", 'N', version.to_string().as_bytes()),
        ])
    }

    /// Of a row with these attributes (name, DynamoDB's type, value as bytes), which must be sorted by name.
    pub fn of_attributes<'a>(
        attributes: impl IntoIterator<Item = (&'a str, char, &'a [u8])>,
    ) -> Self {
        let mut hash = Sha256::new();
        for (name, kind, value) in attributes {
            // Lengths before contents, so that no two lists of attributes read the same.
            hash.update((name.len() as u64).to_be_bytes());
            hash.update(name);
            hash.update([kind as u8]);
            hash.update((value.len() as u64).to_be_bytes());
            hash.update(value);
        }
        let mut digest = [0; 16];
        digest.copy_from_slice(&hash.finalize()[..16]);
        Self(digest)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..4]
            .iter()
            .try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

/// The attribute `version` of a row as it was read: what a write is conditional on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum StoredVersion {
    /// The row has no such attribute.
    Missing,
    /// A whole number, as every writer stores it.
    Number(u64),
    /// Another number, in DynamoDB's text.
    OddNumber(Box<str>),
    /// Text.
    Text(Box<str>),
    /// Any other type, by DynamoDB's name for it: `B`, `BOOL`, `NULL`, `M`, `L`, `SS`, `NS`, `BS`.
    Other(&'static str),
}

/// What a row held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The version attribute.
    pub version: StoredVersion,
    /// Whether the row says that the item was deleted.
    pub tombstone: bool,
    /// It says so in a way that some SDKs cannot read: as the text `null`.
    pub bare: bool,
    /// Of all attributes but the keys.
    pub digest: Digest,
}

impl Stamp {
    /// What the row holds once `item` was written. Only items that are not malformed are written.
    pub fn of(item: &Item) -> Self {
        Self {
            version: item
                .version()
                .map_or(StoredVersion::Missing, StoredVersion::Number),
            tombstone: matches!(item.content, Content::Tombstone { .. }),
            bare: false,
            digest: item.digest,
        }
    }

    /// The version, where it is a whole number.
    pub const fn number(&self) -> Option<u64> {
        match self.version {
            StoredVersion::Number(version) => Some(version),
            _ => None,
        }
    }
}

/// Whether a row is as good as what is said of its item: it holds the same; or nothing is said and there is no row; or the item
/// is gone and the row is a tombstone, whoever wrote it, that every SDK can read. A tombstone that is said and has no row is
/// still to be written.
pub fn is_as_said(said: Option<&Item>, stored: Option<&Stamp>) -> bool {
    let gone = said.is_none_or(Item::is_tombstone);
    match stored {
        None => said.is_none(),
        Some(stored) => {
            let same = said.is_some_and(|item| item.digest == stored.digest);
            same || gone && stored.tombstone && !stored.bare
        }
    }
}

impl DriftType {
    /// How a row differs of which nothing is said.
    pub const fn of_unsaid(stored: &Stamp) -> Self {
        if stored.tombstone {
            Self::Altered
        } else {
            Self::Extra
        }
    }
}

/// What the table holds of an environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// Every row of the two data partitions, in the order in which DynamoDB gives them.
    pub items: BTreeMap<ItemKey, Stamp>,
    /// Whether the marker is there.
    pub initialized: bool,
    /// LaunchDarkly's ID of the environment whose data this is, where it is remembered.
    pub environment_id: Option<Arc<str>>,
}

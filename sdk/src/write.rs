//! What is stored of an item. Pure.

use std::fmt;

use launchdarkly_server_sdk::{DataKind, SerializedItem};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};

use crate::layout::{MAX_KEY_BYTES, MAX_ROW_BYTES, flag_tombstone, row_bytes, segment_tombstone};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Flag,
    Segment,
}

impl From<&DataKind> for Kind {
    fn from(kind: &DataKind) -> Self {
        match kind {
            DataKind::Flag => Self::Flag,
            DataKind::Segment => Self::Segment,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Flag => "flag",
            Self::Segment => "segment",
        })
    }
}

/// What a row holds beside its keys.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) version: u64,
    pub(crate) text: String,
}

impl Entry {
    /// The readers for Java and .NET have 32 bits for a version, and one that is larger costs them all flags.
    pub(crate) fn is_beyond_32_bits(&self) -> bool {
        i32::try_from(self.version).is_err()
    }
}

/// Why an item cannot be stored.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    Key,
    NotAnObject,
    TooLarge(usize),
}

impl fmt::Display for Unfit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key => write!(out, "its key is empty or longer than {MAX_KEY_BYTES} bytes"),
            Self::NotAnObject => write!(out, "it is not a JSON object"),
            Self::TooLarge(bytes) => write!(
                out,
                "its row would have {bytes} bytes, DynamoDB takes {MAX_ROW_BYTES}; make it smaller, for instance by a segment instead of long lists of targets"
            ),
        }
    }
}

/// The text as the SDK gives it, with what readers in other languages need and Rust's model leaves out: a live item says that
/// it is not deleted, and a tombstone has every member and its own key.
pub(crate) fn entry(
    kind: Kind,
    namespace: &str,
    key: &str,
    item: SerializedItem,
) -> Result<Entry, Unfit> {
    if key.is_empty() || key.len() > MAX_KEY_BYTES {
        return Err(Unfit::Key);
    }
    let version = item.version;
    let text = match (item.deleted, kind) {
        (true, Kind::Flag) => flag_tombstone(key, version),
        (true, Kind::Segment) => segment_tombstone(key, version),
        (false, _) => saying_live(item.serialized_item)?,
    };
    match row_bytes(namespace.len(), key, version, &text) {
        ..=MAX_ROW_BYTES => Ok(Entry { version, text }),
        bytes => Err(Unfit::TooLarge(bytes)),
    }
}

fn saying_live(mut text: String) -> Result<String, Unfit> {
    #[derive(Deserialize)]
    struct Item {
        #[serde(default, deserialize_with = "is_there")]
        deleted: bool,
    }
    fn is_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| true)
    }
    // Of an array the derived code would take the first element for the first member.
    let object = Some(&text).filter(|text| text.trim_start().starts_with('{'));
    let item = object.and_then(|text| serde_json::from_str::<Item>(text).ok());
    if !item.ok_or(Unfit::NotAnObject)?.deleted {
        let end = text.rfind('}').unwrap_or_default();
        let empty = text[..end].trim_end().ends_with('{');
        let comma = if empty { "" } else { "," };
        text.insert_str(end, &format!("{comma}\"deleted\":false"));
    }
    Ok(text)
}

/// The keys of the flags that have to be stored before this one.
pub(crate) fn prerequisites(text: &str) -> Vec<String> {
    #[derive(Deserialize)]
    struct Flag {
        #[serde(default)]
        prerequisites: Vec<Prerequisite>,
    }
    #[derive(Deserialize)]
    struct Prerequisite {
        key: String,
    }
    let flag = serde_json::from_str::<Flag>(text);
    let prerequisites = flag.map(|flag| flag.prerequisites).unwrap_or_default();
    prerequisites.into_iter().map(|it| it.key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(text: &str) -> SerializedItem {
        SerializedItem {
            version: 7,
            deleted: false,
            serialized_item: text.into(),
        }
    }

    #[track_caller]
    fn check(text: &str, expected: Result<&str, Unfit>) {
        let entry = entry(Kind::Flag, "features", "a", item(text));
        assert_eq!(entry.map(|it| it.text), expected.map(Into::into));
    }

    #[test]
    fn a_live_item_says_so_and_stays_as_it_is_else() {
        let odd = r#"{ "key":"a", "version":1.0, "x":"\u00e9}", "deleted" : false }"#;
        check(odd, Ok(odd));
        check(
            "{\"key\":\"a\",\"x\":{\"deleted\":1} }\n",
            Ok("{\"key\":\"a\",\"x\":{\"deleted\":1} ,\"deleted\":false}\n"),
        );
        check("{}", Ok(r#"{"deleted":false}"#));
        for wrong in ["", "null", "[]", "{\"key\":"] {
            check(wrong, Err(Unfit::NotAnObject));
        }
    }

    #[test]
    fn a_tombstone_has_every_member_and_its_own_key() {
        let sdks = SerializedItem {
            version: 8,
            deleted: true,
            serialized_item: r#"{"version":8,"key":"$deleted","deleted":true}"#.into(),
        };
        let text = |kind| {
            let text = entry(kind, "p:x", "a\"b", sdks.clone()).unwrap().text;
            assert!(text.starts_with(r#"{"key":"a\"b","version":8,"deleted":true,"#));
            text
        };
        assert!(text(Kind::Flag).contains("\"variations\":[]"));
        assert!(text(Kind::Segment).contains("\"included\":[]"));
    }

    #[test]
    fn what_dynamodb_does_not_take_is_told() {
        let of = |key: &str, salt: usize| {
            let text = format!(r#"{{"deleted":false,"salt":"{}"}}"#, "é".repeat(salt));
            entry(Kind::Flag, "p:features", key, item(&text)).map(|_| ())
        };
        let room = (MAX_ROW_BYTES - row_bytes(10, "a", 7, r#"{"deleted":false,"salt":""}"#)) / 2;
        assert_eq!(of("a", room), Ok(()));
        assert!(matches!(of("a", room + 1), Err(Unfit::TooLarge(_))));
        assert_eq!(of(&"k".repeat(1_024), 1), Ok(()));
        assert_eq!(of(&"k".repeat(1_025), 1), Err(Unfit::Key));
        assert_eq!(of("", 1), Err(Unfit::Key));
    }

    #[test]
    fn prerequisites_are_read_and_everything_else_is_not() {
        let flag =
            r#"{"key":"a","prerequisites":[{"key":"b","variation":0},{"key":"c"}],"rules":7}"#;
        assert_eq!(prerequisites(flag), ["b", "c"]);
        for none in ["{}", r#"{"prerequisites":null}"#, "[]", "x"] {
            assert!(prerequisites(none).is_empty());
        }
    }
}

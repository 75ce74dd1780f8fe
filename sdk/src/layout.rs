//! What a row looks like: names, attributes, texts and sizes, as LaunchDarkly's SDKs expect them. Pure.
//!
//! A table's partition key is `namespace` and its sort key is `key`, both strings. Flags are in the partition `features`,
//! segments in `segments`, and the marker that says that the table has been filled in `$inited`; with a prefix `p` these are
//! `p:features`, `p:segments` and `p:$inited`. An item's row holds its version, a number, and its JSON as text.
//!
//! ```
//! use launchdarkly_server_sdk_dynamodb::layout::{Names, flag_tombstone, says_deleted};
//!
//! let names = Names::new("production");
//! assert_eq!(names.flags, "production:features");
//! assert!(says_deleted(&flag_tombstone("dark-mode", 4)));
//! assert!(!says_deleted(r#"{"key":"dark-mode","version":3,"deleted":false}"#));
//! ```

#[cfg(feature = "rows")]
mod rows;

use serde::Deserialize;

#[cfg(feature = "rows")]
pub use rows::{Row, item_key, item_row, lone_key};

/// The partition key's attribute.
pub const NAMESPACE: &str = "namespace";
/// The sort key's attribute.
pub const KEY: &str = "key";
/// The attribute with an item's version.
pub const VERSION: &str = "version";
/// The attribute with an item's text.
pub const ITEM: &str = "item";

/// DynamoDB's limit for a sort key, in bytes.
pub const MAX_KEY_BYTES: usize = 1_024;
/// DynamoDB's limit for a row, in bytes: names and values, UTF-8.
pub const MAX_ROW_BYTES: usize = 409_600;

/// The names of one environment's partitions. An empty prefix has no colon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The partition of the flags.
    pub flags: String,
    /// The partition of the segments; its name is as long as that of the flags.
    pub segments: String,
    /// Both keys of the marker.
    pub marker: String,
}

impl Names {
    /// For a prefix as the readers have it configured.
    pub fn new(prefix: &str) -> Self {
        Self {
            flags: name(prefix, "features"),
            segments: name(prefix, "segments"),
            marker: name(prefix, "$inited"),
        }
    }
}

/// What a partition of this name is called under a prefix.
pub fn name(prefix: &str, name: &str) -> String {
    if prefix.is_empty() {
        name.to_owned()
    } else {
        format!("{prefix}:{name}")
    }
}

/// The text of a deleted flag: every member that the strictest readers demand, the real key.
pub fn flag_tombstone(key: &str, version: u64) -> String {
    let key = serde_json::Value::from(key);
    format!(
        r#"{{"key":{key},"version":{version},"deleted":true,"on":false,"prerequisites":[],"targets":[],"contextTargets":[],"rules":[],"fallthrough":{{}},"offVariation":null,"variations":[],"salt":"","clientSide":false,"trackEvents":false,"trackEventsFallthrough":false,"debugEventsUntilDate":null}}"#
    )
}

/// The text of a deleted segment.
pub fn segment_tombstone(key: &str, version: u64) -> String {
    let key = serde_json::Value::from(key);
    format!(
        r#"{{"key":{key},"version":{version},"deleted":true,"included":[],"excluded":[],"includedContexts":[],"excludedContexts":[],"rules":[],"salt":"","generation":null}}"#
    )
}

/// The size of an item's row in bytes, as DynamoDB counts: names and values in UTF-8, a number as half its digits and one.
pub fn row_bytes(namespace_bytes: usize, key: &str, version: u64, text: &str) -> usize {
    const NAMES: usize = NAMESPACE.len() + KEY.len() + VERSION.len() + ITEM.len();
    let digits = version.to_string().len();
    NAMES + namespace_bytes + key.len() + digits.div_ceil(2) + 1 + text.len()
}

/// Whether this is the text of a deleted item, whoever deleted it: an object that says so itself, or the `null` that the
/// writers for Java and .NET leave.
pub fn says_deleted(text: &str) -> bool {
    #[derive(Deserialize)]
    struct Item {
        #[serde(default)]
        deleted: bool,
    }
    // Most rows are live; to parse each would be most of the work of reading a table.
    text.trim_matches(WHITE) == "null"
        || may_say_deleted(text)
            && serde_json::from_str::<Item>(text).is_ok_and(|item| item.deleted)
}

/// What JSON takes for white space.
const WHITE: [char; 4] = [' ', '\t', '\n', '\r'];

/// Whether some member, at whatever depth, says it; or some text does.
fn may_say_deleted(text: &str) -> bool {
    const NAME: &str = "\"deleted\"";
    text.match_indices(NAME).any(|(at, _)| {
        let value = text[at + NAME.len()..].trim_start_matches(WHITE);
        let value = value.strip_prefix(':').unwrap_or_default();
        value.trim_start_matches(WHITE).starts_with("true")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_writers_tombstone_is_one() {
        for text in [
            &*flag_tombstone("a", 8),
            &flag_tombstone("$deleted", 8),
            &segment_tombstone("a", 8),
            r#"{"deleted":true,"key":"$deleted","version":8}"#,
            r#"{"key": "a", "version": 8, "deleted": true}"#,
            r#"{"version":8,"deleted":true}"#,
            " {\"rules\":[{\"deleted\":false}],\"deleted\"\t:\r\n true } ",
            "null",
            " \tnull\r\n",
        ] {
            assert!(says_deleted(text), "{text}");
        }
    }

    #[test]
    fn nothing_else_is_one() {
        for text in [
            r#"{"key":"a","version":8,"deleted":false}"#,
            r#"{"key":"a","version":8}"#,
            r#"{"key":"a","deleted":false,"rules":[{"deleted":true}]}"#,
            r#"{"key":"a","variations":[{"deleted":true}]}"#,
            r#"{"key":"a","variations":["{\"deleted\":true}"],"deleted":false}"#,
            r#"{"key":"deleted","variations":["deleted",":true"]}"#,
            r#"{"key":"a","deleted":"true"}"#,
            r#"{"key":"a","deleted":null}"#,
            r#"{"key":"a","deleted":1}"#,
            r#"{"key":"a","deleted":truer}"#,
            r#"{"key":"a","deleted":true"#,
            r#"[{"deleted":true}]"#,
            "[true]",
            r#""deleted":true"#,
            "true",
            "\"null\"",
            "[null]",
            "nullify",
            "\u{a0}null",
            "NULL",
            "",
        ] {
            assert!(!says_deleted(text), "{text}");
        }
    }
}

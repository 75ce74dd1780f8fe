//! What a row says, whoever wrote it. Pure.

use std::fmt;

use launchdarkly_server_sdk::{Flag, SerializedItem};
use serde::Deserialize;
use serde_json::Value;

use crate::layout::{ITEM, Row, VERSION, says_deleted};

/// Why a row cannot be read; completes "the row of ...".
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    NoText,
    NotAnObject,
    NotAFlag(String),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoText => write!(out, "has no text in the attribute `{ITEM}`"),
            Self::NotAnObject => write!(out, "holds no JSON object in the attribute `{ITEM}`"),
            Self::NotAFlag(why) => write!(out, "holds what this SDK cannot read as a flag: {why}"),
        }
    }
}

/// The item of a row. The SDK relies on `deleted`: it takes a tombstone that is not said to be one for a live flag, or for
/// an error. The version is that of the attribute, which writers compare; where it is no number, that of the text.
pub(crate) fn item(row: &Row) -> Result<SerializedItem, Unreadable> {
    let Some(Ok(text)) = row.get(ITEM).map(|item| item.as_s()) else {
        return Err(Unreadable::NoText);
    };
    let version = row
        .get(VERSION)
        .and_then(|version| version.as_n().ok()?.parse().ok());
    let deleted = says_deleted(text);
    // Of an array the derived code would take the first element for the first member.
    let header = Some(text).filter(|text| text.trim_start().starts_with('{'));
    let header = header.and_then(|text| serde_json::from_str::<Header>(text).ok());
    if header.is_none() && !deleted {
        return Err(Unreadable::NotAnObject);
    }
    let version = version.or_else(|| header?.version.as_u64());
    Ok(SerializedItem {
        version: version.unwrap_or_default(),
        deleted,
        serialized_item: text.clone(),
    })
}

/// The item of a row, if the SDK can make a flag of it.
pub(crate) fn flag(row: &Row) -> Result<SerializedItem, Unreadable> {
    let item = item(row)?;
    if !item.deleted {
        serde_json::from_str::<Flag>(&item.serialized_item)
            .map_err(|error| Unreadable::NotAFlag(place(&error)))?;
    }
    Ok(item)
}

/// Where it went wrong. The error's own words would repeat contents.
fn place(error: &serde_json::Error) -> String {
    format!("{:?} error at column {}", error.classify(), error.column())
}

#[derive(Deserialize)]
struct Header {
    #[serde(default)]
    version: Value,
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::AttributeValue;

    use super::*;
    use crate::layout::{flag_tombstone, item_row, segment_tombstone};

    const LIVE: &str = r#"{"key":"a","version":8,"on":false,"targets":[],"rules":[],"prerequisites":[],"fallthrough":{"variation":0},"offVariation":0,"variations":[1],"salt":"","deleted":false}"#;

    fn row(text: &str) -> Row {
        item_row("features", "a", 8, text)
    }

    /// Whether it reads as deleted, where it can be read.
    #[track_caller]
    fn check(text: &str, expected: &Result<bool, Unreadable>) {
        let read = item(&row(text)).map(|item| {
            assert_eq!((item.version, &*item.serialized_item), (8, text));
            item.deleted
        });
        assert_eq!(&read, expected, "{text}");
    }

    #[test]
    fn tombstones_of_every_shape_are_deleted() {
        check(LIVE, &Ok(false));
        check(r#"{"key":"deleted","version":8}"#, &Ok(false));
        for deleted in [
            &flag_tombstone("a", 8),
            &flag_tombstone("$deleted", 8),
            &segment_tombstone("a", 8),
            r#"{"key":"$deleted","version":8,"deleted":true}"#,
            r#"{"key":"a","version":8,"deleted": true}"#,
            r#"{"version":8,"deleted":true}"#,
            "null",
            " null\n",
        ] {
            check(deleted, &Ok(true));
            assert!(
                flag(&row(deleted)).is_ok_and(|item| item.deleted),
                "{deleted}"
            );
        }
    }

    #[test]
    fn what_is_no_item_is_told() {
        for text in ["", "not json", "[8]", "8", "\"a\"", r#"{"key":"a""#] {
            check(text, &Err(Unreadable::NotAnObject));
        }
        for attribute in [
            None,
            Some(AttributeValue::N("1".into())),
            Some(AttributeValue::Bool(true)),
        ] {
            let mut row = row(LIVE);
            row.remove(ITEM);
            row.extend(attribute.map(|it| (ITEM.to_owned(), it)));
            assert_eq!(item(&row).map(|_| ()), Err(Unreadable::NoText));
        }
    }

    #[test]
    fn a_flag_that_the_sdk_cannot_read_is_told_without_its_contents() {
        let wrong = LIVE.replace("false", "\"confidential\"");
        check(&wrong, &Ok(false));
        let fault = flag(&row(&wrong)).map(|_| ()).unwrap_err().to_string();
        assert!(
            fault.contains("column") && !fault.contains("confidential"),
            "{fault}"
        );
        assert!(flag(&row(LIVE)).is_ok());
    }

    #[test]
    fn the_version_is_the_attribute_or_the_texts() {
        let version = |version: Option<AttributeValue>, text: &str| {
            let mut row = row(text);
            row.remove(VERSION);
            row.extend(version.map(|it| (VERSION.to_owned(), it)));
            item(&row).unwrap().version
        };
        assert_eq!(version(Some(AttributeValue::N("9".into())), LIVE), 9);
        assert_eq!(version(None, LIVE), 8);
        assert_eq!(version(Some(AttributeValue::S("9".into())), LIVE), 8);
        assert_eq!(version(Some(AttributeValue::N("1.5".into())), LIVE), 8);
        assert_eq!(version(None, r#"{"key":"a","version":"x"}"#), 0);
        assert_eq!(version(Some(AttributeValue::N("9".into())), "null"), 9);
        assert_eq!(version(None, "null"), 0);
    }
}

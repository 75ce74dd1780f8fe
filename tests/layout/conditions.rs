//! Every write is conditional on the version attribute as it was read, whatever it was.

use ld_dynamodb_relay::model::{Item, ItemKey, Stamp, StoredVersion};
use ld_dynamodb_relay::simulator::store::{Attribute, Row};
use ld_dynamodb_relay::table::Outcome;

use crate::support::{Dynamo, item};

fn foreign(version: Option<Attribute>) -> Row {
    let row = Row::new("features", "f").holding(r#"{"key":"f"}"#);
    match version {
        Some(version) => row.with("version", version),
        None => row,
    }
}

#[expect(clippy::unnecessary_wraps, reason = "beside a row without version")]
fn number(text: &str) -> Option<Attribute> {
    Some(Attribute::N(text.into()))
}

/// Versions as they may be stored, with what is remembered of them.
fn versions() -> Vec<(Option<Attribute>, StoredVersion)> {
    let attribute = |json: serde_json::Value| serde_json::from_value::<Attribute>(json).unwrap();
    let mut versions = vec![
        (None, StoredVersion::Missing),
        (number("0"), StoredVersion::Number(0)),
        (number("7"), StoredVersion::Number(7)),
        (
            number("18446744073709551615"),
            StoredVersion::Number(u64::MAX),
        ),
        (
            number("18446744073709551616"),
            StoredVersion::OddNumber("18446744073709551616".into()),
        ),
        (number("-1"), StoredVersion::OddNumber("-1".into())),
        (number("1.5"), StoredVersion::OddNumber("1.5".into())),
        (
            Some(Attribute::S("7".into())),
            StoredVersion::Text("7".into()),
        ),
        (
            Some(Attribute::S(String::new())),
            StoredVersion::Text("".into()),
        ),
    ];
    for (json, name) in [
        (serde_json::json!({"B": "AAEC"}), "B"),
        (serde_json::json!({"BOOL": true}), "BOOL"),
        (serde_json::json!({"NULL": true}), "NULL"),
        (serde_json::json!({"M": {"a": {"N": "1"}}}), "M"),
        (serde_json::json!({"L": [{"N": "1"}]}), "L"),
        (serde_json::json!({"SS": ["a"]}), "SS"),
        (serde_json::json!({"NS": ["1"]}), "NS"),
        (serde_json::json!({"BS": ["AAEC"]}), "BS"),
    ] {
        versions.push((Some(attribute(json)), StoredVersion::Other(name)));
    }
    versions
}

fn wanted() -> (ItemKey, Item) {
    let key = ItemKey::flag("f");
    let item = item(&key, r#"{"key":"f","version":9}"#);
    (key, item)
}

/// What another writer could have done meanwhile: any row with another version attribute, or none at all.
fn others(seen: &StoredVersion) -> Vec<Option<Row>> {
    let mut others: Vec<_> = versions()
        .into_iter()
        .filter(|(_, version)| version != seen)
        .map(|(attribute, _)| Some(foreign(attribute)))
        .collect();
    others.push(None);
    others
}

#[tokio::test]
async fn a_row_is_replaced_if_its_version_is_as_it_was_seen() {
    let dynamo = Dynamo::start().await;
    let (key, item) = wanted();
    let table = dynamo.table("");
    for (attribute, version) in versions() {
        dynamo.put_row(foreign(attribute.clone()));
        let seen = table.read(&key).await.unwrap().value.unwrap();
        assert_eq!((&seen.version, seen.tombstone), (&version, false));
        assert_eq!(
            table.put(&key, &item, Some(&seen)).await.0,
            Outcome::Applied,
            "{version:?}"
        );
        assert_eq!(
            table.read(&key).await.unwrap().value,
            Some(Stamp::of(&item))
        );
        dynamo.put_row(foreign(attribute));
        assert_eq!(
            table.remove(&key, &seen).await.0,
            Outcome::Applied,
            "{version:?}"
        );
        assert_eq!(dynamo.row("features", "f"), None);
    }
}

#[tokio::test]
async fn what_another_writer_touched_is_left_alone() {
    let dynamo = Dynamo::start().await;
    let (key, item) = wanted();
    let table = dynamo.table("");
    for (attribute, version) in versions() {
        dynamo.put_row(foreign(attribute));
        let seen = table.read(&key).await.unwrap().value.unwrap();
        for other in others(&version) {
            match &other {
                Some(row) => dynamo.put_row(row.clone()),
                None => dynamo.delete_row(&Row::new("features", "f")),
            }
            if other.is_none() && version == StoredVersion::Missing {
                // To DynamoDB a row that is not there has no version either; nothing is overwritten.
                continue;
            }
            let found = table.read(&key).await.unwrap().value;
            for outcome in [
                table.put(&key, &item, Some(&seen)).await.0,
                table.remove(&key, &seen).await.0,
            ] {
                assert_eq!(
                    outcome,
                    Outcome::Superseded(found.clone()),
                    "{version:?}, then {other:?}"
                );
            }
            assert_eq!(dynamo.row("features", "f"), other);
        }
    }
}

#[tokio::test]
async fn what_was_not_there_is_not_overwritten() {
    let dynamo = Dynamo::start().await;
    let (key, item) = wanted();
    let table = dynamo.table("");
    for (attribute, version) in versions() {
        let row = foreign(attribute);
        dynamo.put_row(row.clone());
        let found = table.read(&key).await.unwrap().value;
        assert_eq!(
            table.put(&key, &item, None).await.0,
            Outcome::Superseded(found),
            "{version:?}"
        );
        assert_eq!(dynamo.row("features", "f"), Some(row));
    }
    dynamo.delete_row(&Row::new("features", "f"));
    assert_eq!(table.put(&key, &item, None).await.0, Outcome::Applied);
    let stamp = Stamp::of(&item);
    assert_eq!(
        table.put(&key, &item, None).await.0,
        Outcome::Superseded(Some(stamp)),
        "the answer was lost"
    );
}

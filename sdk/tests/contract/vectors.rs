//! The examples of `layout-vectors.json` that are about this layout's flags and segments: what is given, and what the
//! table then holds.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use launchdarkly_server_sdk::{AllData, DataKind, SerializedItem};
use serde_json::Value;

use crate::place::{Place, places};

/// Here a row without a version is replaced, as the store for Node does it.
const NODES_WAY: &str = "upsert-row-without-version";

fn group(name: &str) -> Vec<Value> {
    let file = include_str!("../../../tests/fixtures/layout-vectors.json");
    let file: Value = serde_json::from_str(file).unwrap();
    let vectors = file["vectors"].as_array().unwrap().iter();
    let found: Vec<_> = vectors.filter(|it| it["group"] == name).cloned().collect();
    assert!(!found.is_empty(), "no vectors of {name}");
    found
}

fn prefix(input: &Value) -> &str {
    input["prefix"].as_str().unwrap_or_default()
}

fn kind(input: &Value) -> DataKind {
    match input["kind"].as_str() {
        Some("features") => DataKind::Flag,
        Some("segments") => DataKind::Segment,
        other => panic!("no kind: {other:?}"),
    }
}

/// The item of a text, as the SDK would give it.
fn item(text: &str) -> SerializedItem {
    let header: Value = serde_json::from_str(text).unwrap();
    SerializedItem {
        version: header["version"].as_u64().unwrap(),
        deleted: header["deleted"] == true,
        serialized_item: text.to_owned(),
    }
}

/// Rows with their attributes, in DynamoDB's JSON, by their keys.
fn rows(list: &Value) -> BTreeMap<(String, String), Value> {
    let rows = list.as_array().unwrap().iter();
    rows.map(|row| {
        let keys = ["namespace", "key"].map(|name| row[name]["S"].as_str().unwrap().to_owned());
        (keys.into(), row.clone())
    })
    .collect()
}

fn fill(place: &Place, list: &Value) {
    for ((namespace, key), row) in rows(list) {
        let attributes = row.as_object().unwrap().iter();
        let attributes: Vec<_> = attributes
            .filter(|(name, _)| !["namespace", "key"].contains(&name.as_str()))
            .map(|(name, value)| {
                let text = |of: &str| value[of].as_str().map(ToOwned::to_owned);
                let value = text("S").map(AttributeValue::S);
                (
                    name.as_str(),
                    value.or_else(|| text("N").map(AttributeValue::N)).unwrap(),
                )
            })
            .collect();
        place.write(&namespace, &key, &attributes);
    }
}

/// That the table holds these rows and no others.
#[track_caller]
fn check(place: &Place, vector: &Value, member: &str) {
    let expected = rows(&vector[member]);
    assert!(place.rows().keys().eq(expected.keys()), "{}", vector["id"]);
    for ((namespace, key), expected) in expected {
        let row = place.row(&namespace, &key).unwrap().into_iter();
        let row: serde_json::Map<String, Value> = row
            .map(|(name, value)| {
                let value = match value {
                    AttributeValue::S(text) => serde_json::json!({ "S": text }),
                    AttributeValue::N(text) => serde_json::json!({ "N": text }),
                    other => panic!("{other:?}"),
                };
                (name, value)
            })
            .collect();
        assert_eq!(Value::Object(row), expected, "{}", vector["id"]);
    }
}

#[test]
fn items_and_tombstones() {
    for vector in [group("put"), group("tombstone")].concat() {
        for place in places() {
            let input = &vector["input"];
            let mut store = place.store_under(prefix(input));
            let item = match input["json"].as_str() {
                Some(text) => item(text),
                None => crate::place::gone(input["version"].as_u64().unwrap()),
            };
            let key = input["key"].as_str().unwrap();
            assert!(store.upsert(kind(input), key, item).unwrap());
            check(&place, &vector, "expected_items");
        }
    }
}

#[test]
fn the_marker() {
    for vector in group("inited") {
        for place in places() {
            let mut store = place.store_under(prefix(&vector["input"]));
            store.init(crate::place::set(&[], &[])).unwrap();
            check(&place, &vector, "expected_items");
        }
    }
}

#[test]
fn changes() {
    for vector in group("upsert").iter().filter(|it| it["id"] != NODES_WAY) {
        for place in places() {
            let input = &vector["input"];
            if input["existing"].is_object() {
                fill(&place, &Value::Array(vec![input["existing"].clone()]));
            }
            let mut store = place.store_under(prefix(input));
            let item = item(input["json"].as_str().unwrap());
            let key = input["key"].as_str().unwrap();
            let updated = store.upsert(kind(input), key, item).unwrap();
            assert_eq!(
                updated,
                vector["expected_updated"] == true,
                "{}",
                vector["id"]
            );
            check(&place, vector, "expected_items");
        }
    }
}

#[test]
fn whole_sets() {
    for vector in group("init") {
        for place in places() {
            let input = &vector["input"];
            fill(&place, &input["table_before"]);
            let items = |kind: &str| {
                let items = input["data"][kind].as_object().unwrap().iter();
                items
                    .map(|(key, text)| (key.clone(), item(text.as_str().unwrap())))
                    .collect()
            };
            let data = AllData {
                flags: items("flags"),
                segments: items("segments"),
            };
            place.store_under(prefix(input)).init(data).unwrap();
            check(&place, &vector, "expected_table_after");
        }
    }
}

//! The examples of `layout-vectors.json`. Names, rows, marker, tombstones and sizes bind us.

use std::collections::HashSet;

use aws_sdk_dynamodb::types::AttributeValue;
use ld_dynamodb_relay::environment::read_all;
use ld_dynamodb_relay::model::{Item, ItemKey, Kind, Stamp, StoredVersion};
use ld_dynamodb_relay::simulator::store::{Attribute, Row};
use ld_dynamodb_relay::table::{self, Layout, Outcome};
use serde_json::Value;

use crate::support::{Dynamo, item, key_of};

/// Groups that a test of this file reads.
const USED: [&str; 6] = ["names", "put", "tombstone", "inited", "size", "foreign_row"];
/// Groups whose rows bind us, written in our way: in `upsert` and `init` the conditions are the other writers', and
/// `repair` appends to what LaunchDarkly said, while we store what came.
const IN_OUR_WAY: [&str; 3] = ["upsert", "init", "repair"];
/// The membership of big segments is written elsewhere.
const ELSEWHERE: [&str; 4] = [
    "big_segments",
    "context_hash",
    "segment_ref",
    "membership_read",
];

fn vectors() -> Vec<Value> {
    let file: Value =
        serde_json::from_str(include_str!("../fixtures/layout-vectors.json")).unwrap();
    file["vectors"].as_array().unwrap().clone()
}

fn group(name: &str) -> Vec<Value> {
    let found: Vec<_> = vectors()
        .into_iter()
        .filter(|it| it["group"] == name)
        .collect();
    assert!(!found.is_empty(), "no vectors of {name}");
    found
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name]
        .as_str()
        .unwrap_or_else(|| panic!("no {name}: {value}"))
}

fn prefix(input: &Value) -> &str {
    input["prefix"].as_str().unwrap_or_default()
}

/// A row as the vectors have it.
fn row(value: &Value) -> Row {
    let mut row = Row::new(text(&value["namespace"], "S"), text(&value["key"], "S"));
    for (name, value) in value.as_object().unwrap() {
        if !matches!(name.as_str(), "namespace" | "key") {
            row = row.with(
                name,
                serde_json::from_value::<Attribute>(value.clone()).unwrap(),
            );
        }
    }
    row
}

fn expected(vector: &Value, member: &str) -> Vec<Row> {
    let mut rows: Vec<_> = vector[member].as_array().unwrap().iter().map(row).collect();
    rows.sort_by(|a, b| (&a.namespace, &a.key).cmp(&(&b.namespace, &b.key)));
    rows
}

fn input_key(input: &Value) -> ItemKey {
    key_of(text(input, "kind"), text(input, "key"))
}

#[test]
fn every_group_is_read_or_is_not_for_us() {
    let known: HashSet<_> = [&USED[..], &IN_OUR_WAY, &ELSEWHERE]
        .concat()
        .into_iter()
        .collect();
    for vector in vectors() {
        assert!(
            known.contains(text(&vector, "group")),
            "nobody reads {}",
            vector["id"]
        );
    }
}

#[test]
fn names() {
    for vector in group("names") {
        let (layout, names) = (Layout::new(prefix(&vector)), &vector["expected_namespaces"]);
        assert_eq!(layout.namespace(Kind::Flag), text(names, "features"));
        assert_eq!(layout.namespace(Kind::Segment), text(names, "segments"));
        assert_eq!(layout.marker(), text(names, "$inited"));
        assert_eq!(layout.namespace_bytes(), text(names, "features").len());
        // Ours alone, beside the marker, where no SDK looks.
        let identity = text(names, "$inited").replace("$inited", "$identity");
        assert_eq!(layout.identity(), identity);
    }
}

#[tokio::test]
async fn items_are_stored_as_they_came() {
    for vector in group("put") {
        let (dynamo, input) = (Dynamo::start().await, &vector["input"]);
        let key = input_key(input);
        let item = item(&key, text(input, "json"));
        assert_eq!(
            item.version(),
            input["version"].as_u64(),
            "{}",
            vector["id"]
        );
        assert_eq!(
            dynamo.put(prefix(input), &key, &item).await,
            Outcome::Applied
        );
        assert_eq!(
            dynamo.rows(),
            expected(&vector, "expected_items"),
            "{}",
            vector["id"]
        );
    }
}

#[tokio::test]
async fn tombstones() {
    for vector in group("tombstone") {
        let (dynamo, input) = (Dynamo::start().await, &vector["input"]);
        let key = input_key(input);
        let tombstone = Item::tombstone(&key, input["version"].as_u64().unwrap());
        assert_eq!(
            dynamo.put(prefix(input), &key, &tombstone).await,
            Outcome::Applied
        );
        assert_eq!(
            dynamo.rows(),
            expected(&vector, "expected_items"),
            "{}",
            vector["id"]
        );
        let read = dynamo.table(prefix(input)).read(&key).await.unwrap().value;
        assert_eq!(read, Some(Stamp::of(&tombstone)));
    }
}

#[tokio::test]
async fn the_marker_is_nothing_but_its_keys() {
    for vector in group("inited") {
        let dynamo = Dynamo::start().await;
        let table = dynamo.table(prefix(&vector["input"]));
        assert!(!table.marker().await.unwrap().value);
        for _ in 0..2 {
            assert_eq!(table.mark_initialized().await.0, Outcome::Applied);
            assert_eq!(
                dynamo.rows(),
                expected(&vector, "expected_items"),
                "{}",
                vector["id"]
            );
        }
        assert!(table.marker().await.unwrap().value);
    }
}

/// The vectors' estimate is a hundred above the sum of the bytes and has a limit of its own; ours is DynamoDB's. One digit
/// counts as one there, and as two with DynamoDB.
#[tokio::test]
async fn sizes_are_counted_in_bytes() {
    let dynamo = Dynamo::start().await;
    for (number, vector) in group("size").iter().enumerate() {
        let input = &vector["input"];
        let estimate = usize::try_from(vector["expected_estimate"].as_u64().unwrap()).unwrap();
        if input["item"].is_object() {
            let row = row(&input["item"]);
            let key = ItemKey::flag(row.key.as_str());
            let quoted = item(&key, format!("\"{}\"", row.item().unwrap()));
            let bytes = quoted.row_bytes(&key, row.namespace.len()) - 2;
            assert_eq!(bytes, estimate - 100 + 1, "UTF-8");
            continue;
        }
        let (key, version) = (input_key(input), input["version"].as_u64().unwrap());
        let length = usize::try_from(input["item_length_bytes"].as_u64().unwrap()).unwrap();
        let frame = format!(r#"{{"key":"{}","version":{version},"salt":""}}"#, key.key);
        let salt = "x".repeat(length - frame.len());
        let item = item(
            &key,
            frame.replace(r#""salt":"""#, &format!(r#""salt":"{salt}""#)),
        );
        let prefix = format!("env{number}");
        let bytes = item.row_bytes(&key, dynamo.table(&prefix).layout.namespace_bytes());
        assert_eq!(bytes, estimate - 100 + 1, "{}", vector["id"]);
        let outcome = dynamo.put(&prefix, &key, &item).await;
        assert_eq!(
            outcome,
            Outcome::Applied,
            "others drop it, DynamoDB takes it"
        );
    }
}

#[tokio::test]
async fn rows_of_other_writers_are_read_for_what_they_are() {
    for vector in group("foreign_row") {
        let (id, foreign) = (text(&vector, "id"), row(&vector["input"]["item"]));
        let dynamo = Dynamo::start().await;
        dynamo.put_row(foreign.clone());
        let table = dynamo.table("env1");
        let seen = read_all(&table).await.unwrap();
        if vector["expected_interpretation"]["ignore"] == true {
            assert!(seen.items.is_empty(), "{id} is none of ours");
            continue;
        }
        let key = ItemKey::flag(foreign.key.as_str());
        let stamp = &seen.items[&key];
        assert_eq!(
            Some(stamp),
            table.read(&key).await.unwrap().value.as_ref(),
            "{id}"
        );
        assert_eq!(
            stamp.version,
            StoredVersion::Number(foreign.version().unwrap()),
            "{id}"
        );
        let deleted = vector["expected_interpretation"]["deleted"] == true;
        assert_eq!(stamp.tombstone, deleted, "{id}");
        // The text `null` is nobody's item. It is the one tombstone that not every SDK can read, and ours takes its place.
        let is_null = foreign.item() == Some("null");
        assert_eq!(stamp.bare, is_null, "{id}");
        let ours = if is_null {
            Item::tombstone(&key, stamp.number().unwrap())
        } else {
            item(&key, foreign.item().unwrap())
        };
        // Whatever is beside version and item is a difference: the row is written anew without it.
        let plain = foreign.attributes.len() == 2 && !deleted;
        assert_eq!(*stamp == Stamp::of(&ours), plain, "{id}");
        assert_eq!(
            table.put(&key, &ours, Some(stamp)).await.0,
            Outcome::Applied
        );
        assert_eq!(
            dynamo
                .row("env1:features", &key.key)
                .unwrap()
                .attributes
                .len(),
            2
        );
    }
}

/// What a row's text says of its being deleted is told in one way, by the crate that readers in Rust use. Nothing but the
/// text tells it.
#[test]
fn stamps_know_tombstones_by_their_text_alone() {
    let stamp = |text: AttributeValue| {
        let version = AttributeValue::N("8".to_owned());
        table::stamp(&[("version".to_owned(), version), ("item".to_owned(), text)].into())
    };
    for (text, deleted) in [
        ("null", true),
        (" null\n", true),
        (r#"{"version":8,"deleted":true}"#, true),
        (r#"{"deleted":false,"rules":[{"deleted":true}]}"#, false),
        (r#"{"variations":["null","{\"deleted\":true}"]}"#, false),
        ("\"null\"", false),
        ("", false),
    ] {
        let stamp = stamp(AttributeValue::S(text.to_owned()));
        assert_eq!(stamp.tombstone, deleted, "{text}");
    }
    assert!(!stamp(AttributeValue::Null(true)).tombstone);
    assert!(!stamp(AttributeValue::Bool(true)).tombstone);
}

/// Their condition decides by the version alone, ours by what was seen. The rows are the same.
#[tokio::test]
async fn upserts_write_the_same_rows_in_our_way() {
    for vector in group("upsert") {
        let (dynamo, input) = (Dynamo::start().await, &vector["input"]);
        if input["existing"].is_object() {
            dynamo.put_row(row(&input["existing"]));
        }
        if vector["expected_updated"] == false {
            continue;
        }
        let (key, table) = (input_key(input), dynamo.table(prefix(input)));
        let seen = table.read(&key).await.unwrap().value;
        let item = item(&key, text(input, "json"));
        assert_eq!(
            table.put(&key, &item, seen.as_ref()).await.0,
            Outcome::Applied
        );
        assert_eq!(
            dynamo.rows(),
            expected(&vector, "expected_items"),
            "{}",
            vector["id"]
        );
    }
}

/// What the data set holds is stored as they store it. We leave a tombstone where they delete, and it guards for a while.
#[tokio::test]
async fn a_data_set_becomes_the_same_rows() {
    for vector in group("init") {
        let (dynamo, input) = (Dynamo::start().await, &vector["input"]);
        for existing in input["table_before"].as_array().unwrap() {
            dynamo.put_row(row(existing));
        }
        let table = dynamo.table(prefix(input));
        for (kind, items) in input["data"].as_object().unwrap() {
            for (key, said) in items.as_object().unwrap() {
                let stored_under = if kind == "flags" { "features" } else { kind };
                let key = key_of(stored_under, key);
                let item = item(&key, said.as_str().unwrap());
                let seen = table.read(&key).await.unwrap().value;
                assert_eq!(
                    table.put(&key, &item, seen.as_ref()).await.0,
                    Outcome::Applied
                );
            }
        }
        for gone in expected(&vector, "expected_deletes") {
            let kind = gone.namespace.rsplit(':').next().unwrap();
            let key = key_of(kind, &gone.key);
            let seen = table.read(&key).await.unwrap().value.unwrap();
            assert_eq!(table.remove(&key, &seen).await.0, Outcome::Applied);
        }
        assert_eq!(table.mark_initialized().await.0, Outcome::Applied);
        assert_eq!(
            dynamo.rows(),
            expected(&vector, "expected_table_after"),
            "{}",
            vector["id"]
        );
    }
}

/// Nothing is appended, also where a reader would like more members.
#[tokio::test]
async fn what_came_is_stored_without_repairs() {
    for vector in group("repair") {
        let (dynamo, input) = (Dynamo::start().await, &vector["input"]);
        let (key, came) = (input_key(input), text(input, "json"));
        assert_eq!(
            dynamo.put(prefix(input), &key, &item(&key, came)).await,
            Outcome::Applied
        );
        let rows = dynamo.rows();
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].item(), Some(came));
        assert_eq!(rows[0].version(), input["version"].as_u64());
    }
}

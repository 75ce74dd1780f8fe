//! What the relay relies on in a store, and what it makes of its answers: on the embedded DynamoDB, and on the endpoint in
//! `DYNAMODB_LOCAL_ENDPOINT` where that is set.

#![cfg(feature = "demo")]
#![expect(clippy::unwrap_used, reason = "helpers of tests may")]

#[path = "store_contract/place.rs"]
mod place;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, KeyType};
use ld_dynamodb_relay::environment::read_all;
use ld_dynamodb_relay::model::{
    Digest, Item, ItemKey, Kind, MAX_KEY_BYTES, MAX_ROW_BYTES, Stamp, StoredVersion,
};
use ld_dynamodb_relay::table::{Outcome, PageCursor, Table, Trouble};
use serde_json::value::RawValue;

use place::{PREFIX, create, places};

fn item(key: &ItemKey, version: u64) -> Item {
    with(key, version, "")
}

/// With more members, each beginning with a comma.
fn with(key: &ItemKey, version: u64, more: &str) -> Item {
    let name = serde_json::Value::from(&*key.key);
    parse(
        key,
        &format!(r#"{{"key":{name},"version":{version}{more}}}"#),
    )
}

fn parse(key: &ItemKey, text: &str) -> Item {
    let item = Item::parse(key, &RawValue::from_string(text.to_owned()).unwrap());
    assert!(item.version().is_some(), "{item:?}");
    item
}

fn number(text: &str) -> AttributeValue {
    AttributeValue::N(text.to_owned())
}

#[tokio::test]
async fn an_item_is_stored_where_there_is_none_and_nowhere_else() {
    for place in places().await {
        let key = ItemKey::flag("a");
        assert_eq!(place.read(&key).await, None);
        let (first, second) = (item(&key, 1), item(&key, 2));
        assert_eq!(
            place.table.put(&key, &first, None).await.0,
            Outcome::Applied
        );
        let stored = Stamp::of(&first);
        assert_eq!(place.read(&key).await, Some(stored.clone()));
        let (outcome, _) = place.table.put(&key, &second, None).await;
        assert_eq!(outcome, Outcome::Superseded(Some(stored.clone())));
        assert_eq!(place.read(&key).await, Some(stored));
    }
}

#[tokio::test]
async fn an_item_is_replaced_where_the_version_is_as_it_was_seen_and_nowhere_else() {
    for place in places().await {
        let key = ItemKey::segment("a");
        let (first, second, third) = (item(&key, 1), item(&key, 2), item(&key, 3));
        place.table.put(&key, &first, None).await;
        let seen = Stamp::of(&first);
        let (outcome, _) = place.table.put(&key, &second, Some(&seen)).await;
        assert_eq!(outcome, Outcome::Applied);
        let (outcome, _) = place.table.put(&key, &third, Some(&seen)).await;
        assert_eq!(outcome, Outcome::Superseded(Some(Stamp::of(&second))));
        let gone = ItemKey::segment("gone");
        let (outcome, _) = place.table.put(&gone, &third, Some(&seen)).await;
        assert_eq!(outcome, Outcome::Superseded(None));
        assert_eq!(place.read(&gone).await, None);
    }
}

#[tokio::test]
async fn a_row_is_removed_where_it_is_as_it_was_seen_and_nowhere_else() {
    for place in places().await {
        let key = ItemKey::flag("a");
        let (first, second) = (item(&key, 1), item(&key, 2));
        place.table.put(&key, &second, None).await;
        let (outcome, _) = place.table.remove(&key, &Stamp::of(&first)).await;
        assert_eq!(outcome, Outcome::Superseded(Some(Stamp::of(&second))));
        let (outcome, _) = place.table.remove(&key, &Stamp::of(&second)).await;
        assert_eq!(outcome, Outcome::Applied);
        let (outcome, _) = place.table.remove(&key, &Stamp::of(&second)).await;
        assert_eq!(outcome, Outcome::Superseded(None));
    }
}

/// Whatever somebody else left as a version, we replace what we saw and nothing that came since.
#[tokio::test]
async fn odd_versions_are_seen_and_compared_as_well() {
    let odd = [
        (None, StoredVersion::Missing),
        (Some(number("-1")), StoredVersion::OddNumber("-1".into())),
        (Some(number("1.5")), StoredVersion::OddNumber("1.5".into())),
        (
            Some(AttributeValue::S("7".into())),
            StoredVersion::Text("7".into()),
        ),
        (
            Some(AttributeValue::Bool(true)),
            StoredVersion::Other("BOOL"),
        ),
        (
            Some(AttributeValue::Null(true)),
            StoredVersion::Other("NULL"),
        ),
        (Some(AttributeValue::L(vec![])), StoredVersion::Other("L")),
        (
            Some(AttributeValue::B(Blob::new("x"))),
            StoredVersion::Other("B"),
        ),
        (
            Some(AttributeValue::Ns(vec!["1".into()])),
            StoredVersion::Other("NS"),
        ),
    ];
    for place in places().await {
        for (at, (version, expected)) in odd.iter().enumerate() {
            let key = ItemKey::flag(format!("odd-{at}"));
            let mut row = vec![("item", AttributeValue::S("{}".into()))];
            row.extend(version.clone().map(|version| ("version", version)));
            place.write(&key, &row).await;
            let seen = place.read(&key).await.unwrap();
            assert_eq!(seen.version, *expected);
            let (outcome, _) = place.table.put(&key, &item(&key, 1), Some(&seen)).await;
            assert_eq!(outcome, Outcome::Applied, "{expected:?}");
            let (outcome, _) = place.table.put(&key, &item(&key, 2), Some(&seen)).await;
            let now = Stamp::of(&item(&key, 1));
            assert_eq!(outcome, Outcome::Superseded(Some(now)), "{expected:?}");
        }
    }
}

#[tokio::test]
async fn texts_come_back_byte_for_byte() {
    let texts = [
        r#"{ "key" : "a 🚀", "version" : 1, "n" : 1.50e+2, "big" : 12345678901234567890.10 }"#,
        r#"{"key":"a \ud83d\ude80","version":2,"escaped":"\ud83d\ude80","literal":"🚀","nul":"\u0000"}"#,
        "{\"key\":\"a 🚀\",\n\t\"version\":3,\"twice\":1,\"twice\":2,\"empty\":\"\"}",
    ];
    for place in places().await {
        let key = ItemKey::flag("a 🚀");
        let mut seen = None;
        for text in texts {
            let stored = parse(&key, text);
            let (outcome, _) = place.table.put(&key, &stored, seen.as_ref()).await;
            assert_eq!(outcome, Outcome::Applied);
            seen = Some(Stamp::of(&stored));
            assert_eq!(place.text(&key).await.as_deref(), Some(text));
            let version = stored.version().unwrap();
            let digest = Digest::of_item(version, text);
            assert_eq!(place.read(&key).await.unwrap().digest, digest);
        }
    }
}

#[tokio::test]
async fn a_partition_is_read_page_by_page_and_no_other() {
    for place in places().await {
        let padding = "x".repeat(300_000);
        let mut expected = Vec::new();
        for number in 0..5 {
            let key = ItemKey::flag(format!("large-{number}"));
            let large = with(&key, 1, &format!(r#","more":"{padding}""#));
            assert_eq!(
                place.table.put(&key, &large, None).await.0,
                Outcome::Applied
            );
            expected.push((key.key, Stamp::of(&large)));
        }
        let segment = ItemKey::segment("other");
        place.table.put(&segment, &item(&segment, 1), None).await;
        let (mut pages, mut units, mut found) = (0, 0.0, Vec::new());
        let mut cursor = PageCursor {
            kind: Kind::Flag,
            after: None,
            rows: None,
        };
        loop {
            let page = place.table.page(&cursor).await.unwrap();
            (pages, units) = (pages + 1, units + page.units);
            found.extend(page.value.rows);
            cursor.after = page.value.last;
            if cursor.after.is_none() {
                break;
            }
        }
        assert_eq!(found, expected);
        assert_eq!(pages, 2, "a page has a megabyte");
        // A strongly consistent read: a unit for each 4 KB.
        assert!((units - 1_500_000.0 / 4_096.0).abs() < 4.0, "{units}");
    }
}

#[tokio::test]
async fn the_marker_is_written_once_and_twice() {
    for place in places().await {
        assert!(!place.table.marker().await.unwrap().value);
        for _ in 0..2 {
            assert_eq!(place.table.mark_initialized().await.0, Outcome::Applied);
            assert!(place.table.marker().await.unwrap().value);
        }
        let found = read_all(&place.table).await.unwrap();
        assert!(found.items.is_empty(), "it is no item");
    }
}

#[tokio::test]
async fn whose_data_it_is_is_remembered_where_it_is_as_it_was_seen() {
    for place in places().await {
        let table = &place.table;
        let read = async || table.identity().await.unwrap().value;
        let put = async |id, seen| table.remember_identity(id, seen).await.0;
        assert_eq!(read().await, None);
        assert_eq!(put("a", Some("b")).await, Outcome::Superseded(None));
        assert_eq!(put("a", None).await, Outcome::Applied);
        assert_eq!(read().await.as_deref(), Some("a"));
        for seen in [None, Some("b")] {
            assert_eq!(put("c", seen).await, Outcome::Superseded(None));
        }
        assert_eq!(read().await.as_deref(), Some("a"));
        assert_eq!(put("b", Some("a")).await, Outcome::Applied);
        // What is no text is read as absent, and replaced as absent.
        let name = AttributeValue::S(table.layout.identity().to_owned());
        let odd = place.client.put_item().table_name(&table.name);
        let odd = odd.item("namespace", name.clone()).item("key", name);
        odd.item("environmentId", number("7")).send().await.unwrap();
        assert_eq!(read().await, None);
        assert_eq!(put("b", Some("7")).await, Outcome::Superseded(None));
        assert_eq!(put("b", None).await, Outcome::Applied);
        assert_eq!(read().await.as_deref(), Some("b"));
    }
}

/// What is too large by our count is refused, and nothing else is.
#[tokio::test]
async fn sizes_are_counted_as_the_store_counts_them() {
    for place in places().await {
        let namespace_bytes = place.table.layout.namespace_bytes();
        // With a character of four bytes, so that characters are not taken for bytes.
        for version in [1, 12_345] {
            let key = ItemKey::flag(format!("large-{version}-\u{1f680}"));
            let of_size = |bytes: usize| {
                let padded = |padding| format!(r#","a":"🚀{}""#, "x".repeat(padding));
                let least = with(&key, version, &padded(0));
                let missing = bytes - least.row_bytes(&key, namespace_bytes);
                with(&key, version, &padded(missing))
            };
            let too_large = of_size(MAX_ROW_BYTES + 1);
            assert_eq!(
                place.table.put(&key, &too_large, None).await.0,
                Outcome::Invalid(Trouble::Invalid("PutItem"))
            );
            let largest = of_size(MAX_ROW_BYTES);
            let (outcome, units) = place.table.put(&key, &largest, None).await;
            assert_eq!(outcome, Outcome::Applied);
            assert!((units - 400.0).abs() < 0.1, "a unit for each KB: {units}");
        }
        let invalid = |operation| Outcome::Invalid(Trouble::Invalid(operation));
        for (length, put, removed) in [
            (MAX_KEY_BYTES, Outcome::Applied, Outcome::Applied),
            (MAX_KEY_BYTES + 1, invalid("PutItem"), invalid("DeleteItem")),
        ] {
            let key = ItemKey::flag("k".repeat(length));
            // Of a shorter key, or we would not try.
            let small = item(&ItemKey::flag("a"), 1);
            assert_eq!(place.table.put(&key, &small, None).await.0, put);
            let stands = Stamp::of(&small);
            assert_eq!(place.table.remove(&key, &stands).await.0, removed);
        }
    }
}

#[tokio::test]
async fn a_write_costs_what_is_counted_on() {
    for place in places().await {
        let key = ItemKey::flag("a");
        let item = with(&key, 1, &format!(r#","more":"{}""#, "x".repeat(1_500)));
        let (_, units) = place.table.put(&key, &item, None).await;
        assert!((units - 2.0).abs() < 0.1, "{units}");
        let read = place.table.marker().await.unwrap();
        assert!((read.units - 1.0).abs() < 0.1, "{}", read.units);
    }
}

/// DynamoDB says nothing of them and bills them all the same, by the larger row.
#[tokio::test]
async fn write_units_of_a_condition_that_failed_are_counted() {
    for place in places().await {
        let key = ItemKey::flag("a");
        let sized = |version, bytes| {
            with(
                &key,
                version,
                &format!(r#","more":"{}""#, "x".repeat(bytes)),
            )
        };
        place.table.put(&key, &sized(2, 2_500), None).await;
        for (new, expected) in [(sized(3, 100), 3.0), (sized(3, 4_500), 5.0)] {
            let (outcome, units) = place.table.put(&key, &new, None).await;
            assert!(matches!(outcome, Outcome::Superseded(_)));
            assert!((units - expected).abs() < 0.1, "{units}");
        }
        let other = Stamp::of(&item(&key, 1));
        let (outcome, units) = place.table.remove(&key, &other).await;
        assert!(matches!(outcome, Outcome::Superseded(_)));
        assert!((units - 3.0).abs() < 0.1, "{units}");
    }
}

#[tokio::test]
async fn a_table_that_is_missing_or_has_other_keys_is_told_apart() {
    for place in places().await {
        let table = |name: &str| Table::new(place.connection.clone(), name, PREFIX);
        let missing = table("contract-nowhere");
        troubles(&missing, |it| matches!(it, Trouble::TableMissing(_))).await;
        let name = format!("{}-id", place.table.name);
        create(&place.client, &name, &[("id", KeyType::Hash)]).await;
        troubles(&table(&name), |it| matches!(it, Trouble::WrongSchema(_))).await;
        let name = format!("{}-sort", place.table.name);
        create(&place.client, &name, &[("namespace", KeyType::Hash)]).await;
        // It would take rows, one in the place of the other: the first look at the marker keeps us from it.
        let marker = table(&name).marker().await.map(drop);
        assert!(matches!(marker, Err(Trouble::WrongSchema(_))), "{marker:?}");
    }
}

/// Everything that reads or writes an item fails in this way.
async fn troubles(table: &Table, expected: impl Fn(&Trouble) -> bool) {
    let key = ItemKey::flag("a");
    let small = item(&key, 1);
    let (put, _) = table.put(&key, &small, None).await;
    let (remove, _) = table.remove(&key, &Stamp::of(&small)).await;
    for outcome in [put, remove] {
        let Outcome::Failed(trouble) = &outcome else {
            panic!("{outcome:?}");
        };
        assert!(expected(trouble), "{trouble:?}");
    }
    for read in [
        table.read(&key).await.map(drop),
        table.marker().await.map(drop),
    ] {
        let trouble = read.unwrap_err();
        assert!(expected(&trouble), "{trouble:?}");
    }
}

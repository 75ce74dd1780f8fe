//! What comes is what is stored, byte for byte, up to DynamoDB's limit.

use std::sync::LazyLock;

use ld_dynamodb_relay::model::{Content, Item, ItemKey, Kind, MAX_KEY_BYTES, MAX_ROW_BYTES, Stamp};
use ld_dynamodb_relay::simulator::store::{Attribute, Row};
use ld_dynamodb_relay::table::{Outcome, PageCursor, Trouble, row_digest};
use proptest::prelude::*;
use tokio::runtime::Runtime;

use crate::support::{Dynamo, item};

/// Parts of a JSON text that a parser and printer would not give back as they were.
fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("1E2".to_owned()),
        Just("1.0".to_owned()),
        Just("-0".to_owned()),
        Just("9007199254740993".to_owned()),
        Just("123456789012345678901234567890".to_owned()),
        Just("null".to_owned()),
        Just("\"\\ud83d\\ude80 \\u0000 \\/ \\u2028\"".to_owned()),
        Just("\"\u{2028}\u{2029}\u{feff}\u{7f}\"".to_owned()),
        Just("\"🚀é\u{10ffff}\"".to_owned()),
        "[a-z \u{80}-\u{d7ff}\u{10000}-\u{10ffff}]{0,9}".prop_map(|text| format!("\"{text}\"")),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            (space(), prop::collection::vec(inner.clone(), 0..4)).prop_map(
                |(space, values)| format!("[{space}{}]", values.join(&format!(",{space}")))
            ),
            (space(), prop::collection::vec(inner, 0..4)).prop_map(|(space, values)| {
                // The same name again and again.
                let members = values
                    .into_iter()
                    .map(|value| format!("\"x\"{space}:{value}"));
                format!("{{{}{space}}}", members.collect::<Vec<_>>().join(","))
            }),
        ]
    })
}

fn space() -> impl Strategy<Value = String> {
    "[ \t\r\n]{0,3}"
}

/// The text of an item with this key and version, its members in some order.
fn text(key: &str, version: u64) -> impl Strategy<Value = String> + use<> {
    let key = serde_json::Value::from(key).to_string();
    let fixed = vec![
        format!("\"key\":{key}"),
        format!("\"v\\u0065rsion\":{version}"),
    ];
    (
        prop::collection::vec((space(), value()), 0..5),
        space(),
        any::<prop::sample::Index>(),
    )
        .prop_map(move |(others, space, at)| {
            let mut members: Vec<_> = others
                .into_iter()
                .enumerate()
                .map(|(number, (space, value))| {
                    format!("\"member{}\"{space}:{space}{value}", number % 2)
                })
                .collect();
            for member in &fixed {
                members.insert(at.index(members.len() + 1), member.clone());
            }
            format!("{{{space}{}{space}}}", members.join(&format!("{space},")))
        })
}

fn case() -> impl Strategy<Value = (ItemKey, u64, String)> {
    let key = "[a-zA-Z0-9._$: /é🚀\"-]{1,12}";
    let version = prop_oneof![0..9u64, any::<u64>()];
    (key, version, any::<bool>()).prop_flat_map(|(key, version, flag)| {
        let text = text(&key, version);
        let key = if flag {
            ItemKey::flag(key)
        } else {
            ItemKey::segment(key)
        };
        (Just(key), Just(version), text)
    })
}

struct Bench {
    runtime: Runtime,
    dynamo: Dynamo,
}

/// One store for all cases.
static BENCH: LazyLock<Bench> = LazyLock::new(|| {
    let runtime = Runtime::new().unwrap();
    let dynamo = runtime.block_on(Dynamo::start());
    Bench { runtime, dynamo }
});

proptest! {
    #[test]
    fn any_item_is_stored_byte_for_byte((key, version, text) in case(), deleted in any::<bool>()) {
        let came = item(&key, &*text);
        prop_assert_eq!(came.content, Content::Live { version });
        prop_assert_eq!(&*came.text, text.as_str());
        let item = if deleted { Item::tombstone(&key, version) } else { came };
        let Bench { runtime, dynamo } = &*BENCH;
        runtime.block_on(async {
            let table = dynamo.table("any");
            let seen = table.read(&key).await.unwrap().value;
            let (outcome, units) = table.put(&key, &item, seen.as_ref()).await;
            assert_eq!(outcome, Outcome::Applied);
            let bytes = item.row_bytes(&key, table.layout.namespace_bytes());
            assert!(units >= f64::from(u32::try_from(bytes.div_ceil(1_024)).unwrap()), "{bytes} bytes, {units} units");
            let row = dynamo.row(table.layout.namespace(key.kind), &key.key).unwrap();
            assert_eq!((row.item(), row.version()), (Some(&*item.text), Some(version)));
            assert_eq!(row.attributes.len(), 2);
            // As it is remembered when it was written is as it is read.
            assert_eq!(table.read(&key).await.unwrap().value, Some(Stamp::of(&item)));
        });
    }

    /// Rows that differ in anything but their keys have different digests.
    #[test]
    fn digests_tell_rows_apart(
        one in prop::collection::btree_map("[a-d]{1,2}", (any::<bool>(), "[a-d1-9]{0,3}"), 0..4),
        other in prop::collection::btree_map("[a-d]{1,2}", (any::<bool>(), "[a-d1-9]{0,3}"), 0..4),
    ) {
        use aws_sdk_dynamodb::types::AttributeValue;
        type Attributes = std::collections::BTreeMap<String, (bool, String)>;
        let digest = |attributes: &Attributes| {
            let value = |(text, value): &(bool, String)| {
                if *text { AttributeValue::S(value.clone()) } else { AttributeValue::N(value.clone()) }
            };
            row_digest(&attributes.iter().map(|(name, it)| (name.clone(), value(it))).collect())
        };
        prop_assert_eq!(digest(&one) == digest(&other), one == other);
    }
}

/// DynamoDB's limit, to the byte, by our count and by the store's.
#[tokio::test]
async fn the_largest_row_is_stored_and_one_byte_more_is_not() {
    let dynamo = Dynamo::start().await;
    for (prefix, version) in [
        ("", 1),
        ("env1", 12),
        ("médoc", 123),
        ("a:b", u64::from(u32::MAX)),
    ] {
        let table = dynamo.table(prefix);
        let of = |key: &ItemKey, salt: usize| {
            let salt = "é".repeat(salt / 2) + &"x".repeat(salt % 2);
            item(
                key,
                format!(
                    r#"{{"key":"{}","version":{version},"salt":"{salt}"}}"#,
                    key.key
                ),
            )
        };
        let namespace_bytes = table.layout.namespace_bytes();
        for key in [ItemKey::flag("flag"), ItemKey::segment("ségment")] {
            let room = MAX_ROW_BYTES - of(&key, 0).row_bytes(&key, namespace_bytes);
            let (fits, large) = (of(&key, room), of(&key, room + 1));
            assert_eq!(fits.row_bytes(&key, namespace_bytes), MAX_ROW_BYTES);
            assert_eq!(
                table.put(&key, &large, None).await.0,
                Outcome::Invalid(Trouble::Invalid("PutItem")),
                "{prefix} {key}"
            );
            assert_eq!(
                table.put(&key, &fits, None).await.0,
                Outcome::Applied,
                "{prefix} {key}"
            );
        }
    }
}

#[tokio::test]
async fn the_longest_key_is_stored_and_a_longer_one_cannot_be() {
    let dynamo = Dynamo::start().await;
    let of = |length: usize| {
        let key = ItemKey::flag("k".repeat(length));
        let item = item(&key, format!(r#"{{"key":"{}","version":1}}"#, key.key));
        (key, item)
    };
    let (key, fits) = of(MAX_KEY_BYTES);
    assert_eq!(dynamo.put("", &key, &fits).await, Outcome::Applied);
    let (key, long) = of(MAX_KEY_BYTES + 1);
    assert!(matches!(long.content, Content::Malformed(_)));
    // A deletion says nothing but a key: DynamoDB refuses it, and so it is set aside.
    assert_eq!(
        dynamo.put("", &key, &Item::tombstone(&key, 2)).await,
        Outcome::Invalid(Trouble::Invalid("PutItem"))
    );
}

/// More than a page: nothing is lost between pages, nothing of other prefixes or partitions is read.
#[tokio::test]
async fn a_partition_is_read_page_by_page() {
    let dynamo = Dynamo::start().await;
    let text = Attribute::S(format!(
        r#"{{"version":1,"salt":"{}"}}"#,
        "x".repeat(60_000)
    ));
    for number in 0..40 {
        for namespace in ["a:features", "b:features", "features", "a:segments"] {
            let row = Row::new(namespace, format!("{number}")).at_version(number);
            dynamo.put_row(row.with("item", text.clone()));
        }
    }
    for (rows, at_least) in [(None, 3), (Some(7), 6)] {
        let (mut seen, mut pages) = (Vec::new(), 0);
        let mut cursor = PageCursor {
            kind: Kind::Flag,
            after: None,
            rows,
        };
        loop {
            let page = dynamo.table("a").page(&cursor).await.unwrap();
            pages += 1;
            assert!(page.units > 0.0);
            assert!(rows.is_none_or(|most| page.value.rows.len() <= most as usize));
            seen.extend(page.value.rows);
            cursor.after = page.value.last;
            if cursor.after.is_none() {
                break;
            }
        }
        assert!(pages >= at_least, "{pages} pages");
        // In the order of the keys' bytes, on which it rests what a page speaks for.
        assert!(seen.is_sorted_by(|(a, _), (b, _)| a < b));
        let mut numbers: Vec<_> = seen.iter().map(|(_, stamp)| stamp.number()).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..40).map(Some).collect::<Vec<_>>());
    }
}

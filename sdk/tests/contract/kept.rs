//! Single items: read as they were given, replaced by newer ones only, remembered when they are deleted.

use aws_sdk_dynamodb::types::AttributeValue;
use launchdarkly_server_sdk::DataKind;
use launchdarkly_server_sdk_dynamodb::layout::{flag_tombstone, segment_tombstone};

use crate::place::{KINDS, get, gone, live, one, places, seen, set};

#[test]
fn an_item_is_read_as_it_was_given() {
    for place in places() {
        let mut store = place.store();
        let odd = live(
            "é\"",
            7,
            r#", "x" : [1.0, 1E2, "\ud83d\ude80", "🚀", null]"#,
        );
        let mut data = set(&[("other", 1)], &[("é\"", 3)]);
        data.flags.insert("é\"".into(), odd.clone());
        store.init(data).unwrap();
        assert_eq!(seen(&store.flag("é\"").unwrap().unwrap()), seen(&odd));
        assert_eq!(
            one(store.segment("é\"").unwrap()),
            Some((3, false)),
            "kinds do not mix"
        );
        assert_eq!(one(store.segment("other").unwrap()), None);
        assert_eq!(one(store.flag("nobody").unwrap()), None);
        let flags = store.all_flags().unwrap();
        assert!(
            flags.is_empty(),
            "none of them has what the SDK needs of a flag"
        );
        assert!(store.flag("").is_err(), "DynamoDB has no empty keys");
    }
}

#[test]
fn only_newer_items_are_written() {
    for place in places() {
        for kind in KINDS {
            let mut store = place.store();
            let mut upsert = |version| store.upsert(kind(), "a", live("a", version, "")).unwrap();
            assert!(upsert(9), "there is none");
            assert!(!upsert(8));
            assert!(!upsert(9));
            assert!(
                upsert(10),
                "10 is more than 9, whatever comes first in an alphabet"
            );
            assert!(!upsert(9));
            assert_eq!(one(get(&*store, &kind(), "a")), Some((10, false)));
            let mut upsert = |version| {
                store
                    .upsert(kind(), "zero", live("zero", version, ""))
                    .unwrap()
            };
            assert!(upsert(0));
            assert!(!upsert(0));
        }
    }
}

#[test]
fn a_deletion_is_remembered() {
    for place in places() {
        let mut store = place.store();
        store.init(set(&[("a", 5)], &[("a", 5)])).unwrap();
        for kind in KINDS {
            let mut upsert = |key, item| store.upsert(kind(), key, item).unwrap();
            assert!(!upsert("a", gone(4)));
            assert!(!upsert("a", gone(5)));
            assert!(upsert("a", gone(6)));
            assert!(!upsert("a", live("a", 5, "")));
            assert!(!upsert("a", live("a", 6, "")));
            assert!(upsert("unknown", gone(1)));
            assert_eq!(one(get(&*store, &kind(), "a")), Some((6, true)));
            assert_eq!(one(get(&*store, &kind(), "unknown")), Some((1, true)));
            assert!(store.upsert(kind(), "a", live("a", 7, "")).unwrap());
            assert_eq!(one(get(&*store, &kind(), "a")), Some((7, false)));
        }
        let flags = place.store().all_flags().unwrap();
        assert_eq!(flags.len(), 1, "tombstones are among all flags");
        assert!(flags["unknown"].deleted);
    }
}

/// The strictest readers need every member and the real key: dynamodb-layout's vectors have the text.
#[test]
fn tombstones_are_what_readers_in_every_language_take() {
    for place in places() {
        let mut store = place.store();
        store.upsert(DataKind::Flag, "a", gone(8)).unwrap();
        store.upsert(DataKind::Segment, "a", gone(8)).unwrap();
        assert_eq!(
            place.flag_row("a"),
            Some(("8".into(), flag_tombstone("a", 8)))
        );
        let segment = place.row(&place.names.segments, "a").unwrap();
        assert_eq!(segment["item"].as_s(), Ok(&segment_tombstone("a", 8)));
    }
}

#[test]
fn a_live_item_says_that_it_is() {
    for place in places() {
        let mut store = place.store();
        let mut item = live("a", 1, "");
        item.serialized_item = r#"{"key":"a","version":1}"#.into();
        store.upsert(DataKind::Flag, "a", item).unwrap();
        let text = r#"{"key":"a","version":1,"deleted":false}"#;
        assert_eq!(place.flag_row("a"), Some(("1".into(), text.into())));
    }
}

/// Nobody writes such rows on purpose, but one of them must not stop a flag for ever.
#[test]
fn a_row_without_a_version_is_replaced() {
    for place in places() {
        let text = (
            "item",
            AttributeValue::S(r#"{"key":"a","version":9}"#.into()),
        );
        let number = |it: &str| ("version", AttributeValue::N(it.into()));
        for (version, newer) in [
            (None, true),
            (Some(("version", AttributeValue::S("9".into()))), true),
            (Some(("version", AttributeValue::Null(true))), true),
            (Some(number("4.5")), true),
            (Some(number("5.5")), false),
        ] {
            let mut row = vec![text.clone()];
            row.extend(version.clone());
            place.write(&place.names.flags, "a", &row);
            let written = place.store().upsert(DataKind::Flag, "a", live("a", 5, ""));
            assert_eq!(written.unwrap(), newer, "{version:?}");
        }
    }
}

#[test]
fn prefixes_are_independent() {
    for place in places() {
        let (mut a, mut b) = (place.store_under("a"), place.store_under("b"));
        a.init(set(&[("flag", 1), ("only-a", 1)], &[("segment", 1)]))
            .unwrap();
        assert!(!b.is_initialized());
        assert_eq!(one(b.flag("flag").unwrap()), None);
        b.init(set(&[("flag", 9)], &[])).unwrap();
        assert!(
            a.upsert(DataKind::Flag, "flag", live("flag", 2, ""))
                .unwrap()
        );
        assert!(b.upsert(DataKind::Flag, "only-a", gone(5)).unwrap());
        assert_eq!(one(a.flag("flag").unwrap()), Some((2, false)));
        assert_eq!(one(b.flag("flag").unwrap()), Some((9, false)));
        assert_eq!(one(a.flag("only-a").unwrap()), Some((1, false)));
        assert_eq!(one(a.segment("segment").unwrap()), Some((1, false)));
        b.init(set(&[], &[])).unwrap();
        assert_eq!(one(a.flag("flag").unwrap()), Some((2, false)));
        assert_eq!(
            place
                .rows()
                .keys()
                .filter(|(of, _)| of.starts_with("b:"))
                .count(),
            1
        );
    }
}

//! What DynamoDB cannot hold is left out, and takes nothing with it.

use launchdarkly_server_sdk::{DataKind, SerializedItem};

use crate::place::{KINDS, gone, live, one, places, set};

/// Above DynamoDB's limit for a row.
fn huge(key: &str, version: u64) -> SerializedItem {
    live(
        key,
        version,
        &format!(r#","salt":"{}""#, "x".repeat(409_600)),
    )
}

#[test]
fn a_set_is_stored_without_what_is_too_large() {
    for place in places() {
        let mut store = place.store();
        store
            .init(set(&[("known", 1), ("old", 1)], &[("known", 1)]))
            .unwrap();
        let mut data = set(&[("flag", 2)], &[("segment", 2)]);
        for key in ["known", "new"] {
            data.flags.insert(key.into(), huge(key, 2));
            data.segments.insert(key.into(), huge(key, 2));
        }
        data.flags.insert("k".repeat(1_025), live("k", 2, ""));
        let mut garbage = live("garbage", 2, "");
        garbage.serialized_item = "not json".into();
        data.flags.insert("garbage".into(), garbage);
        store.init(data).unwrap();
        assert!(store.is_initialized());
        assert_eq!(one(store.flag("flag").unwrap()), Some((2, false)));
        assert_eq!(one(store.segment("segment").unwrap()), Some((2, false)));
        assert_eq!(
            one(store.flag("known").unwrap()),
            Some((1, false)),
            "its previous version"
        );
        assert_eq!(one(store.segment("known").unwrap()), Some((1, false)));
        for absent in ["new", "old", "garbage"] {
            assert_eq!(one(store.flag(absent).unwrap()), None, "{absent}");
        }
    }
}

#[test]
fn a_change_that_is_too_large_is_not_made_and_is_no_error() {
    for place in places() {
        for kind in KINDS {
            let mut store = place.store();
            store.upsert(kind(), "a", live("a", 1, "")).unwrap();
            assert!(!store.upsert(kind(), "a", huge("a", 2)).unwrap());
            assert!(!store.upsert(kind(), "b", huge("b", 2)).unwrap());
            assert!(store.upsert(kind(), "a", gone(3)).unwrap());
        }
        assert_eq!(place.rows().len(), 2);
    }
}

/// Others leave out what has more than 400,000 bytes by their estimate.
#[test]
fn the_limit_is_dynamodbs() {
    for place in places() {
        let mut store = place.store();
        let mut item = live("a", 1, ",\"salt\":\"\"");
        let row = item.serialized_item.len()
            + place.names.flags.len()
            + 1
            + 2
            + "namespacekeyversionitem".len();
        let salt = "x".repeat(409_600 - row);
        item.serialized_item = item
            .serialized_item
            .replace(r#""salt":"""#, &format!(r#""salt":"{salt}""#));
        assert!(store.upsert(DataKind::Flag, "a", item.clone()).unwrap());
        item.serialized_item = item.serialized_item.replacen('x', "xx", 1);
        item.version = 2;
        assert!(!store.upsert(DataKind::Flag, "a", item).unwrap());
    }
}

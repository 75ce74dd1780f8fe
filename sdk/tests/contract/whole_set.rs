//! `init`: everything that was there gives way, whatever its version.

use aws_sdk_dynamodb::types::AttributeValue;
use launchdarkly_server_sdk::DataKind;

use crate::place::{gone, live, one, places, set};

#[test]
fn a_store_is_initialized_once_something_was_stored() {
    for place in places() {
        let (mut store, other) = (place.store(), place.store());
        assert!(!store.is_initialized());
        store.upsert(DataKind::Flag, "a", live("a", 1, "")).unwrap();
        assert!(!store.is_initialized(), "a change is no data set");
        store.init(set(&[], &[])).unwrap();
        assert!(
            store.is_initialized(),
            "nor is one needed that holds anything"
        );
        assert!(other.is_initialized(), "another instance sees it");
        let marker = place.row(&place.names.marker, &place.names.marker).unwrap();
        assert_eq!(marker.len(), 2, "nothing but its keys");
        assert_eq!(place.rows().len(), 1);
    }
}

#[test]
fn a_set_replaces_the_one_before() {
    for place in places() {
        let mut store = place.store();
        store
            .init(set(
                &[("a", 10), ("b", 10), ("c", 1)],
                &[("s", 10), ("t", 1)],
            ))
            .unwrap();
        store.upsert(DataKind::Flag, "d", gone(3)).unwrap();
        let (foreign, text) = ("elsewhere:features", AttributeValue::S("mine".into()));
        place.write(foreign, "a", &[("item", text.clone())]);
        store
            .init(set(&[("a", 9), ("c", 1), ("e", 2)], &[("s", 9)]))
            .unwrap();
        assert_eq!(
            one(store.flag("a").unwrap()),
            Some((9, false)),
            "lower, and so it is"
        );
        let mut keys: Vec<_> = place.rows().into_keys().collect();
        keys.retain(|(namespace, _)| namespace != foreign);
        let mut expected = vec![(place.names.marker.clone(), place.names.marker.clone())];
        expected.extend(["a", "c", "e"].map(|key| (place.names.flags.clone(), key.into())));
        expected.push((place.names.segments.clone(), "s".into()));
        expected.sort();
        assert_eq!(keys, expected);
        assert_eq!(place.row(foreign, "a").unwrap()["item"], text);
    }
}

/// A tombstone may be part of what the SDK says.
#[test]
fn a_set_may_hold_tombstones() {
    for place in places() {
        let mut store = place.store();
        let mut data = set(&[("a", 1)], &[]);
        data.flags.insert("b".into(), gone(4));
        store.init(data).unwrap();
        assert_eq!(one(store.flag("b").unwrap()), Some((4, true)));
    }
}

/// More than DynamoDB answers at once.
#[test]
fn large_partitions_are_read_and_replaced_whole() {
    const FLAGS: usize = 60;
    let salt = "x".repeat(40_000);
    let flag = |number: usize, version| {
        let key = format!("flag-{number:02}");
        let mut item = live(
            &key,
            version,
            &format!(
                r#","on":false,"targets":[],"rules":[],"prerequisites":[],"fallthrough":{{"variation":0}},"variations":[1],"salt":"{salt}""#
            ),
        );
        item.version = version;
        (key, item)
    };
    for place in places() {
        let mut store = place.store();
        let mut data = set(&[], &[]);
        data.flags = (0..FLAGS).map(|number| flag(number, 1)).collect();
        store.init(data.clone()).unwrap();
        let flags = store.all_flags().unwrap();
        assert_eq!(flags.len(), FLAGS);
        assert!(flags.values().all(|it| it.serialized_item.contains(&salt)));
        data.flags = (FLAGS..FLAGS + 2).map(|number| flag(number, 1)).collect();
        store.init(data).unwrap();
        assert_eq!(
            store.all_flags().unwrap().len(),
            2,
            "all pages' leftovers are gone"
        );
    }
}

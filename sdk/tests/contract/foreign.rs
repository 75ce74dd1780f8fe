//! Rows that others left: read for what they are, and none hides another.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use launchdarkly_server_sdk_dynamodb::layout::{flag_tombstone, segment_tombstone};

use crate::place::{one, places};

fn text(it: &str) -> (&'static str, AttributeValue) {
    ("item", AttributeValue::S(it.into()))
}

fn version(it: &str) -> (&'static str, AttributeValue) {
    ("version", AttributeValue::N(it.into()))
}

fn flag(key: &str, version: u64) -> String {
    format!(
        r#"{{"key":"{key}","version":{version},"on":true,"targets":[],"rules":[],"prerequisites":[],"fallthrough":{{"variation":0}},"offVariation":0,"variations":[true],"salt":"","later":{{"member":[]}}}}"#
    )
}

/// Every shape that writers of the field leave behind.
#[test]
fn deleted_items_read_as_deleted_whoever_deleted_them() {
    for place in places() {
        for (namespace, tombstone) in [
            (&place.names.flags, flag_tombstone("a", 8)),
            (&place.names.flags, flag_tombstone("$deleted", 8)),
            (&place.names.segments, segment_tombstone("a", 8)),
            (
                &place.names.segments,
                r#"{"version":8,"key":"$deleted","deleted":true}"#.into(),
            ),
            (
                &place.names.flags,
                r#"{"version":8,"key":"a","deleted":true}"#.into(),
            ),
            (
                &place.names.flags,
                r#"{ "version" : 8, "deleted" : true }"#.into(),
            ),
            (&place.names.flags, "null".into()),
            (&place.names.segments, "null".into()),
        ] {
            place.write(namespace, "a", &[version("8"), text(&tombstone)]);
            place.write(
                &place.names.flags,
                "live",
                &[version("1"), text(&flag("live", 1))],
            );
            let store = place.store();
            let read = if *namespace == place.names.flags {
                let all = store.all_flags().unwrap();
                assert_eq!(one(all.get("a").cloned()), Some((8, true)), "{tombstone}");
                assert_eq!(
                    one(all.get("live").cloned()),
                    Some((1, false)),
                    "{tombstone}"
                );
                store.flag("a")
            } else {
                store.segment("a")
            };
            assert_eq!(one(read.unwrap()), Some((8, true)), "{tombstone}");
        }
    }
}

/// Each is an error when it is asked for, and is left out where all are.
#[test]
fn rows_that_cannot_be_read_hide_no_others() {
    for place in places() {
        let bad: [&[(&str, AttributeValue)]; 8] = [
            &[],
            &[version("1")],
            &[version("1"), ("item", AttributeValue::B(Blob::new("{}")))],
            &[version("1"), ("item", AttributeValue::N("1".into()))],
            &[version("1"), text("not json")],
            &[version("1"), text("[]")],
            &[version("1"), text("\"{}\"")],
            &[version("1"), text("")],
        ];
        for (number, row) in bad.into_iter().enumerate() {
            place.write(&place.names.flags, &format!("bad-{number}"), row);
            place.write(&place.names.segments, &format!("bad-{number}"), row);
        }
        let mut wrong = flag("wrong", 1).replace("\"on\":true", "\"on\":\"yes\"");
        place.write(&place.names.flags, "wrong", &[version("1"), text(&wrong)]);
        wrong = r#"{"key":"bare","version":1}"#.into();
        place.write(&place.names.flags, "bare", &[version("1"), text(&wrong)]);
        place.write(
            &place.names.flags,
            "good",
            &[version("7"), text(&flag("good", 7))],
        );
        place.write(
            &place.names.flags,
            "unversioned",
            &[text(&flag("unversioned", 3))],
        );
        let more = ("ttl", AttributeValue::N("1".into()));
        place.write(
            &place.names.flags,
            "more",
            &[version("1"), text(&flag("more", 1)), more],
        );

        let store = place.store();
        let mut all: Vec<_> = store.all_flags().unwrap().into_iter().collect();
        all.sort_by(|one, other| one.0.cmp(&other.0));
        let all: Vec<_> = all
            .iter()
            .map(|(key, item)| (&**key, item.version))
            .collect();
        assert_eq!(all, [("good", 7), ("more", 1), ("unversioned", 3)]);
        for number in 0..bad.len() {
            let key = format!("bad-{number}");
            let errors =
                [store.flag(&key), store.segment(&key)].map(|it| it.map(drop).unwrap_err());
            assert!(
                errors.iter().all(|it| it.to_string().contains(&key)),
                "{errors:?}"
            );
        }
    }
}

/// A whole set of our own puts right what is wrong.
#[test]
fn a_set_replaces_rows_that_cannot_be_read() {
    for place in places() {
        place.write(&place.names.flags, "a", &[text("not json")]);
        place.write(&place.names.flags, "b", &[]);
        let more = ("ttl", AttributeValue::N("1".into()));
        place.write(
            &place.names.flags,
            "c",
            &[
                version("1"),
                text(r#"{"key":"c","version":1,"deleted":false}"#),
                more,
            ],
        );
        place
            .store()
            .init(crate::place::set(&[("a", 1), ("c", 1)], &[]))
            .unwrap();
        assert_eq!(one(place.store().flag("a").unwrap()), Some((1, false)));
        assert!(
            place.flag_row("c").is_some(),
            "and nothing but what belongs there"
        );
        assert_eq!(one(place.store().flag("b").unwrap()), None);
    }
}

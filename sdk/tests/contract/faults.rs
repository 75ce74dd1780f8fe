//! What is written when things go wrong, and in which order.

use std::time::Duration;

use launchdarkly_server_sdk::DataKind;
use ld_dynamodb_relay::simulator::store::{Fault, Operation, Record, RequestOutcome, StoreRefusal};
use tokio::time::Instant;

use crate::place::{Items, Place, live, one, set};

const MARKER: &str = "p:$inited";

/// Flags and segments, so many of each, of about 2.5 KB.
fn large(count: usize, version: u64) -> Items {
    let salt = format!(r#","salt":"{}""#, "x".repeat(2_400));
    let items = || {
        let keys = (0..count).map(|number| format!("item-{number}"));
        keys.map(|key| (key.clone(), live(&key, version, &salt)))
            .collect()
    };
    Items {
        flags: items(),
        segments: items(),
    }
}

/// Writes that were done, in the order in which they came.
fn written(place: &Place) -> Vec<Record> {
    let log = place.dynamo().log().into_iter();
    let mut written: Vec<_> = log
        .filter(|it| it.request.operation.writes() && it.outcome == RequestOutcome::Accepted)
        .collect();
    written.sort_by_key(|it| it.arrived);
    written
}

fn namespace(record: &Record) -> &str {
    record.request.namespace.as_deref().unwrap()
}

fn at(written: &[Record], namespace: &str, key: &str) -> Record {
    let found = written.iter().find(|it| {
        it.request.namespace.as_deref() == Some(namespace) && it.request.key.as_deref() == Some(key)
    });
    found.unwrap_or_else(|| panic!("{namespace} {key}")).clone()
}

/// DynamoDB's limit for a partition, scaled down: the set takes two and a half times what a partition has at once.
#[test]
fn a_set_that_is_throttled_is_written_whole() {
    const ITEMS: usize = 100;
    let place = Place::embedded();
    place.dynamo().limit(Some(120.0));
    let mut store = place.store();
    store.init(large(ITEMS, 1)).unwrap();
    let counts = place.dynamo().counts();
    assert!(counts.with(RequestOutcome::Throttled) > 10, "{counts:?}");
    assert_eq!(place.rows().len(), 2 * ITEMS + 1, "nothing was dropped");
    let written = written(&place);
    assert_eq!(written.len(), 2 * ITEMS + 1);
    assert_eq!(namespace(written.last().unwrap()), MARKER, "last of all");
}

/// Upserts are throttled in the same way.
#[test]
fn a_change_that_is_throttled_is_written() {
    let place = Place::embedded();
    for refusal in [
        StoreRefusal::Throttling,
        StoreRefusal::ProvisionedThroughputExceeded,
    ] {
        let throttled = Fault::refuse(refusal).on(Operation::PutItem).times(6);
        let throttled = place.dynamo().inject(throttled);
        let mut store = place.store();
        let version = throttled.hits() + place.dynamo().counts().writes();
        assert!(
            store
                .upsert(DataKind::Flag, "a", live("a", version, ""))
                .unwrap()
        );
        assert_eq!(throttled.hits(), 6);
    }
}

/// The SDK evaluates nothing meanwhile, so it ends; what is in the table stays, and can be read again.
#[test]
fn a_change_that_is_throttled_for_too_long_is_an_error_that_names_it() {
    let place = Place::embedded();
    let mut store = place.store();
    store.init(set(&[("a", 1)], &[])).unwrap();
    let throttled = place
        .dynamo()
        .inject(Fault::refuse(StoreRefusal::ProvisionedThroughputExceeded).on(Operation::PutItem));
    let start = Instant::now();
    let error = store.upsert(DataKind::Flag, "a", live("a", 2, ""));
    let (error, took) = (error.unwrap_err().to_string(), start.elapsed());
    assert!(
        error.starts_with("version 2 of the flag \"a\" is not stored"),
        "{error}"
    );
    assert!(error.contains("ProvisionedThroughputExceeded"), "{error}");
    assert!(took >= Duration::from_secs(10), "{took:?}");
    assert_eq!(one(store.flag("a").unwrap()), Some((1, false)));
    throttled.withdraw();
    assert!(store.upsert(DataKind::Flag, "a", live("a", 2, "")).unwrap());
}

/// What a reader sees in between refers to nothing that is not there.
#[test]
fn a_set_is_written_in_the_order_of_its_dependencies() {
    let place = Place::embedded();
    place.dynamo().latency(Duration::from_millis(5));
    let mut store = place.store();
    store.init(set(&[("old", 1)], &[("old", 1)])).unwrap();
    place
        .runtime
        .block_on(
            place
                .client
                .delete_item()
                .table_name(&place.table)
                .key(
                    "namespace",
                    aws_sdk_dynamodb::types::AttributeValue::S(MARKER.into()),
                )
                .key(
                    "key",
                    aws_sdk_dynamodb::types::AttributeValue::S(MARKER.into()),
                )
                .send(),
        )
        .unwrap();
    place.dynamo().reset_counts();

    let mut data = set(&[("base", 1), ("other", 1)], &[("segment", 1)]);
    for (key, requires) in [("top", "middle"), ("middle", "base")] {
        let requires = format!(r#","prerequisites":[{{"key":"{requires}","variation":0}}]"#);
        data.flags.insert(key.into(), live(key, 1, &requires));
    }
    store.init(data).unwrap();

    let written = written(&place);
    let order: Vec<_> = [
        ("p:segments", "segment"),
        ("p:features", "base"),
        ("p:features", "middle"),
        ("p:features", "top"),
        ("p:features", "old"),
        ("p:segments", "old"),
        (MARKER, MARKER),
    ]
    .map(|(namespace, key)| at(&written, namespace, key))
    .into();
    for pair in order.windows(2) {
        assert!(
            pair[0].answered <= pair[1].arrived,
            "{:?} then {:?}",
            pair[0].request,
            pair[1].request
        );
    }
    assert_eq!(written.len(), order.len() + 1);
}

#[test]
fn what_is_there_already_is_not_written_again() {
    let place = Place::embedded();
    let mut store = place.store();
    store.init(large(20, 1)).unwrap();
    place.dynamo().reset_counts();
    store.init(large(20, 1)).unwrap();
    assert_eq!(place.dynamo().counts().writes(), 0);
    let mut data = large(20, 1);
    data.flags
        .insert("item-3".into(), live("item-3", 1, r#","salt":"other""#));
    data.segments.remove("item-4");
    store.init(data).unwrap();
    let written: Vec<_> = written(&place)
        .into_iter()
        .map(|it| it.request.key.unwrap())
        .collect();
    assert_eq!(
        written,
        ["item-3", "item-4"],
        "the text counts, not the version alone"
    );
}

/// It ends in the middle: the set before stands as it was, or newer, and nothing is missing.
#[test]
fn a_set_that_is_not_stored_leaves_the_one_before() {
    let place = Place::embedded();
    let mut store = place.store();
    store.init(large(30, 1)).unwrap();
    let denied = Fault::refuse(StoreRefusal::AccessDenied)
        .on(Operation::PutItem)
        .after(40);
    let denied = place.dynamo().inject(denied);
    let mut data = large(29, 2);
    data.flags.insert("new".into(), live("new", 2, ""));
    let error = store.init(data.clone()).unwrap_err().to_string();
    assert!(error.contains("grant dynamodb:PutItem"), "{error}");
    assert!(place.dynamo().counts().requests(Operation::DeleteItem) == 0);
    for number in 0..30 {
        let (version, _) = place.flag_row(&format!("item-{number}")).unwrap();
        assert!(["1", "2"].contains(&&*version));
    }
    denied.withdraw();
    store.init(data).unwrap();
    assert_eq!(place.rows().len(), 60);
}

#[test]
fn the_marker_waits_for_everything() {
    let place = Place::embedded();
    let denied = Fault::refuse(StoreRefusal::AccessDenied)
        .for_key("item-7")
        .in_namespace("p:segments");
    let denied = place.dynamo().inject(denied);
    let mut store = place.store();
    assert!(store.init(large(10, 1)).is_err());
    assert!(!store.is_initialized());
    assert!(
        !place
            .rows()
            .keys()
            .any(|(namespace, _)| namespace == "p:features"),
        "segments first"
    );
    denied.withdraw();
    store.init(large(10, 1)).unwrap();
    assert!(store.is_initialized());
}

/// An item that only DynamoDB knows to be invalid is left out like one that is too large.
#[test]
fn an_item_that_dynamodb_refuses_takes_nothing_with_it() {
    let place = Place::embedded();
    let mut store = place.store();
    store.init(set(&[("a", 1), ("b", 1)], &[])).unwrap();
    place
        .dynamo()
        .inject(Fault::refuse(StoreRefusal::Validation).for_key("a"));
    store.init(set(&[("a", 2), ("b", 2)], &[])).unwrap();
    place.dynamo().heal();
    assert_eq!(one(store.flag("a").unwrap()), Some((1, false)));
    assert_eq!(one(store.flag("b").unwrap()), Some((2, false)));
}

#[test]
fn what_was_cut_or_lost_is_tried_again() {
    let place = Place::embedded();
    let mut store = place.store();
    for (version, fault) in [
        Fault::lose_the_answer(),
        Fault::cut_before_acting(),
        Fault::refuse(StoreRefusal::InternalServerError),
        Fault::refuse(StoreRefusal::ServiceUnavailable),
    ]
    .into_iter()
    .enumerate()
    {
        let version = u64::try_from(version).unwrap();
        let fault = place.dynamo().inject(fault.on_writes().times(5));
        store.init(large(10, version)).unwrap();
        assert_eq!(fault.hits(), 5);
        assert_eq!(place.rows().len(), 21);
        assert_eq!(one(store.flag("item-9").unwrap()), Some((version, false)));
    }
    place
        .dynamo()
        .inject(Fault::lose_the_answer().on_writes().times(1));
    // Whether it says so or not: the SDK reads again what was not written.
    store
        .upsert(DataKind::Flag, "item-1", live("item-1", 9, ""))
        .unwrap();
    assert_eq!(one(store.flag("item-1").unwrap()), Some((9, false)));
}

#[test]
fn reads_fail_while_dynamodb_is_down_and_not_for_ever() {
    let place = Place::embedded();
    let mut store = place.store();
    store.init(set(&[("a", 1)], &[])).unwrap();
    place.runtime.block_on(place.dynamo().stop());
    assert!(store.flag("a").is_err());
    assert!(store.all_flags().is_err());
    assert!(!store.is_initialized(), "nobody knows");
    place.runtime.block_on(place.dynamo().restart()).unwrap();
    assert_eq!(one(store.flag("a").unwrap()), Some((1, false)));
    let throttled = place
        .dynamo()
        .inject(Fault::refuse(StoreRefusal::Throttling).on_reads().times(1));
    assert_eq!(one(store.flag("a").unwrap()), Some((1, false)));
    assert_eq!(throttled.hits(), 1);
}

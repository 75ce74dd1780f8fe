//! Whatever a reader sees in between, nothing that it sees refers to what is not there yet.

use std::collections::HashMap;

use ld_dynamodb_relay::model::{ItemKey, Kind};
use ld_dynamodb_relay::simulator::generate;
use ld_dynamodb_relay::simulator::store::{Record, RequestOutcome};

use crate::support::{World, flag, segment};

/// The writes by row, each once.
fn by_row(log: &[Record]) -> HashMap<(&str, &str), &Record> {
    log.iter()
        .filter(|it| it.request.operation.writes() && it.outcome == RequestOutcome::Accepted)
        .map(|it| {
            let row = &it.request;
            (
                (
                    row.namespace.as_deref().unwrap(),
                    row.key.as_deref().unwrap(),
                ),
                it,
            )
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn segments_then_what_is_required_then_what_requires_it_and_the_marker_last() {
    let world = World::new().await;
    let mut items = generate(150, 21);
    // A flag whose name comes first and that requires a chain.
    for (key, requires) in [("aaa", "mmm"), ("mmm", "zzz"), ("zzz", "")] {
        let prerequisites = match requires {
            "" => "[]".to_owned(),
            key => format!(r#"[{{"key":"{key}","variation":0}}]"#),
        };
        let text = flag(key, 1).replace(
            r#""prerequisites":[]"#,
            &format!(r#""prerequisites":{prerequisites}"#),
        );
        items.insert(Kind::Flag, text);
    }
    world.production.replace(items.clone());
    let relay = world.relay().await;
    relay.settled().await;
    let log = world.store.log();
    let written = by_row(&log);
    assert_eq!(written.len(), items.len() + 1);
    let marker = written[&("$inited", "$inited")];
    let segments = written
        .iter()
        .filter(|((namespace, _), _)| *namespace == "segments");
    let last_segment = segments.map(|(_, record)| record.answered).max().unwrap();
    let mut edges = 0;
    for (key, text) in items.iter().filter(|(key, _)| key.kind == Kind::Flag) {
        let record = written[&("features", &*key.key)];
        assert!(record.arrived >= last_segment, "{key} after the segments");
        assert!(record.answered <= marker.arrived, "{key} before the marker");
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        for required in value["prerequisites"].as_array().unwrap() {
            let required = required["key"].as_str().unwrap();
            let first = written[&("features", required)];
            assert!(first.answered <= record.arrived, "{required} before {key}");
            edges += 1;
        }
    }
    assert!(edges > 5, "{edges} prerequisites");
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn removals_take_flags_before_the_segments_that_they_name_and_come_after_what_is_new() {
    let world = World::with_flags(30).await;
    world.production.quietly(|items| {
        for number in 0..5 {
            items.insert(Kind::Segment, segment(&format!("segment-{number}"), 1));
        }
    });
    let relay = world.relay().await;
    relay.settled().await;
    relay.stop().await;
    world.store.reset_counts();
    world.production.quietly(|items| {
        for number in 0..5 {
            items.remove(&ItemKey::flag(format!("flag-{number}")));
            items.remove(&ItemKey::segment(format!("segment-{number}")));
        }
    });
    let relay = world.relay().await;
    relay.written(10).await;
    let log = world.store.log();
    let written = by_row(&log);
    let times = |namespace: &'static str| {
        let rows = written.iter().filter(move |((of, _), _)| *of == namespace);
        rows.map(|(_, record)| (record.arrived, record.answered))
    };
    assert_eq!(
        (times("features").count(), times("segments").count()),
        (5, 5)
    );
    let flags_answered = times("features").map(|it| it.1).max().unwrap();
    let segments_arrived = times("segments").map(|it| it.0).min().unwrap();
    assert!(flags_answered <= segments_arrived);
    world.assert_equal();
    relay.stop().await;
}

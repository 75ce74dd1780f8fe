//! Whatever the store does, nothing is lost and the stream is left alone. Rows of the table of faults: 24, 25, 27.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use ld_dynamodb_relay::simulator::Behaviour;
use ld_dynamodb_relay::simulator::store::{
    Fault, Operation, RequestOutcome, Row, StoreRefusal as Refusal,
};
use ld_dynamodb_relay::status::TablePhase;
use tokio::time::{Instant, interval};

use crate::support::{TABLE, World, flag, flags};

/// How long an attempt of a request may take, in seconds.
const ATTEMPT_SECONDS: u64 = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_leads_to_no_second_write() {
    let world = World::with_flags(150).await;
    let lost = world
        .store
        .inject(Fault::lose_the_answer().on(Operation::PutItem).times(20));
    let relay = world.relay().await;
    relay.settled().await;
    world.assert_equal();
    assert_eq!(lost.hits(), 20);
    let mut times: HashMap<_, usize> = HashMap::new();
    for record in world.store.log() {
        if matches!(
            record.outcome,
            RequestOutcome::Accepted | RequestOutcome::AnswerLost
        ) && record.request.operation.writes()
        {
            *times.entry(record.request.key).or_default() += 1;
        }
    }
    assert_eq!(times.len(), 151);
    assert!(times.values().all(|times| *times == 1));
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_to_a_patch_is_found_out_by_reading_that_row_alone() {
    let world = World::with_flags(50).await;
    let relay = world.relay().await;
    relay.settled().await;
    world.store.reset_counts();
    // As often as the client tries: then nothing is known.
    let fault = Fault::delay(Duration::from_secs(20));
    let late = world
        .store
        .inject(fault.on(Operation::PutItem).for_key("flag-7").times(3));
    world.production.put_flag(&flag("flag-7", 2));
    relay
        .until("in doubt", |facts| facts.table.0 == TablePhase::Unreachable)
        .await;
    late.withdraw();
    relay.settled().await;
    world.assert_equal();
    let log = world.store.log();
    assert!(
        log.iter()
            .all(|it| it.request.key.as_deref() == Some("flag-7"))
    );
    assert!(
        log.iter()
            .any(|it| it.request.operation == Operation::GetItem)
    );
    assert_eq!(world.production.seen().attempts, 1);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_that_pass_lose_nothing() {
    let world = World::with_flags(150).await;
    let refuse = |refusal| Fault::refuse(refusal).on(Operation::PutItem);
    let faults = [
        refuse(Refusal::ProvisionedThroughputExceeded).times(30),
        refuse(Refusal::Throttling).after(40).times(30),
        refuse(Refusal::InternalServerError).after(80).times(10),
        refuse(Refusal::ServiceUnavailable).after(110).times(5),
        Fault::refuse(Refusal::Throttling)
            .on(Operation::Query)
            .times(2),
        Fault::cut_before_acting()
            .on(Operation::PutItem)
            .after(120)
            .times(5),
    ];
    let injected: Vec<_> = faults
        .into_iter()
        .map(|it| world.store.inject(it))
        .collect();
    let relay = world.relay().await;
    relay.settled().await;
    world.assert_equal();
    assert!(injected.iter().all(|it| it.hits() > 0));
    assert_eq!(world.production.seen().attempts, 1);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_24_a_slow_table_holds_up_neither_the_stream_nor_memory() {
    let world = World::with_flags(5).await;
    world
        .production
        .always(Behaviour::normal().heartbeat(Some(Duration::from_millis(50))));
    let relay = world
        .relay_with(|config| config.upstream.read_timeout = Duration::from_millis(500))
        .await;
    relay.settled().await;
    world.store.reset_counts();
    world.store.hold();
    let held = Instant::now();
    for version in 2..=101 {
        for (_, text) in flags(0..5, version).iter() {
            world.production.put_flag(text);
        }
    }
    relay
        .until("every patch was heard", |_| {
            relay.count("changes_total", &["flag", "put"]) == 500
        })
        .await;
    let heard = relay.facts().heard.unwrap().monotonic;
    relay
        .until("heartbeats are heard for two read timeouts", |facts| {
            facts.heard.unwrap().monotonic > heard + Duration::from_secs(1)
        })
        .await;
    let held = held.elapsed();
    world.store.release();
    relay.settled().await;
    world.assert_equal();
    assert_eq!(world.production.seen().attempts, 1, "the stream stayed");
    let writes = world.store.counts().writes();
    // Of each row the first version, which the client tries again where the machine is so slow that an attempt times out, and
    // the last one.
    let most = 5 * (2 + held.as_secs() / ATTEMPT_SECONDS);
    assert!(
        writes <= most,
        "500 patches made {writes} writes of 5 rows in {held:?}"
    );
    relay.stop().await;
}

/// How often each row is written after an outage in which 26 rows changed, ten of them twice: before and after the trouble
/// was told. The stream was left alone, and the table is not read as a whole.
async fn written_after_an_outage(concurrency: usize) -> HashMap<String, usize> {
    let world = World::with_flags(100).await;
    let relay = world
        .relay_with(|config| {
            config.store.write_concurrency = concurrency;
            // Nothing but changes is to fail.
            config.upkeep.marker_check_interval = Duration::from_hours(1);
        })
        .await;
    relay.settled().await;
    world.store.stop().await;
    for (_, text) in flags(0..20, 2).iter() {
        world.production.put_flag(text);
    }
    world.production.delete_flag("flag-50", 2);
    relay
        .until("unreachable", |facts| {
            facts.table.0 == TablePhase::Unreachable
        })
        .await;
    // What comes during the outage replaces what was to be written.
    for (_, text) in flags(10..25, 3).iter() {
        world.production.put_flag(text);
    }
    relay
        .until("every change was heard", |_| {
            relay.count("changes_total", &["put"]) + relay.count("changes_total", &["delete"]) == 36
        })
        .await;
    let failed = || relay.count("write_errors_total", &[]);
    let (before, mut turns) = (failed(), interval(Duration::from_millis(5)));
    while failed() < before + 2 {
        turns.tick().await;
    }
    world.store.reset_counts();
    world.store.restart().await.unwrap();
    relay.settled().await;
    world.assert_equal();
    let log = world.store.log();
    let mut written = HashMap::new();
    for record in log.iter().filter(|it| it.request.operation.writes()) {
        let key = record.request.key.clone().unwrap();
        *written.entry(key).or_default() += 1;
    }
    assert!(
        log.iter()
            .all(|it| it.request.operation != Operation::Query)
    );
    assert_eq!(world.production.seen().attempts, 1, "the stream stayed");
    relay.stop().await;
    written
}

/// The one request that was under way when the last change came is over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_25_after_an_outage_the_difference_is_written_and_the_stream_was_left_alone() {
    let written = written_after_an_outage(1).await;
    assert_eq!(written.values().sum::<usize>(), 26, "each changed row once");
}

/// Of many requests some may still be under way with what they were sent with, for the client tries each again by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_25_after_an_outage_only_what_was_under_way_is_written_before_the_difference() {
    let written = written_after_an_outage(32).await;
    assert_eq!(written.len(), 26, "each changed row");
    let twice: HashSet<_> = (10..20).map(|number| format!("flag-{number}")).collect();
    for (key, times) in &written {
        let most = 1 + usize::from(twice.contains(key));
        assert!(*times <= most, "{key}: {written:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_27_what_another_writer_did_is_seen_and_ours_wins() {
    let world = World::with_flags(10).await;
    let relay = world.relay().await;
    relay.settled().await;
    let rival = |key: &str, version| {
        let text = flag(key, version).replace("\"salt\":\"s\"", "\"salt\":\"rival\"");
        let row = Row::new("features", key).at_version(version);
        world.store.put_row(TABLE, row.holding(text)).unwrap();
    };
    // Further than we are, behind us, and gone: found when we write there, as the condition fails.
    rival("flag-0", 9);
    rival("flag-1", 0);
    world.store.delete_row(TABLE, "features", "flag-2").unwrap();
    for key in ["flag-0", "flag-1", "flag-2"] {
        world.production.put_flag(&flag(key, 2));
    }
    relay.written(13).await;
    world.assert_equal();
    let superseded = relay.count("writes_total", &["superseded"]);
    assert_eq!(superseded, 3, "nothing was overwritten unseen");
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_permission_is_named_and_everything_arrives_once_it_is_given() {
    let world = World::with_flags(20).await;
    let relay = world.relay().await;
    relay.settled().await;
    let denied = world.store.inject(Fault::refuse(Refusal::AccessDenied));
    for (_, text) in flags(0..5, 2).iter() {
        world.production.put_flag(text);
    }
    relay
        .until("misconfigured", |facts| {
            facts.table.0 == TablePhase::Misconfigured
        })
        .await;
    let advice = relay.facts().table_advice.unwrap();
    for words in ["grant dynamodb:PutItem", TABLE] {
        assert!(advice.contains(words), "{advice}");
    }
    for (_, text) in flags(3..9, 3).iter() {
        world.production.put_flag(text);
    }
    relay
        .until("every patch was heard", |_| {
            relay.count("changes_total", &["put"]) + relay.count("changes_total", &["delete"]) == 11
        })
        .await;
    denied.withdraw();
    relay.settled().await;
    world.assert_equal();
    assert_eq!(relay.facts().table_advice, None);
    assert_eq!(world.production.seen().attempts, 1);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_table_is_named_and_filled_once_it_is_there() {
    let world = World::with_flags(20).await;
    let relay = world
        .relay_with(|config| config.environments[0].table = "later".into())
        .await;
    relay
        .until("misconfigured", |facts| {
            facts.table.0 == TablePhase::Misconfigured && facts.said_everything
        })
        .await;
    let advice = relay.facts().table_advice.unwrap();
    assert!(
        advice.contains("table later does not exist: create it with"),
        "{advice}"
    );
    world.store.create_table("later").unwrap();
    relay.settled().await;
    assert_eq!(world.store.table("later").unwrap().len(), 21);
    assert_eq!(world.production.seen().attempts, 1);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_with_other_keys_is_named() {
    let world = World::with_flags(2).await;
    let attribute = |name: &str| {
        AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::S)
            .build()
            .unwrap()
    };
    let key = |name: &str, of| {
        KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(of)
            .build()
            .unwrap()
    };
    let tables: [(&str, &[(&str, KeyType)]); 2] = [
        ("others", &[("pk", KeyType::Hash), ("sk", KeyType::Range)]),
        ("only", &[("namespace", KeyType::Hash)]),
    ];
    for (table, keys) in tables {
        let mut create = world.store.client().create_table().table_name(table);
        for (name, of) in keys {
            create = create
                .attribute_definitions(attribute(name))
                .key_schema(key(name, of.clone()));
        }
        let create = create.billing_mode(BillingMode::PayPerRequest);
        create.send().await.unwrap();
        let relay = world
            .relay_with(|config| config.environments[0].table = table.into())
            .await;
        relay
            .until("misconfigured", |facts| {
                facts.table.0 == TablePhase::Misconfigured
            })
            .await;
        let advice = relay.facts().table_advice.unwrap();
        assert!(advice.contains("partition key namespace (S)"), "{advice}");
        assert!(advice.contains(table), "{advice}");
        relay.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_closes_every_connection_is_unreachable_and_not_a_missing_permission() {
    let world = World::with_flags(3).await;
    let relay = world.relay().await;
    relay.settled().await;
    let cut = world.store.inject(Fault::cut_before_acting().on_writes());
    world.production.put_flag(&flag("flag-1", 2));
    relay
        .until("in trouble", |facts| facts.table_advice.is_some())
        .await;
    let facts = relay.facts();
    assert_eq!(facts.table.0, TablePhase::Unreachable, "{facts:?}");
    cut.withdraw();
    relay.settled().await;
    world.assert_equal();
    relay.stop().await;
}

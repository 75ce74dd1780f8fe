//! What things cost, as counts.

use std::collections::HashMap;
use std::time::Duration;

use ld_dynamodb_relay::simulator::file_data::Step;
use ld_dynamodb_relay::simulator::store::{Operation, Record, RequestOutcome, round_trips};
use ld_dynamodb_relay::simulator::{generate, storm};
use tokio::time::Instant;

use crate::support::{TABLE, World, flag, flags, is_settled};

/// How often each row was written: done, whether or not the answer arrived.
fn times_written(log: &[Record]) -> HashMap<(String, String), usize> {
    let mut times = HashMap::new();
    for record in log.iter().filter(|it| it.request.operation.writes()) {
        if matches!(
            record.outcome,
            RequestOutcome::Accepted | RequestOutcome::AnswerLost
        ) {
            let request = &record.request;
            let row = (request.namespace.clone(), request.key.clone());
            let row = (row.0.unwrap_or_default(), row.1.unwrap_or_default());
            *times.entry(row).or_default() += 1;
        }
    }
    times
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_reads_the_prefix_once_and_writes_nothing() {
    let world = World::new().await;
    world.production.replace(generate(300, 11));
    let relay = world.relay().await;
    relay.settled().await;
    relay.stop().await;
    let rows = world.store.table(TABLE).unwrap();
    world.store.reset_counts();
    let relay = world.relay().await;
    relay.settled().await;
    relay.stop().await;
    let counts = world.store.counts();
    assert_eq!((counts.writes(), counts.write_units()), (0, 0.0));
    // 4 KB a unit of a strongly consistent read, rounded up for each page.
    let bytes = |namespace: &str| -> usize {
        let rows = rows.iter().filter(|row| row.namespace == namespace);
        rows.map(|row| {
            let version = row.version().unwrap().to_string().len().div_ceil(2) + 1;
            let names = "namespacekeyversionitem".len();
            names + version + namespace.len() + row.key.len() + row.item().unwrap().len()
        })
        .sum()
    };
    for namespace in ["features", "segments"] {
        let expected = f64::from(u32::try_from(bytes(namespace)).unwrap()) / 4_096.0;
        let units = counts.read_units_of(namespace);
        let queries = world
            .store
            .log()
            .iter()
            .filter(|it| it.request.namespace.as_deref() == Some(namespace))
            .count();
        let rounding = f64::from(u32::try_from(queries).unwrap());
        assert!(
            (expected..=expected + rounding).contains(&units),
            "{namespace}: {units} units, {expected} expected of a strong read"
        );
    }
    // The marker, and whose data it is.
    assert_eq!(counts.reads(), counts.requests(Operation::Query) + 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reconnection_without_change_costs_nothing() {
    let world = World::with_flags(200).await;
    let relay = world.relay().await;
    relay.settled().await;
    world.store.reset_counts();
    world.production.disconnect_all();
    world.production.wait_for_connections(2).await;
    // The sentinel comes after the second full set.
    world.production.put_flag(&flag("sentinel", 1));
    relay.written(201).await;
    let counts = world.store.counts();
    assert_eq!((counts.writes(), counts.arrived), (1, 1), "the sentinel");
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_many_writes_as_items_differ() {
    let world = World::with_flags(300).await;
    let relay = world.relay().await;
    relay.settled().await;
    relay.stop().await;
    world.store.reset_counts();
    world.production.quietly(|items| {
        for (key, text) in flags(40..57, 2).iter() {
            items.insert_as(key.clone(), text.clone());
        }
    });
    let relay = world.relay().await;
    relay.written(17).await;
    let counts = world.store.counts();
    assert_eq!((counts.writes(), counts.write_units()), (17, 17.0));
    world.assert_equal();
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_patches_at_once_take_forty_round_trips() {
    let world = World::alone().await;
    world.production.replace(flags(0..1_000, 1));
    let relay = world.relay().await;
    relay.settled().await;
    // Longer than a pass sends, so that each pass is one round trip, however busy the machine.
    world.store.latency(Duration::from_millis(260));
    world.store.reset_counts();
    // Nor does it matter how fast that reads the stream.
    world.store.hold();
    for (_, text) in flags(0..1_000, 2).iter() {
        world.production.put_flag(text);
    }
    let mut turns = tokio::time::interval(Duration::from_millis(5));
    while relay.count("changes_total", &["flag", "put"]) < 1_000 {
        turns.tick().await;
    }
    world.store.release();
    relay.written(2_000).await;
    let log = world.store.log();
    let trips = round_trips(&log);
    assert!(trips <= 40, "{trips} round trips");
    assert_eq!(log.len(), 1_000, "and a request each");
    assert!(world.store.counts().peak_in_flight <= 32);
    world.assert_equal();
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_on_a_few_keys_merges_while_the_table_is_slow() {
    let world = World::with_flags(10).await;
    let relay = world.relay().await;
    relay.settled().await;
    let latency = Duration::from_millis(50);
    world.store.latency(latency);
    world.store.reset_counts();
    let began = Instant::now();
    for version in 2..=200 {
        for (_, text) in flags(0..10, version).iter() {
            world.production.put_flag(text);
        }
    }
    let last = flag("flag-9", 200);
    world
        .store
        .wait_until("the last version of the last", |_| {
            world.stored("features", "flag-9").as_ref() == Some(&last)
        })
        .await;
    relay.written(20).await;
    world.assert_equal();
    let writes = world.store.counts().writes();
    // Each of the ten keys has one write at a time, and the last two of each may be answered after the others.
    let rounds = began.elapsed().as_millis() / latency.as_millis() + 2;
    assert!(
        u128::from(writes) < 10 * rounds,
        "{writes} writes for 1,990 patches in {rounds} rounds"
    );
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_relays_write_nothing_twice() {
    let world = World::new().await;
    world.production.replace(generate(100, 3));
    let relays = [world.relay().await, world.relay().await];
    for relay in &relays {
        relay.settled().await;
    }
    let said = world.production.items();
    for step in storm(&said, 150, 5) {
        match step {
            Step::Put(key, text) => world.production.put(&key, &text),
            Step::Delete(key, version) => world.production.delete(&key, version),
        }
    }
    world.production.put_flag(&flag("sentinel", 1));
    for relay in &relays {
        relay
            .until("the sentinel is stored", |facts| {
                is_settled(facts) && world.stored("features", "sentinel").is_some()
            })
            .await;
    }
    let log = world.store.log();
    let mut changes: HashMap<_, usize> = HashMap::new();
    for step in storm(&said, 150, 5) {
        let (Step::Put(key, _) | Step::Delete(key, _)) = step;
        *changes.entry(key.key.to_string()).or_default() += 1;
    }
    for ((_, key), times) in times_written(&log) {
        // A version is written once, by the one relay or by the other.
        let said = 1 + changes.get(&key).copied().unwrap_or_default();
        assert!(times <= said, "{key} was written {times} times");
    }
    for relay in relays {
        relay.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_rest_only_the_marker_is_looked_at() {
    let world = World::with_flags(50).await;
    let first = world.relay().await;
    first.settled().await;
    first.stop().await;
    let relay = world
        .relay_with(|config| config.upkeep.marker_check_interval = Duration::from_millis(100))
        .await;
    relay.settled().await;
    world.store.reset_counts();
    world.store.wait_for_requests(5).await;
    let log = world.store.log();
    assert!(log.iter().all(|record| {
        record.request.operation == Operation::GetItem
            && record.request.namespace.as_deref() == Some("$inited")
    }));
    relay.stop().await;
}

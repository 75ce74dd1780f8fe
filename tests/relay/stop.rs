//! Stopped or killed anywhere, the next start completes what was begun, and no marker stands before. Row 26 of the table of
//! faults.

use std::collections::HashSet;
use std::time::Duration;

use ld_dynamodb_relay::simulator::store::RequestOutcome;
use tokio::time::Instant;

use crate::support::{TABLE, World, flag, flags};

/// A number below `below`, the same for a seed everywhere.
fn at_random(seed: u64, below: u64) -> u64 {
    let mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ mixed >> 31).wrapping_mul(0xbf58_476d_1ce4_e5b9) % below
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_26_killed_anywhere_in_the_first_write_the_next_start_completes_it() {
    const FLAGS: usize = 250;
    for seed in 0..6 {
        let world = World::with_flags(FLAGS).await;
        let kill_at = 1 + at_random(seed, 250);
        let relay = world.relay().await;
        world
            .store
            .wait_until("the moment", |counts| counts.writes_accepted() >= kill_at)
            .await;
        drop(relay);
        let relay = world.relay().await;
        relay.settled().await;
        world.assert_equal();
        relay.stop().await;

        let log = world.store.log();
        let mut written = HashSet::new();
        for record in log.iter().filter(|it| it.request.operation.writes()) {
            match record.request.namespace.as_deref() {
                Some("$inited") => {
                    assert_eq!(written.len(), FLAGS, "seed {seed}: the marker came early");
                }
                _ => {
                    written.insert(record.request.key.clone());
                }
            }
        }
        let twice = log.len() - FLAGS;
        assert!(
            twice < 100,
            "seed {seed}: {twice} requests more than needed"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_26_killed_in_the_middle_of_a_later_put_the_data_stays_readable() {
    let world = World::with_flags(200).await;
    let relay = world.relay().await;
    relay.settled().await;
    world.store.reset_counts();
    world.production.replace_and_announce(flags(0..200, 2));
    world
        .store
        .wait_until("the middle", |counts| counts.writes_accepted() >= 80)
        .await;
    drop(relay);
    assert!(
        world
            .store
            .row(TABLE, "$inited", "$inited")
            .unwrap()
            .is_some()
    );
    assert_eq!(world.store.rows(TABLE, "features").unwrap().len(), 200);
    let relay = world.relay().await;
    relay.settled().await;
    world.assert_equal();
    let writes = world.store.counts().writes();
    assert!(writes <= 232, "{writes} writes: only what was left");
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asked_to_stop_in_a_first_write_of_5000_items_it_finishes_what_it_began() {
    const FLAGS: usize = 5_000;
    let world = World::with_flags(FLAGS).await;
    let relay = world.relay().await;
    world
        .store
        .wait_until("the middle", |counts| counts.writes_accepted() >= 1_500)
        .await;
    let asked = Instant::now();
    relay.stop().await;
    assert!(asked.elapsed() < Duration::from_secs(20));
    let counts = world.store.counts();
    assert_eq!(
        counts.with(RequestOutcome::Cut),
        0,
        "every answer was waited for"
    );
    let begun_after = world
        .store
        .log()
        .iter()
        .filter(|it| it.arrived > asked + Duration::from_secs(1))
        .count();
    assert_eq!(begun_after, 0);
    let stored = world.store.rows(TABLE, "features").unwrap().len();
    assert!((1_500..FLAGS).contains(&stored), "{stored} stored");
    assert!(
        world
            .store
            .row(TABLE, "$inited", "$inited")
            .unwrap()
            .is_none()
    );

    world.store.reset_counts();
    let relay = world.relay().await;
    relay.settled().await;
    world.assert_equal();
    let left = u64::try_from(FLAGS - stored + 1).unwrap();
    assert_eq!(
        world.store.counts().writes(),
        left,
        "what was left, and the marker"
    );
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asked_to_stop_while_nothing_works_it_stops_at_once() {
    let world = World::with_flags(5).await;
    world.store.stop().await;
    world.launchdarkly.stop().await;
    let relay = world.relay().await;
    relay
        .until("both have failed", |facts| {
            facts.last_error.is_some() && facts.table_advice.is_some()
        })
        .await;
    let asked = Instant::now();
    relay.stop().await;
    assert!(asked.elapsed() < Duration::from_secs(10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asked_to_stop_with_a_write_in_flight_it_waits_for_the_answer() {
    let world = World::with_flags(5).await;
    let relay = world.relay().await;
    relay.settled().await;
    world.store.reset_counts();
    world.store.hold();
    world.production.put_flag(&flag("flag-0", 2));
    world.store.wait_for_requests(1).await;
    let store = &world.store;
    let release = async {
        tokio::task::yield_now().await;
        store.release();
    };
    tokio::join!(relay.stop(), release);
    world.assert_equal();
    assert_eq!(world.store.counts().writes_accepted(), 1);
}

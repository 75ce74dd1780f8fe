//! Asked to stop, it begins no more writes and finishes those that it began; killed, it has promised nothing that is not so.

use std::time::Duration;

use ld_dynamodb_relay::simulator::generate;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::ask;
use crate::world::{TABLE, World, flag};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asked_to_stop_it_is_not_ready_at_once_and_finishes_the_write_in_hand() {
    let world = World::with_flags(3).await;
    let relay = world.program(&["run"]).start();
    relay.first_write().await;
    let (work, admin) = relay.ports().await;
    assert_eq!(ask::get(work, "/readyz").await.status, 200);
    world.store.reset_counts();
    world.store.hold();
    world.production.put_flag(&flag("late", 1));
    world.store.wait_for_requests(1).await;
    // A client that keeps its connection holds nobody up.
    let mut idle = TcpStream::connect(("127.0.0.1", admin)).await.unwrap();
    let request = b"GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n";
    idle.write_all(request).await.unwrap();

    relay.signal("TERM").await;
    let answer = ask::until(work, "/readyz", |it| it.status == 503).await;
    assert!(answer.body.contains("stopping"), "{answer:?}");
    assert_eq!(ask::get(work, "/livez").await.status, 200);
    world.store.release();
    let end = relay.end().await;
    assert_eq!(end.code, Some(0), "{end:?}");
    assert_eq!(end.stderr, "");
    world.assert_equal();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_ends_it_at_once() {
    let world = World::with_flags(3).await;
    let relay = world.program(&["run"]).start();
    relay.first_write().await;
    world.store.reset_counts();
    world.store.hold();
    world.production.put_flag(&flag("late", 1));
    world.store.wait_for_requests(1).await;
    relay.signal("TERM").await;
    relay.line("finishing the writes that were begun").await;
    relay.signal("INT").await;
    // The store still holds the write: only the second signal can have ended it.
    let end = relay.end().await;
    assert!(end.stdout.contains("a second signal"), "{end:?}");
    assert_eq!(end.code, Some(0), "{end:?}");
    assert!(world.row("late").is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopped_in_a_first_write_the_next_start_completes_it() {
    let world = World::with_flags(5_000).await;
    world.store.limit(Some(500.0));
    world.store.latency(Duration::from_millis(5));
    let relay = world.program(&["run"]).start();
    world.store.wait_for_requests(300).await;
    let asked = Instant::now();
    let end = relay.stop().await;
    assert_eq!(end.code, Some(0), "{end:?}");
    assert!(asked.elapsed() < Duration::from_secs(20));
    let stored = world.live_flags();
    assert!((100..4_900).contains(&stored), "{stored} stored");
    assert!(!world.is_marked());

    world.store.limit(None);
    world.store.latency(Duration::ZERO);
    world.store.reset_counts();
    let relay = world.program(&["run"]).start();
    relay.first_write().await;
    world.assert_equal();
    let missing = 5_000 - stored + 1;
    assert_eq!(world.store.counts().writes(), missing as u64);
}

/// Kills at points of a first write that a seed chooses, and starts again after each.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_anywhere_it_has_marked_nothing_and_loses_nothing() {
    let world = World::new().await;
    world.production.replace(generate(150, 11));
    let mut random = 0x5eed_u64;
    let mut stored = 0;
    for _ in 0..4 {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let writes = 1 + (random >> 33) % 12;
        world.store.reset_counts();
        // So slow that it dies within a stage, with answers under way.
        world.store.latency(Duration::from_millis(20));
        let relay = world
            .program(&["run"])
            .set("WRITE_CONCURRENCY", "3")
            .start();
        let what = format!("{writes} writes");
        let done = |it: &ld_dynamodb_relay::simulator::store::Counts| it.writes() >= writes;
        world.store.wait_until(&what, done).await;
        relay.kill().await;
        assert!(!world.is_marked(), "killed after {writes} writes of 165");
        let now = world.store.table(TABLE).unwrap().len();
        // What was under way when it died may land later, before the next start's own writes.
        assert!(stored <= now, "a start takes nothing away");
        stored = now;
    }
    assert!(stored > 0);
    world.store.latency(Duration::ZERO);
    world.store.reset_counts();
    let relay = world.program(&["run"]).start();
    relay.first_write().await;
    world.assert_equal();
    let whole = world.store.table(TABLE).unwrap().len() as u64;
    let written = world.store.counts().writes();
    assert!(written < whole, "it goes on where the last one was");
    assert_eq!(relay.stop().await.code, Some(0));
}

//! Before a store that gives a partition so many write units a second: nothing is lost, little is refused, and what changes
//! meanwhile does not wait.

use ld_dynamodb_relay::model::Kind;
use ld_dynamodb_relay::simulator::store::{Operation, RequestOutcome};

use crate::support::{World, flag, flag_with, flags};

/// So many flags of about so many bytes. Few large ones find a limit however slow the machine is.
fn fill(world: &World, count: usize, bytes: usize) {
    let padding = format!(r#","description":"{}""#, "x".repeat(bytes));
    world.production.quietly(|items| {
        for number in 0..count {
            let key = format!("flag-{number}");
            items.insert(Kind::Flag, flag_with(&key, 1, &padding));
        }
    });
}

/// Fills a table whose partitions have this limit; the requests that were sent and those that were refused.
async fn first_write(world: &World, limit: f64) -> (u64, u64) {
    world.store.limit(Some(limit));
    let relay = world.relay().await;
    relay.settled().await;
    world.assert_equal();
    relay.stop().await;
    let counts = world.store.counts();
    let refused = counts.with(RequestOutcome::Throttled);
    (counts.requests(Operation::PutItem), refused)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_write_above_the_limit_of_a_partition_loses_nothing() {
    let world = World::alone().await;
    fill(&world, 120, 20_000);
    let (sent, refused) = first_write(&world, 1_000.0).await;
    let units = world.store.counts().write_units_of("features");
    assert!(units > 2_000.0, "{units} units: the limit was reached");
    assert!(refused > 0, "the limit was found");
    assert!(
        refused <= 40 + sent * 35 / 1_000,
        "{refused} of {sent} refused"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_low_limit_is_found_too() {
    let world = World::alone().await;
    fill(&world, 80, 4_500);
    let (sent, refused) = first_write(&world, 100.0).await;
    assert!(refused > 0, "the limit was found");
    assert!(
        refused <= 40 + sent * 35 / 1_000,
        "{refused} of {sent} refused"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_limit_there_is_no_pace() {
    let world = World::with_flags(200).await;
    let relay = world.relay().await;
    relay.settled().await;
    let text = relay.metrics.render([], None);
    let paces = text
        .lines()
        .filter(|line| line.starts_with("ld_dynamodb_pace_units_per_second{"));
    assert_eq!(paces.filter(|line| line.ends_with(" 0")).count(), 2);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_patch_in_the_middle_of_a_first_write_goes_first() {
    let world = World::alone().await;
    world.production.replace(flags(0..900, 1));
    world.store.limit(Some(300.0));
    let relay = world.relay().await;
    world
        .store
        .wait_until("the middle", |counts| counts.writes_accepted() >= 450)
        .await;
    // The last of those that are still to be written, if they go by name.
    let sent = tokio::time::Instant::now();
    world.production.put_flag(&flag("zzz", 1));
    relay.settled().await;
    world.assert_equal();
    let log = world.store.log();
    let stored = log
        .iter()
        .find(|it| {
            it.request.key.as_deref() == Some("zzz") && it.outcome == RequestOutcome::Accepted
        })
        .unwrap();
    // Counted in what the partition takes in half a second.
    let before = log
        .iter()
        .filter(|it| it.outcome == RequestOutcome::Accepted)
        .filter(|it| it.answered > sent && it.answered < stored.answered);
    let before: f64 = before.map(|it| it.units).sum();
    assert!(before <= 150.0, "{before} units were written before it");
    relay.stop().await;
}

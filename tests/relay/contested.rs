//! Somebody else writes to the same prefix: a Relay Proxy that was left running, say.

use std::time::Duration;

use ld_dynamodb_relay::environment::Control;
use ld_dynamodb_relay::model::ItemKey;
use ld_dynamodb_relay::simulator::store::Row;
use ld_dynamodb_relay::status::health;
use tokio::time::Instant;

use crate::support::named::{relay_named, told};
use crate::support::{Relay, TABLE, World, flag, flags};

/// Somebody writes so many flags at another version, and a verify finds it.
async fn fight(world: &World, relay: &Relay, control: &Control, flags: usize, version: u64) {
    for number in 0..flags {
        let key = format!("flag-{number}");
        let row = Row::new("features", &*key).at_version(version);
        let row = row.holding(flag(&key, version));
        world.store.put_row(TABLE, row).unwrap();
    }
    verify(relay, control).await;
}

async fn verify(relay: &Relay, control: &Control) {
    let before = relay.facts().verified.unwrap().monotonic;
    let repaired = relay.count("repairs_total", &[]);
    let drift = relay.count("drift_total", &[]);
    control.sync();
    relay
        .until("verified, and repaired what was found", |facts| {
            let found = relay.count("drift_total", &[]) - drift;
            let repairs = relay.count("repairs_total", &[]) - repaired;
            facts.verified.unwrap().monotonic > before && found == repairs
        })
        .await;
    relay.settled().await;
}

async fn world_at_version(version: u64) -> World {
    let world = World::new().await;
    world.production.replace(flags(0..40, version));
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_item_that_three_verifies_running_find_altered_is_contested() {
    let world = world_at_version(5).await;
    let (relay, control) = relay_named(&world, "fought-over", |_| {}).await;
    relay.settled().await;
    for _ in 0..2 {
        fight(&world, &relay, &control, 1, 3).await;
        assert!(relay.facts().contested.is_empty());
    }
    fight(&world, &relay, &control, 1, 3).await;
    let facts = relay.facts();
    assert_eq!(
        facts.contested.iter().collect::<Vec<_>>(),
        [&ItemKey::flag("flag-0")]
    );
    let minute = Duration::from_mins(1);
    let now = health(&facts, Instant::now(), 5 * minute, minute);
    assert!(now.degraded && now.up_to_date, "it is repaired each time");
    fight(&world, &relay, &control, 1, 3).await;
    let lines = told("fought-over", "ERROR", "altered again");
    assert_eq!(lines.len(), 1, "it is told when it begins: {lines:?}");
    for words in ["key=flag-0", "Relay Proxy", "daemon mode", "stop it"] {
        assert!(lines[0].contains(words), "{lines:?}");
    }
    world.assert_equal();
    // Whoever it was has stopped, or pauses.
    for _ in 0..2 {
        verify(&relay, &control).await;
        assert_eq!(relay.facts().contested.len(), 1);
    }
    verify(&relay, &control).await;
    relay
        .until("clean three times running", |facts| {
            facts.contested.is_empty()
        })
        .await;
    assert_eq!(told("fought-over", "INFO", "contested any more").len(), 1);
    fight(&world, &relay, &control, 1, 3).await;
    assert!(relay.facts().contested.is_empty(), "it is counted anew");
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_are_told_by_their_number() {
    let world = world_at_version(5).await;
    let (relay, control) = relay_named(&world, "overrun", |_| {}).await;
    relay.settled().await;
    for _ in 0..3 {
        fight(&world, &relay, &control, 30, 3).await;
    }
    assert_eq!(relay.facts().contested.len(), 30);
    let lines = told("overrun", "ERROR", "altered again");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("items=30"), "{lines:?}");
    world.assert_equal();
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fight_gets_no_more_reopenings_than_anybody() {
    let world = world_at_version(5).await;
    let (relay, control) = relay_named(&world, "insistent", |config| {
        config.upkeep.verify_interval = Duration::from_millis(300);
    })
    .await;
    relay.settled().await;
    // Three are allowed at once. An operator has them, however often he asks.
    for taken in 2..=4 {
        control.sync();
        world
            .production
            .wait_until("asked again", |seen| {
                seen.connections == taken && seen.open == 1
            })
            .await;
    }
    for _ in 0..100 {
        control.sync();
    }
    // Other content under the same version is to be confirmed after five seconds, which takes a reopening.
    let began = Instant::now();
    let altered = flag("flag-0", 5).replace("true", "false");
    let row = Row::new("features", "flag-0").at_version(5);
    world
        .store
        .put_row(TABLE, row.holding(altered.clone()))
        .unwrap();
    relay
        .until("held for more than five seconds", |facts| {
            let verified = facts.verified.unwrap().monotonic;
            !facts.held.is_empty() && verified > began + Duration::from_secs(7)
        })
        .await;
    assert_eq!(relay.count("reopens_total", &[]), 3);
    assert_eq!(world.production.seen().attempts, 4);
    assert_eq!(world.stored("features", "flag-0"), Some(altered));
    relay.stop().await;
}

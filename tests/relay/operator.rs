//! What an operator may ask of an environment that runs.

use std::time::Duration;

use ld_dynamodb_relay::simulator::store::{Fault, Operation, StoreRefusal};
use ld_dynamodb_relay::status::Facts;

use crate::support::named::{relay_named, told};
use crate::support::{TABLE, World, flag, flags};

/// On one thread: the hundred orders come before the first one is taken.
#[tokio::test]
async fn sync_has_everything_said_and_read_again_at_once() {
    let world = World::with_flags(30).await;
    let (relay, control) = relay_named(&world, "synced", |_| {}).await;
    relay.settled().await;
    // A change that the stream never said, and a row that is gone.
    world.production.quietly(|items| {
        items.insert(ld_dynamodb_relay::model::Kind::Flag, flag("flag-1", 2));
    });
    world.store.delete_row(TABLE, "features", "flag-2").unwrap();
    world.store.hold();
    for _ in 0..100 {
        control.sync();
    }
    world.store.release();
    relay.written(32).await;
    world.assert_equal();
    assert_eq!(relay.count("drift_total", &["\"missing\""]), 1);
    world
        .production
        .wait_until("asked once more", |seen| {
            seen.connections == 2 && seen.open == 1
        })
        .await;
    assert_eq!(relay.count("reopens_total", &["\"operator\""]), 1);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_before_the_table_can_be_read_is_not_lost() {
    let world = World::with_flags(3).await;
    let away = Fault::refuse(StoreRefusal::AccessDenied).on(Operation::GetItem);
    let away = world.store.inject(away);
    let (relay, control) = relay_named(&world, "early", |_| {}).await;
    relay
        .until("misconfigured, and connected", |facts| {
            facts.table_advice.is_some() && facts.said_everything
        })
        .await;
    control.sync();
    away.withdraw();
    world.production.wait_for_connections(2).await;
    relay.settled().await;
    world.assert_equal();
    relay.stop().await;
}

/// A relay before thirty flags of which the brake holds twenty-six removals.
async fn braked(
    world: &World,
    name: &str,
) -> (
    crate::support::Relay,
    ld_dynamodb_relay::environment::Control,
) {
    let relay = world.relay().await;
    relay.settled().await;
    relay.stop().await;
    world.production.replace(flags(0..4, 1));
    let (relay, control) = relay_named(world, name, |_| {}).await;
    relay.until("the brake", |facts| facts.braked == 26).await;
    relay.settled().await;
    world.store.reset_counts();
    (relay, control)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_number_of_removals_that_the_brake_holds_releases_them_and_no_other_does() {
    let world = World::with_flags(30).await;
    let (relay, control) = braked(&world, "braked").await;
    let hint = told(
        "braked",
        "ERROR",
        "POST /sync/braked?confirm=removals&count=26",
    );
    assert_eq!(hint.len(), 1);
    for number in [0, 25, 27, 30] {
        let warnings = || told("braked", "WARN", "nothing was released").len();
        let before = warnings();
        control.release(number);
        relay.until("refused", |_| warnings() > before).await;
    }
    let lines = told("braked", "WARN", "nothing was released");
    assert!(
        lines.iter().all(|line| line.contains("removals=26")),
        "{lines:?}"
    );
    assert_eq!(relay.facts().braked, 26);
    assert_eq!(world.store.counts().writes(), 0);
    let attempts = world.production.seen().attempts;
    control.release(26);
    relay.written(26).await;
    world.assert_equal();
    assert_eq!(relay.facts().braked, 0);
    assert_eq!(
        world.production.seen().attempts,
        attempts,
        "nothing is asked again"
    );
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_outlives_full_sets_that_come_before_it_is_done() {
    let world = World::with_flags(60).await;
    let relay = world.relay().await;
    relay.settled().await;
    relay.stop().await;
    world.production.replace(flags(0..4, 1));
    let (relay, control) = relay_named(&world, "slow", |_| {}).await;
    relay.until("the brake", |facts| facts.braked == 56).await;
    relay.settled().await;
    // Five seconds at least; meanwhile LaunchDarkly says the same again, and again.
    world.store.limit(Some(20.0));
    control.release(56);
    for more in [4, 8, 12] {
        relay
            .until("some are removed", |facts: &Facts| facts.written >= more)
            .await;
        world
            .production
            .replace_and_announce(world.production.items());
    }
    relay.written(20).await;
    assert_eq!(relay.facts().braked, 0);
    world.store.limit(None);
    relay.written(56).await;
    world.assert_equal();
    assert_eq!(told("slow", "ERROR", "the brake holds").len(), 1);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_confirmed_of_one_set_releases_nothing_of_the_next() {
    let world = World::with_flags(30).await;
    let (relay, control) = braked(&world, "outdated").await;
    let away = Fault::refuse(StoreRefusal::AccessDenied).on_writes();
    let away = world.store.inject(away);
    for key in ["flag-1", "flag-2", "flag-3"] {
        world.production.put_flag(&flag(key, 2));
    }
    // Until they are tried again nothing is planned.
    let mut turns = tokio::time::interval(Duration::from_millis(5));
    while relay.count("write_errors_total", &["access_denied"]) < 3 {
        turns.tick().await;
    }
    control.release(26);
    let said = || told("outdated", "INFO", "LaunchDarkly said everything").len();
    let before = said();
    world.production.disconnect_all();
    relay.until("another set", |_| said() > before).await;
    away.withdraw();
    let warned = || told("outdated", "WARN", "nothing was released").len();
    relay.until("told", |_| warned() == 1).await;
    relay.settled().await;
    assert_eq!(relay.facts().braked, 26);
    assert_eq!(
        world.stored("features", "flag-29"),
        Some(flag("flag-29", 1))
    );
    control.release(26);
    relay.until("released", |facts| facts.braked == 0).await;
    relay.settled().await;
    world.assert_equal();
    relay.stop().await;
}

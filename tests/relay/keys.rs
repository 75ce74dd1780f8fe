//! An SDK key that is replaced, reset, refused or not there yet: no restart, no rewrite, no gap.

use std::time::Duration;

use ld_dynamodb_relay::environment::Control;
use ld_dynamodb_relay::secrets::{Giver, Kept};
use ld_dynamodb_relay::simulator::Behaviour;
use ld_dynamodb_relay::status::{Facts, SourcePhase};
use tokio::time::timeout;

use crate::support::{KEY, Relay, World, flag, log};

const SECOND: &str = "sdk-00000000-0000-4000-8000-000000000002";
const THIRD: &str = "sdk-00000000-0000-4000-8000-000000000003";

/// The relay, who gives it its key, and what webhooks would speak to.
async fn relay(world: &World, key: Option<&str>) -> (Relay, Giver, Control) {
    let (giver, kept) = Kept::cell();
    if let Some(key) = key {
        giver.give(key.into());
    }
    let mut control = None;
    let relay = Relay::start_with(world.config(), None, |environments| {
        environments[0].key = kept;
        control = Some(environments[0].control.clone());
    })
    .await;
    (relay, giver, control.unwrap())
}

fn is_refused(facts: &Facts) -> bool {
    let error = facts.last_error.as_ref();
    error.is_some_and(|error| error.status_code == Some(401))
}

/// Waits until the key is to be read again.
async fn read_again(giver: &Giver) {
    timeout(Duration::from_secs(20), giver.rechecked())
        .await
        .expect("it is to be read again");
}

/// Waits until only one stream is open, the `connections`th.
async fn only(world: &World, connections: u64) {
    world
        .production
        .wait_until("the new stream alone", |seen| {
            seen.connections == connections && seen.open == 1
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_old_stream_lives_until_the_new_key_s_has_said_everything() {
    let world = World::with_flags(200).await;
    let (relay, giver, _) = relay(&world, Some(KEY)).await;
    relay.settled().await;
    world.store.reset_counts();
    // Takes three seconds to say everything.
    let bytes = world.production.items().to_put().len();
    world
        .production
        .next(Behaviour::normal().bytes_per_second(bytes / 3));
    world.launchdarkly.rotate_key(KEY, SECOND);
    giver.give(SECOND.into());
    world.production.wait_for_connections(2).await;
    for version in 2..5 {
        world.production.put_flag(&flag("flag-0", version));
        world
            .store
            .wait_until("what the old stream says", |counts| {
                counts.writes_accepted() == version - 1
            })
            .await;
    }
    assert_eq!(world.production.seen().open, 2, "the new one is not done");
    only(&world, 2).await;
    world.production.put_flag(&flag("flag-1", 2));
    relay.written(204).await;
    world.assert_equal();
    assert_eq!(world.store.counts().writes(), 4, "nothing was rewritten");
    assert_eq!(world.production.seen().gaps, 0);
    assert_eq!(relay.count("reopens_total", &["\"key\""]), 1);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_key_that_is_refused_keeps_the_old_stream_and_the_next_one_is_tried_at_once() {
    let world = World::with_flags(2).await;
    let (relay, giver, _) = relay(&world, Some(KEY)).await;
    relay.settled().await;
    giver.give(SECOND.into());
    relay.until("refused", is_refused).await;
    assert_eq!(relay.facts().source.0, SourcePhase::Connected);
    read_again(&giver).await;
    world.production.put_flag(&flag("flag-0", 2));
    relay.written(3).await;

    world.launchdarkly.rotate_key(KEY, THIRD);
    giver.give(THIRD.into());
    only(&world, 2).await;
    world.production.put_flag(&flag("flag-0", 3));
    relay.written(4).await;
    world.assert_equal();
    assert_eq!(world.production.seen().gaps, 0);
    assert_eq!(world.launchdarkly.requests().len(), 3);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_being_opened_with_the_old_key_is_given_up() {
    let world = World::with_flags(2).await;
    world.production.next(Behaviour::never());
    let (relay, giver, _) = relay(&world, Some(KEY)).await;
    world.production.wait_for_attempts(1).await;
    world.launchdarkly.rotate_key(KEY, SECOND);
    giver.give(SECOND.into());
    relay.settled().await;
    assert_eq!(world.production.seen().attempts, 2);
    assert!(relay.facts().last_error.is_none());
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_key_ends_the_wait_that_the_old_one_s_refusal_began() {
    let world = World::with_flags(2).await;
    let (relay, giver, _) = relay(&world, Some(SECOND)).await;
    relay.until("refused", is_refused).await;
    assert_eq!(relay.facts().source.0, SourcePhase::Refused);
    giver.give(KEY.into());
    relay.settled().await;
    assert_eq!(relay.facts().source.0, SourcePhase::Connected);
    // What the old one did is forgotten: after the next trouble it waits a second, not minutes.
    world.production.disconnect_all();
    world.production.wait_for_connections(2).await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn news_of_a_reset_key_end_a_wait_at_once_and_once_for_a_flood() {
    let world = World::with_flags(2).await;
    world.production.next_times(2, &Behaviour::status(401));
    let (relay, giver, control) = relay(&world, Some(KEY)).await;
    relay.until("refused", is_refused).await;
    read_again(&giver).await;
    control.key_reset();
    world.production.wait_for_attempts(2).await;
    read_again(&giver).await;
    relay
        .until("refused again", |facts| {
            is_refused(facts) && relay.count("sessions_total", &["\"refused\""]) == 2
        })
        .await;
    for _ in 0..1_000 {
        control.key_reset();
    }
    // It is the same key, so only another one ends this wait early.
    world.launchdarkly.rotate_key(KEY, SECOND);
    giver.give(SECOND.into());
    relay.settled().await;
    assert_eq!(world.production.seen().attempts, 3);
    assert_eq!(relay.count("webhook_wakes_total", &["key_reset"]), 1_001);
    // While there is a stream, the key is read again and nothing else happens.
    while timeout(Duration::ZERO, giver.rechecked()).await.is_ok() {}
    control.key_reset();
    read_again(&giver).await;
    world.production.put_flag(&flag("flag-0", 2));
    relay.written(3).await;
    assert_eq!(world.production.seen().attempts, 3);
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_key_nothing_is_asked_until_there_is_one() {
    const TROUBLE: &str = "Parameter Store cannot be reached (hush-0d3f); check the network";
    let world = World::with_flags(2).await;
    let (relay, giver, _) = relay(&world, None).await;
    giver.fail(TROUBLE);
    relay
        .until("said why", |facts| {
            let error = facts.last_error.as_ref();
            error.is_some_and(|error| error.message == TROUBLE)
        })
        .await;
    assert_eq!(relay.facts().source.0, SourcePhase::Connecting);
    assert_eq!(world.launchdarkly.requests().len(), 0);
    giver.give(KEY.into());
    relay.settled().await;
    world.assert_equal();
    assert_eq!(log::lines(TROUBLE).len(), 1);
    relay.stop().await;
}

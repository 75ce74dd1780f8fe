//! LaunchDarkly is away: when it is tried again.

use std::time::Duration;

use ld_dynamodb_relay::status::SourcePhase;
use tokio::time::Instant;

use crate::launchdarkly::{Answer, LATENCY, LaunchDarkly, until};
use crate::relay::{World, jittered};

const HOUR: Duration = Duration::from_hours(1);
/// The first wait and the longest.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// LaunchDarkly goes away at once: when.
fn goes_away(launchdarkly: &LaunchDarkly) -> Instant {
    launchdarkly.answers(Answer::Away);
    launchdarkly.cut();
    Instant::now()
}

/// Goes away for an hour: all waits between attempts, and that it is there again, with everything equal.
async fn an_hour_away(world: &World) -> Vec<Duration> {
    let mut failed = goes_away(&world.launchdarkly);
    let before = world.launchdarkly.opened().len();
    until(failed + HOUR).await;
    let mut waits = Vec::new();
    for opening in world.launchdarkly.opened().split_off(before) {
        waits.push(opening.at - failed);
        failed = opening.at + LATENCY;
    }
    world.launchdarkly.answers(Answer::Serves);
    let connected = |phase| phase == SourcePhase::Connected;
    let said = world.relay.until("connected", |it| connected(it.source.0));
    said.await;
    waits
}

#[tokio::test(start_paused = true)]
async fn an_hour_of_launchdarkly_being_away_is_tried_after_a_second_and_then_up_to_each_30() {
    let world = World::with_flags(20).await;
    let waits = an_hour_away(&world).await;
    let mut whole = FIRST;
    for (index, wait) in waits.iter().enumerate() {
        assert!(
            jittered(whole).contains(wait),
            "{index}: {wait:?} of {whole:?}"
        );
        whole = (whole * 2).min(LONGEST);
    }
    assert!((118..=250).contains(&waits.len()), "{}", waits.len());
    assert!(waits.iter().max() > waits.iter().skip(5).min(), "jittered");
    world.launchdarkly.patch(3, 2);
    until(Instant::now() + FIRST).await;
    world.assert_equal();
    assert_eq!(world.table.writes(), 1);
    assert_eq!(world.launchdarkly.most_open(), 1);
    world.relay.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_changed_while_launchdarkly_was_away_is_stored_as_soon_as_it_is_back() {
    let world = World::with_flags(20).await;
    let gone = goes_away(&world.launchdarkly);
    world.launchdarkly.patch(3, 2);
    until(gone + HOUR).await;
    assert_eq!(world.relay.facts().source.0, SourcePhase::Interrupted);
    assert!(!world.relay.is_up_to_date());
    world.launchdarkly.answers(Answer::Serves);
    until(gone + HOUR + LONGEST + FIRST).await;
    world.assert_equal();
    assert_eq!(world.table.writes(), 1);
    world.relay.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_waits_start_over_only_after_a_connection_that_was_good_for_a_minute() {
    for (good, whole) in [(50, LONGEST), (61, FIRST)] {
        let world = World::with_flags(20).await;
        an_hour_away(&world).await;
        until(Instant::now() + Duration::from_secs(good)).await;
        let gone = goes_away(&world.launchdarkly);
        let wait = world.launchdarkly.next_opening().await - gone;
        assert!(jittered(whole).contains(&wait), "{wait:?} after {good} s");
        world.relay.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_waits_start_over_after_a_good_connection_that_a_reopening_replaced() {
    for (good, whole) in [(50, LONGEST), (61, FIRST)] {
        let world = World::with_flags(20).await;
        an_hour_away(&world).await;
        until(Instant::now() + Duration::from_secs(good)).await;
        world.relay.control.sync();
        let opened = world.launchdarkly.next_opening().await;
        until(opened + 3 * LATENCY).await;
        assert_eq!(world.launchdarkly.open_now(), 1, "it was handed over");
        assert_eq!(world.relay.metric("sessions_total", "reopened"), 1);
        let gone = goes_away(&world.launchdarkly);
        let wait = world.launchdarkly.next_opening().await - gone;
        assert!(jittered(whole).contains(&wait), "{wait:?} after {good} s");
        world.relay.stop().await;
    }
}

//! LaunchDarkly refuses the key: it is left alone for minutes, unless somebody says that it is worth a try.

use std::time::Duration;

use ld_dynamodb_relay::environment::Control;
use ld_dynamodb_relay::status::SourcePhase;
use tokio::time::Instant;

use crate::launchdarkly::{Answer, LATENCY, until};
use crate::relay::{World, jittered};

const MINUTE: Duration = Duration::from_mins(1);

/// An environment whose key is refused.
async fn refused() -> World {
    let world = World::with_flags(20).await;
    world.launchdarkly.answers(Answer::Refuses(401));
    world.launchdarkly.cut();
    let refused = |phase| phase == SourcePhase::Refused;
    world
        .relay
        .until("refused", |facts| refused(facts.source.0))
        .await;
    world
}

#[tokio::test(start_paused = true)]
async fn a_refused_key_is_tried_again_after_5_minutes_and_then_up_to_each_hour() {
    let world = refused().await;
    let error = world.relay.facts().last_error.unwrap();
    assert_eq!(error.status_code, Some(401));
    let before = world.launchdarkly.opened().len() - 1;
    world.at(Duration::from_hours(10)).await;
    let opened = world.launchdarkly.opened().split_off(before);
    assert!((11..=21).contains(&opened.len()), "{}", opened.len());
    let mut whole = 5 * MINUTE;
    for pair in opened.windows(2) {
        let wait = pair[1].at - (pair[0].at + LATENCY);
        assert!(jittered(whole).contains(&wait), "{wait:?} of {whole:?}");
        whole = (whole * 2).min(60 * MINUTE);
    }
    // What is stored stays, and is looked after.
    assert_eq!(world.table.writes(), 0);
    assert_eq!(world.table.live(), 20);
    assert!(world.table.readings() > 30);
    world.launchdarkly.answers(Answer::Serves);
    world.at(Duration::from_hours(11) + MINUTE).await;
    world.assert_equal();
    world.relay.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_order_or_the_reset_of_the_key_ends_the_wait_at_once() {
    let ways: [fn(&Control); 2] = [Control::sync, Control::key_reset];
    for ends in ways {
        let world = refused().await;
        until(Instant::now() + MINUTE).await;
        let before = world.launchdarkly.opened().len();
        world.launchdarkly.answers(Answer::Serves);
        let asked = Instant::now();
        ends(&world.relay.control);
        assert_eq!(world.launchdarkly.next_opening().await, asked);
        until(asked + 3 * LATENCY).await;
        world.assert_equal();
        assert_eq!(world.launchdarkly.opened().len(), before + 1);
        world.relay.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_orders_and_resets_ends_a_wait_at_most_each_30_seconds() {
    let world = refused().await;
    until(Instant::now() + MINUTE).await;
    let before = world.launchdarkly.opened().len();
    let start = Instant::now();
    for tenth in 0..1_000_u32 {
        until(start + Duration::from_millis(100) * tenth).await;
        if tenth % 3 == 0 {
            world.relay.control.sync();
        } else {
            world.relay.control.key_reset();
        }
    }
    let opened = world.launchdarkly.opened().split_off(before);
    let seconds: Vec<_> = opened.iter().map(|it| (it.at - start).as_secs()).collect();
    assert_eq!(seconds, [0, 30, 60, 90]);
    assert_eq!(world.relay.metric("webhook_wakes_total", "key_reset"), 666);
    world.relay.stop().await;
}

#[tokio::test(start_paused = true)]
async fn another_key_ends_the_wait_at_once_and_what_was_refused_says_nothing_of_it() {
    let world = refused().await;
    until(Instant::now() + MINUTE).await;
    let given = Instant::now();
    world.relay.key.give("sdk-second".into());
    assert_eq!(world.launchdarkly.next_opening().await, given);
    let opened = world.launchdarkly.opened();
    assert_eq!(opened.last().unwrap().key, "sdk-second");
    let again = world.launchdarkly.next_opening().await - (given + LATENCY);
    assert!(
        jittered(5 * MINUTE).contains(&again),
        "from the start: {again:?}"
    );
    world.relay.stop().await;
}

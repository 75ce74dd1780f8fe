//! LaunchDarkly says that there is nothing any more.

use std::time::Duration;

use ld_dynamodb_relay::model::DataSet;
use ld_dynamodb_relay::status::HeldReason;

use crate::launchdarkly::until;
use crate::relay::World;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
const FLAGS: usize = 30;

/// An environment of which LaunchDarkly said twice, ten seconds after the start, that it is empty.
async fn said_to_be_empty() -> World {
    let world = World::with_flags(FLAGS).await;
    world.launchdarkly.becomes(DataSet::new());
    world.launchdarkly.cut();
    world.at(3 * SECOND).await;
    let facts = world.relay.facts();
    let unconfirmed = |reason| reason == HeldReason::Unconfirmed;
    assert!(facts.held.values().all(|it| unconfirmed(it.reason)));
    assert_eq!((facts.held.len(), facts.braked), (FLAGS, 0));
    world.at(10 * SECOND).await;
    assert_eq!(world.launchdarkly.opened().len(), 3, "it was asked again");
    assert_eq!(world.relay.facts().braked, FLAGS);
    world
}

#[tokio::test(start_paused = true)]
async fn an_empty_set_said_twice_removes_nothing_until_it_is_said_again_ten_minutes_later() {
    let world = said_to_be_empty().await;
    for second in 10..10 * 60 {
        world.at(SECOND * second).await;
        assert_eq!(world.relay.facts().braked, FLAGS, "in second {second}");
    }
    assert_eq!(world.table.writes(), 0);
    assert_eq!(
        world.launchdarkly.opened().len(),
        3,
        "nobody asks meanwhile"
    );
    let asked = world.launchdarkly.next_opening().await;
    let held_for = asked - world.start;
    assert!(
        (10 * MINUTE..10 * MINUTE + 10 * SECOND).contains(&held_for),
        "{held_for:?}"
    );
    until(asked + SECOND).await;
    assert_eq!(world.table.live(), 0);
    assert_eq!(world.table.writes(), FLAGS, "each row once");
    assert_eq!(world.relay.facts().braked, 0);
    assert_eq!(world.relay.metric("reopens_total", "held"), 2);
    world.assert_equal();
    world.relay.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_there_again_within_the_ten_minutes_was_never_touched() {
    let world = World::with_flags(FLAGS).await;
    let items = world.launchdarkly.truth();
    world.relay.stop().await;
    let world = said_to_be_empty().await;
    world.at(5 * MINUTE).await;
    world.launchdarkly.becomes(items);
    world.at(11 * MINUTE).await;
    assert_eq!(world.table.writes(), 0);
    assert_eq!(world.relay.facts().braked, 0);
    world.assert_equal();
    world.relay.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_operator_who_confirms_the_removals_does_not_wait() {
    let world = said_to_be_empty().await;
    world.relay.control.release(FLAGS - 1);
    world.at(20 * SECOND).await;
    assert_eq!(world.table.live(), FLAGS, "he means something else");
    world.relay.control.release(FLAGS);
    world.at(21 * SECOND).await;
    assert_eq!(world.table.live(), 0);
    world.assert_equal();
    world.relay.stop().await;
}

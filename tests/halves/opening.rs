//! A connection that is open, lives, and does not say everything.

use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::Instant;

use crate::launchdarkly::{Answer, LATENCY, until};
use crate::relay::{Relay, World};

const SECOND: Duration = Duration::from_secs(1);

/// An environment whose only connection hangs; what was said before is stored.
async fn hanging() -> World {
    let world = World::with_flags(20).await;
    world.launchdarkly.answers(Answer::Hangs);
    world.launchdarkly.cut();
    world.launchdarkly.next_opening().await;
    until(Instant::now() + 10 * SECOND).await;
    assert_eq!(world.launchdarkly.open_now(), 1);
    world
}

/// It has said everything, and no other one was open beside it.
async fn served_alone(world: World) {
    assert_eq!(
        world.launchdarkly.most_open(),
        1,
        "the one before was closed"
    );
    world.assert_equal();
    world.relay.stop().await;
}

/// An environment whose connection is to be replaced by one that hangs.
async fn hanging_beside_another() -> World {
    let world = World::with_flags(20).await;
    world.launchdarkly.answers(Answer::Hangs);
    world.relay.control.sync();
    world.launchdarkly.next_opening().await;
    until(Instant::now() + 10 * SECOND).await;
    assert_eq!(world.launchdarkly.open_now(), 2);
    world
}

#[tokio::test(start_paused = true)]
async fn an_order_ends_at_once_a_connection_that_hangs_before_its_first_full_set() {
    let world = hanging().await;
    world.launchdarkly.answers(Answer::Serves);
    let asked = Instant::now();
    world.relay.control.sync();
    assert_eq!(world.launchdarkly.next_opening().await, asked);
    until(asked + 3 * LATENCY).await;
    served_alone(world).await;
}

#[tokio::test(start_paused = true)]
async fn an_order_that_comes_too_soon_after_another_one_ends_what_hangs_once_it_may() {
    for beside in [false, true] {
        let (world, allowed, free_in) = if beside {
            // Three reopenings, the first of which was made 10 s ago.
            (hanging_beside_another().await, 2, 20 * SECOND)
        } else {
            (hanging().await, 1, 30 * SECOND)
        };
        let start = Instant::now();
        for _ in 0..allowed {
            world.relay.control.sync();
            assert_eq!(world.launchdarkly.next_opening().await, start);
        }
        until(start + 5 * SECOND).await;
        world.relay.control.sync();
        world.launchdarkly.answers(Answer::Serves);
        assert_eq!(world.launchdarkly.next_opening().await, start + free_in);
        until(start + free_in + 3 * LATENCY).await;
        world.assert_equal();
        assert_eq!(world.launchdarkly.open_now(), 1);
        world.relay.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_orders_ends_connections_that_hang_at_most_each_30_seconds() {
    let world = hanging().await;
    let (start, before) = (Instant::now(), world.launchdarkly.opened().len());
    for tenth in 0..1_000_u32 {
        until(start + SECOND / 10 * tenth).await;
        world.relay.control.sync();
    }
    let opened = world.launchdarkly.opened().split_off(before);
    let seconds: Vec<_> = opened.iter().map(|it| (it.at - start).as_secs()).collect();
    assert_eq!(seconds, [0, 30, 60, 90]);
    assert_eq!(world.launchdarkly.open_now(), 1);
    world.relay.stop().await;
}

#[tokio::test(start_paused = true)]
async fn another_key_ends_at_once_a_connection_that_hangs_before_its_first_full_set() {
    let world = hanging().await;
    world.launchdarkly.answers(Answer::Serves);
    let given = Instant::now();
    world.relay.key.give("sdk-second".into());
    assert_eq!(world.launchdarkly.next_opening().await, given);
    let opened = world.launchdarkly.opened();
    assert_eq!(opened.last().unwrap().key, "sdk-second");
    until(given + 3 * LATENCY).await;
    served_alone(world).await;
}

#[tokio::test(start_paused = true)]
async fn beside_a_connection_that_lives_one_that_hangs_is_replaced_and_nothing_is_missed() {
    for key in [false, true] {
        let world = hanging_beside_another().await;
        world.launchdarkly.patch(3, 2);
        until(Instant::now() + SECOND).await;
        world.assert_equal();
        world.launchdarkly.answers(Answer::Serves);
        let asked = Instant::now();
        if key {
            world.relay.key.give("sdk-second".into());
        } else {
            world.relay.control.sync();
        }
        assert_eq!(world.launchdarkly.next_opening().await, asked);
        until(asked + LATENCY).await;
        world.launchdarkly.patch(4, 2);
        until(asked + SECOND).await;
        world.assert_equal();
        assert_eq!(world.launchdarkly.open_now(), 1);
        assert_eq!(world.launchdarkly.most_open(), 2);
        assert_eq!(world.table.writes(), 2);
        world.relay.stop().await;
    }
}

/// An environment whose connection is to be replaced by one that shows without a pause that it lives.
async fn babbling_beside_another() -> World {
    let world = World::with_flags(20).await;
    world.launchdarkly.answers(Answer::Babbles(200_000));
    world.relay.control.sync();
    world.launchdarkly.babbling().await;
    world.launchdarkly.answers(Answer::Serves);
    world
}

#[tokio::test(start_paused = true)]
async fn who_never_pauses_keeps_neither_an_order_nor_another_key_from_being_heard() {
    let ways: [fn(&Relay); 2] = [
        |relay| relay.control.sync(),
        |relay| assert!(relay.key.give("sdk-second".into())),
    ];
    for ends in ways {
        let world = babbling_beside_another().await;
        ends(&world.relay);
        world.launchdarkly.next_opening().await;
        assert!(world.launchdarkly.is_babbling(), "only once it had paused");
        until(Instant::now() + 3 * LATENCY).await;
        world.assert_equal();
        assert_eq!(world.launchdarkly.open_now(), 1);
        world.relay.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_never_pauses_keeps_the_connection_whose_changes_count_from_nothing() {
    let world = babbling_beside_another().await;
    let said = world.relay.facts().said.0;
    world.launchdarkly.patch(3, 2);
    // What is heard wakes nobody, and while somebody babbles no time passes.
    while world.relay.facts().said.0 == said {
        yield_now().await;
    }
    assert!(world.launchdarkly.is_babbling(), "only once it had paused");
    world.relay.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_at_once_connections_that_hang() {
    for world in [hanging().await, hanging_beside_another().await] {
        let launchdarkly = world.launchdarkly;
        assert_eq!(world.relay.stop().await, Duration::ZERO);
        assert_eq!(launchdarkly.open_now(), 0);
    }
}

//! `UPSTREAM=poll`: a session is a row of polls. What is other than with a stream.

use std::time::Duration;

use ld_dynamodb_relay::launchdarkly::{Refusal, Signal, Transport};
use ld_dynamodb_relay::listener::{ConnectionOrder, Context as _, Role};
use ld_dynamodb_relay::model::ReopenCause;

use crate::world::{Key, World};

const SECOND: Duration = Duration::from_secs(1);
const INTERVAL: Duration = Duration::from_secs(40);

fn polling() -> World {
    World::hearing_by(Transport::Poll(INTERVAL), Duration::ZERO, Key::There)
}

/// The next attempt fails: the wait.
fn fails(world: &mut World, status: u16) -> Duration {
    while !world.new {
        world.pass(world.due.unwrap());
    }
    world.end(
        Role::New,
        Refusal::Status {
            status,
            retry_after: None,
        },
    );
    world.failure().wait
}

#[test]
fn no_wait_is_shorter_than_the_interval() {
    let mut world = polling();
    world.jitter = 1.0;
    for _ in 0..10 {
        assert_eq!(fails(&mut world, 500), INTERVAL);
    }
    world.jitter = 0.0;
    assert_eq!(fails(&mut world, 401), 300 * SECOND);
    assert_eq!(fails(&mut world, 500), 600 * SECOND, "until it is healthy");
}

/// But for what a webhook announced: the poll that it had made failed, or the one that was under way.
#[test]
fn what_a_webhook_announced_does_not_wait_for_the_interval_when_its_poll_fails() {
    for early in [false, true] {
        let mut world = polling();
        world.say_everything(Role::New, 3, 5);
        world.pass(world.now + SECOND);
        if early {
            world.order();
            assert!(world.new);
        }
        world.hint(Some(0), Duration::ZERO);
        for (status, expected) in [(503, 5), (503, 5), (503, 5), (503, 8), (401, 300)] {
            assert_eq!(fails(&mut world, status), expected * SECOND);
        }
        world.pass(world.now + 300 * SECOND);
        world.say_everything(Role::New, 3, 6);
        assert_eq!(world.due, None, "it has come");
        world.pass(world.now + SECOND);
        world.order();
        assert_eq!(fails(&mut world, 503), 600 * SECOND);
    }
}

/// However long the interval is.
#[test]
fn two_good_answers_in_a_row_end_the_long_waits_and_one_does_not() {
    for (answers, expected) in [(1, 600 * SECOND), (2, INTERVAL), (3, INTERVAL)] {
        let mut world = polling();
        assert_eq!(fails(&mut world, 401), 300 * SECOND);
        world.pass(world.due.unwrap());
        world.say_everything(Role::New, 3, 5);
        for _ in 1..answers {
            world.pass(world.now + INTERVAL);
            world.signal(Role::Current, Signal::Alive);
        }
        world.pass(world.now + INTERVAL);
        world.end(Role::Current, Refusal::Silent(SECOND));
        assert_eq!(world.failure().wait, expected, "{answers}");
    }
}

/// What was wished before a poll was sent, its answer fulfils; that nothing changed since then fulfils nothing.
#[test]
fn an_answer_counts_from_when_it_was_asked_for_and_that_nothing_changed_confirms_nothing() {
    let mut world = polling();
    world.say_everything(Role::New, 3, 5);
    // No reopening is left for a while.
    for _ in 0..3 {
        world.pass(world.now + SECOND / 10);
        world.shared.wish(world.now, ReopenCause::Held);
        world.step(None);
        assert_eq!(world.orders, [ConnectionOrder::Open]);
        world.say_everything(Role::New, 3, 5);
    }
    world.pass(world.now + SECOND / 10);
    world.shared.wish(world.now, ReopenCause::Held);
    world.step(None);
    assert!(!world.new && world.is_wished());
    world.signal(Role::Current, Signal::Alive);
    assert!(world.is_wished());
    world.pass(world.now + SECOND / 10);
    world.signal(Role::Current, Signal::Asked(world.now));
    world.say_everything(Role::Current, 3, 6);
    assert!(!world.is_wished());
}

#[test]
fn everything_is_polled_again_three_times_at_once_and_then_each_5_seconds() {
    let mut world = polling();
    world.say_everything(Role::New, 3, 5);
    let began = world.now;
    let mut opened = 0;
    while world.now < began + 60 * SECOND {
        world.shared.wish(world.now, ReopenCause::Operator);
        world.step(None);
        if world.new {
            opened += 1;
            world.say_everything(Role::New, 3, 5);
        }
        world.pass(world.now + SECOND / 2);
    }
    assert!((14..=15).contains(&opened), "{opened}");
}

/// The old key is good for a while: what is polled with it does not count as heard with the new one.
#[test]
fn another_key_is_tried_until_it_works_whatever_the_old_one_says() {
    let mut world = polling();
    world.say_everything(Role::New, 3, 5);
    world.pass(world.now + SECOND);
    world.rekey();
    world.end(
        Role::New,
        Refusal::Status {
            status: 503,
            retry_after: None,
        },
    );
    world.pass(world.now + SECOND);
    world.signal(Role::Current, Signal::Asked(world.now));
    world.say_everything(Role::Current, 3, 6);
    let due = world.due.expect("the new key is to be tried");
    world.pass(due);
    assert!(world.new);
    world.say_everything(Role::New, 3, 6);
    assert_eq!(world.due, None, "it is the one that counts");
}

/// While a new session asks, the one before it polls on: what was asked for later counts.
#[test]
fn an_answer_that_was_asked_for_before_what_is_said_is_dropped() {
    let mut world = polling();
    world.say_everything(Role::New, 3, 5);
    world.pass(world.now + SECOND);
    world.shared.wish(world.now, ReopenCause::Held);
    world.step(None);
    assert_eq!(world.orders, [ConnectionOrder::Open]);
    world.pass(world.now + SECOND);
    world.signal(Role::Current, Signal::Asked(world.now));
    world.say_everything(Role::Current, 3, 7);
    world.say_everything(Role::New, 3, 6);
    assert_eq!(world.orders, [ConnectionOrder::Close(Role::New)]);
    assert_eq!(world.version_of(0), Some(7));
    assert!(!world.is_wished(), "it was said after it was wished");
}

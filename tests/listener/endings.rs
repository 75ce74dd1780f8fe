//! A connection ends by itself: where that leads, and how long the next one waits.

use std::time::Duration;

use ld_dynamodb_relay::launchdarkly::fdv1::{Malformed, Said};
use ld_dynamodb_relay::launchdarkly::{Refusal, Signal};
use ld_dynamodb_relay::listener::{ConnectionOrder, ConnectionState as State, Role};

use crate::states::{handing_over, idle, listening, opening};
use crate::world::{World, flag};

use ConnectionOrder::{HandOver, RecheckKey};
use Role::{Current, New};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

fn malformed() -> Refusal {
    Refusal::Malformed(Malformed::Json("put"))
}

const fn status(status: u16, retry_after: Option<Duration>) -> Refusal {
    Refusal::Status {
        status,
        retry_after,
    }
}

/// The next connection fails likewise: the wait.
fn fails(world: &mut World, refusal: Refusal) -> Duration {
    world.pass(world.due.unwrap());
    world.end(New, refusal);
    world.failure().wait
}

#[test]
fn what_ends_is_closed_and_the_other_one_goes_on() {
    let mut world = opening();
    world.end(New, Refusal::Closed);
    assert!(matches!(world.listener.state(), State::Idle));
    assert!(!world.failure().still_connected);

    let mut world = listening();
    world.end(Current, Refusal::Closed);
    assert!(matches!(world.listener.state(), State::Idle));
    assert!(!world.failure().still_connected);

    let mut world = handing_over();
    world.end(New, Refusal::Closed);
    assert!(matches!(world.listener.state(), State::Listening(_)));
    assert!(world.failure().still_connected && world.is_wished());
    world.pass_seconds(1);
    assert!(world.new, "what was wished is asked for again");

    let mut world = handing_over();
    world.end(Current, Refusal::Closed);
    assert!(matches!(world.listener.state(), State::Opening(_)));
    assert_eq!(world.due, None, "one is being opened already");
    let (key, item) = flag(0, 9);
    world.say(New, Said::Newer(key, item));
    world.say_everything(New, 3, 5);
    assert_eq!(world.orders, [HandOver]);
}

#[test]
fn another_one_is_opened_when_the_wait_is_over_and_not_before() {
    let mut world = idle();
    let due = world.now + SECOND;
    assert_eq!(world.due, Some(due));
    world.pass(due - Duration::from_millis(1));
    assert!(!world.new);
    world.pass(due);
    assert!(world.new);
}

#[test]
fn waits_double_and_what_lasts_begins_with_minutes() {
    for (refusal, first, last) in [
        (|| Refusal::Closed as Refusal, SECOND, 30 * SECOND),
        (|| Refusal::Silent(MINUTE), SECOND, 30 * SECOND),
        (|| Refusal::Proxy("407"), SECOND, 30 * SECOND),
        (|| status(500, None), SECOND, 30 * SECOND),
        (|| status(401, None), 5 * MINUTE, 60 * MINUTE),
        (|| status(404, None), 5 * MINUTE, 60 * MINUTE),
    ] as [(fn() -> Refusal, Duration, Duration); 6]
    {
        let mut world = World::new();
        world.end(New, refusal());
        let mut whole = first;
        assert_eq!(world.failure().wait, whole);
        for _ in 0..10 {
            whole = (whole * 2).min(last);
            assert_eq!(fails(&mut world, refusal()), whole);
        }
    }
}

#[test]
fn the_jitter_takes_up_to_half() {
    for jitter in [0.0, 0.5, 1.0] {
        let mut world = opening();
        world.jitter = jitter;
        world.end(New, Refusal::Closed);
        assert_eq!(world.failure().wait, SECOND.mul_f64(1.0 - jitter / 2.0));
    }
}

#[test]
fn what_launchdarkly_wants_is_waited_for() {
    let mut world = opening();
    world.end(New, status(503, Some(MINUTE)));
    assert_eq!(world.failure().wait, MINUTE);
    assert_eq!(fails(&mut world, status(503, None)), 2 * SECOND);

    let mut world = opening();
    world.signal(New, Signal::RetryDelay(4 * SECOND));
    world.end(New, Refusal::Closed);
    assert_eq!(world.failure().wait, 4 * SECOND);
}

#[test]
fn a_refused_key_is_read_again() {
    for (refusal, orders) in [
        (status(401, None), vec![RecheckKey]),
        (status(403, None), vec![RecheckKey]),
        (status(404, None), vec![]),
        (status(500, None), vec![]),
    ] {
        let mut world = opening();
        world.end(New, refusal);
        assert_eq!(world.orders, orders);
    }
}

#[test]
fn bad_data_twice_in_a_row_are_waited_out_unless_good_came_between() {
    let mut world = opening();
    world.end(New, malformed());
    assert_eq!(world.failure().wait, SECOND);
    assert_eq!(fails(&mut world, malformed()), 5 * MINUTE);

    let mut world = opening();
    world.end(New, malformed());
    world.pass_seconds(1);
    world.say_everything(New, 3, 5);
    world.end(Current, malformed());
    assert_eq!(world.failure().wait, 2 * SECOND);
    world.pass_seconds(2);
    world.say_everything(New, 3, 5);
    let (key, item) = flag(0, 6);
    world.say(Current, Said::Newer(key, item));
    world.end(Current, malformed());
    assert_eq!(world.failure().wait, 4 * SECOND);
}

/// Five failures, and then a connection that is good for so long.
fn good_for(seconds: u64) -> World {
    let mut world = World::new();
    world.end(New, Refusal::Closed);
    for _ in 0..4 {
        fails(&mut world, Refusal::Closed);
    }
    world.pass(world.due.unwrap());
    world.say_everything(New, 3, 5);
    world.pass_seconds(seconds);
    world
}

#[test]
fn a_connection_that_was_good_for_a_minute_ends_the_curve_however_it_ended() {
    for (seconds, wait) in [(59, 30 * SECOND), (60, SECOND)] {
        let mut world = good_for(seconds);
        world.end(Current, Refusal::Closed);
        assert_eq!(world.failure().wait, wait);

        // Replaced by one that asked again.
        let mut world = good_for(seconds);
        world.order();
        world.say_everything(New, 3, 5);
        world.end(Current, Refusal::Closed);
        assert_eq!(world.failure().wait, wait);

        // Lost while another one is being opened, which then fails.
        let mut world = good_for(seconds);
        world.order();
        world.end(Current, Refusal::Closed);
        assert_eq!(world.failure().wait, wait);
        world.end(New, Refusal::Closed);
        assert_eq!(world.failure().wait, (2 * wait).min(30 * SECOND));
    }
}

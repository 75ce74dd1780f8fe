//! An operator's order, or the reset of a key: what it cuts short, and when it is carried out that came too soon.

use std::time::Duration;

use ld_dynamodb_relay::launchdarkly::Refusal;
use ld_dynamodb_relay::listener::{ConnectionOrder, ListenFact as Fact, Role, Wakes};

use crate::states::{handing_over, idle, listening, opening};

use ConnectionOrder::{Close, HandOver, Open, RecheckKey};
use Role::New;

/// LaunchDarkly does not take the key: minutes to wait.
const fn refused() -> Refusal {
    Refusal::Status {
        status: 401,
        retry_after: None,
    }
}

#[test]
fn an_operator_waits_for_nobody() {
    for (mut world, orders) in [
        (idle(), vec![Open]),
        (opening(), vec![Close(New), Open]),
        (listening(), vec![Open]),
        (handing_over(), vec![Close(New), Open]),
    ] {
        let current = world.current;
        world.order();
        assert_eq!(world.orders, orders);
        assert_eq!((world.new, world.current), (true, current));
        world.pass_seconds(1);
        world.say_everything(New, 3, 5);
        assert_eq!(world.orders, [HandOver]);
        assert!(!world.is_wished());
    }
}

#[test]
fn who_orders_again_and_again_gets_no_more_connections_than_anybody() {
    for make in [idle, opening, listening, handing_over] {
        let mut world = make();
        let mut opened = 0;
        for _ in 0..100 {
            world.order();
            opened += world.orders.iter().filter(|it| **it == Open).count();
            world.pass(world.now + Duration::from_millis(100));
        }
        assert!((1..=3).contains(&opened), "{opened}");
    }
}

#[test]
fn an_order_that_comes_too_soon_ends_what_hangs_once_that_is_allowed() {
    // Beside a connection that is good, the allowance counts from the first reopening, a second ago.
    for (mut world, allowed, ago) in [(opening(), 1, 0), (handing_over(), 2, 1)] {
        let first = world.now - Duration::from_secs(ago);
        for _ in 0..allowed {
            world.order();
            assert_eq!(world.orders, [Close(New), Open]);
        }
        let free_at = first + Duration::from_secs(30);
        world.pass_seconds(10);
        world.order();
        world.order();
        assert!(world.orders.is_empty());
        assert_eq!(world.due, Some(free_at));
        world.pass(free_at);
        assert_eq!(world.orders, [Close(New), Open]);
        assert_eq!(world.due, None, "both have what they want");
    }
}

#[test]
fn an_order_that_comes_too_soon_ends_the_wait_after_what_hung_once_that_is_allowed() {
    let mut world = opening();
    world.order();
    world.pass_seconds(10);
    world.order();
    world.end(New, refused());
    assert_eq!(world.due, Some(world.start + Duration::from_secs(30)));
    world.pass_seconds(20);
    assert_eq!(world.orders, [Open]);
    world.end(New, refused());
    assert_eq!(world.due, Some(world.now + world.failure().wait));
}

#[test]
fn an_order_that_comes_too_soon_is_carried_out_at_once_after_a_full_set() {
    let mut world = opening();
    world.order();
    world.pass_seconds(10);
    world.order();
    world.say_everything(New, 3, 5);
    assert_eq!(world.orders, [HandOver, Open]);
    assert_eq!(world.due, None, "the order has what it wants");
}

#[test]
fn a_wait_that_is_over_sooner_costs_an_order_nothing() {
    let mut world = opening();
    world.end(New, Refusal::Closed);
    world.pass(world.due.unwrap());
    world.end(New, Refusal::Closed);
    world.order();
    assert_eq!(world.orders, [Open], "that is the one each 30 s");
    let cut_short = world.now;
    world.end(New, Refusal::Closed);
    let due = world.now + world.failure().wait;
    world.order();
    assert_eq!(world.due, Some(due));
    world.pass(due);
    assert!(world.new);
    world.end(New, refused());
    world.order();
    assert_eq!(world.due, Some(cut_short + Duration::from_secs(30)));
}

#[test]
fn a_reset_has_the_key_read_again_and_ends_only_a_wait() {
    for (mut world, orders) in [
        (idle(), vec![RecheckKey, Open]),
        (opening(), vec![RecheckKey]),
        (listening(), vec![RecheckKey]),
        (handing_over(), vec![RecheckKey]),
    ] {
        world.wake(Wakes {
            key_resets: 2,
            ..Wakes::default()
        });
        assert_eq!(world.orders, orders);
        assert!(matches!(
            world.facts[..],
            [.., Fact::KeyReset(2)] | [.., Fact::KeyReset(2), _]
        ));
    }
}

//! Each event in each state.

use std::time::Duration;

use ld_dynamodb_relay::launchdarkly::fdv1::{Said, Unknown};
use ld_dynamodb_relay::launchdarkly::{Refusal, Signal};
use ld_dynamodb_relay::listener::{
    ConnectionOrder, ConnectionState as State, Ignored, ListenFact as Fact, Role, SessionEnd,
};
use ld_dynamodb_relay::model::ReopenCause;

use crate::world::{Key, World, flag, greeting};

use ConnectionOrder::{Close, HandOver, Open};
use Role::{Current, New};

/// Nothing is open, and the next attempt is made in a second.
pub(crate) fn idle() -> World {
    let mut world = opening();
    world.end(New, Refusal::Closed);
    assert!(matches!(world.listener.state(), State::Idle));
    world
}

/// The first connection says nothing yet.
pub(crate) fn opening() -> World {
    let world = World::new();
    assert!(matches!(world.listener.state(), State::Opening(_)));
    world
}

/// A connection has said everything: three flags at version 5.
pub(crate) fn listening() -> World {
    let mut world = opening();
    world.signal(New, greeting(Some("id")));
    world.say_everything(New, 3, 5);
    assert!(matches!(world.listener.state(), State::Listening(_)));
    world.pass_seconds(1);
    world
}

/// Another one is being opened beside it.
pub(crate) fn handing_over() -> World {
    let mut world = listening();
    world.say(Current, Said::Hint);
    assert!(matches!(world.listener.state(), State::HandingOver { .. }));
    world.pass_seconds(1);
    world
}

fn ended(world: &World) -> Vec<SessionEnd> {
    let facts = world.facts.iter();
    let ended = facts.filter_map(|fact| match fact {
        Fact::Ended(end) => Some(*end),
        _ => None,
    });
    ended.collect()
}

fn reopening(world: &World) -> Option<ReopenCause> {
    world.facts.iter().find_map(|fact| match fact {
        Fact::Reopening(cause) => Some(*cause),
        _ => None,
    })
}

fn ignored(world: &World) -> Option<Ignored> {
    world.facts.iter().find_map(|fact| match fact {
        Fact::Ignored(reason) => Some(*reason),
        _ => None,
    })
}

#[test]
fn the_first_connection_is_opened_after_its_delay() {
    let delay = Duration::from_secs(3);
    let mut world = World::with(delay, Key::There);
    assert_eq!(world.due, Some(world.start + delay));
    world.pass(world.start + delay - Duration::from_millis(1));
    assert!(!world.new);
    world.pass(world.start + delay);
    assert!(world.new);
    assert_eq!(world.due, None, "it waits for what that one says");
}

#[test]
fn the_first_full_set_makes_a_connection_the_one_whose_changes_count() {
    let mut world = opening();
    world.signal(New, greeting(Some("id")));
    assert!(matches!(&world.facts[0], Fact::Connected(Some(id)) if id == "id"));
    world.pass_seconds(2);
    world.say_everything(New, 3, 5);
    assert_eq!(world.orders, [HandOver]);
    let line = world.listener.state().current().unwrap();
    assert_eq!(line.environment_id.as_deref(), Some("id"));
    assert_eq!(
        (line.asked, line.good_since),
        (world.start, Some(world.now))
    );
    let took = world.facts.iter().find_map(|fact| match fact {
        Fact::SaidEverything { items: 3, took, .. } => *took,
        _ => None,
    });
    assert_eq!(took, Some(Duration::from_secs(2)));
    assert!(ended(&world).is_empty());
}

#[test]
fn a_full_set_of_the_new_connection_ends_the_one_before() {
    let mut world = handing_over();
    world.say_everything(New, 3, 5);
    assert_eq!(world.orders, [HandOver]);
    assert_eq!(ended(&world), [SessionEnd::Reopened]);
    assert!(matches!(world.listener.state(), State::Listening(_)));
    assert!(!world.is_wished());
}

#[test]
fn a_full_set_that_is_said_again_unasked_changes_no_connection() {
    for mut world in [listening(), handing_over()] {
        let new = world.new;
        world.say_everything(Current, 3, 6);
        assert!(world.orders.is_empty());
        assert_eq!((world.new, world.current), (new, true));
        let unasked = |fact: &Fact| matches!(fact, Fact::SaidEverything { took: None, .. });
        assert!(world.facts.iter().any(unasked));
        assert_eq!(world.is_wished(), new, "it was not asked for since then");
    }
}

#[test]
fn what_a_connection_says_before_its_first_full_set_does_not_count() {
    for mut world in [opening(), handing_over()] {
        let (key, item) = flag(0, 9);
        for said in [Said::Newer(key, item), Said::Hint] {
            world.say(New, said);
            // Nor does it show that the other one is alive.
            let heard = usize::from(!world.current);
            assert_eq!(world.facts.len(), heard, "{:?}", world.facts);
            assert!(world.facts.iter().all(|it| matches!(it, Fact::Heard(_))));
            assert!(world.orders.is_empty());
        }
        assert_eq!(world.is_wished(), world.current);
    }
}

#[test]
fn changes_of_the_current_connection_count_also_while_another_one_is_opened() {
    for mut world in [listening(), handing_over()] {
        for (version, expected) in [
            (6, None),
            (6, Some(Ignored::Same)),
            (4, Some(Ignored::Older)),
        ] {
            let (key, item) = flag(0, version);
            world.say(Current, Said::Newer(key, item));
            assert_eq!(ignored(&world), expected);
        }
        assert!(world.new, "what is older has everything asked for again");
    }
}

#[test]
fn what_is_older_and_what_is_only_hinted_at_has_everything_asked_for_again() {
    let (key, item) = flag(0, 4);
    for (said, cause) in [
        (Said::Newer(key, item), ReopenCause::Older),
        (Said::Hint, ReopenCause::Hint),
    ] {
        let mut world = listening();
        world.say(Current, said.clone());
        assert_eq!(world.orders, [Open]);
        assert_eq!(reopening(&world), Some(cause));
        // A connection that asked before that does not answer it.
        world.pass_seconds(1);
        world.say(Current, said);
        world.say_everything(New, 3, 5);
        assert_eq!(world.orders, [HandOver, Open]);
    }
}

/// That something is owed, or is no more, if a step says so.
fn owed(world: &World) -> Option<bool> {
    world.facts.iter().find_map(|fact| match fact {
        Fact::Owed(owed) => Some(*owed),
        _ => None,
    })
}

#[test]
fn what_was_hinted_at_is_owed_until_everything_has_come_that_was_asked_for_since() {
    let (key, item) = flag(0, 4);
    for said in [Said::Newer(key, item), Said::Hint] {
        let mut world = listening();
        world.say(Current, said.clone());
        // Who is told of a sign of life knows it by then.
        let told = world
            .facts
            .iter()
            .position(|it| matches!(it, Fact::Owed(true)));
        let heard = world
            .facts
            .iter()
            .position(|it| matches!(it, Fact::Heard(_)));
        assert!(told.unwrap() < heard.unwrap());
        world.pass_seconds(1);
        world.signal(Current, Signal::Alive);
        assert!(matches!(world.facts[..], [Fact::Heard(_)]), "it lives");
        // Nobody asked for that, or asked too early for the second time.
        world.say_everything(Current, 3, 5);
        assert_eq!(owed(&world), None);
        world.say(Current, said);
        world.say_everything(New, 3, 5);
        assert_eq!(owed(&world), None);
        world.pass_seconds(1);
        world.say_everything(New, 3, 5);
        assert_eq!(owed(&world), Some(false));
        // Whoever comes next owes nothing on its account.
        world.end(Current, Refusal::Closed);
        world.pass_seconds(60);
        world.say_everything(New, 3, 5);
        assert_eq!(owed(&world), None);
    }
}

#[test]
fn what_a_webhook_announced_is_owed_once_it_is_late_until_it_has_come() {
    let mut world = listening();
    world.hint(Some(0), Duration::ZERO);
    world.pass_seconds(4);
    assert_eq!(owed(&world), None);
    world.pass_seconds(1);
    assert_eq!(owed(&world), Some(true));
    world.end(New, Refusal::Closed);
    let (key, item) = flag(1, 6);
    world.say(Current, Said::Newer(key, item));
    assert_eq!(owed(&world), None, "that is another one");
    let (key, item) = flag(0, 6);
    world.say(Current, Said::Newer(key, item));
    assert_eq!(owed(&world), Some(false));
}

#[test]
fn what_says_nothing_changes_nothing() {
    let signals: [fn(&World) -> Signal; 3] = [
        |_| Signal::Alive,
        |_| Signal::RetryDelay(Duration::from_secs(2)),
        |world| Signal::Said(Said::Unknown(Unknown::Event), world.now),
    ];
    for (which, make) in [
        (New, opening as fn() -> World),
        (Current, listening),
        (New, handing_over),
        (Current, handing_over),
    ] {
        for signal in signals {
            let mut world = make();
            let (new, current) = (world.new, world.current);
            let signal = signal(&world);
            world.signal(which, signal);
            assert!(world.orders.is_empty());
            assert_eq!((world.new, world.current), (new, current));
        }
    }
}

#[test]
fn another_key_is_tried_at_once_and_what_is_open_lives_on() {
    for (mut world, orders, ends) in [
        (idle(), vec![Open], vec![]),
        (
            opening(),
            vec![Close(New), Open],
            vec![SessionEnd::Reopened],
        ),
        (listening(), vec![Open], vec![]),
        (
            handing_over(),
            vec![Close(New), Open],
            vec![SessionEnd::Reopened],
        ),
    ] {
        let current = world.current;
        world.rekey();
        assert_eq!(world.orders, orders);
        assert_eq!(ended(&world), ends);
        assert_eq!((world.new, world.current), (true, current));
        assert!(matches!(world.facts[0], Fact::Rekeyed));
    }
}

#[test]
fn a_webhook_whose_change_is_not_delivered_has_everything_asked_for_again() {
    let mut world = listening();
    world.hint(Some(0), Duration::ZERO);
    assert!(world.orders.is_empty());
    world.pass_seconds(4);
    assert!(!world.new);
    world.pass_seconds(1);
    assert!(world.new);
    assert_eq!(reopening(&world), Some(ReopenCause::Webhook));
}

#[test]
fn a_stop_closes_what_is_open() {
    for (mut world, open) in [
        (idle(), 0),
        (opening(), 1),
        (listening(), 1),
        (handing_over(), 2),
    ] {
        world.listener.stop();
        world.facts = world.listener.facts();
        assert_eq!(ended(&world), vec![SessionEnd::Stopped; open]);
        assert!(matches!(world.listener.state(), State::Idle));
    }
}

#[test]
fn without_a_key_nothing_is_opened_and_why_is_told() {
    let mut world = World::with(Duration::ZERO, Key::Unread);
    assert!(matches!(world.facts[..], [Fact::Keyless(None)]));
    world.key = Key::Unreadable("the file is not there");
    world.pass_seconds(1);
    assert!(matches!(&world.facts[..], [Fact::Keyless(Some(_))]));
    world.pass_seconds(600);
    assert!(!world.new);
    world.rekey();
    assert_eq!(world.orders, [Open]);
    assert!(world.facts.is_empty(), "there was none before");
}

//! Whose data this is: stored before anything else, by one of several who come at the same time.

use std::time::Duration;

use ld_dynamodb_relay::writer::TableRequest;

use crate::store::Fate;
use crate::world::{Event, World};

const SECOND: Duration = Duration::from_secs(1);

/// With ten flags that are said, and the request to store whose they are under way.
fn about_to_remember() -> World {
    let mut world = World::new();
    world.identity = Some("ours".into());
    for number in 0..10 {
        world.happen(&Event::Change(number, false));
    }
    world.hear_the_truth();
    while !matches!(world.flight[..], [(TableRequest::Remember { .. }, _)]) {
        world.serve(0, Fate::Done);
    }
    assert_eq!(world.store.identity, None);
    world
}

#[test]
fn an_answer_that_was_lost_holds_the_data_up_for_seconds() {
    let mut world = about_to_remember();
    world.serve(0, Fate::LostAfter);
    world.run_for(5 * SECOND);
    world.check_equal();
}

/// The client's own second attempt meets the row of its first one, or another instance stored the same.
#[test]
fn the_same_stored_by_somebody_else_is_as_good() {
    let mut world = about_to_remember();
    world.store.identity = Some("ours".into());
    world.run_for(2 * SECOND);
    world.check_equal();
}

#[test]
fn of_two_that_come_at_the_same_time_the_second_writes_nothing() {
    let mut world = about_to_remember();
    world.store.identity = Some("theirs".into());
    world.run_for(2 * SECOND);
    let stands = world.stands.as_ref().unwrap();
    assert!(stands.refused.is_some(), "{stands:?}");
    assert!(stands.trouble.is_none(), "{stands:?}");
    assert_eq!(world.store.written, 0);
    // They go, and it is free.
    world.store.identity = Some("ours".into());
    world.run_for(31 * SECOND);
    world.check_equal();
}

/// A look that was asked for before it was stored has not seen it.
#[test]
fn a_look_under_way_does_not_speak_for_it() {
    let mut world = about_to_remember();
    world.now += 31 * SECOND;
    world.step(None);
    let asks = |request: &TableRequest| matches!(request, TableRequest::Vouchers { .. });
    assert!(matches!(&world.flight[..], [_, (look, _)] if asks(look)));
    world.store.identity = Some("theirs".into());
    world.serve(0, Fate::Done);
    world.run_for(5 * SECOND);
    assert!(world.stands.as_ref().unwrap().refused.is_some());
    assert_eq!(world.store.written, 0);
}

/// What was said before the table was taken over, and could not be stored, counts as stored when it is.
#[test]
fn what_waited_when_the_table_was_taken_over_waits_still_when_it_is_given_back() {
    let mut world = about_to_remember();
    world.run_for(SECOND);
    world.check_equal();
    let mut refused = |request: &TableRequest| match request {
        TableRequest::Write(_) => Fate::Refused,
        _ => Fate::Done,
    };
    world.happen(&Event::Change(3, true));
    let until = world.now + SECOND;
    world.run_until(until, &mut refused);
    world.happen(&Event::Change(5, true));
    world.store.identity = Some("theirs".into());
    let until = world.now + 31 * SECOND;
    world.run_until(until, &mut refused);
    assert!(world.stands.as_ref().unwrap().refused.is_some());
    world.store.identity = Some("ours".into());
    let until = world.now + 31 * SECOND;
    world.run_until(until, &mut refused);
    assert!(world.stands.as_ref().unwrap().refused.is_none());
    world.run_for(SECOND);
    world.check_equal();
}

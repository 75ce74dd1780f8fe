//! Writes and readings that overlap.

use std::time::Duration;

use ld_dynamodb_relay::table::Outcome;
use ld_dynamodb_relay::writer::{
    Answered, TableAnswer, TableRequest, WriteEvent as Told, WriteFact,
};

use crate::items::key;
use crate::store::Fate;
use crate::world::{Event, World};

/// The table did a write, and a page that was asked for before shows it before its answer comes.
#[test]
fn a_page_that_shows_our_own_write_early_shows_no_drift() {
    let mut world = World::new();
    for number in 0..9 {
        world.happen(&Event::Change(number, false));
    }
    world.hear_the_truth();
    world.run_for(Duration::from_secs(45));
    world.step(Some(Told::Sync));
    while !matches!(&world.flight[0].0, TableRequest::Page(cursor) if cursor.kind == key(1).kind) {
        world.serve(0, Fate::Done);
    }
    world.happen(&Event::Change(1, true));
    let (request, sent) = world.flight.remove(1);
    let TableRequest::Write(write) = request else {
        panic!("{request:?}");
    };
    world.store.write(&write, world.now).unwrap();
    world.store.touched.insert(key(1));
    world.serve(0, Fate::Done);
    world.store.touched.remove(&key(1));
    let at = world.now;
    let answer = TableAnswer::Written(write, Outcome::Applied, 1.0);
    world.step(Some(Told::Answered(Answered { answer, sent, at })));
    world.run_for(Duration::from_secs(1));
    world.check_equal();
    let drifted = |it: &WriteFact| matches!(it, WriteFact::Drifted(..));
    assert!(!world.facts.iter().any(drifted));
}

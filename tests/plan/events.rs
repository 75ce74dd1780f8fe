//! Anything that may happen, at random.

use proptest::prelude::*;

use crate::store::{Fate, Rival};
use crate::world::Event;

fn rival() -> impl Strategy<Value = Rival> {
    prop_oneof![
        (1..9u8).prop_map(Rival::Upsert),
        (1..9u8).prop_map(Rival::Init),
        (1..9u8).prop_map(Rival::PutIfAbsent),
        (0..3u8).prop_map(Rival::Alter),
        (0..4u8).prop_map(Rival::Spoil),
        Just(Rival::Delete),
    ]
}

pub(crate) fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        10 => Just(Fate::Done),
        1 => Just(Fate::Slow),
        1 => Just(Fate::Refused),
        1 => Just(Fate::Failed),
        1 => Just(Fate::Denied),
        1 => Just(Fate::Invalid),
        1 => Just(Fate::LostAfter),
        1 => Just(Fate::LostBefore),
        1 => Just(Fate::Late),
        2 => rival().prop_map(Fate::Raced),
    ]
}

pub(crate) fn served() -> impl Strategy<Value = Event> {
    prop::collection::vec((0..8u8, fate()), 0..12).prop_map(Event::Serve)
}

/// Anything that may happen to `keys` items.
pub(crate) fn event(keys: u8) -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (0..keys, any::<bool>()).prop_map(|(key, told)| Event::Change(key, told)),
        1 => (0..keys).prop_map(Event::Spoil),
        2 => (0..keys, any::<bool>()).prop_map(|(key, told)| Event::Delete(key, told)),
        2 => (1..30u8).prop_map(Event::Restore),
        3 => Just(Event::Ask),
        3 => prop_oneof![3 => Just(0), 1 => 1..20u8].prop_map(Event::Answer),
        9 => served(),
        2 => (0..keys, rival()).prop_map(|(key, act)| Event::Rival(key, act)),
        1 => Just(Event::Land),
        1 => Just(Event::Verify),
        1 => Just(Event::Kill),
        1 => Just(Event::Restart),
        2 => prop_oneof![Just(0), Just(300), Just(5_000), Just(60_000)].prop_map(Event::Tick),
    ]
}

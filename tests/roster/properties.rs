//! Whatever comes in whatever order, what is served is what the rules say. The model is the table of the rules, one row after
//! the other, and knows nothing of how the roster does it.

use std::collections::{BTreeMap, BTreeSet};

use ld_dynamodb_relay::roster::RosterChange;
use proptest::prelude::*;
use serde_json::json;

use crate::world::{World, environment, with};

const IDS: [&str; 9] = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];

#[derive(Clone, Debug)]
enum Event {
    /// These IDs at these versions, each usable or not.
    Put(Vec<(usize, u64, bool)>),
    Patch(usize, u64, bool),
    Delete(usize, u64),
    Reconnect,
    Repeat,
}

fn described() -> impl Strategy<Value = (usize, u64, bool)> {
    (0..IDS.len(), 0..6_u64, prop::bool::weighted(0.8))
}

fn event() -> impl Strategy<Value = Event> {
    let versions = (0..IDS.len(), 0..6_u64);
    prop_oneof![
        2 => prop::collection::vec(described(), 0..14).prop_map(Event::Put),
        3 => described().prop_map(|(id, version, usable)| Event::Patch(id, version, usable)),
        2 => versions.prop_map(|(id, version)| Event::Delete(id, version)),
        2 => Just(Event::Reconnect),
        1 => Just(Event::Repeat),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Live(u64),
    Tombstone(u64),
}

#[derive(Default)]
struct Model {
    states: BTreeMap<usize, State>,
    /// Left out by a put, with the number of its connection.
    held: (u64, BTreeSet<usize>),
    connection: u64,
}

impl Model {
    fn describe(&mut self, id: usize, version: u64, usable: bool) {
        let (counts, is_current) = match self.states.get(&id) {
            None => (true, false),
            Some(State::Live(known)) => (version > *known, version == *known),
            Some(State::Tombstone(known)) => (version > *known, false),
        };
        if counts || is_current {
            self.held.1.remove(&id);
        }
        if counts && usable {
            self.states.insert(id, State::Live(version));
        }
    }

    fn delete(&mut self, id: usize, version: u64) {
        match self.states.get(&id) {
            Some(State::Live(known) | State::Tombstone(known)) if version <= *known => {}
            _ => {
                self.held.1.remove(&id);
                self.states.insert(id, State::Tombstone(version));
            }
        }
    }

    fn live(&self) -> BTreeSet<usize> {
        let live = self.states.iter();
        live.filter(|(_, state)| matches!(state, State::Live(_)))
            .map(|(id, _)| *id)
            .collect()
    }

    fn put(&mut self, listed: &BTreeMap<usize, (u64, bool)>) {
        let had = self.live();
        let held = self.held.clone();
        for (id, (version, usable)) in listed {
            self.describe(*id, *version, *usable);
        }
        self.states
            .retain(|id, state| listed.contains_key(id) || matches!(state, State::Live(_)));
        let mut omitted: BTreeSet<usize> = had
            .iter()
            .copied()
            .filter(|id| !listed.contains_key(id))
            .collect();
        let mut gone = BTreeSet::new();
        if held.0 != self.connection {
            gone = &omitted & &held.1;
            omitted = &omitted - &gone;
        }
        let left = had.len() - gone.len();
        let all = omitted.len() == left;
        let most = omitted.len() > 5 && 2 * omitted.len() > left;
        if !omitted.is_empty() && (all || most) {
            self.held = (self.connection, omitted);
        } else {
            gone.extend(omitted);
            self.held.1.clear();
        }
        self.states.retain(|id, _| !gone.contains(id));
    }

    fn served(&self) -> Vec<String> {
        let states = self.states.iter();
        states
            .filter_map(|(id, state)| match state {
                State::Live(version) => Some(format!("{}@{version}", IDS[*id])),
                State::Tombstone(_) => None,
            })
            .collect()
    }
}

fn described_as(id: usize, version: u64, usable: bool) -> serde_json::Value {
    let environment = environment(IDS[id], version);
    if usable {
        environment
    } else {
        with(environment, &json!({"sdkKey": {"value": ""}}))
    }
}

/// What those who carry out the steps have, and that the steps make sense to them.
#[derive(Default)]
struct Carried(BTreeMap<String, u64>);

impl Carried {
    fn carry_out(&mut self, changes: &[RosterChange]) {
        for change in changes {
            match change {
                RosterChange::Add { entry, .. } => {
                    let before = self.0.insert(entry.id.to_string(), entry.version);
                    assert_eq!(before, None, "{} was there", entry.id);
                }
                RosterChange::Update { entry, .. } => {
                    let before = self.0.insert(entry.id.to_string(), entry.version);
                    assert!(before < Some(entry.version), "{} is not newer", entry.id);
                }
                RosterChange::Remove(id) => {
                    assert!(self.0.remove(&**id).is_some(), "{id} was not there");
                }
            }
        }
    }

    fn served(&self) -> Vec<String> {
        let served = self.0.iter();
        served
            .map(|(id, version)| format!("{id}@{version}"))
            .collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whatever_comes_ends_as_the_rules_say(events in prop::collection::vec(event(), 1..40)) {
        let mut world = World::default();
        let mut model = Model { connection: 1, ..Model::default() };
        let mut carried = Carried::default();
        let mut last = Event::Reconnect;
        for event in events {
            // Everything may come twice.
            let event = if let Event::Repeat = event { last } else { event };
            let step = match &event {
                Event::Put(listed) => {
                    // Of an ID that is listed twice the last one counts.
                    let listed: BTreeMap<_, _> =
                        listed.iter().map(|(id, version, usable)| (*id, (*version, *usable))).collect();
                    model.put(&listed);
                    let listed = listed.iter();
                    let all: Vec<_> =
                        listed.map(|(id, (version, usable))| described_as(*id, *version, *usable)).collect();
                    world.put(&all)
                }
                Event::Patch(id, version, usable) => {
                    model.describe(*id, *version, *usable);
                    world.patch(&described_as(*id, *version, *usable))
                }
                Event::Delete(id, version) => {
                    model.delete(*id, *version);
                    world.delete(IDS[*id], *version)
                }
                Event::Reconnect | Event::Repeat => {
                    model.connection += 1;
                    world.reconnect();
                    last = event;
                    continue;
                }
            };
            carried.carry_out(&step.changes);
            prop_assert_eq!(world.served(), model.served());
            prop_assert_eq!(carried.served(), model.served());
            prop_assert_eq!(world.roster.held_removals(), model.held.1.len());
            last = event;
        }
        // In the end everything that two connections say is believed.
        for _ in 0..3 {
            world.reconnect();
            world.put(&[]);
        }
        prop_assert!(world.served().is_empty());
    }
}

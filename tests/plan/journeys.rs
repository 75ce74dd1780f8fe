//! Whatever happened before: the table becomes what LaunchDarkly says, and on the way there nothing goes backward unasked.

use std::collections::HashSet;
use std::time::Duration;

use ld_dynamodb_relay::model::{Desired, Stamp};
use ld_dynamodb_relay::plan::{Scope, plan};
use proptest::prelude::*;

use crate::events::{event, served};
use crate::items::{key, live, policy, writes};
use crate::store::Fate;
use crate::world::{Event, World};

/// Carries out what happens. Each step checks that writes are conditional on what was observed, that nothing goes backward
/// unless it was said again, that no marker stands too early, and that what is remembered is what is stored.
fn after(events: &[Event]) -> World {
    let mut world = World::new();
    for event in events {
        world.happen(event);
    }
    world
}

proptest! {
    /// A store that refuses, loses answers and has other writers; a LaunchDarkly that is stale, restored, reconnected.
    #[test]
    fn it_ends_equal_and_asks_a_bounded_number_of_times(
        events in prop::collection::vec(event(9), 0..60),
        named in any::<bool>(),
    ) {
        let mut world = World::new();
        world.identity = named.then(|| "ours".into());
        for event in &events {
            world.happen(event);
        }
        world.calm();
        world.check_equal();
        prop_assert_eq!(&world.store.identity, &world.identity);
    }

    /// The same where the brake may be met.
    #[test]
    fn it_ends_equal_where_most_is_removed(
        size in 15..60u8,
        events in prop::collection::vec(event(60), 0..40),
        kept in 0..60u8,
        more in prop::collection::vec(event(60), 0..20),
    ) {
        let mut world = World::new();
        for number in 0..size {
            world.happen(&Event::Change(number, false));
        }
        world.happen(&Event::Ask);
        world.happen(&Event::Answer(0));
        world.run_for(Duration::from_secs(1));
        for event in &events {
            world.happen(event);
        }
        for number in kept..60 {
            world.happen(&Event::Delete(number, false));
        }
        for event in &more {
            world.happen(event);
        }
        world.calm();
        world.check_equal();
    }

    #[test]
    fn cut_short_anywhere_the_next_one_finishes_it(
        events in prop::collection::vec(event(9), 0..20),
        last in prop::collection::vec(served(), 0..4),
        killed in any::<bool>(),
    ) {
        let mut world = after(&events);
        world.calm();
        for number in 0..9 {
            world.happen(&Event::Change(number, true));
        }
        for event in &last {
            world.happen(event);
        }
        if killed {
            world.happen(&Event::Kill);
        } else {
            world.stop();
            world.kill();
        }
        world.calm();
        world.check_equal();
    }

    /// Everything was applied: nothing is left to do, and a full set that says the same leaves nothing to do.
    #[test]
    fn only_differences_are_written(events in prop::collection::vec(event(9), 0..40)) {
        let mut world = after(&events);
        world.calm();
        let (written, holds) = (world.store.written, world.writer.holds().clone());
        world.hear_the_truth();
        world.run_for(Duration::from_mins(1));
        prop_assert_eq!(world.store.written, written);
        prop_assert_eq!(&world.writer.holds().items, &holds.items);
        // A restart reads the table, and writes nothing either.
        world.kill();
        world.calm();
        prop_assert_eq!(world.store.written, written);
    }

    /// To look only at what was touched is enough.
    #[test]
    fn what_was_touched_is_all_there_is_to_write(
        events in prop::collection::vec(event(9), 0..40),
        touched in prop::collection::hash_set(0..9u8, 0..9),
        version in 1..12u64,
    ) {
        let mut world = after(&events);
        world.calm();
        let mut desired = Desired::new(world.truth().clone(), world.now);
        let keys: HashSet<_> = touched.iter().map(|number| key(*number)).collect();
        for key in &keys {
            desired.apply_newer(key.clone(), live(key, version, 200));
        }
        let (none, observed) = (HashSet::new(), world.writer.ledger().observed());
        let holds = world.writer.holds();
        let plan = |scope| plan(&desired, observed, holds, scope, &policy(world.now, &none));
        let (few, all) = (plan(Scope::Keys(&keys)), plan(Scope::All));
        let mut differ = writes(&all);
        differ.retain(|write| !writes(&few).contains(write));
        prop_assert!(differ.is_empty(), "{differ:?}");
        prop_assert_eq!(writes(&few).len(), writes(&all).len());
        prop_assert_eq!(few.held.items, all.held.items);
    }

    /// LaunchDarkly only moves forward, some of its answers are stale, but never two in a row.
    #[test]
    fn one_stale_answer_does_no_harm(
        steps in prop::collection::vec((0..9u8, any::<bool>(), prop::option::of(1..20u8), 0..3u8), 1..30),
    ) {
        let mut world = World::new();
        let mut highest = std::collections::HashMap::new();
        for (number, told, stale, passes) in steps {
            world.happen(&Event::Change(number, told));
            world.happen(&Event::Ask);
            world.happen(&Event::Answer(stale.unwrap_or(0)));
            for _ in 0..passes {
                world.serve_all(&mut |_| Fate::Done);
            }
            if stale.is_some() {
                world.happen(&Event::Tick(6_000));
                world.happen(&Event::Ask);
                world.happen(&Event::Answer(0));
                world.serve_all(&mut |_| Fate::Done);
            }
            for (key, row) in &world.store.rows {
                let before = highest.insert(key.clone(), row.stamp.number());
                prop_assert!(!row.stamp.tombstone, "{key} was never removed");
                prop_assert!(before <= Some(row.stamp.number()), "{key}");
            }
            prop_assert!(highest.keys().all(|key| world.store.rows.contains_key(key)));
        }
    }

    /// An environment is restored upstream while we are connected: one more question, and everything is as it was.
    #[test]
    fn said_again_everything_comes_through(
        first in prop::collection::vec((0..9u8, any::<bool>()), 1..20),
        later in prop::collection::vec((0..9u8, any::<bool>()), 1..20),
    ) {
        let mut world = World::new();
        world.happen(&Event::Ask);
        world.happen(&Event::Answer(0));
        for (number, told) in &first {
            world.happen(&Event::Change(*number, *told));
        }
        world.calm();
        let before = world.truth().clone();
        for (number, removed) in &later {
            world.happen(&if *removed { Event::Delete(*number, true) } else { Event::Change(*number, true) });
        }
        world.run_for(Duration::from_secs(1));
        world.happen(&Event::Restore(u8::try_from(later.len()).unwrap()));
        let (began, asked) = (world.now, world.reopened.len());
        world.hear_the_truth();
        // It is held for 5 s and then said again.
        world.run_until(began + Duration::from_secs(6), &mut |_| Fate::Done);
        world.check_equal();
        prop_assert!(world.reopened.len() - asked <= 1);
        prop_assert_eq!(world.calm(), 0);
        world.check_equal();
        for (key, item) in world.truth() {
            let stored = world.store.rows.get(key).map(|row| row.stamp.clone());
            prop_assert_eq!(stored, Some(Stamp::of(item)));
        }
        prop_assert!(before.len() <= world.store.rows.len());
    }
}

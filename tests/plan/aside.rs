//! Items that are set aside because their writes fail, and tombstones that not every SDK can read.

use std::collections::{HashMap, HashSet};

use ld_dynamodb_relay::model::{Item, ItemFault, Stamp};
use ld_dynamodb_relay::plan::{Aside, Policy, Reason, Write};

use crate::items::{key, live, policy, writes};
use crate::scene::{SECOND, Scene, said, stored};

/// What is set aside because its write fails is held, keeps no stage waiting, and keeps the marker away unless it is the
/// item's own fault.
#[test]
fn what_is_set_aside_is_held_and_waited_for_by_nobody() {
    for (reason, marks) in [
        (Reason::Failing, false),
        (Reason::Malformed(ItemFault::Refused), true),
    ] {
        for retry in [false, true] {
            let mut scene = Scene::new(said(5), stored(4));
            scene.desired.items.insert(key(2), live(&key(2), 1, 0));
            scene.observed.initialized = false;
            let aside = HashMap::from([(key(1), Aside { reason, retry })]);
            let none = HashSet::new();
            let policy = Policy {
                aside: &aside,
                ..policy(scene.now, &none)
            };
            let plan = scene.plan_with(&policy);
            let mut expected = vec![Write::Put(key(2), live(&key(2), 1, 0), None)];
            expected.extend(marks.then_some(Write::MarkInitialized));
            assert_eq!(writes(&plan), expected);
            let write = Write::Put(key(1), said(5).unwrap(), stored(4));
            let retries = if retry { vec![write] } else { Vec::new() };
            assert_eq!(plan.retries, retries);
            assert_eq!(scene.hold(), Some(reason));
        }
    }
}

/// What was said twice is not asked about again because the table fails.
#[test]
fn a_confirmation_outlives_the_attempts_to_carry_it_out() {
    let mut scene = Scene::new(said(4), stored(9));
    scene.plan();
    scene.say(said(4));
    scene.plan();
    let reason = Reason::Failing;
    let aside = HashMap::from([(
        key(1),
        Aside {
            reason,
            retry: true,
        },
    )]);
    let none = HashSet::new();
    for _ in 0..3 {
        let policy = Policy {
            aside: &aside,
            ..policy(scene.now, &none)
        };
        let plan = scene.plan_with(&policy);
        assert_eq!((writes(&plan).len(), plan.retries.len()), (0, 1));
        assert!(scene.held.items[&key(1)].going);
        scene.now += 60 * SECOND;
    }
    assert_eq!(writes(&scene.plan()).len(), 1);
}

/// Not every SDK can read what Java's and .NET's leave of a deleted item: it becomes a tombstone that all can read, and that
/// removes nothing.
#[test]
fn a_tombstone_that_not_every_sdk_can_read_is_written_anew_at_once() {
    let bare = Stamp {
        tombstone: true,
        bare: true,
        ..stored(5).unwrap()
    };
    let tombstone = Item::tombstone(&key(1), 5);
    for item in [None, Some(Item::tombstone(&key(1), 5))] {
        let mut scene = Scene::new(item, Some(bare.clone()));
        let write = Write::Put(key(1), tombstone.clone(), Some(bare.clone()));
        assert_eq!(writes(&scene.plan()), [write]);
        assert!(scene.held.items.is_empty());
    }
}

//! Single rules: what is held, why, and for how long.

use std::collections::{HashMap, HashSet};

use ld_dynamodb_relay::model::{
    Applied, DataSet, Desired, Digest, Item, ItemFault, MAX_ROW_BYTES, Stamp, StoredVersion,
};
use ld_dynamodb_relay::plan::{Policy, Reason, Write};
use proptest::prelude::*;
use tokio::time::Instant;

use crate::items::{NAMESPACE_BYTES, key, live, parse, policy, writes};
use crate::scene::{SECOND, Scene, said, set, stored};

proptest! {
    #[test]
    fn what_is_new_or_newer_is_written_at_once(
        version in 1..u64::MAX,
        older in prop::option::of(any::<prop::sample::Index>()),
        gone in any::<bool>(),
    ) {
        let before = older.map(|index| u64::try_from(index.index(usize::MAX)).unwrap() % version);
        let item = if gone { Item::tombstone(&key(1), version) } else { live(&key(1), version, 1) };
        let seen = before.and_then(stored);
        let mut scene = Scene::new(Some(item.clone()), seen.clone());
        let plan = scene.plan();
        prop_assert_eq!(writes(&plan), [Write::Put(key(1), item, seen)]);
        prop_assert_eq!(scene.hold(), None);
    }

    #[test]
    fn what_goes_backward_waits_until_it_is_said_again(
        version in 0..9u64,
        lower in 0..9u64,
        absent in any::<bool>(),
        deleted in any::<bool>(),
    ) {
        let lower = lower.min(version);
        let item = match (absent, deleted) {
            (true, _) => None,
            (_, true) => Some(Item::tombstone(&key(1), lower)),
            _ => said(lower),
        };
        let mut scene = Scene::new(item.clone(), stored(version));
        for _ in 0..3 {
            prop_assert!(scene.plan().is_empty(), "however often it is compared");
            scene.now += 60 * SECOND;
        }
        prop_assert_eq!(scene.hold(), Some(Reason::Unconfirmed));
        scene.say(item.clone());
        let wanted = item.unwrap_or_else(|| Item::tombstone(&key(1), version));
        prop_assert_eq!(writes(&scene.plan()), [Write::Put(key(1), wanted, stored(version))]);
        prop_assert!(scene.held.items[&key(1)].going);
    }

    #[test]
    fn a_row_without_a_usable_version_is_held_too(which in 0..4usize, absent in any::<bool>()) {
        let version = [
            StoredVersion::Missing,
            StoredVersion::OddNumber("1.5".into()),
            StoredVersion::Text("1".into()),
            StoredVersion::Other("BOOL"),
        ];
        let stamp = Stamp {
            bare: false,
            version: version[which].clone(),
            tombstone: false,
            digest: Digest::of_attributes([]),
        };
        let item = if absent { None } else { said(u64::MAX) };
        let mut scene = Scene::new(item.clone(), Some(stamp.clone()));
        prop_assert!(scene.plan().is_empty());
        scene.say(item.clone());
        let wanted = match item {
            None => Write::Remove(key(1), stamp),
            Some(item) => Write::Put(key(1), item, Some(stamp)),
        };
        prop_assert_eq!(writes(&scene.plan()), [wanted]);
    }

    /// Changes of protocol 1: whichever comes first, the highest version of each item stands.
    #[test]
    fn newer_changes_in_any_order_end_the_same(
        full in prop::collection::hash_map(0..5u8, 1..9u64, 0..5),
        left_out in prop::collection::hash_map(0..5u8, 1..9u64, 0..5),
        (changes, shuffled) in prop::collection::vec((0..5u8, 1..9u64, any::<bool>()), 0..20)
            .prop_flat_map(|changes| (Just(changes.clone()), Just(changes).prop_shuffle())),
    ) {
        let data = |set: &HashMap<u8, u64>| -> DataSet {
            set.iter().map(|(number, version)| (key(*number), live(&key(*number), *version, 0))).collect()
        };
        let now = Instant::now();
        let apply = |changes: &[(u8, u64, bool)]| {
            let mut desired = Desired::new(data(&left_out), now);
            desired.replace(data(&full), now, now + SECOND);
            for (number, version, deleted) in changes {
                let key = key(*number);
                // One version has one content.
                let item = if *version % 3 == 0 && *deleted || *version % 3 == 1 {
                    Item::tombstone(&key, version * 3)
                } else {
                    live(&key, version * 3 + 1, 0)
                };
                let before = desired.items.get(&key).cloned();
                let applied = desired.apply_newer(key.clone(), item.clone());
                let is_newer = item.version() > before.as_ref().and_then(Item::version);
                assert!(applied != Applied::Yes || is_newer, "{before:?}, then {item:?}");
                assert!(applied != Applied::Same || before == Some(item));
            }
            desired.items
        };
        prop_assert_eq!(apply(&changes), apply(&shuffled));
    }
}

#[test]
fn a_hold_whose_item_moves_forward_meanwhile_is_confirmed_all_the_same() {
    let mut scene = Scene::new(said(3), stored(9));
    scene.plan();
    scene.say(said(4));
    assert_eq!(writes(&scene.plan()).len(), 1);
}

#[test]
fn a_hold_begins_anew_when_something_else_is_said() {
    for other in [None, said(3)] {
        let mut scene = Scene::new(said(4), stored(9));
        scene.plan();
        scene.say(other.clone());
        assert!(scene.plan().is_empty());
        scene.say(other);
        assert_eq!(writes(&scene.plan()).len(), 1);
    }
}

#[test]
fn a_hold_begins_anew_when_something_else_is_found() {
    let mut scene = Scene::new(said(4), stored(9));
    scene.plan();
    scene.now += SECOND;
    scene
        .desired
        .replace(set(&key(1), said(4)), scene.now, scene.now);
    scene.now += SECOND;
    scene.observed.items.insert(key(1), stored(8).unwrap());
    assert!(scene.plan().is_empty());
    scene.say(said(4));
    assert_eq!(
        writes(&scene.plan()),
        [Write::Put(key(1), said(4).unwrap(), stored(8))]
    );
}

/// An answer that was on its way when the hold began says nothing about it.
#[test]
fn only_what_was_asked_for_since_confirms() {
    let mut scene = Scene::new(None, stored(9));
    let asked = scene.now;
    scene.now += SECOND;
    scene.plan();
    scene.desired.replace(DataSet::new(), asked, scene.now);
    assert!(scene.plan().is_empty());
    scene.say(None);
    assert_eq!(writes(&scene.plan()).len(), 1);
}

#[test]
fn a_tombstone_is_as_good_as_absence() {
    let tombstone = |version| Item::tombstone(&key(1), version);
    let mut gone = Scene::new(None, Some(Stamp::of(&tombstone(5))));
    assert!(gone.plan().is_empty() && gone.held.items.is_empty());
    let mut lower = Scene::new(Some(tombstone(4)), Some(Stamp::of(&tombstone(5))));
    assert!(lower.plan().is_empty() && lower.held.items.is_empty());
    let mut higher = Scene::new(Some(tombstone(6)), Some(Stamp::of(&tombstone(5))));
    assert_eq!(writes(&higher.plan()).len(), 1, "it guards better");
    let expired = HashSet::from([key(1)]);
    let none = HashSet::new();
    let now = gone.now;
    let policy = Policy {
        expired: &expired,
        ..policy(now, &none)
    };
    let stamp = Stamp::of(&tombstone(5));
    assert_eq!(
        writes(&gone.plan_with(&policy)),
        [Write::Remove(key(1), stamp)]
    );
    let mut back = Scene::new(said(6), Some(Stamp::of(&tombstone(5))));
    assert_eq!(
        writes(&back.plan_with(&policy)).len(),
        1,
        "what is said again is no removal"
    );
}

#[test]
fn drift_that_is_to_be_left_is_left_until_something_else_is_said() {
    for first in [None, said(9)] {
        let none = HashSet::new();
        let leave = HashMap::from([(key(1), first.as_ref().map(|item| item.digest))]);
        let mut scene = Scene::new(first.clone(), stored(4));
        scene.observed.initialized = false;
        let policy = Policy {
            leave: &leave,
            leave_marker: true,
            ..policy(scene.now, &none)
        };
        scene.say(first);
        assert!(scene.plan_with(&policy).is_empty());
        assert!(scene.held.items.is_empty());
        // A full set that says something newer is a change, and changes go on.
        scene.say(said(10));
        assert_eq!(writes(&scene.plan_with(&policy)).len(), 1);
    }
}

/// An item that cannot be stored is set aside alone, keeps its row, and lets the marker stand.
#[test]
fn a_bad_item_is_set_aside_alone_until_its_bytes_change() {
    let bad = |salt: u8| parse(&key(1), format!(r#"{{"key":"f1","salt":{salt}}}"#));
    let mut scene = Scene::new(Some(bad(0)), stored(4));
    scene.desired.items.insert(key(2), live(&key(2), 1, 0));
    scene.observed.initialized = false;
    let plan = scene.plan();
    assert_eq!(
        writes(&plan),
        [
            Write::Put(key(2), live(&key(2), 1, 0), None),
            Write::MarkInitialized
        ]
    );
    assert_eq!(scene.hold(), Some(Reason::Malformed(ItemFault::NoVersion)));
    let since = scene.held.items[&key(1)].since;
    scene.say(Some(bad(0)));
    scene.plan();
    assert_eq!(scene.held.items[&key(1)].since, since, "still the same");
    scene.say(Some(bad(1)));
    scene.plan();
    assert!(
        scene.held.items[&key(1)].since > since,
        "bad in another way"
    );
    scene.say(said(5));
    assert_eq!(
        writes(&scene.plan()),
        [
            Write::Put(key(1), said(5).unwrap(), stored(4)),
            Write::MarkInitialized
        ]
    );
    assert_eq!(scene.hold(), None);
}

#[test]
fn a_row_is_too_large_from_one_byte_above_the_limit() {
    let of = |padding: usize| {
        parse(
            &key(1),
            format!(
                r#"{{"key":"f1","version":5,"salt":"{}"}}"#,
                "x".repeat(padding)
            ),
        )
    };
    let padding = MAX_ROW_BYTES - of(0).row_bytes(&key(1), NAMESPACE_BYTES);
    let mut fits = Scene::new(Some(of(padding)), stored(4));
    assert_eq!(writes(&fits.plan()).len(), 1);
    let mut large = Scene::new(Some(of(padding + 1)), stored(4));
    assert!(large.plan().is_empty());
    assert_eq!(large.hold(), Some(Reason::TooLarge(MAX_ROW_BYTES + 1)));
    large.say(said(6));
    assert_eq!(writes(&large.plan()).len(), 1);
}

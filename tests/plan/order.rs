//! The order of writes: nothing that a reader sees refers to what is not there yet.

use std::collections::{HashMap, HashSet};

use ld_dynamodb_relay::model::{DataSet, Desired, Item, ItemKey, Kind, Observed, Stamp};
use ld_dynamodb_relay::plan::{Holds, Plan, Policy, Scope, Write, plan};
use proptest::prelude::*;
use tokio::time::Instant;

use crate::items::{live, policy, removes, requiring};

/// So many flags, and as many segments.
const FLAGS: u8 = 12;

fn flag(number: u8) -> ItemKey {
    ItemKey::flag(format!("f{number}"))
}

fn segment(number: u8) -> ItemKey {
    ItemKey::segment(format!("s{number}"))
}

/// What is to be done to one flag and to one segment.
#[derive(Clone, Debug)]
enum Step {
    Nothing,
    New,
    Newer,
    Deleted,
    Expired,
}

#[derive(Debug)]
struct Case {
    required: HashMap<ItemKey, Vec<ItemKey>>,
    urgent: HashSet<ItemKey>,
    plan: Plan,
}

fn case() -> impl Strategy<Value = Case> {
    let step = prop_oneof![
        1 => Just(Step::Nothing),
        3 => Just(Step::New),
        2 => Just(Step::Newer),
        1 => Just(Step::Deleted),
        1 => Just(Step::Expired),
    ];
    let number = 0..FLAGS;
    (
        prop::collection::vec((step.clone(), step), usize::from(FLAGS)),
        prop::collection::vec((number.clone(), number.clone()), 0..30),
        prop::collection::hash_set((number, any::<bool>()), 0..6),
        any::<bool>(),
    )
        .prop_map(|(steps, edges, urgent, initialized)| {
            let mut required: HashMap<_, Vec<_>> = HashMap::new();
            for (from, to) in edges {
                required.entry(flag(from)).or_default().push(flag(to));
            }
            let (mut said, mut stored, mut expired) =
                (DataSet::new(), HashMap::new(), HashSet::new());
            for (number, (of_flag, of_segment)) in (0..).zip(&steps) {
                for (key, step) in [(flag(number), of_flag), (segment(number), of_segment)] {
                    let new = |version| {
                        requiring(
                            &key,
                            version,
                            0,
                            required.get(&key).map_or(&[], Vec::as_slice),
                        )
                    };
                    match step {
                        Step::Nothing => {}
                        Step::New => drop(said.insert(key.clone(), new(1))),
                        Step::Newer => {
                            said.insert(key.clone(), new(2));
                            stored.insert(key.clone(), Stamp::of(&live(&key, 1, 0)));
                        }
                        Step::Deleted => {
                            said.insert(key.clone(), Item::tombstone(&key, 2));
                            stored.insert(key.clone(), Stamp::of(&live(&key, 1, 0)));
                        }
                        Step::Expired => {
                            stored.insert(key.clone(), Stamp::of(&Item::tombstone(&key, 1)));
                            expired.insert(key.clone());
                        }
                    }
                }
            }
            let urgent = urgent
                .into_iter()
                .map(|(number, is_flag)| {
                    if is_flag {
                        flag(number)
                    } else {
                        segment(number)
                    }
                })
                .collect();
            let (now, none) = (Instant::now(), HashSet::new());
            let policy = Policy {
                urgent: &urgent,
                expired: &expired,
                ..policy(now, &none)
            };
            let observed = Observed {
                items: stored.into_iter().collect(),
                initialized,
                environment_id: None,
            };
            let plan = plan(
                &Desired::new(said, now),
                &observed,
                &Holds::default(),
                Scope::All,
                &policy,
            );
            Case {
                required,
                urgent,
                plan,
            }
        })
}

impl Case {
    /// Each write with its stage.
    fn writes(&self) -> impl Iterator<Item = (usize, &Write)> {
        let stages = self.plan.stages.iter().enumerate();
        stages.flat_map(|(at, stage)| stage.iter().map(move |write| (at, write)))
    }

    /// The stages of flags that are put.
    fn flags(&self) -> HashMap<ItemKey, usize> {
        let puts = self.writes().filter(|(_, write)| !removes(write));
        puts.filter_map(|(at, write)| Some((write.key()?.clone(), at)))
            .filter(|(key, _)| key.kind == Kind::Flag)
            .collect()
    }

    /// Whatever of `flags` has to be there before a flag, at any distance.
    fn before(&self, key: &ItemKey, flags: &HashMap<ItemKey, usize>) -> HashSet<ItemKey> {
        let mut found = HashSet::new();
        let mut queue = vec![key.clone()];
        while let Some(key) = queue.pop() {
            for required in self.required.get(&key).into_iter().flatten() {
                if flags.contains_key(required) && found.insert(required.clone()) {
                    queue.push(required.clone());
                }
            }
        }
        found
    }
}

proptest! {
    #[test]
    fn flags_come_after_what_they_require(case in case()) {
        let flags = case.flags();
        for (key, at) in &flags {
            let before = case.before(key, &flags);
            for required in &before {
                let mutual = case.before(required, &flags).contains(key);
                if mutual && case.urgent.contains(key) == case.urgent.contains(required) {
                    prop_assert_eq!(at, &flags[required], "{} and {} are one cycle", key, required);
                } else if !mutual {
                    prop_assert!(at > &flags[required], "{} before {}", key, required);
                }
            }
        }
    }

    #[test]
    fn segments_come_first_and_the_marker_last(case in case()) {
        let marker = case.writes().filter(|(_, write)| **write == Write::MarkInitialized).map(|(at, _)| at);
        let marker: Vec<_> = marker.collect();
        prop_assert!(marker.iter().all(|at| at + 1 == case.plan.stages.len()) && marker.len() <= 1);
        for (at, write) in case.writes() {
            let is_segment = write.key().is_some_and(|key| key.kind == Kind::Segment);
            if is_segment && !removes(write) {
                prop_assert_eq!(at, 0);
            } else if case.writes().any(|(at, it)| at == 0 && it.key().is_some_and(|key| key.kind == Kind::Segment) && !removes(it)) {
                prop_assert!(at > 0);
            }
        }
        prop_assert!(case.plan.stages.iter().all(|stage| !stage.is_empty()));
    }

    #[test]
    fn what_changed_last_goes_before_the_rest(case in case()) {
        let flags = case.flags();
        let mut first: HashSet<_> = case.urgent.iter().filter(|key| flags.contains_key(*key)).cloned().collect();
        for key in first.clone() {
            first.extend(case.before(&key, &flags));
        }
        let last = first.iter().map(|key| flags[key]).max();
        for (key, at) in &flags {
            prop_assert!(first.contains(key) || last < Some(*at), "{} is not urgent", key);
        }
    }

    #[test]
    fn removals_come_after_flags_and_those_of_flags_before_those_of_segments(case in case()) {
        let flags = case.flags();
        let removals: Vec<_> = case.writes().filter(|(_, write)| removes(write)).collect();
        for (at, write) in &removals {
            let key = write.key().unwrap();
            let urgent = case.urgent.contains(key);
            for (flag, put_at) in &flags {
                prop_assert!(at > put_at || (urgent && !case.urgent.contains(flag)), "{} before {}", key, flag);
            }
            for (other_at, other) in &removals {
                let other = other.key().unwrap();
                let same = urgent == case.urgent.contains(other);
                if same && key.kind == Kind::Segment && other.kind == Kind::Flag {
                    prop_assert!(at > other_at);
                }
            }
        }
    }

    #[test]
    fn each_item_is_written_once(case in case()) {
        let mut seen = HashSet::new();
        for (_, write) in case.writes() {
            prop_assert!(seen.insert(write.key()), "{write:?}");
        }
    }
}

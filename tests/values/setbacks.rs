//! Whose fault it is that writes fail, against everything that happened.

use std::collections::BTreeSet;
use std::time::Duration;

use ld_dynamodb_relay::model::{Digest, ItemKey};
use ld_dynamodb_relay::plan::Reason;
use ld_dynamodb_relay::writer::{Setbacks, WriteFailure as Failure};
use proptest::prelude::*;
use tokio::time::Instant;

use crate::blame::{Attempt, Cause, Happened, History, Known, REFUSALS};
use crate::given::{SECOND, close, jitter, key, keys, start};
use crate::waits::wait_after;

/// Items, and those of them that do most.
const KEYS: u8 = 26;
const FEW: u8 = 5;

#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// With how many writes the table had taken since it was sent, and whether the table held something.
    Fails(u8, Cause, u64, bool),
    /// So many of the others are refused as invalid by a table that held something.
    Refusals(u8),
    /// Another item is stored, or this one.
    Took,
    Stored(u8),
    Over(u8),
    Pass(u32),
}

fn act() -> impl Strategy<Value = Act> {
    let cause = prop_oneof![
        4 => Just(Cause::Lost),
        3 => Just(Cause::Invalid),
        1 => Just(Cause::Denied),
    ];
    let taken = prop_oneof![4 => Just(0), 1 => 0..3_u64];
    prop_oneof![
        16 => (0..FEW, cause, taken, any::<bool>())
            .prop_map(|(key, cause, since, proven)| Act::Fails(key, cause, since, proven)),
        1 => prop_oneof![1..=4_u8, 15..=KEYS - FEW].prop_map(Act::Refusals),
        4 => Just(Act::Took),
        2 => item().prop_map(Act::Stored),
        2 => item().prop_map(Act::Over),
        6 => prop_oneof![0..1_500_u32, 0..40_000_u32].prop_map(Act::Pass),
    ]
}

fn item() -> impl Strategy<Value = u8> {
    prop_oneof![4 => 0..FEW, 1 => 0..KEYS]
}

/// The value beside everything that happened.
pub(crate) struct Scene {
    pub(crate) setbacks: Setbacks,
    history: History,
    pub(crate) now: Instant,
    /// Common failures running, and until when everybody waits.
    common: u32,
    until: Option<Instant>,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self {
            setbacks: Setbacks::default(),
            history: History::new(),
            now: start(),
            common: 0,
            until: None,
        }
    }

    pub(crate) fn act(&mut self, act: &Act, jitter: f64) {
        match act {
            Act::Fails(number, cause, since, proven) => {
                self.fails(*number, *cause, *since, *proven, jitter);
            }
            Act::Refusals(count) => {
                for number in FEW..FEW + count {
                    self.fails(number, Cause::Invalid, 0, true, jitter);
                }
            }
            Act::Took => self.took(),
            Act::Stored(number) => {
                self.took();
                self.over(*number);
            }
            Act::Over(number) => self.over(*number),
            Act::Pass(time) => self.now += Duration::from_millis(u64::from(*time)),
        }
        self.check();
    }

    fn took(&mut self) {
        self.setbacks.took(self.now);
        self.history.push(Happened::Took(self.now));
        (self.common, self.until) = (0, None);
    }

    fn over(&mut self, number: u8) {
        let had_failed = self.history.known(number).is_some();
        assert_eq!(self.setbacks.over(&key(number)), had_failed);
        self.history.push(Happened::Over(number));
    }

    fn fails(&mut self, number: u8, cause: Cause, since: u64, proven: bool, jitter: f64) {
        let taken = self.setbacks.taken().saturating_sub(since);
        let failure = Failure {
            cause: cause.trouble(),
            said: Some(digest(number)),
            taken,
            proven,
        };
        let wait = self
            .setbacks
            .failed(&key(number), failure, self.now, jitter);
        self.history.push(Happened::Failed(Attempt {
            number,
            cause,
            taken,
            proven,
            at: self.now,
            jitter,
        }));
        let known = self.history.known(number).unwrap();
        let expected = if known.to_blame || !self.history.suspects().is_wide() {
            known.retry_at - self.now
        } else if let Some(until) = self.until.filter(|until| self.now < *until) {
            until - self.now
        } else {
            self.common += 1;
            let wait = wait_after(self.common, cause == Cause::Denied, jitter);
            self.until = Some(self.now + wait);
            wait
        };
        assert!(close(wait, expected), "{wait:?}, {expected:?}");
        assert!(wait <= 60 * SECOND);
    }

    fn check(&self) {
        let (setbacks, suspects) = (&self.setbacks, self.history.suspects());
        let wide = suspects.is_wide();
        assert_eq!(setbacks.taken(), suspects.taken);
        assert_eq!(setbacks.is_wide(), wide);
        assert_eq!(setbacks.until(), self.until.filter(|_| wide));
        let all: Vec<_> = (0..KEYS).map(|it| self.history.known(it)).collect();
        let due = |it: &Known| it.aside == Some(Reason::Failing) && it.retry_at <= self.now;
        for (key, known) in keys(KEYS).zip(&all) {
            let known = known.as_ref();
            assert_eq!(setbacks.contains(&key), known.is_some());
            assert_eq!(setbacks.aside(&key), known.and_then(|it| it.aside));
            let stuck = known.is_some_and(|it| it.attempts >= 3);
            assert_eq!(setbacks.is_stuck(&key), stuck);
            let cause = known.filter(|it| it.own).map(|it| it.cause.trouble());
            assert_eq!(setbacks.own_cause(&key), cause.as_ref());
            let retry_at = if wide && !known.is_some_and(|it| it.to_blame) {
                self.until
            } else {
                known.map(|it| it.retry_at)
            };
            assert_eq!(setbacks.retry_at(&key), retry_at);
            assert_eq!(setbacks.due_of(Some(&key)), retry_at);
        }
        let with = |holds: &dyn Fn(&Known) -> bool| {
            let with = keys(KEYS)
                .zip(&all)
                .filter(|(_, it)| it.as_ref().is_some_and(holds));
            with.map(|(key, _)| key).collect::<BTreeSet<ItemKey>>()
        };
        assert_eq!(set(setbacks.due(self.now)), with(&due));
        assert_eq!(set(setbacks.waited_for()), with(&|it| it.aside.is_none()));
        assert_eq!(
            set(setbacks.all_aside().map(|it| it.0)),
            with(&|it| it.aside.is_some())
        );
        let failing = all
            .iter()
            .flatten()
            .filter(|it| it.aside == Some(Reason::Failing));
        let next = failing
            .map(|it| it.retry_at)
            .filter(|due| *due > self.now)
            .min();
        assert_eq!(setbacks.next_due(self.now), next);
        let undecided = !with(&|it| it.aside.is_some() && !it.own).is_empty();
        assert_eq!(setbacks.is_undecided(), undecided);
        let troubles = all.iter().flatten().filter(|it| {
            let common = wide && !it.to_blame;
            common || !it.own || it.cause == Cause::Denied
        });
        let troubles: Vec<_> = troubles.map(|it| it.cause.trouble()).collect();
        assert_eq!(setbacks.trouble().is_some(), !troubles.is_empty());
        assert!(setbacks.trouble().is_none_or(|it| troubles.contains(it)));
    }
}

fn set<'a>(keys: impl Iterator<Item = &'a ItemKey>) -> BTreeSet<ItemKey> {
    keys.cloned().collect()
}

fn digest(number: u8) -> Digest {
    Digest::of_item(number.into(), "")
}

proptest! {
    #[test]
    fn whose_fault_it_is_follows_from_what_happened(
        acts in prop::collection::vec((act(), jitter()), 0..40),
    ) {
        let mut scene = Scene::new();
        for (act, jitter) in acts {
            scene.act(&act, jitter);
        }
    }

    /// Nothing is stored any more: nobody is blamed, however many fail in whichever order, but for those that a table refuses
    /// that takes writes as a rule. They are a few.
    #[test]
    fn a_refusal_as_invalid_never_convicts_while_everything_fails(
        fails in prop_oneof![Just(0.5), Just(0.98), Just(1.0)].prop_flat_map(|proven| {
            prop::collection::vec((0..KEYS, prop::bool::weighted(proven)), 0..80)
        }),
        taken in 0..3_u64,
    ) {
        let mut scene = Scene::new();
        for _ in 0..taken {
            scene.act(&Act::Took, 0.5);
        }
        let mut proven = BTreeSet::new();
        for (number, is_proven) in fails {
            scene.act(&Act::Fails(number, Cause::Invalid, 0, is_proven), 0.5);
            if is_proven {
                proven.insert(key(number));
            } else {
                proven.remove(&key(number));
            }
            let convicted = set(scene.setbacks.all_aside().map(|it| it.0));
            prop_assert!(convicted.is_subset(&proven) && convicted.len() < REFUSALS);
            prop_assert!(convicted.is_empty() || !scene.setbacks.is_wide());
        }
    }

    /// What is no item's: the marker, or whose data this is.
    #[test]
    fn what_is_no_items_waits_for_itself_and_is_the_tables_trouble(
        fails in prop::collection::vec((any::<bool>(), prop::bool::weighted(0.2), jitter()), 1..20),
    ) {
        let mut setbacks = Setbacks::default();
        let (mut now, mut failures) = (start(), 0);
        for (denied, over, jitter) in fails {
            let cause = if denied { Cause::Denied } else { Cause::Lost };
            failures += 1;
            let wait = setbacks.failed_alone(cause.trouble(), now, jitter);
            prop_assert!(close(wait, wait_after(failures, denied, jitter)));
            prop_assert_eq!(setbacks.alone_at(), Some(now + wait));
            prop_assert_eq!(setbacks.due_of(None), Some(now + wait));
            prop_assert_eq!(setbacks.due_of(Some(&key(0))), None);
            prop_assert_eq!(setbacks.trouble(), Some(&cause.trouble()));
            prop_assert!(!setbacks.is_undecided() && !setbacks.is_wide());
            now += wait;
            if over {
                setbacks.alone_is_over();
                failures = 0;
                prop_assert_eq!((setbacks.alone_at(), setbacks.trouble()), (None, None));
            }
        }
    }

    /// What is forgotten is over.
    #[test]
    fn what_is_forgotten_has_not_failed(
        acts in prop::collection::vec((act(), jitter()), 0..30),
        forgotten in prop::collection::btree_set(item(), 0..4),
    ) {
        let mut scene = Scene::new();
        for (act, jitter) in acts {
            scene.act(&act, jitter);
        }
        let keys: BTreeSet<_> = forgotten.iter().map(|it| key(*it)).collect();
        let expected = keys.iter().filter(|key| scene.setbacks.contains(key)).cloned();
        let expected: BTreeSet<_> = expected.collect();
        let reasons: Vec<_> = scene.setbacks.all_aside().map(|(key, it)| (key.clone(), it)).collect();
        let found = scene.setbacks.forget(|key, reason, said| {
            let aside = reasons.iter().find(|it| it.0 == *key).map(|it| it.1);
            assert_eq!(reason, aside);
            assert!((0..KEYS).any(|number| said == Some(digest(number)) && crate::given::key(number) == *key));
            keys.contains(key)
        });
        prop_assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
        for number in forgotten {
            scene.history.push(Happened::Over(number));
        }
        scene.check();
    }
}

//! A plan that is carried out: stage after stage, whatever becomes of its writes.

use std::collections::BTreeSet;
use std::time::Duration;

use ld_dynamodb_relay::model::ItemKey;
use ld_dynamodb_relay::plan::{Plan, Write};
use ld_dynamodb_relay::writer::Pass;
use proptest::prelude::*;
use tokio::time::Instant;

use crate::given::{generation, item, key, stamp, start};

const PASS_TIME: Duration = Duration::from_millis(250);

#[derive(Clone, Debug)]
enum Act {
    Take,
    TakeRetry,
    /// The write at this place among those that wait was done, or another one of its item.
    Stored(usize, bool),
    Reopen(usize),
    Again(usize),
    Skip(BTreeSet<u8>),
    DropFront,
    Probe(BTreeSet<u8>),
    PutBehind(BTreeSet<u8>),
    /// Of one that does not wait.
    Strange(u8),
}

fn act() -> impl Strategy<Value = Act> {
    let few = || prop::collection::btree_set(0..12_u8, 0..3);
    let many = prop::collection::btree_set(0..12_u8, 0..12);
    prop_oneof![
        10 => Just(Act::Take),
        1 => Just(Act::TakeRetry),
        8 => (0..8_usize, prop::bool::weighted(0.95)).prop_map(|(at, same)| Act::Stored(at, same)),
        1 => (0..8_usize).prop_map(Act::Reopen),
        3 => (0..8_usize).prop_map(Act::Again),
        1 => few().prop_map(Act::Skip),
        1 => Just(Act::DropFront),
        3 => many.prop_map(Act::Probe),
        1 => few().prop_map(Act::PutBehind),
        1 => (0..12_u8).prop_map(Act::Strange),
    ]
}

fn put(number: u8) -> Write {
    let key = key(number);
    Write::Put(key.clone(), item(&key, 1, 0), None)
}

/// Another write of the same item, or of the marker.
fn other(write: &Write) -> Write {
    match write {
        Write::Put(key, ..) => Write::Remove(key.clone(), stamp(Some(1), 0, false)),
        Write::Remove(key, _) => Write::Put(key.clone(), item(key, 3, 0), None),
        Write::MarkInitialized => Write::MarkInitialized,
    }
}

/// The pass beside what is left to do in each stage.
struct Scene {
    pass: Pass,
    now: Instant,
    queue: Vec<Write>,
    waiting: Vec<Write>,
    stages: Vec<Vec<Write>>,
    retries: Vec<Write>,
    broken: bool,
}

impl Scene {
    fn new(stages: Vec<Vec<Write>>, retries: Vec<Write>) -> Self {
        let plan = Plan {
            stages: stages.clone(),
            retries: retries.clone(),
            ..Plan::default()
        };
        let now = start();
        Self {
            pass: Pass::new(plan.stages, plan.retries, generation(7), now),
            now,
            queue: Vec::new(),
            waiting: Vec::new(),
            stages,
            retries,
            broken: false,
        }
    }

    /// Nothing of a later stage while something of this one is left.
    fn settle(&mut self) {
        while self.queue.is_empty()
            && self.waiting.is_empty()
            && !self.broken
            && !self.stages.is_empty()
        {
            self.queue = self.stages.remove(0);
        }
    }

    fn progress(&mut self, fresh: bool, late: bool) -> String {
        let moment = Duration::from_nanos(u64::from(!late));
        let now = self.now + PASS_TIME - moment;
        format!("{:?}", self.pass.progress(fresh, now))
    }

    fn check(&mut self) {
        self.settle();
        for (fresh, late) in [(false, false), (true, false), (false, true), (true, true)] {
            let marks = self.queue.first() == Some(&Write::MarkInitialized);
            let expected = if !self.queue.is_empty() {
                let gives_way = late || fresh && marks;
                if gives_way { "Ended" } else { "Sends" }
            } else if fresh || late && self.broken {
                "Ended"
            } else if !self.retries.is_empty() {
                "Sends"
            } else if self.waiting.is_empty() {
                "Ended"
            } else {
                "Waits"
            };
            assert_eq!(
                self.progress(fresh, late),
                expected,
                "fresh {fresh}, late {late}"
            );
        }
        assert_eq!(self.pass.front(), self.queue.first());
        assert_eq!(self.pass.is_broken(), self.broken);
        assert_eq!(self.pass.until(), self.now + PASS_TIME);
        assert_eq!(self.pass.latest(), generation(7));
        let keys = |writes: &[Write]| -> BTreeSet<Option<ItemKey>> {
            writes.iter().map(|it| it.key().cloned()).collect()
        };
        let waiting: BTreeSet<_> = self.pass.waiting().into_iter().collect();
        assert_eq!(waiting, keys(&self.waiting));
    }

    /// Takes one from those that wait.
    fn waits(&mut self, at: usize) -> Option<Write> {
        (!self.waiting.is_empty()).then(|| self.waiting.remove(at % self.waiting.len()))
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Take => {
                let write = (!self.queue.is_empty()).then(|| self.queue.remove(0));
                assert_eq!(self.pass.take(), write);
                self.waiting.extend(write);
            }
            Act::TakeRetry => {
                let write = (!self.retries.is_empty()).then(|| self.retries.remove(0));
                assert_eq!(self.pass.take_retry(), write);
            }
            Act::Stored(at, same) => {
                let Some(write) = self.waits(*at) else { return };
                let written = if *same { write.clone() } else { other(&write) };
                self.pass.stored(write.key(), &written);
                self.broken |= written != write;
            }
            Act::Reopen(at) => {
                let Some(write) = self.waits(*at) else { return };
                self.pass.reopen(write.key());
                self.broken = true;
            }
            Act::Again(at) => {
                let Some(write) = self.waits(*at) else { return };
                self.pass.again(write.key());
                self.queue.insert(0, write);
            }
            Act::Skip(aside) => {
                let aside: Vec<_> = aside.iter().map(|it| key(*it)).collect();
                let is_aside = |write: &Write| write.key().is_some_and(|key| aside.contains(key));
                self.pass.skip(|key| aside.contains(key));
                self.broken |= self.waiting.iter().any(is_aside);
                self.waiting.retain(|it| !is_aside(it));
            }
            Act::DropFront => {
                self.pass.drop_front();
                if !self.queue.is_empty() {
                    self.queue.remove(0);
                    self.broken = true;
                }
            }
            Act::Probe(stuck) => {
                let stuck: Vec<_> = stuck.iter().map(|it| key(*it)).collect();
                let is_stuck = |write: &Write| write.key().is_some_and(|key| stuck.contains(key));
                self.pass.probe(|key| stuck.contains(key));
                let stage: Vec<_> = self.queue.iter().chain(&self.waiting).collect();
                if self.broken || stage.is_empty() || !stage.into_iter().all(is_stuck) {
                    return;
                }
                let works = |write: &Write| write.key().is_some() && !is_stuck(write);
                let later = self.stages.iter_mut();
                let mut found = later.filter_map(|stage| {
                    let place = stage.iter().position(works)?;
                    Some(stage.remove(place))
                });
                if let Some(write) = found.next() {
                    self.queue.insert(0, write);
                }
            }
            Act::PutBehind(failed) => {
                let failed: Vec<_> = failed.iter().map(|it| key(*it)).collect();
                self.pass.put_behind(|key| failed.contains(key));
                self.queue
                    .sort_by_key(|it| it.key().is_some_and(|key| failed.contains(key)));
            }
            Act::Strange(number) => {
                let key = key(*number);
                if self.waiting.iter().all(|it| it.key() != Some(&key)) {
                    self.pass.stored(Some(&key), &put(*number));
                    self.pass.reopen(Some(&key));
                    self.pass.again(Some(&key));
                }
            }
        }
    }
}

proptest! {
    /// Stages go in order and none begins before the one before it is done; once something is to be compared again, or was
    /// skipped, no other begins; what is to be sent again goes first; retries come last.
    #[test]
    fn nothing_of_a_later_stage_goes_while_something_of_this_one_is_left(
        sizes in prop::collection::vec(0..4_u8, 0..5),
        retries in 0..3_u8,
        marks in any::<bool>(),
        acts in prop::collection::vec(act(), 0..60),
    ) {
        let mut numbers = 0..;
        let mut stages: Vec<Vec<_>> = Vec::new();
        for size in sizes {
            stages.push(numbers.by_ref().take(size.into()).map(put).collect());
        }
        if marks {
            stages.push(vec![Write::MarkInitialized]);
        }
        let retries = numbers.take(retries.into()).map(put).collect();
        let mut scene = Scene::new(stages, retries);
        scene.check();
        for act in acts {
            scene.act(&act);
            scene.check();
        }
    }

    /// Nothing fails: everything is sent once, and in the order of the plan.
    #[test]
    fn a_pass_sends_its_plan_in_order_and_each_write_once(
        sizes in prop::collection::vec(0..4_u8, 0..5),
        at_once in 1..4_usize,
    ) {
        let mut numbers = 0..;
        let stages = sizes.iter().map(|size| numbers.by_ref().take((*size).into()).map(put).collect());
        let stages: Vec<Vec<_>> = stages.collect();
        let expected: Vec<_> = stages.iter().flatten().cloned().collect();
        let mut scene = Scene::new(stages, Vec::new());
        let (mut sent, mut flight) = (Vec::new(), Vec::new());
        loop {
            while flight.len() < at_once && scene.progress(false, false) == "Sends" {
                let write = scene.pass.take().unwrap();
                sent.push(write.clone());
                flight.push(write);
            }
            let Some(write) = flight.pop() else { break };
            scene.pass.stored(write.key(), &write);
        }
        prop_assert_eq!(scene.progress(false, false), "Ended");
        prop_assert_eq!(sent, expected);
    }
}

#[test]
fn those_that_failed_go_behind_the_others_of_their_stage() {
    let stages = vec![(0..6).map(put).collect(), vec![put(6)]];
    let mut scene = Scene::new(stages, Vec::new());
    scene.check();
    scene.act(&Act::PutBehind([0, 3, 6].into()));
    scene.check();
    let sent: Vec<_> = std::iter::from_fn(|| scene.pass.take()).collect();
    let expected: Vec<_> = [1, 2, 4, 5, 0, 3].into_iter().map(put).collect();
    assert_eq!(sent, expected);
}

//! The brake: one answer that leaves out most of what is live removes nothing.

use std::collections::HashSet;
use std::time::Duration;

use ld_dynamodb_relay::model::{Desired, Item, Observed, Stamp};
use ld_dynamodb_relay::plan::{BRAKE_TIME, Holds, Plan, Policy, Reason, Scope, Write, plan};
use proptest::prelude::*;
use tokio::time::Instant;

use crate::items::{key, live, policy, removes, set, writes};

const SECOND: Duration = Duration::from_secs(1);

/// A table with so many live items, some tombstones beside them, and an environment of which the first `kept` are left.
struct Scene {
    observed: Observed,
    desired: Desired,
    held: Holds,
    now: Instant,
    removals: usize,
}

impl Scene {
    fn new(live_items: u8, kept: u8, tombstones: u8) -> Self {
        let now = Instant::now();
        let mut observed = Observed {
            initialized: true,
            ..Observed::default()
        };
        for number in 0..live_items {
            observed
                .items
                .insert(key(number), Stamp::of(&live(&key(number), 1, 0)));
        }
        for number in live_items..live_items + tombstones {
            observed
                .items
                .insert(key(number), Stamp::of(&Item::tombstone(&key(number), 1)));
        }
        Self {
            observed,
            desired: Desired::new(set(0..kept), now),
            held: Holds::default(),
            now: now + SECOND,
            removals: usize::from(live_items.saturating_sub(kept)),
        }
    }

    /// One plan; its holds are remembered, its writes are not carried out.
    fn plan(&mut self, confirmed_removals: Option<usize>) -> Plan {
        self.plan_of(Scope::All, confirmed_removals)
    }

    fn plan_of(&mut self, scope: Scope<'_>, confirmed_removals: Option<usize>) -> Plan {
        let none = HashSet::new();
        let policy = Policy {
            confirmed_removals,
            ..policy(self.now, &none)
        };
        let plan = plan(&self.desired, &self.observed, &self.held, scope, &policy);
        self.held = plan.held.clone();
        plan
    }

    /// The store took the first `most` writes of a plan.
    fn carry_out(&mut self, plan: &Plan, most: usize) {
        for write in writes(plan).into_iter().take(most) {
            let Write::Put(key, item, _) = write else {
                panic!("a removal leaves a tombstone: {write:?}");
            };
            self.observed.items.insert(key.clone(), Stamp::of(&item));
            self.held.items.remove(&key);
        }
    }

    /// The same set is said once more, so much later.
    fn said_again(&mut self, later: Duration) {
        self.now += later;
        let items = self.desired.items.clone();
        self.desired.replace(items, self.now, self.now);
        self.now += SECOND;
    }

    /// Until the removals have been said twice, and so meet the brake.
    fn braked(live_items: u8, kept: u8) -> Self {
        let mut scene = Self::new(live_items, kept, 0);
        scene.plan(None);
        scene.said_again(6 * SECOND);
        scene.plan(None);
        assert_eq!(scene.held.braked(), scene.removals);
        scene
    }
}

fn removals(plan: &Plan) -> usize {
    writes(plan).iter().filter(|write| removes(write)).count()
}

proptest! {
    #[test]
    fn it_holds_every_removal_or_none(live_items in 0..100u8, kept in 0..100u8, tombstones in 0..100u8) {
        let mut scene = Scene::new(live_items, kept, tombstones);
        let first = scene.plan(None);
        prop_assert_eq!(removals(&first), 0, "said once");
        scene.said_again(6 * SECOND);
        let second = scene.plan(None);
        let holds = scene.removals > 20 && scene.removals * 2 > usize::from(live_items);
        prop_assert_eq!(removals(&second), if holds { 0 } else { scene.removals });
        prop_assert_eq!(scene.held.braked(), if holds { scene.removals } else { 0 });
        prop_assert_eq!(removals(&scene.plan(None)), removals(&second), "judged once");
    }

    #[test]
    fn it_lets_go_when_said_again_ten_minutes_later(live_items in 41..100u8, early in 1..600u64) {
        let mut scene = Scene::braked(live_items, 0);
        scene.said_again(Duration::from_secs(early - 1));
        prop_assert_eq!(removals(&scene.plan(None)), 0, "after {} s", early);
        scene.said_again(BRAKE_TIME.saturating_sub(Duration::from_secs(early)));
        prop_assert_eq!(removals(&scene.plan(None)), scene.removals);
        prop_assert_eq!(scene.held.braked(), 0);
    }

    #[test]
    fn it_lets_go_of_the_number_that_an_operator_confirms(live_items in 41..100u8, number in 0..100usize) {
        let mut scene = Scene::braked(live_items, 0);
        prop_assume!(number != scene.removals);
        prop_assert_eq!(removals(&scene.plan(Some(number))), 0);
        prop_assert_eq!(scene.held.braked(), scene.removals);
        let confirmed = scene.removals;
        prop_assert_eq!(removals(&scene.plan(Some(confirmed))), confirmed);
        let few = HashSet::from([key(3)]);
        prop_assert_eq!(removals(&scene.plan_of(Scope::Keys(&few), None)), confirmed, "until that set is done");
    }

    #[test]
    fn what_goes_forward_goes_on_meanwhile(live_items in 41..100u8, news in prop::collection::hash_set(0..100u8, 1..9)) {
        let mut scene = Scene::braked(live_items, 0);
        for number in &news {
            scene.desired.apply_newer(key(*number), live(&key(*number), 2, 0));
        }
        let keys = news.iter().map(|number| key(*number)).collect();
        let plan = scene.plan_of(Scope::Keys(&keys), None);
        prop_assert_eq!((removals(&plan), writes(&plan).len()), (0, news.len()));
        let still = usize::from(live_items) - news.iter().filter(|it| **it < live_items).count();
        prop_assert_eq!(scene.held.braked(), still);
    }
}

proptest! {
    /// LaunchDarkly says the same again before the store has taken all of it.
    #[test]
    fn a_release_holds_until_it_is_done(done in 0..50usize, between in any::<bool>()) {
        let mut scene = Scene::braked(60, 10);
        let released = scene.plan(Some(50));
        scene.carry_out(&released, done);
        scene.said_again(SECOND);
        if between {
            // The set came after what is to be compared had been taken.
            let few = HashSet::from([key(3)]);
            prop_assert_eq!(removals(&scene.plan_of(Scope::Keys(&few), None)), 0);
        }
        let rest = scene.plan(None);
        prop_assert_eq!(removals(&rest), 50 - done);
        prop_assert_eq!(scene.held.braked(), 0);
        scene.carry_out(&rest, 50);
        scene.said_again(SECOND);
        prop_assert!(scene.plan(None).is_empty());
    }

    /// Fifty were confirmed, so fifty are removed, and the one that is wanted beside them is not among them.
    #[test]
    fn a_release_ends_when_more_is_to_be_removed(done in 0..50usize) {
        let mut scene = Scene::braked(60, 10);
        let released = scene.plan(Some(50));
        scene.carry_out(&released, done);
        let fewer = set(0..9);
        scene.desired.replace(fewer, scene.now, scene.now);
        scene.now += SECOND;
        prop_assert_eq!(removals(&scene.plan(None)), 50 - done, "said once, the new one waits");
        scene.said_again(6 * SECOND);
        let left = 51 - done;
        let held = left > 20 && left * 2 > 60 - done;
        prop_assert_eq!(removals(&scene.plan(None)), if held { 0 } else { left });
        prop_assert_eq!(scene.held.braked(), if held { left } else { 0 });
    }
}

/// Between reading doubtful rows and planning, a set may come: it is judged when all of it is compared.
#[test]
fn a_set_is_judged_when_all_of_it_is_compared() {
    let mut scene = Scene::new(60, 59, 0);
    scene.plan(None);
    scene.said_again(6 * SECOND);
    let few = HashSet::from([key(59)]);
    assert_eq!(removals(&scene.plan_of(Scope::Keys(&few), None)), 0);
    assert_eq!(scene.held.braked(), 0);
    assert_eq!(scene.held.items[&key(59)].reason, Reason::Unconfirmed);
    assert_eq!(removals(&scene.plan(None)), 1);
}

#[test]
fn an_answer_that_leaves_out_most_does_no_harm_when_the_next_one_does_not() {
    let mut scene = Scene::braked(60, 10);
    scene.desired.replace(set(0..60), scene.now, scene.now);
    assert!(scene.plan(None).is_empty());
    assert!(scene.held.items.is_empty());
    scene
        .desired
        .replace(set(0..55), scene.now + SECOND, scene.now);
    scene.now += 2 * SECOND;
    scene.plan(None);
    scene.said_again(6 * SECOND);
    assert_eq!(removals(&scene.plan(None)), 5, "few are removed as ever");
}

#[test]
fn an_empty_environment_before_an_empty_table_gets_its_marker() {
    let mut scene = Scene::new(0, 0, 30);
    scene.observed.initialized = false;
    let plan = scene.plan(None);
    assert_eq!(writes(&plan), [Write::MarkInitialized]);
}

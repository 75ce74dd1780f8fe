//! One item, planned for again and again.

use std::collections::HashSet;
use std::time::Duration;

use ld_dynamodb_relay::model::{DataSet, Desired, Item, ItemKey, Observed, Stamp};
use ld_dynamodb_relay::plan::{Holds, Plan, Policy, Reason, Scope, plan};
use tokio::time::Instant;

use crate::items::{key, live, policy};

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// One item: what is said of it and what is stored.
pub(crate) struct Scene {
    pub(crate) key: ItemKey,
    pub(crate) desired: Desired,
    pub(crate) observed: Observed,
    pub(crate) held: Holds,
    pub(crate) now: Instant,
}

impl Scene {
    pub(crate) fn new(said: Option<Item>, stored: Option<Stamp>) -> Self {
        let (key, now) = (key(1), Instant::now());
        Self {
            desired: Desired::new(set(&key, said), now),
            observed: Observed {
                items: stored
                    .map(|stored| (key.clone(), stored))
                    .into_iter()
                    .collect(),
                initialized: true,
                environment_id: None,
            },
            key,
            held: Holds::default(),
            now: now + SECOND,
        }
    }

    pub(crate) fn plan(&mut self) -> Plan {
        let none = HashSet::new();
        self.plan_with(&policy(self.now, &none))
    }

    pub(crate) fn plan_with(&mut self, policy: &Policy<'_>) -> Plan {
        let plan = plan(
            &self.desired,
            &self.observed,
            &self.held,
            Scope::All,
            policy,
        );
        self.held = plan.held.clone();
        plan
    }

    /// A full set that was asked for just now says this.
    pub(crate) fn say(&mut self, item: Option<Item>) {
        self.now += 6 * SECOND;
        self.desired
            .replace(set(&self.key, item), self.now, self.now);
        self.now += SECOND;
    }

    pub(crate) fn hold(&self) -> Option<Reason> {
        self.held.items.get(&self.key).map(|hold| hold.reason)
    }
}

pub(crate) fn set(key: &ItemKey, item: Option<Item>) -> DataSet {
    item.map(|item| (key.clone(), item)).into_iter().collect()
}

#[expect(clippy::unnecessary_wraps, reason = "as plans take it")]
pub(crate) fn stored(version: u64) -> Option<Stamp> {
    Some(Stamp::of(&live(&key(1), version, 0)))
}

#[expect(clippy::unnecessary_wraps, reason = "as plans take it")]
pub(crate) fn said(version: u64) -> Option<Item> {
    Some(live(&key(1), version, 1))
}

//! The writing half, as small as it can be: what it remembers, and what an answer means to it.

use std::collections::HashSet;

use ld_dynamodb_relay::model::{Desired, ItemKey, Observed, Stamp};
use ld_dynamodb_relay::plan::{Holds, Plan, Policy, Scope, Write, plan};
use tokio::time::Instant;

use crate::items::{key_of, policy};
use crate::store::{Rival, Store};

/// What becomes of a write.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    Done,
    /// Throttled.
    Refused,
    /// Nothing was done, and the answer says so.
    Failed,
    /// It was done; the answer is lost.
    LostAfter,
    /// It was not done; the answer is lost.
    LostBefore,
    /// The answer is lost, and it will be done later.
    Late,
    /// Somebody else writes the row just before.
    Raced(Rival),
    /// The pass ends here: it took too long, or we were asked to stop.
    Cut,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Writer {
    pub(crate) observed: Observed,
    pub(crate) holds: Holds,
    pub(crate) everything: bool,
    pub(crate) backlog: HashSet<ItemKey>,
    pub(crate) doubtful: HashSet<ItemKey>,
    pub(crate) expired: HashSet<ItemKey>,
    unmarked: bool,
}

impl Writer {
    /// Begins anew with a reading of the table.
    pub(crate) fn start(store: &mut Store) -> Self {
        store.touched.clear();
        Self {
            observed: store.read(),
            everything: true,
            ..Self::default()
        }
    }

    /// Reads everything again; what changed without us is compared.
    pub(crate) fn verify(&mut self, store: &mut Store) {
        let seen = store.read();
        for key in seen.items.keys().chain(self.observed.items.keys()) {
            if seen.items.get(key) != self.observed.items.get(key) {
                self.backlog.insert(key.clone());
            }
        }
        self.everything |= seen.initialized != self.observed.initialized;
        self.observed = seen;
        self.doubtful.clear();
        store.touched.clear();
    }

    pub(crate) fn has_work(&self) -> bool {
        self.everything
            || !self.backlog.is_empty()
            || !self.doubtful.is_empty()
            || !self.expired.is_empty()
            || self.unmarked
    }

    /// Reads the rows that a write left in doubt.
    pub(crate) fn settle_doubts(&mut self, store: &mut Store) {
        for key in self.doubtful.drain() {
            let stamp = store.rows.get(&key).map(|row| row.stamp.clone());
            remember(&mut self.observed, &key, stamp);
            store.touched.remove(&key);
            self.backlog.insert(key);
        }
    }

    /// Plans, and makes ready to carry it out.
    pub(crate) fn plan(&mut self, desired: &Desired, now: Instant) -> Plan {
        let none = HashSet::new();
        let policy = Policy {
            expired: &self.expired,
            ..policy(now, &none)
        };
        self.backlog.extend(self.expired.iter().cloned());
        let scope = if self.everything {
            Scope::All
        } else {
            Scope::Keys(&self.backlog)
        };
        let plan = plan(desired, &self.observed, &self.holds, scope, &policy);
        self.holds = plan.held.clone();
        self.backlog = plan
            .stages
            .iter()
            .flatten()
            .filter_map(key_of)
            .cloned()
            .collect();
        self.unmarked = plan
            .stages
            .iter()
            .flatten()
            .any(|it| *it == Write::MarkInitialized);
        self.everything = false;
        self.expired.clear();
        plan
    }

    /// Sends one write; false if no later stage may begin.
    pub(crate) fn send(
        &mut self,
        write: &Write,
        fate: Fate,
        store: &mut Store,
        now: Instant,
    ) -> bool {
        match fate {
            Fate::Refused | Fate::Failed | Fate::Cut => return false,
            Fate::LostBefore => {}
            Fate::LostAfter => drop(store.write(write, now)),
            Fate::Late => store.delay(write.clone()),
            Fate::Done | Fate::Raced(_) => {
                if let (Fate::Raced(act), Some(key)) = (fate, key_of(write)) {
                    store.rival(key, act, now);
                }
                let answer = store.write(write, now);
                return self.settle(write, answer, store);
            }
        }
        self.doubtful.extend(key_of(write).cloned());
        false
    }

    fn settle(
        &mut self,
        write: &Write,
        answer: Result<(), Option<Stamp>>,
        store: &mut Store,
    ) -> bool {
        let Some(key) = key_of(write) else {
            self.observed.initialized = true;
            self.unmarked = false;
            return true;
        };
        let wanted = match write {
            Write::Put(_, item, _) => Some(Stamp::of(item)),
            _ => None,
        };
        store.touched.remove(key);
        let settled = match answer {
            Ok(()) => {
                remember(&mut self.observed, key, wanted);
                true
            }
            Err(found) => {
                let equal = found.as_ref().map(|it| it.digest) == wanted.map(|it| it.digest);
                remember(&mut self.observed, key, found);
                equal
            }
        };
        if settled {
            self.backlog.remove(key);
            if self.holds.items.get(key).is_some_and(|hold| hold.going) {
                self.holds.items.remove(key);
            }
        }
        settled
    }
}

fn remember(observed: &mut Observed, key: &ItemKey, stamp: Option<Stamp>) {
    match stamp {
        Some(stamp) => observed.items.insert(key.clone(), stamp),
        None => observed.items.remove(key),
    };
}

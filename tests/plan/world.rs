//! LaunchDarkly, whose full sets may be stale, a table with other writers, and a writing half between them.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use ld_dynamodb_relay::model::{Applied, DataSet, Desired, Item, ItemKey};
use ld_dynamodb_relay::plan::{BRAKE_TIME, Reason, Write};
use tokio::time::Instant;

use crate::items::{goes_backward, is_as_said, key, key_of, live, parse};
use crate::store::{Rival, Store};
use crate::writer::{Fate, Writer};

/// A hold that has stood so long is asked about.
const CONFIRM_AFTER: Duration = Duration::from_secs(5);
/// What is said has to be stored after so many reopenings: one confirms, one meets the brake, one releases it, and one
/// more where the first answer was news.
const REOPENINGS: usize = 4;

/// What happens.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// Somebody changes an item in LaunchDarkly; whether we are told.
    Change(u8, bool),
    /// An item that cannot be stored; only a full set says so.
    Spoil(u8),
    Delete(u8, bool),
    /// The environment becomes what it was so many changes ago, versions included. Nobody is told.
    Restore(u8),
    /// We ask for everything.
    Ask,
    /// The answer comes, as things were so many changes ago.
    Answer(u8),
    /// A comparison; an answer that is under way may come in its middle.
    Pass(Vec<Fate>, bool),
    Rival(u8, Rival),
    /// Requests that nobody waits for any more arrive.
    Land,
    Verify,
    /// The process is killed and starts again.
    Kill,
    Tick(u16),
}

/// What was said, and when. A full set was asked for.
struct Saying {
    asked: Option<Instant>,
    received: Instant,
    items: HashMap<ItemKey, Option<Item>>,
}

/// See the module.
pub(crate) struct World {
    pub(crate) now: Instant,
    /// Everything that was ever true; the last one is.
    truths: Vec<DataSet>,
    pub(crate) store: Store,
    pub(crate) writer: Writer,
    pub(crate) desired: Option<Desired>,
    full: bool,
    touched: HashSet<ItemKey>,
    asked: Option<Instant>,
    sayings: Vec<Saying>,
    changes: u8,
}

impl World {
    pub(crate) fn new() -> Self {
        let mut store = Store::default();
        Self {
            now: Instant::now() + BRAKE_TIME,
            truths: vec![DataSet::new()],
            writer: Writer::start(&mut store),
            store,
            desired: None,
            full: false,
            touched: HashSet::new(),
            asked: None,
            sayings: Vec::new(),
            changes: 0,
        }
    }

    pub(crate) fn truth(&self) -> &DataSet {
        self.truths.last().unwrap()
    }

    pub(crate) fn happen(&mut self, event: &Event) {
        self.now += Duration::from_millis(1);
        match event {
            Event::Change(number, told) => {
                let key = key(*number);
                let item = live(&key, self.next_version(&key), self.changes);
                self.change(key, Some(item), *told);
            }
            Event::Spoil(number) => {
                let key = key(*number);
                let item = parse(
                    &key,
                    format!(r#"{{"key":"{}","salt":{}}}"#, key.key, self.changes),
                );
                self.change(key, Some(item), false);
            }
            Event::Delete(number, told) => {
                let key = key(*number);
                if self.truth().contains_key(&key) {
                    let tombstone = Item::tombstone(&key, self.next_version(&key));
                    if *told {
                        self.tell(key.clone(), tombstone);
                    }
                    self.change(key, None, false);
                }
            }
            Event::Restore(back) => {
                let index = self.truths.len().saturating_sub(1 + usize::from(*back));
                self.truths.push(self.truths[index].clone());
            }
            Event::Ask => self.asked = Some(self.now),
            Event::Answer(stale) => self.answer(usize::from(*stale)),
            Event::Pass(fates, between) => self.pass(fates, *between),
            Event::Rival(number, act) => self.store.rival(&key(*number), *act, self.now),
            Event::Land => self.store.land(self.now),
            Event::Verify => self.writer.verify(&mut self.store),
            Event::Kill => {
                self.writer = Writer::start(&mut self.store);
                (self.desired, self.asked, self.full) = (None, None, false);
                self.touched.clear();
            }
            Event::Tick(milliseconds) => self.now += Duration::from_millis((*milliseconds).into()),
        }
        self.check_memory();
    }

    fn next_version(&self, key: &ItemKey) -> u64 {
        let version = self.truth().get(key).and_then(Item::version);
        version.unwrap_or_default() + 1
    }

    fn change(&mut self, key: ItemKey, item: Option<Item>, told: bool) {
        self.changes = self.changes.wrapping_add(1);
        let mut truth = self.truth().clone();
        match &item {
            Some(item) => truth.insert(key.clone(), item.clone()),
            None => truth.remove(&key),
        };
        self.truths.push(truth);
        if let (Some(item), true) = (item, told) {
            self.tell(key, item);
        }
    }

    /// A patch comes, where we are connected.
    fn tell(&mut self, key: ItemKey, item: Item) {
        let Some(desired) = &mut self.desired else {
            return;
        };
        if desired.apply_newer(key.clone(), item.clone()) == Applied::Yes {
            self.touched.insert(key.clone());
            self.sayings.push(Saying {
                asked: None,
                received: self.now,
                items: HashMap::from([(key, Some(item))]),
            });
        }
    }

    /// A full set comes, if one was asked for.
    pub(crate) fn answer(&mut self, stale: usize) {
        let Some(asked) = self.asked.take() else {
            return;
        };
        let index = self.truths.len().saturating_sub(1 + stale);
        let items = self.truths[index].clone();
        let every = (0..u8::MAX)
            .map(key)
            .map(|key| (key.clone(), items.get(&key).cloned()));
        self.sayings.push(Saying {
            asked: Some(asked),
            received: self.now,
            items: every.collect(),
        });
        match &mut self.desired {
            Some(desired) => desired.replace(items, asked, self.now + BRAKE_TIME),
            none => *none = Some(Desired::new(items, asked)),
        }
        self.full = true;
    }

    fn take_touched(&mut self) {
        self.writer.everything |= std::mem::take(&mut self.full);
        self.writer.backlog.extend(self.touched.drain());
    }

    pub(crate) fn pass(&mut self, fates: &[Fate], between: bool) {
        self.take_touched();
        self.writer.settle_doubts(&mut self.store);
        if between {
            self.answer(0);
        }
        let Some(desired) = &self.desired else {
            self.writer.everything = false;
            self.writer.backlog.clear();
            return;
        };
        let plan = self.writer.plan(desired, self.now);
        let mut fates = fates.iter().copied().chain(std::iter::repeat(Fate::Done));
        for mut stage in plan.stages {
            // The maps have no order, a test should have one.
            stage.sort_by_key(|write| key_of(write).cloned());
            let mut settled = true;
            for write in stage {
                let fate = fates.next().unwrap();
                if matches!(fate, Fate::Cut) {
                    return;
                }
                self.check_before(&write, fate);
                self.now += Duration::from_millis(1);
                settled &= self.writer.send(&write, fate, &mut self.store, self.now);
            }
            if !settled {
                return;
            }
        }
    }

    /// What is true of every write, whatever went before.
    fn check_before(&self, write: &Write, fate: Fate) {
        let Some(key) = key_of(write) else {
            self.check_marker();
            return;
        };
        let (Write::Put(_, _, seen), item) = (match write {
            Write::Put(_, item, _) => (write.clone(), Some(item)),
            Write::Remove(key, seen) => {
                let blank = Item::tombstone(key, 0);
                (Write::Put(key.clone(), blank, Some(seen.clone())), None)
            }
            Write::MarkInitialized => return,
        }) else {
            return;
        };
        assert_eq!(
            seen.as_ref(),
            self.writer.observed.items.get(key),
            "a write is conditional on what was observed"
        );
        let Some(row) = self.store.rows.get(key) else {
            return;
        };
        let written = matches!(fate, Fate::Done | Fate::LostAfter);
        if !written || seen.as_ref() != Some(&row.stamp) || !goes_backward(item, &row.stamp) {
            return;
        }
        let backward = |saying: &Saying| {
            let said = saying.items.get(key);
            said.is_some_and(|said| goes_backward(said.as_ref(), &row.stamp))
        };
        let first = self
            .sayings
            .iter()
            .find(|it| backward(it))
            .expect("it was said");
        let again = self
            .sayings
            .iter()
            .filter(|it| backward(it))
            .filter_map(|it| it.asked);
        assert!(
            again
                .into_iter()
                .any(|asked| asked > first.received && asked > row.since),
            "{key} goes backward though that was said only once"
        );
    }

    /// No marker stands before everything that is said is stored or held.
    fn check_marker(&self) {
        let writer = &self.writer;
        for (key, item) in &self.desired.as_ref().unwrap().items {
            let stored = writer.observed.items.get(key);
            let durable = stored.is_some_and(|stored| is_as_said(Some(item), Some(stored)));
            assert!(
                durable || writer.holds.items.contains_key(key),
                "the marker stands before {key}"
            );
        }
    }

    /// What is remembered is what is stored, but for what others did and what is in doubt.
    fn check_memory(&self) {
        let (store, writer) = (&self.store, &self.writer);
        for key in store.rows.keys().chain(writer.observed.items.keys()) {
            if store.touched.contains(key) || writer.doubtful.contains(key) {
                continue;
            }
            let stored = store.rows.get(key).map(|row| &row.stamp);
            assert_eq!(writer.observed.items.get(key), stored, "{key}");
        }
    }

    /// Nothing goes wrong any more, and LaunchDarkly tells the truth. Says how often it was asked because of holds.
    pub(crate) fn calm(&mut self) -> usize {
        self.store.land(self.now);
        self.writer.verify(&mut self.store);
        self.now += Duration::from_millis(1);
        self.asked = Some(self.now);
        self.answer(0);
        let mut reopenings = 0;
        loop {
            self.settle();
            let Some(due) = self.due() else { break };
            assert!(
                reopenings < REOPENINGS,
                "held for ever: {:?}",
                self.writer.holds
            );
            reopenings += 1;
            self.now = self.now.max(due) + Duration::from_millis(1);
            self.asked = Some(self.now);
            self.now += Duration::from_millis(1);
            self.answer(0);
        }
        reopenings
    }

    /// Passes until there is nothing to do.
    pub(crate) fn settle(&mut self) {
        for _ in 0..10 {
            if !self.full && self.touched.is_empty() && !self.writer.has_work() {
                return;
            }
            self.pass(&[], false);
            self.check_memory();
        }
        panic!("there is always something to do");
    }

    /// When a hold wants LaunchDarkly to be asked again.
    fn due(&self) -> Option<Instant> {
        let asked = self.desired.as_ref()?.asked;
        let holds = self.writer.holds.items.values().filter(|hold| !hold.going);
        holds
            .filter_map(|hold| match hold.reason {
                Reason::Unconfirmed => Some(hold.since + CONFIRM_AFTER),
                Reason::Brake => Some(hold.since + BRAKE_TIME).filter(|due| asked < *due),
                Reason::TooLarge(_) | Reason::Malformed(_) => None,
            })
            .min()
    }

    /// The table is what LaunchDarkly says.
    pub(crate) fn check_equal(&self) {
        let truth = self.truth();
        for key in truth.keys().chain(self.store.rows.keys()) {
            let said = truth.get(key);
            let held = self.writer.holds.items.get(key);
            if said.is_some_and(|item| item.version().is_none()) {
                let reason = held.map(|hold| hold.reason);
                assert!(
                    matches!(reason, Some(Reason::Malformed(_))),
                    "{key}: {reason:?}"
                );
                continue;
            }
            let stored = self.store.rows.get(key).map(|row| &row.stamp);
            assert!(
                is_as_said(said, stored),
                "{key}: {said:?}, {stored:?}, {held:?}"
            );
            assert_eq!(held, None, "{key}");
        }
        assert!(self.store.marker, "the marker stands");
    }
}

//! LaunchDarkly, whose full sets may be stale, a table with other writers, and the writing half as it runs in production.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use ld_dynamodb_relay::environment::{Cell, Reader};
use ld_dynamodb_relay::listener::Context;
use ld_dynamodb_relay::model::{Applied, At, DataSet, Generation, Item, ItemKey, ReopenCause};
use ld_dynamodb_relay::plan::Write;
use ld_dynamodb_relay::writer::{
    Answered, Manner, Standing, TableRequest as Request, WriteEvent as Told, WriteFact, Writer,
};
use tokio::time::Instant;

use crate::items::{NAMESPACE_BYTES, key, live, parse};
use crate::store::{Fate, Rival, Store};

/// More turns than this at one moment mean that it spins.
pub(crate) const TURNS: usize = 10_000;

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
    /// Requests are answered, each in its way: the one at this place among those that are under way.
    Serve(Vec<(u8, Fate)>),
    Rival(u8, Rival),
    /// Requests that nobody waits for any more arrive.
    Land,
    Verify,
    /// The process is killed and starts again.
    Kill,
    /// The process is asked to stop, finishes what it began, and starts again.
    Restart,
    /// The time goes on; what is asked meanwhile stays without answer.
    Tick(u16),
}

/// What was said, and when. A full set was asked for.
pub(crate) struct Saying {
    pub(crate) asked: Option<Instant>,
    pub(crate) received: Instant,
    /// Its number, of this term; none of one before.
    pub(crate) generation: Option<Generation>,
    pub(crate) items: HashMap<ItemKey, Option<Item>>,
}

/// See the module.
pub(crate) struct World {
    pub(crate) now: Instant,
    /// Everything that was ever true; the last one is.
    truths: Vec<DataSet>,
    pub(crate) store: Store,
    pub(crate) writer: Writer,
    pub(crate) manner: Manner,
    cell: Cell,
    reader: Reader,
    /// Requests without an answer, with when they were sent.
    pub(crate) flight: Vec<(Request, Instant)>,
    asked: Option<Instant>,
    pub(crate) sayings: Vec<Saying>,
    changes: u8,
    pub(crate) wake: Option<Instant>,
    /// Whose LaunchDarkly says that its data is.
    pub(crate) identity: Option<Arc<str>>,
    pub(crate) facts: Vec<WriteFact>,
    pub(crate) stands: Option<Standing>,
    /// Why everything was asked for again, and when.
    pub(crate) reopened: Vec<(Instant, ReopenCause)>,
    pub(crate) requests: usize,
    pub(crate) stopped: bool,
    /// The table was read as a whole in this term.
    pub(crate) known: bool,
    /// What was held by name, with the last change that was known when it last was.
    pub(crate) held: HashMap<ItemKey, Generation>,
    /// Rows for which the page under way does not speak: they were written, or read, since it was asked for.
    skipped: HashSet<ItemKey>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Manner)) -> Self {
        let now = Instant::now() + Duration::from_hours(1);
        let mut manner = Manner {
            concurrency: 4,
            verify_interval: Duration::from_mins(15),
            marker_check_interval: Duration::from_secs(30),
            repair: true,
            confirmed_removals: None,
            namespace_bytes: NAMESPACE_BYTES,
            environment_id: None,
        };
        change(&mut manner);
        let cell = Cell::default();
        let mut world = Self {
            now,
            truths: vec![DataSet::new()],
            store: Store {
                page_rows: 3,
                ..Store::default()
            },
            writer: Writer::new(manner.clone(), now),
            manner,
            reader: cell.reader(),
            cell,
            flight: Vec::new(),
            asked: None,
            sayings: Vec::new(),
            changes: 0,
            wake: None,
            identity: None,
            facts: Vec::new(),
            stands: None,
            reopened: Vec::new(),
            requests: 0,
            stopped: false,
            known: false,
            held: HashMap::new(),
            skipped: HashSet::new(),
        };
        world.step(None);
        world
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
                let text = format!(r#"{{"key":"{}","salt":{}}}"#, key.key, self.changes);
                let item = parse(&key, text);
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
            Event::Serve(fates) => {
                for (which, fate) in fates {
                    if !self.flight.is_empty() {
                        self.serve(usize::from(*which) % self.flight.len(), *fate);
                    }
                }
            }
            Event::Rival(number, act) => self.store.rival(&key(*number), *act, self.now),
            Event::Land => self.store.land(self.now),
            Event::Verify => self.step(Some(Told::Sync)),
            Event::Kill => self.kill(),
            Event::Restart => {
                self.stop();
                self.kill();
            }
            Event::Tick(milliseconds) => {
                let until = self.now + Duration::from_millis((*milliseconds).into());
                self.idle_until(until);
            }
        }
        self.step(None);
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
        if let Some((Applied::Yes, generation)) = self.cell.newer(&key, item.clone(), self.now) {
            self.sayings.push(Saying {
                asked: None,
                received: self.now,
                generation: Some(generation),
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
        let every = every.collect();
        let full = self
            .cell
            .full(items, asked, self.now, self.identity.clone());
        self.sayings.push(Saying {
            asked: Some(asked),
            received: self.now,
            generation: Some(full.generation),
            items: every,
        });
    }

    /// Everything is asked for and said as it is.
    pub(crate) fn hear_the_truth(&mut self) {
        self.asked = Some(self.now);
        self.now += Duration::from_millis(1);
        self.answer(0);
        self.step(None);
    }

    /// The process is killed: what it sent may still arrive or not, and nobody hears of it.
    pub(crate) fn kill(&mut self) {
        self.flight.clear();
        self.cell = Cell::default();
        self.reader = self.cell.reader();
        self.writer = Writer::new(self.manner.clone(), self.now);
        for saying in &mut self.sayings {
            saying.generation = None;
        }
        self.held.clear();
        (self.asked, self.stands) = (None, None);
        (self.stopped, self.known) = (false, false);
    }

    /// Tells the writer what happened, and sends what it asks for.
    pub(crate) fn step(&mut self, event: Option<Told>) {
        let at = At {
            now: self.now,
            jitter: 0.5,
        };
        if let Some(event) = event {
            self.reader.look(|view| self.writer.heed(event, view, at));
        }
        for _ in 0..TURNS {
            if let Some(touched) = self.reader.take() {
                let event = Told::Touched(touched);
                self.reader.look(|view| self.writer.heed(event, view, at));
            }
            let work = self.reader.look(|view| self.writer.next(view, at));
            self.take_facts();
            if let Some(cause) = work.reopen {
                self.reader.wish(self.now, cause);
                self.reopened.push((self.now, cause));
            }
            self.wake = work.wake;
            let sent = work.requests.len();
            assert!(!self.stopped || sent == 0, "it was asked to stop");
            for request in work.requests {
                self.check_request(&request);
                self.requests += 1;
                self.skip(&request);
                self.flight.push((request, self.now));
            }
            if sent == 0 && work.reopen.is_none() && work.wake.is_none_or(|it| it > self.now) {
                self.check_standing();
                return;
            }
        }
        panic!("it spins: {:?}", self.writer);
    }

    fn skip(&mut self, request: &Request) {
        match request {
            Request::Page(_) => {
                let under_way = self.writes_under_way().filter_map(Write::key);
                let doubtful = self.writer.ledger().doubtful();
                self.skipped = under_way.chain(doubtful).cloned().collect();
            }
            Request::Write(write) => self.skipped.extend(write.key().cloned()),
            Request::Row(key) => drop(self.skipped.insert(key.clone())),
            Request::Vouchers { .. } | Request::Remember { .. } => {}
        }
    }

    fn take_facts(&mut self) {
        let generation = self.generation();
        let held = self.writer.holds().items.keys().cloned();
        self.held.extend(held.map(|key| (key, generation)));
        for fact in self.writer.facts() {
            match fact {
                WriteFact::Stands(standing) => {
                    let before = self.stands.as_ref().map(|it| it.stored_up_to);
                    let before = before.unwrap_or_default();
                    if before != standing.stored_up_to {
                        self.check_stored(before, standing.stored_up_to);
                    }
                    self.stands = Some(*standing);
                }
                fact => {
                    self.known |= matches!(fact, WriteFact::Read { .. });
                    if matches!(fact, WriteFact::FirstWriteComplete { .. }) {
                        // Who reads this in the log asks the status next.
                        let settled = self.stands.as_ref().is_some_and(|it| it.settled);
                        assert!(settled, "it is told where it stands first");
                    }
                    self.facts.push(fact);
                }
            }
        }
    }

    /// Answers a request that is under way.
    pub(crate) fn serve(&mut self, index: usize, fate: Fate) {
        let (request, sent) = self.flight.remove(index);
        let (fate, took) = match fate {
            Fate::Slow => (Fate::Done, 300),
            fate => (fate, 1),
        };
        if let Request::Write(write) = &request {
            self.check_before(write, fate);
        }
        self.now += Duration::from_millis(took);
        let touched = self.store.touched.clone();
        let is_page = matches!(request, Request::Page(_));
        let answer = self.store.ask(request, fate, self.now);
        if is_page {
            let skipped = touched.intersection(&self.skipped).cloned();
            self.store.touched.extend(skipped);
        }
        let answered = Answered {
            answer,
            sent,
            at: self.now,
        };
        self.step(Some(Told::Answered(answered)));
    }

    /// Looks at what LaunchDarkly has said.
    pub(crate) fn reader_looks<T>(&self, look: impl FnOnce(&DataSet) -> T) -> Option<T> {
        self.reader
            .look(|view| view.desired.map(|desired| look(&desired.items)))
    }

    /// Whether LaunchDarkly says something that the writer has not taken.
    pub(crate) fn generation(&self) -> Generation {
        self.reader.look(|view| view.generation)
    }

    /// The writes that are under way.
    pub(crate) fn writes_under_way(&self) -> impl Iterator<Item = &Write> {
        self.flight.iter().filter_map(|(request, _)| match request {
            Request::Write(write) => Some(write),
            _ => None,
        })
    }
}

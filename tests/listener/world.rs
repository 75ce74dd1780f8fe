//! A listener, the cell that it fills, and the connections that it ordered. The time is turned by the test.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use ld_dynamodb_relay::environment::Cell;
use ld_dynamodb_relay::launchdarkly::fdv1::Said;
use ld_dynamodb_relay::launchdarkly::{Greeting, Refusal, Signal, Transport};
use ld_dynamodb_relay::listener::{
    ConnectionOrder as Order, ConnectionState as State, Context, Hint, ListenEvent as Event,
    ListenFact, Listener, Role as Which, SessionFailure, Wakes,
};
use ld_dynamodb_relay::model::{
    Applied, At, Changed, DataSet, Generation, Item, ItemKey, ReopenCause,
};
use serde_json::value::RawValue;
use tokio::time::Instant;

/// More reopenings than this at once are not allowed; one more each 30 s, or each 5 s where it polls.
const AT_ONCE: f64 = 3.0;
const EACH: f64 = 30.0;
const EACH_POLL: f64 = 5.0;

/// What both halves share, as it is in production, and what was done to it.
#[derive(Default)]
pub(crate) struct Shared {
    cell: Cell,
    /// When what was said last was asked for.
    asked: RefCell<Option<Instant>>,
    /// Single changes that were passed on.
    newer: RefCell<usize>,
}

impl Context for Shared {
    fn full(
        &self,
        items: DataSet,
        asked: Instant,
        received: Instant,
        environment_id: Option<Arc<str>>,
    ) -> Changed {
        self.asked.replace(Some(asked));
        self.cell.full(items, asked, received, environment_id)
    }

    fn newer(&self, key: &ItemKey, item: Item, received: Instant) -> Option<(Applied, Generation)> {
        self.newer.replace_with(|count| *count + 1);
        self.cell.newer(key, item, received)
    }

    fn wish(&self, now: Instant, cause: ReopenCause) {
        self.cell.wish(now, cause);
    }

    fn wished_since(&self, asked: Instant) -> Option<ReopenCause> {
        self.cell.wished_since(asked)
    }
}

/// The SDK key.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Key {
    There,
    /// It has not been read yet.
    Unread,
    /// It cannot be read, for this reason.
    Unreadable(&'static str),
}

/// See the module.
pub(crate) struct World {
    pub(crate) start: Instant,
    pub(crate) now: Instant,
    /// Takes from waits.
    pub(crate) jitter: f64,
    pub(crate) listener: Listener,
    pub(crate) shared: Shared,
    pub(crate) key: Key,
    pub(crate) new: bool,
    pub(crate) current: bool,
    pub(crate) due: Option<Instant>,
    transport: Transport,
    /// When a webhook last came to an environment that polls: from then on it waits for no failure.
    hinted_at: Option<Instant>,
    /// Seconds until another one may be.
    each: f64,
    /// When connections were opened beside another one.
    reopened: Vec<Instant>,
    /// None is opened before then, unless somebody ends the wait.
    wait_until: Instant,
    /// Somebody wants to end it, or a connection that has not said everything; nobody does once another one is opened.
    hastened: bool,
    /// When a wait, or a connection that had not said everything, was last cut short.
    cut_short: Option<Instant>,
    /// Since the last step.
    pub(crate) orders: Vec<Order>,
    pub(crate) facts: Vec<ListenFact>,
}

pub(crate) fn flag(number: u8, version: u64) -> (ItemKey, Item) {
    let key = ItemKey::flag(format!("flag-{number}"));
    let text = format!(r#"{{"key":"{}","version":{version}}}"#, key.key);
    let item = Item::parse(&key, &RawValue::from_string(text).unwrap());
    (key, item)
}

pub(crate) fn greeting(id: Option<&str>) -> Signal {
    Signal::Connected(Greeting {
        environment_id: id.map(Into::into),
        date: None,
    })
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Duration::ZERO, Key::There)
    }

    pub(crate) fn with(first_delay: Duration, key: Key) -> Self {
        Self::hearing_by(Transport::Stream, first_delay, key)
    }

    pub(crate) fn hearing_by(transport: Transport, first_delay: Duration, key: Key) -> Self {
        let start = Instant::now();
        let mut world = Self {
            start,
            now: start,
            jitter: 0.0,
            listener: Listener::new(transport, first_delay, start),
            shared: Shared::default(),
            key,
            new: false,
            current: false,
            due: None,
            transport,
            hinted_at: None,
            each: match transport {
                Transport::Stream => EACH,
                Transport::Poll(_) => EACH_POLL,
            },
            reopened: Vec::new(),
            wait_until: start + first_delay,
            hastened: false,
            cut_short: None,
            orders: Vec::new(),
            facts: Vec::new(),
        };
        world.step(None);
        world
    }

    /// One step, as the loop makes it.
    pub(crate) fn step(&mut self, event: Option<Event>) {
        let at = At {
            now: self.now,
            jitter: self.jitter,
        };
        if let Some(event) = event {
            self.listener.heed(event, &self.shared, at);
        }
        self.due = self.next(at);
        self.orders = self.listener.orders();
        self.facts = self.listener.facts();
        for fact in &self.facts {
            if let ListenFact::Failed(failure) = fact {
                assert!(failure.wait <= Duration::from_hours(1), "{failure:?}");
                self.wait_until = self.now + failure.wait;
            }
        }
        for order in self.orders.clone() {
            self.carry_out(order);
        }
        let (new, current) = match self.listener.state() {
            State::Idle => (false, false),
            State::Opening(_) => (true, false),
            State::Listening(_) => (false, true),
            State::HandingOver { .. } => (true, true),
        };
        assert_eq!((new, current), (self.new, self.current), "as was ordered");
        // To look again at once would be to spin.
        let due = self.next(at);
        assert!(due.is_none_or(|due| due > self.now), "{due:?}");
        assert!(self.listener.orders().is_empty());
    }

    fn next(&mut self, at: At) -> Option<Instant> {
        let keyless = match self.key {
            Key::There => None,
            Key::Unread => Some(None),
            Key::Unreadable(why) => Some(Some(why.into())),
        };
        self.listener.next(keyless, &self.shared, at)
    }

    fn carry_out(&mut self, order: Order) {
        match order {
            Order::Open => {
                assert!(!self.new, "one is being opened already");
                if self.now < self.wait_until {
                    let told = self.hinted_at.is_some();
                    assert!(self.hastened || told, "too early");
                    self.cut_short();
                }
                self.hastened = false;
                assert!(self.key == Key::There, "with what key?");
                if self.current {
                    self.reopened.push(self.now);
                    self.check_allowance();
                }
                self.new = true;
            }
            Order::Close(Which::New) => {
                assert!(std::mem::take(&mut self.new), "there is none");
                if self.hastened {
                    self.cut_short();
                }
            }
            Order::Close(Which::Current) => {
                assert!(std::mem::take(&mut self.current), "there is none");
            }
            Order::HandOver => {
                assert!(std::mem::take(&mut self.new), "there is none");
                self.current = true;
            }
            Order::RecheckKey => {}
        }
    }

    /// Beside a connection whose changes count it is the allowance that limits this.
    fn cut_short(&mut self) {
        self.wait_until = self.now;
        if self.current {
            return;
        }
        let before = self.cut_short.replace(self.now);
        let each = Duration::from_secs_f64(self.each);
        assert!(
            before.is_none_or(|before| before + each <= self.now),
            "often"
        );
    }

    fn check_allowance(&self) {
        for (count, first) in (1_u32..).zip(self.reopened.iter().rev()) {
            let allowed = AT_ONCE + (self.now - *first).as_secs_f64() / self.each;
            assert!(f64::from(count) <= allowed, "{:?}", self.reopened);
        }
    }

    /// Whether there is such a connection.
    pub(crate) const fn is_open(&self, which: Which) -> bool {
        match which {
            Which::New => self.new,
            Which::Current => self.current,
        }
    }

    /// A connection says something. Before it has said everything, what it says of single items is not passed on.
    pub(crate) fn signal(&mut self, which: Which, signal: Signal) {
        assert!(self.is_open(which), "there is none");
        let before = *self.shared.newer.borrow();
        self.step(Some(Event::Signal(which, signal)));
        let passed_on = *self.shared.newer.borrow() - before;
        assert!(passed_on == 0 || which == Which::Current);
    }

    pub(crate) fn say(&mut self, which: Which, said: Said) {
        self.signal(which, Signal::Said(said, self.now));
    }

    /// A connection says everything: so many flags at this version.
    pub(crate) fn say_everything(&mut self, which: Which, flags: u8, version: u64) {
        let items = (0..flags).map(|number| flag(number, version)).collect();
        self.say(which, Said::Full(items));
        assert!(self.current);
    }

    /// A connection ends. The loop drops it before it tells.
    pub(crate) fn end(&mut self, which: Which, refusal: Refusal) {
        assert!(self.is_open(which), "there is none");
        match which {
            Which::New => self.new = false,
            Which::Current => self.current = false,
        }
        self.step(Some(Event::Ended(which, refusal)));
    }

    /// There is another key.
    pub(crate) fn rekey(&mut self) {
        let had_one = std::mem::replace(&mut self.key, Key::There) == Key::There;
        (self.wait_until, self.hastened) = (self.now, false);
        self.step(Some(Event::Rekeyed { had_one }));
    }

    /// Somebody wants something.
    pub(crate) fn wake(&mut self, wakes: Wakes) {
        let is_idle = !self.new && !self.current;
        if self.transport != Transport::Stream && !wakes.hints.is_empty() {
            self.hinted_at = Some(self.now);
        }
        let told = wakes.key_resets > 0;
        self.hastened |= wakes.ordered || told && is_idle;
        self.step(Some(Event::Woken(wakes)));
    }

    /// A webhook comes, so late: this flag changed, or anything.
    pub(crate) fn hint(&mut self, flag: Option<u8>, late: Duration) {
        let hint = Hint {
            item: flag.map(|number| ItemKey::flag(format!("flag-{number}"))),
            happened: self.now - late,
        };
        self.wake(Wakes {
            hints: vec![(hint, self.now)],
            ..Wakes::default()
        });
    }

    pub(crate) fn order(&mut self) {
        self.wake(Wakes {
            ordered: true,
            ..Wakes::default()
        });
    }

    /// The time goes on to `until`, and the loop looks whenever it is due.
    pub(crate) fn pass(&mut self, until: Instant) {
        while let Some(due) = self.due.filter(|due| *due <= until) {
            self.now = due.max(self.now);
            self.step(None);
        }
        self.now = until.max(self.now);
    }

    pub(crate) fn pass_seconds(&mut self, seconds: u64) {
        self.pass(self.now + Duration::from_secs(seconds));
    }

    /// The version that is said of a flag.
    pub(crate) fn version_of(&self, number: u8) -> Option<u64> {
        let key = flag(number, 1).0;
        let reader = self.shared.cell.reader();
        reader.look(|view| view.desired?.items.get(&key)?.version())
    }

    /// Whether everything is to be asked for again.
    pub(crate) fn is_wished(&self) -> bool {
        let asked = *self.shared.asked.borrow();
        asked.is_some_and(|asked| self.shared.wished_since(asked).is_some())
    }

    /// How the last connection failed.
    pub(crate) fn failure(&self) -> &SessionFailure {
        let mut facts = self.facts.iter();
        let found = facts.find_map(|fact| match fact {
            ListenFact::Failed(failure) => Some(failure),
            _ => None,
        });
        found.unwrap()
    }
}

//! The half that listens as a value: what it is told, what is to be done, and what it tells.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::backoff::{Allowance, Backoff};
use super::fact::ListenFact;
use super::hints::{Hint, HintOutcomes, Hints};
use super::line::{ConnectionState, Line, Role};
use super::vocabulary::SessionEnd;
use crate::launchdarkly::{Refusal, Signal, Transport};
use crate::model::{Applied, At, Changed, DataSet, Generation, Item, ItemKey, ReopenCause};

/// How often we look why there is no key yet. A key itself ends the wait at once.
const LOOK_FOR_KEY: Duration = Duration::from_secs(5);
/// The same while it is being read for the first time, so that what is wrong with it is told soon.
const LOOK_FOR_TROUBLE: Duration = Duration::from_millis(250);

/// What the listening half shares with the other one.
pub trait Context {
    /// Everything was said, asked for at `asked`, of the environment that LaunchDarkly names so.
    fn full(
        &self,
        items: DataSet,
        asked: Instant,
        received: Instant,
        environment_id: Option<Arc<str>>,
    ) -> Changed;
    /// One item was said; none before everything was said once.
    fn newer(&self, key: &ItemKey, item: Item, received: Instant) -> Option<(Applied, Generation)>;
    /// Everything is to be asked for again.
    fn wish(&self, now: Instant, cause: ReopenCause);
    /// Why that is wished, if it was last asked before.
    fn wished_since(&self, asked: Instant) -> Option<ReopenCause>;
}

/// Requests of webhooks and operators that were not taken yet.
#[derive(Debug, Default)]
pub struct Wakes {
    /// With when each came.
    pub hints: Vec<(Hint, Instant)>,
    /// How often the SDK key was said to be reset.
    pub key_resets: u64,
    /// An operator wants everything said again.
    pub ordered: bool,
}

/// What the listening half is told.
#[derive(Debug)]
pub enum ListenEvent {
    /// One of the connections says something.
    Signal(Role, Signal),
    /// One of the connections ended.
    Ended(Role, Refusal),
    /// The SDK key is another one; whether there was one before.
    Rekeyed {
        /// Whether there was one.
        had_one: bool,
    },
    /// A webhook or an operator left a request.
    Woken(Wakes),
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionOrder {
    /// Open a connection with the key that there is.
    Open,
    /// Close this one.
    Close(Role),
    /// The new one is the current one from now on; close the one before.
    HandOver,
    /// Read the SDK key again where it is kept.
    RecheckKey,
}

/// See the module.
#[derive(Debug)]
pub struct Listener {
    pub(super) transport: Transport,
    pub(super) state: ConnectionState,
    pub(super) backoff: Backoff,
    allowance: Allowance,
    pub(super) hints: Hints,
    /// No connection is opened before then, unless somebody is in a hurry.
    pub(super) retry_at: Instant,
    /// Somebody does not want to wait for that, nor for an attempt that hangs. Until the next connection is opened.
    hurried: bool,
    /// Without a current connection nothing is cut short for him before then; beside one the allowance is the limit.
    early_at: Instant,
    pub(super) malformed: u32,
    /// When the stream last told that there is something else than was said, unless everything was asked for since then.
    pub(super) hinted_at: Option<Instant>,
    /// It was told that this is so, or that a webhook's change is late.
    pub(super) owed: bool,
    /// The last change that was taken.
    pub(super) taken: Generation,
    pub(super) orders: Vec<ConnectionOrder>,
    pub(super) facts: Vec<ListenFact>,
}

impl Listener {
    /// Opens its first connection after a delay.
    pub fn new(transport: Transport, first_delay: Duration, now: Instant) -> Self {
        Self {
            transport,
            state: ConnectionState::Idle,
            backoff: Backoff::default(),
            allowance: Allowance::new(transport, now),
            hints: Hints::new(transport),
            retry_at: now + first_delay,
            hurried: false,
            early_at: now,
            malformed: 0,
            hinted_at: None,
            owed: false,
            taken: Generation::default(),
            orders: Vec::new(),
            facts: Vec::new(),
        }
    }

    /// Which connections there are.
    pub const fn state(&self) -> &ConnectionState {
        &self.state
    }

    /// What is to be done on account of the steps since this was last asked, in order.
    pub fn orders(&mut self) -> Vec<ConnectionOrder> {
        std::mem::take(&mut self.orders)
    }

    /// What is to be told of them.
    pub fn facts(&mut self) -> Vec<ListenFact> {
        std::mem::take(&mut self.facts)
    }

    /// Takes what happened.
    pub fn heed(&mut self, event: ListenEvent, shared: &impl Context, at: At) {
        match event {
            ListenEvent::Signal(which, signal) => self.heard(which, signal, shared, at),
            ListenEvent::Ended(which, refusal) => self.ended(which, &refusal, at),
            ListenEvent::Rekeyed { had_one } => self.rekeyed(had_one, shared, at),
            ListenEvent::Woken(wakes) => self.woken(wakes, shared, at),
        }
    }

    /// Decides whether another connection is opened now; `keyless` says why there is no key, where there is none. Returns
    /// when to look again, if nothing happens before.
    pub fn next(
        &mut self,
        keyless: Option<Option<Arc<str>>>,
        shared: &impl Context,
        at: At,
    ) -> Option<Instant> {
        if self.hints_due().is_some_and(|due| due <= at.now) {
            let (connected, asking) = (self.state.current().is_some(), self.asking());
            if self.hints.look(at.now, connected, asking) {
                shared.wish(at.now, ReopenCause::Webhook);
                self.hurried |= self.polls_soon();
            }
            self.tell_owed();
        }
        if let ConnectionState::Listening(line) = &self.state {
            // Who was in a hurry has what he wanted, where nothing is wished.
            self.hurried &= wanted(line, shared).is_some();
        }
        if self.due(shared).is_some_and(|due| due <= at.now) {
            match keyless {
                Some(why) => {
                    let wait = if why.is_some() {
                        LOOK_FOR_KEY
                    } else {
                        LOOK_FOR_TROUBLE
                    };
                    (self.retry_at, self.hurried) = (at.now + wait, false);
                    self.facts.push(ListenFact::Keyless(why));
                }
                None => self.open(shared, at),
            }
        }
        [self.due(shared), self.hints_due()]
            .into_iter()
            .flatten()
            .min()
    }

    /// No connection is opened any more, and those that there are end.
    pub fn stop(&mut self) {
        for which in [Role::New, Role::Current] {
            if self.state.close(which).is_some() {
                self.facts.push(ListenFact::Ended(SessionEnd::Stopped));
            }
        }
    }

    /// When the next connection is to be opened, be it in the place of one that hangs.
    fn due(&self, shared: &impl Context) -> Option<Instant> {
        let early_at = self.hurried.then_some(self.early_at);
        let due = early_at.map_or(self.retry_at, |early_at| early_at.min(self.retry_at));
        match &self.state {
            ConnectionState::Idle => Some(due),
            ConnectionState::Listening(line) => wanted(line, shared).map(|_| due),
            ConnectionState::Opening(_) => early_at,
            // Opening another one uses up one of the reopenings that are allowed.
            ConnectionState::HandingOver { .. } => self.hurried.then(|| self.allowance.free_at()),
        }
    }

    fn open(&mut self, shared: &impl Context, at: At) {
        let cuts_short =
            matches!(self.state, ConnectionState::Opening(_)) || at.now < self.retry_at;
        self.give_up(at);
        if let Some(current) = self.state.current() {
            if let Err(allowed_at) = self.allowance.take(at.now) {
                (self.retry_at, self.hurried) = (allowed_at, false);
                return;
            }
            let cause = wanted(current, shared);
            self.facts
                .push(ListenFact::Reopening(cause.unwrap_or(ReopenCause::Hint)));
        }
        if cuts_short {
            self.early_at = at.now + self.allowance.each;
        }
        self.hurried = false;
        self.state.open(Line::new(at.now));
        self.orders.push(ConnectionOrder::Open);
    }

    /// Closes a connection that has not said everything, to open another one in its place.
    fn give_up(&mut self, at: At) {
        if self.state.close(Role::New).is_some() {
            self.orders.push(ConnectionOrder::Close(Role::New));
            self.facts.push(ListenFact::Ended(SessionEnd::Reopened));
        }
        self.retry_at = at.now;
    }

    /// The next connection is made with the new key, and soon. Until that one has said everything, a stream that is open
    /// lives on; what was refused until now says nothing of this key.
    fn rekeyed(&mut self, had_one: bool, shared: &impl Context, at: At) {
        if had_one {
            self.facts.push(ListenFact::Rekeyed);
        }
        self.backoff.healthy();
        self.give_up(at);
        if let Some(line) = self.state.line_mut(Role::Current) {
            line.is_superseded = true;
            shared.wish(at.now, ReopenCause::Key);
        }
    }

    /// A webhook or an operator left a request.
    fn woken(&mut self, wakes: Wakes, shared: &impl Context, at: At) {
        let mut all = HintOutcomes::default();
        let told = !wakes.hints.is_empty();
        for (hint, came) in wakes.hints {
            self.facts.push(ListenFact::Announced(hint.clone(), came));
            all.add_all(self.hints.hint(hint, came));
        }
        self.facts.push(ListenFact::Hints(all));
        self.hurried |= told && self.is_idle() && self.polls_soon();
        if wakes.key_resets > 0 {
            self.facts.push(ListenFact::KeyReset(wakes.key_resets));
            self.orders.push(ConnectionOrder::RecheckKey);
            self.hurried |= self.is_idle();
        }
        // An operator waits neither for an attempt that may take long nor for a wait that was extended; but he gets no more
        // connections than anybody.
        if wakes.ordered {
            shared.wish(at.now, ReopenCause::Operator);
            self.hurried = true;
        }
    }

    /// A poll that failed is made again after an interval, unless a webhook tells that there is something to hear.
    pub(super) const fn polls_soon(&self) -> bool {
        matches!(self.transport, Transport::Poll(_)) && !self.backoff.is_lasting()
    }

    const fn is_idle(&self) -> bool {
        matches!(self.state, ConnectionState::Idle)
    }

    /// When hints want to be looked at.
    fn hints_due(&self) -> Option<Instant> {
        self.hints.due(self.asking())
    }

    /// When the connection that is being opened asked for everything.
    fn asking(&self) -> Option<Instant> {
        self.state.new_line().map(|line| line.asked)
    }
}

/// Why another connection is wanted in the place of this one, if it is.
fn wanted(line: &Line, shared: &impl Context) -> Option<ReopenCause> {
    let key = line.is_superseded.then_some(ReopenCause::Key);
    key.or_else(|| shared.wished_since(line.asked))
}

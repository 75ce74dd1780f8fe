//! LaunchDarkly without a socket: what is true there, how it answers, and what it tells those who are connected.

use std::time::Duration;

use ld_dynamodb_relay::environment::{Source, Speaks};
use ld_dynamodb_relay::launchdarkly::fdv1::Said;
use ld_dynamodb_relay::launchdarkly::{Greeting, Refusal, Signal};
use ld_dynamodb_relay::model::{DataSet, Item, ItemKey};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::watch;
use tokio::task::coop::consume_budget;
use tokio::time::{Instant, timeout, timeout_at};

use crate::items::live;

/// How long it takes to connect, and then to say everything.
pub(crate) const LATENCY: Duration = Duration::from_millis(50);
/// How often a stream that says nothing shows that it lives.
const HEARTBEAT: Duration = Duration::from_mins(3);

/// Who does not connect within this never does.
const PATIENCE: Duration = Duration::from_hours(2);

/// How it answers who connects.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    /// It says everything, and then what changes.
    Serves,
    /// It shows that it lives, and says nothing.
    Hangs,
    /// It shows so without a pause, so many times.
    Babbles(usize),
    /// With this HTTP status.
    Refuses(u16),
    /// There is no connection.
    Away,
}

/// Somebody connected.
#[derive(Clone, Debug)]
pub(crate) struct Opening {
    pub(crate) at: Instant,
    pub(crate) key: String,
}

/// A change, and whether the stream tells it.
struct Change {
    at: Instant,
    told: bool,
    what: What,
}

enum What {
    Item(ItemKey, Item),
    Everything(DataSet),
}

struct State {
    answer: Answer,
    changes: Vec<Change>,
    /// How often all connections were cut.
    cuts: usize,
    /// Signs of life that are to come without a pause.
    babble: usize,
    opened: Vec<Opening>,
    open: usize,
    most_open: usize,
}

/// See the module. A handle may be of a replica of it that lags behind.
#[derive(Clone)]
pub(crate) struct LaunchDarkly {
    state: watch::Sender<State>,
    /// How late its streams tell changes.
    late: Duration,
    /// How old its full sets are.
    stale: Duration,
}

/// Completes then.
pub(crate) async fn until(at: Instant) {
    drop(timeout_at(at, std::future::pending::<()>()).await);
}

async fn until_due(at: Option<Instant>) {
    match at {
        // A timer would wait for the clock to go on.
        Some(at) if at <= Instant::now() => {}
        Some(at) => until(at).await,
        None => std::future::pending().await,
    }
}

pub(crate) fn flag(number: usize) -> ItemKey {
    ItemKey::flag(format!("flag-{number}"))
}

impl LaunchDarkly {
    /// With so many flags at version 1.
    pub(crate) fn with_flags(count: usize) -> Self {
        let items = (0..count).map(|number| (flag(number), live(&flag(number), 1, 0)));
        let first = Change {
            at: Instant::now(),
            told: false,
            what: What::Everything(items.collect()),
        };
        Self {
            state: watch::Sender::new(State {
                answer: Answer::Serves,
                changes: vec![first],
                cuts: 0,
                babble: 0,
                opened: Vec::new(),
                open: 0,
                most_open: 0,
            }),
            late: Duration::ZERO,
            stale: Duration::ZERO,
        }
    }

    /// The same one, as a replica of it says it whose streams are so late, and whose full sets are so old.
    pub(crate) fn replica(&self, late: Duration, stale: Duration) -> Self {
        Self {
            late,
            stale,
            ..self.clone()
        }
    }

    /// What is true.
    pub(crate) fn truth(&self) -> DataSet {
        self.state.borrow().at(Instant::now()).0
    }

    fn change(&self, told: bool, what: What) {
        let at = Instant::now();
        let change = Change { at, told, what };
        self.state.send_modify(|state| state.changes.push(change));
    }

    /// This flag gets its next version, and the stream says so.
    pub(crate) fn patch(&self, number: usize, version: u64) {
        let key = flag(number);
        let item = live(&key, version, 0);
        self.change(true, What::Item(key, item));
    }

    /// From now on this is everything there is. The stream does not say so.
    pub(crate) fn becomes(&self, items: DataSet) {
        self.change(false, What::Everything(items));
    }

    /// Answers so from now on.
    pub(crate) fn answers(&self, answer: Answer) {
        self.state.send_modify(|state| state.answer = answer);
    }

    /// Ends all connections.
    pub(crate) fn cut(&self) {
        self.state.send_modify(|state| state.cuts += 1);
    }

    /// A connection babbles still.
    pub(crate) fn is_babbling(&self) -> bool {
        self.state.borrow().babble > 0
    }

    /// Waits until one does.
    pub(crate) async fn babbling(&self) {
        let mut state = self.state.subscribe();
        let babbling = timeout(PATIENCE, state.wait_for(|state| state.babble > 0)).await;
        drop(babbling.expect("nobody babbles"));
    }

    /// One more sign of life, if there is one to come. It comes as from a socket: others have their turn.
    async fn babbles(&self) -> bool {
        consume_budget().await;
        self.state.send_if_modified(|state| {
            let babbles = state.babble > 0;
            state.babble = state.babble.saturating_sub(1);
            babbles
        })
    }

    /// Every attempt to connect.
    pub(crate) fn opened(&self) -> Vec<Opening> {
        self.state.borrow().opened.clone()
    }

    /// Connections and attempts that are under way.
    pub(crate) fn open_now(&self) -> usize {
        self.state.borrow().open
    }

    /// As many as there ever were at one time.
    pub(crate) fn most_open(&self) -> usize {
        self.state.borrow().most_open
    }

    /// Waits until somebody connects, for the next time: when.
    pub(crate) async fn next_opening(&self) -> Instant {
        let before = self.state.borrow().opened.len();
        let mut state = self.state.subscribe();
        let opened = state.wait_for(|state| state.opened.len() > before);
        let opened = timeout(PATIENCE, opened).await;
        opened.expect("nobody connects").unwrap().opened[before].at
    }
}

impl State {
    /// What was true then, and how many changes that takes.
    fn at(&self, then: Instant) -> (DataSet, usize) {
        let known = self.changes.partition_point(|change| change.at <= then);
        let mut items = DataSet::new();
        for change in &self.changes[..known.max(1)] {
            match &change.what {
                What::Item(key, item) => drop(items.insert(key.clone(), item.clone())),
                What::Everything(all) => items.clone_from(all),
            }
        }
        (items, known.max(1))
    }
}

#[derive(Clone, Copy)]
enum Stage {
    Dialled,
    Connected,
    Live,
    Mute,
    Babbling,
}

/// One connection.
pub(crate) struct Session {
    launchdarkly: LaunchDarkly,
    changed: watch::Receiver<State>,
    stage: Stage,
    /// When the next thing happens by itself.
    at: Instant,
    /// Changes that were told, or are of what was said at first.
    told: usize,
    /// All connections had been cut so often when it was made.
    cuts: usize,
}

impl Source for LaunchDarkly {
    type Session = Session;

    fn open(&self, key: &SecretString) -> Session {
        let opening = Opening {
            at: Instant::now(),
            key: key.expose_secret().to_owned(),
        };
        self.state.send_modify(|state| {
            state.opened.push(opening);
            state.open += 1;
            state.most_open = state.most_open.max(state.open);
        });
        Session {
            launchdarkly: self.clone(),
            changed: self.state.subscribe(),
            stage: Stage::Dialled,
            at: Instant::now() + LATENCY,
            told: 0,
            cuts: self.state.borrow().cuts,
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.launchdarkly.state.send_modify(|state| state.open -= 1);
    }
}

impl Session {
    fn answered(&mut self) -> Result<Signal, Refusal> {
        let answer = self.changed.borrow().answer;
        self.stage = match answer {
            Answer::Serves => Stage::Connected,
            Answer::Hangs => Stage::Mute,
            Answer::Babbles(times) => {
                self.launchdarkly
                    .state
                    .send_modify(|state| state.babble = times);
                Stage::Babbling
            }
            Answer::Refuses(status) => {
                return Err(Refusal::Status {
                    status,
                    retry_after: None,
                });
            }
            Answer::Away => {
                return Err(Refusal::Network {
                    cause: "connection refused".into(),
                    setting: "STREAM_URI",
                });
            }
        };
        self.at = Instant::now() + LATENCY;
        Ok(Signal::Connected(Greeting::default()))
    }

    fn everything(&mut self) -> Signal {
        let now = Instant::now();
        let LaunchDarkly { late, stale, .. } = self.launchdarkly;
        let items = self.changed.borrow().at(now - stale).0;
        let told = self.changed.borrow().at(now - late).1;
        (self.stage, self.told, self.at) = (Stage::Live, told, now + HEARTBEAT);
        Signal::Said(Said::Full(items), now)
    }

    /// The next change that the stream tells, and when.
    fn next_change(&mut self) -> Option<(usize, Instant)> {
        let state = self.changed.borrow_and_update();
        let rest = state.changes.iter().enumerate().skip(self.told);
        let mut told = rest.filter(|(_, change)| change.told);
        let (index, change) = told.next()?;
        Some((index, change.at + self.launchdarkly.late))
    }

    fn tell(&mut self, index: usize) -> Option<Signal> {
        self.told = index + 1;
        match &self.changed.borrow().changes.get(index)?.what {
            What::Item(key, item) => {
                let said = Said::Newer(key.clone(), item.clone());
                Some(Signal::Said(said, Instant::now()))
            }
            What::Everything(_) => None,
        }
    }
}

impl Speaks for Session {
    async fn next(&mut self) -> Result<Signal, Refusal> {
        loop {
            let change = match self.stage {
                Stage::Live => self.next_change(),
                Stage::Dialled | Stage::Connected | Stage::Mute | Stage::Babbling => {
                    self.changed.mark_unchanged();
                    None
                }
            };
            if self.changed.borrow().cuts > self.cuts {
                return Err(Refusal::Closed);
            }
            if matches!(self.stage, Stage::Babbling) && self.launchdarkly.babbles().await {
                return Ok(Signal::Alive);
            }
            tokio::select! {
                biased;
                () = until_due(change.map(|(_, at)| at)) => {
                    if let Some(signal) = change.and_then(|(index, _)| self.tell(index)) {
                        return Ok(signal);
                    }
                }
                () = until(self.at) => return match self.stage {
                    Stage::Dialled => self.answered(),
                    Stage::Connected => Ok(self.everything()),
                    Stage::Live | Stage::Mute | Stage::Babbling => {
                        self.at = Instant::now() + HEARTBEAT;
                        Ok(Signal::Alive)
                    }
                },
                changed = self.changed.changed() => changed.unwrap(),
            }
        }
    }
}

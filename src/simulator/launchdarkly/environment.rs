//! A simulated environment: what it says, who listens, and how the next attempts are answered.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use super::behaviour::Behaviour;
use super::items::{Items, path};
use super::wire::Message;
use crate::model::{ItemKey, Kind};
use crate::simulator::bell::Bell;

/// What clients of an environment did since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// Attempts to open a stream, whatever the answer.
    pub attempts: u64,
    /// Streams that were opened: the answer was a stream.
    pub connections: u64,
    /// Streams that are open now.
    pub open: u64,
    /// Times that the last open stream ended, and nobody listened.
    pub gaps: u64,
    /// Polls, whatever the answer.
    pub polls: u64,
}

/// A simulated environment. Clones are the same environment.
#[derive(Clone)]
pub struct SimulatedEnvironment(Arc<Inner>);

struct Inner {
    state: Mutex<EnvironmentState>,
    bell: Bell,
}

#[derive(Default)]
struct EnvironmentState {
    id: Option<String>,
    items: Items,
    stale: VecDeque<Items>,
    listeners: Vec<UnboundedSender<Message>>,
    seen: Activity,
    streams: Behaviours,
    polls: Behaviours,
}

struct Behaviours {
    next: VecDeque<Behaviour>,
    otherwise: Behaviour,
}

impl Default for Behaviours {
    fn default() -> Self {
        Self {
            next: VecDeque::new(),
            otherwise: Behaviour::normal(),
        }
    }
}

impl Behaviours {
    fn take(&mut self) -> Behaviour {
        self.next
            .pop_front()
            .unwrap_or_else(|| self.otherwise.clone())
    }
}

// What it says.
impl SimulatedEnvironment {
    pub(super) fn new() -> Self {
        Self(Arc::new(Inner {
            state: Mutex::default(),
            bell: Bell::default(),
        }))
    }

    /// Everything that it says now.
    pub fn items(&self) -> Items {
        self.lock().items.clone()
    }

    /// Adds or replaces a flag and announces it with a `patch`. The text stays as it is, byte for byte.
    ///
    /// # Panics
    ///
    /// If the text has no key.
    pub fn put_flag(&self, text: &str) {
        self.put_item(Kind::Flag, text);
    }

    /// Adds or replaces a segment and announces it with a `patch`. The text stays as it is, byte for byte.
    ///
    /// # Panics
    ///
    /// If the text has no key.
    pub fn put_segment(&self, text: &str) {
        self.put_item(Kind::Segment, text);
    }

    fn put_item(&self, kind: Kind, text: &str) {
        let mut state = self.lock();
        let key = state.items.insert(kind, text);
        let Some(key) = key else {
            panic!("a {kind} needs a key: `put` takes one beside the text");
        };
        state.say("patch", patch(&key, text));
    }

    /// Adds or replaces whatever text under a key and announces it with a `patch`.
    pub fn put(&self, key: &ItemKey, text: &str) {
        let mut state = self.lock();
        state.items.insert_as(key.clone(), text);
        state.say("patch", patch(key, text));
    }

    /// Removes a flag and announces it with a `delete` of this version.
    pub fn delete_flag(&self, key: &str, version: u64) {
        self.delete(&ItemKey::flag(key), version);
    }

    /// Removes a segment and announces it with a `delete` of this version.
    pub fn delete_segment(&self, key: &str, version: u64) {
        self.delete(&ItemKey::segment(key), version);
    }

    /// Removes an item and announces it with a `delete` of this version.
    pub fn delete(&self, key: &ItemKey, version: u64) {
        let mut state = self.lock();
        state.items.remove(key);
        let path = serde_json::Value::from(path(key));
        state.say(
            "delete",
            format!(r#"{{"path":{path},"version":{version}}}"#),
        );
    }

    /// Says something else from the next connection on. Who is connected hears nothing.
    pub fn replace(&self, items: Items) {
        self.lock().items = items;
    }

    /// Says something else, and tells who is connected with a new `put`.
    pub fn replace_and_announce(&self, items: Items) {
        let mut state = self.lock();
        let put = items.to_put();
        state.items = items;
        state.say("put", put);
    }

    /// [`SimulatedEnvironment::replace`] with the contents of a `put` event's data.
    pub fn load_put(&self, json: &str) -> anyhow::Result<()> {
        self.replace(Items::from_put(json)?);
        Ok(())
    }

    /// Changes what it says without telling who is connected.
    pub fn quietly(&self, change: impl FnOnce(&mut Items)) {
        change(&mut self.lock().items);
    }

    /// The next `connections` streams begin with this, as from a replica that lags behind.
    pub fn stale_answers(&self, connections: usize, items: &Items) {
        let stale = std::iter::repeat_n(items.clone(), connections);
        self.lock().stale.extend(stale);
    }

    /// Sends an `X-LD-EnvID` with every answer.
    pub fn set_id(&self, id: impl Into<String>) {
        self.lock().id = Some(id.into());
    }
}

// What goes over its open streams.
impl SimulatedEnvironment {
    /// Sends bytes as they are.
    pub fn send(&self, bytes: impl Into<Vec<u8>>) {
        let bytes = Bytes::from(bytes.into());
        self.lock().tell(&Message::Raw(bytes));
    }

    /// Sends an event that changes nothing of what the environment says. Data of several lines takes several `data:` lines.
    pub fn send_event(&self, name: &str, data: &str) {
        let data = Bytes::copy_from_slice(data.as_bytes());
        self.lock().tell(&Message::Named(name.into(), data));
    }

    /// Sends a `patch` that changes nothing of what the environment says: one that is late, or wrong.
    pub fn send_patch(&self, key: &ItemKey, text: &str) {
        self.send_event("patch", &patch(key, text));
    }

    /// Sends a comment.
    pub fn send_heartbeat(&self) {
        self.lock().tell(&Message::Heartbeat);
    }

    /// Cuts every stream after what was said so far.
    pub fn disconnect_all(&self) {
        self.lock().tell(&Message::Cut);
    }

    /// Ends every stream cleanly after what was said so far.
    pub fn close_all(&self) {
        self.lock().tell(&Message::Close);
    }
}

// How attempts are answered.
impl SimulatedEnvironment {
    /// The next attempt to open a stream is answered so. More than one call: one attempt each, in order.
    pub fn next(&self, behaviour: Behaviour) {
        self.lock().streams.next.push_back(behaviour);
    }

    /// The next `n` attempts to open a stream are answered so.
    pub fn next_times(&self, n: usize, behaviour: &Behaviour) {
        let behaviours = std::iter::repeat_n(behaviour.clone(), n);
        self.lock().streams.next.extend(behaviours);
    }

    /// Attempts to open a stream are answered so from now on, after those that were announced with `next`.
    pub fn always(&self, behaviour: Behaviour) {
        self.lock().streams.otherwise = behaviour;
    }

    /// The next poll is answered so.
    pub fn next_poll(&self, behaviour: Behaviour) {
        self.lock().polls.next.push_back(behaviour);
    }

    /// Polls are answered so from now on.
    pub fn always_poll(&self, behaviour: Behaviour) {
        self.lock().polls.otherwise = behaviour;
    }

    /// Every attempt from now on is answered as it should be.
    pub fn as_usual(&self) {
        let mut state = self.lock();
        state.streams = Behaviours::default();
        state.polls = Behaviours::default();
        state.stale.clear();
    }
}

// What clients did.
impl SimulatedEnvironment {
    /// What clients did since the start.
    pub fn seen(&self) -> Activity {
        self.lock().seen
    }

    /// Streams that were opened since the start.
    pub fn connections(&self) -> u64 {
        self.seen().connections
    }

    /// Returns once `n` streams have been opened since the start.
    ///
    /// # Panics
    ///
    /// After half a minute.
    pub async fn wait_for_connections(&self, n: u64) {
        let what = format!("{n} connections to LaunchDarkly");
        self.wait_until(&what, |seen| seen.connections >= n).await;
    }

    /// Returns once `n` attempts to open a stream have been made since the start.
    ///
    /// # Panics
    ///
    /// After half a minute.
    pub async fn wait_for_attempts(&self, n: u64) {
        let what = format!("{n} attempts to connect to LaunchDarkly");
        self.wait_until(&what, |seen| seen.attempts >= n).await;
    }

    /// Returns once no stream is open.
    ///
    /// # Panics
    ///
    /// After half a minute.
    pub async fn wait_for_nobody(&self) {
        let what = "every connection to LaunchDarkly to end";
        self.wait_until(what, |seen| seen.open == 0).await;
    }

    /// Returns once what clients did satisfies `done`. `what` says what is waited for, if it never comes.
    ///
    /// # Panics
    ///
    /// After half a minute.
    pub async fn wait_until(&self, what: &str, done: impl Fn(&Activity) -> bool) {
        self.0.bell.until(what, || done(&self.seen())).await;
    }
}

// For the handlers.
impl SimulatedEnvironment {
    pub(super) fn id(&self) -> Option<String> {
        self.lock().id.clone()
    }

    pub(super) fn attempt(&self) -> Behaviour {
        let behaviour = {
            let mut state = self.lock();
            state.seen.attempts += 1;
            state.streams.take()
        };
        self.0.bell.ring();
        behaviour
    }

    pub(super) fn poll(&self) -> Behaviour {
        let behaviour = {
            let mut state = self.lock();
            state.seen.polls += 1;
            state.polls.take()
        };
        self.0.bell.ring();
        behaviour
    }

    /// What a new stream begins with, and what is said after that: nothing lies between the two.
    pub(super) fn open(&self) -> (Items, UnboundedReceiver<Message>, Open) {
        let (speak, listen) = mpsc::unbounded_channel();
        let items = {
            let mut state = self.lock();
            state.listeners.push(speak);
            state.seen.connections += 1;
            state.seen.open += 1;
            match state.stale.pop_front() {
                Some(former) => former,
                None => state.items.clone(),
            }
        };
        self.0.bell.ring();
        (items, listen, Open(self.clone()))
    }

    fn lock(&self) -> MutexGuard<'_, EnvironmentState> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EnvironmentState {
    fn say(&mut self, event: &'static str, data: String) {
        self.tell(&Message::Event(event, data.into()));
    }

    fn tell(&mut self, message: &Message) {
        self.listeners
            .retain(|listener| listener.send(message.clone()).is_ok());
    }
}

/// A stream that is open; counted until it is dropped.
pub(super) struct Open(SimulatedEnvironment);

impl Drop for Open {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.seen.open -= 1;
        state.seen.gaps += u64::from(state.seen.open == 0);
        drop(state);
        self.0.0.bell.ring();
    }
}

fn patch(key: &ItemKey, text: &str) -> String {
    let path = serde_json::Value::from(path(key));
    format!(r#"{{"path":{path},"data":{text}}}"#)
}

//! A simulated environment: what it says.

use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc::UnboundedReceiver;

use super::items::{Items, path};
use super::stream::{Open, SimulatedStream};
use super::wire::Message;
use crate::model::{ItemKey, Kind};

/// A simulated environment, and the stream over which it says it. Clones are the same environment.
#[derive(Clone)]
pub struct SimulatedEnvironment {
    state: Arc<Mutex<EnvironmentState>>,
    stream: SimulatedStream,
}

#[derive(Default)]
struct EnvironmentState {
    id: Option<String>,
    items: Items,
    stale: VecDeque<Items>,
}

/// Its stream is told what to get wrong, and tells who listens, as any other.
impl Deref for SimulatedEnvironment {
    type Target = SimulatedStream;

    fn deref(&self) -> &SimulatedStream {
        &self.stream
    }
}

// What it says.
impl SimulatedEnvironment {
    pub(super) fn new() -> Self {
        Self {
            state: Arc::default(),
            stream: SimulatedStream::new(),
        }
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
        self.stream.say("patch", patch(&key, text));
    }

    /// Adds or replaces whatever text under a key and announces it with a `patch`.
    pub fn put(&self, key: &ItemKey, text: &str) {
        let mut state = self.lock();
        state.items.insert_as(key.clone(), text);
        self.stream.say("patch", patch(key, text));
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
        self.stream.say(
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
        self.stream.say("put", put);
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

    /// Sends a `patch` that changes nothing of what the environment says: one that is late, or wrong.
    pub fn send_patch(&self, key: &ItemKey, text: &str) {
        self.send_event("patch", &patch(key, text));
    }

    /// Every attempt from now on is answered as it should be.
    pub fn as_usual(&self) {
        self.lock().stale.clear();
        self.stream.as_usual();
    }
}

// For the handlers.
impl SimulatedEnvironment {
    pub(super) fn id(&self) -> Option<String> {
        self.lock().id.clone()
    }

    /// What a new stream begins with, and what is said after that: nothing lies between the two.
    pub(super) fn open(&self) -> (Items, UnboundedReceiver<Message>, Open) {
        let mut state = self.lock();
        let (messages, open) = self.stream.open();
        let items = match state.stale.pop_front() {
            Some(former) => former,
            None => state.items.clone(),
        };
        (items, messages, open)
    }

    fn lock(&self) -> MutexGuard<'_, EnvironmentState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn patch(key: &ItemKey, text: &str) -> String {
    let path = serde_json::Value::from(path(key));
    format!(r#"{{"path":{path},"data":{text}}}"#)
}

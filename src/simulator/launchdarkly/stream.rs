//! One place that clients connect to: who listens there, how the next attempts are answered, and what clients did.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use super::behaviour::Behaviour;
use super::wire::Message;
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

/// A simulated stream, with the polls beside it. Clones are the same stream.
#[derive(Clone)]
pub struct SimulatedStream(Arc<StreamInner>);

struct StreamInner {
    state: Mutex<StreamState>,
    bell: Bell,
}

#[derive(Default)]
struct StreamState {
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

// What goes over the connections that are open.
impl SimulatedStream {
    /// Sends bytes as they are.
    pub fn send(&self, bytes: impl Into<Vec<u8>>) {
        let bytes = Bytes::from(bytes.into());
        self.tell(&Message::Raw(bytes));
    }

    /// Sends an event that changes nothing of what is said to who connects next. Data of several lines takes several `data:` lines.
    pub fn send_event(&self, name: &str, data: &str) {
        let data = Bytes::copy_from_slice(data.as_bytes());
        self.tell(&Message::Named(name.into(), data));
    }

    /// Sends a comment.
    pub fn send_heartbeat(&self) {
        self.tell(&Message::Heartbeat);
    }

    /// Cuts every stream after what was said so far.
    pub fn disconnect_all(&self) {
        self.tell(&Message::Cut);
    }

    /// Ends every stream cleanly after what was said so far.
    pub fn close_all(&self) {
        self.tell(&Message::Close);
    }
}

// How attempts are answered.
impl SimulatedStream {
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
    }
}

// What clients did.
impl SimulatedStream {
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
impl SimulatedStream {
    pub(super) fn new() -> Self {
        Self(Arc::new(StreamInner {
            state: Mutex::default(),
            bell: Bell::default(),
        }))
    }

    /// Announces an event to who is connected.
    pub(super) fn say(&self, event: &'static str, data: String) {
        self.tell(&Message::Event(event, data.into()));
    }

    fn tell(&self, message: &Message) {
        self.lock()
            .listeners
            .retain(|listener| listener.send(message.clone()).is_ok());
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

    /// What is said from now on, to one who listens more.
    pub(super) fn open(&self) -> (UnboundedReceiver<Message>, Open) {
        let (speak, listen) = mpsc::unbounded_channel();
        {
            let mut state = self.lock();
            state.listeners.push(speak);
            state.seen.connections += 1;
            state.seen.open += 1;
        }
        self.0.bell.ring();
        (listen, Open(self.clone()))
    }

    fn lock(&self) -> MutexGuard<'_, StreamState> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream that is open; counted until it is dropped.
pub(super) struct Open(SimulatedStream);

impl Drop for Open {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.seen.open -= 1;
        state.seen.gaps += u64::from(state.seen.open == 0);
        drop(state);
        self.0.0.bell.ring();
    }
}

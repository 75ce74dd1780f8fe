//! The loop of the half that listens: holds the connections that the [`Listener`] decides on, and waits. It decides nothing.

use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use super::cell::Cell;
use super::control::Control;
use super::report::ListenReporter;
use super::source::{Source, Speaks};
use super::time::{now, reached};
use crate::launchdarkly::{Refusal, Signal};
use crate::listener::{ConnectionOrder, ListenEvent, Listener, Role};
use crate::metrics::ConnectionGuard;
use crate::secrets::Kept;

/// What the loop is connected with.
pub(super) struct ListenLoop<'a, S> {
    pub(super) source: &'a S,
    pub(super) cell: &'a Cell,
    pub(super) launchdarkly_id: Option<&'a str>,
    pub(super) key: &'a Kept,
    pub(super) control: &'a Control,
    pub(super) reporter: ListenReporter<'a>,
}

/// A connection, counted as open from when LaunchDarkly answered.
struct OpenSession<S> {
    session: S,
    counted: Option<ConnectionGuard>,
}

impl<S: Source> ListenLoop<'_, S> {
    /// Runs until `stop`, and then closes what is open.
    pub(super) async fn run(mut self, mut listener: Listener, stop: &CancellationToken) {
        let mut key = self.key.value();
        let (mut current, mut new) = (None, None);
        // What came while there was no term.
        let mut event = Some(ListenEvent::Woken(self.control.take()));
        loop {
            if let Some(event) = event.take() {
                listener.heed(event, self.cell, now());
            }
            let keyless = key.is_none().then(|| self.key.trouble());
            let due = listener.next(keyless, self.cell, now());
            for order in listener.orders() {
                match order {
                    ConnectionOrder::Open => new = key.as_ref().map(|key| self.open(key)),
                    ConnectionOrder::Close(Role::New) => new = None,
                    ConnectionOrder::Close(Role::Current) => current = None,
                    ConnectionOrder::HandOver => current = new.take(),
                    ConnectionOrder::RecheckKey => self.key.recheck(),
                }
            }
            self.reporter.tell(listener.facts());
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                // Before those who may have something to say without end.
                () = self.key.other_than(key.as_ref()) => {
                    let before = std::mem::replace(&mut key, self.key.value());
                    event = Some(ListenEvent::Rekeyed { had_one: before.is_some() });
                }
                () = self.control.woken() => event = Some(ListenEvent::Woken(self.control.take())),
                (which, heard) = either(&mut current, &mut new) => event = Some(match which {
                    Role::Current => told(which, heard, &mut current),
                    Role::New => {
                        let heard = heard.map(|signal| signal.of(self.launchdarkly_id));
                        if let (Ok(Signal::Connected(_)), Some(open)) = (&heard, &mut new) {
                            open.counted = Some(self.reporter.connected());
                        }
                        told(which, heard, &mut new)
                    }
                }),
                () = reached(due) => {}
                () = self.cell.wished() => {}
            }
        }
        listener.stop();
        self.reporter.tell(listener.facts());
    }

    fn open(&self, key: &SecretString) -> OpenSession<S::Session> {
        OpenSession {
            session: self.source.open(key),
            counted: None,
        }
    }
}

/// The next signal of one of them. Neither goes first: one that never pauses would keep the other from being heard.
async fn either<S: Speaks>(
    current: &mut Option<OpenSession<S>>,
    new: &mut Option<OpenSession<S>>,
) -> (Role, Result<Signal, Refusal>) {
    tokio::select! {
        heard = next(current) => (Role::Current, heard),
        heard = next(new) => (Role::New, heard),
    }
}

/// The next signal, or never where there is no connection.
async fn next<S: Speaks>(open: &mut Option<OpenSession<S>>) -> Result<Signal, Refusal> {
    match open {
        Some(open) => open.session.next().await,
        None => std::future::pending().await,
    }
}

fn told<S>(
    which: Role,
    heard: Result<Signal, Refusal>,
    open: &mut Option<OpenSession<S>>,
) -> ListenEvent {
    match heard {
        Ok(signal) => ListenEvent::Signal(which, signal),
        Err(refusal) => {
            *open = None;
            ListenEvent::Ended(which, refusal)
        }
    }
}

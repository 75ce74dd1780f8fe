//! A connection says something: what becomes of it, and what is told of it.

use tokio::time::Instant;

use super::fact::ListenFact;
use super::line::{ConnectionState, Role};
use super::step::{ConnectionOrder, Context, Listener};
use super::vocabulary::{Action, Ignored, SessionEnd};
use crate::launchdarkly::Signal;
use crate::launchdarkly::fdv1::{Said, Unknown};
use crate::model::{Applied, At, DataSet, Item, ItemKey, ReopenCause};

impl Listener {
    pub(super) fn heard(&mut self, which: Role, signal: Signal, shared: &impl Context, at: At) {
        let Some(line) = self.state.line_mut(which) else {
            return;
        };
        match signal {
            Signal::Connected(greeting) => {
                let id = greeting.environment_id;
                line.environment_id = id.as_deref().map(Into::into);
                self.facts.push(ListenFact::Connected(id));
            }
            Signal::Asked(asked) => line.asked = asked,
            Signal::Said(said, received) => {
                line.answers += u32::from(matches!(said, Said::Full(_)));
                self.said(which, said, received, shared, at);
            }
            Signal::RetryDelay(delay) => self.backoff.server_wants(delay),
            Signal::Alive => line.answers += 1,
        }
        match (&self.state, which) {
            // It has not said everything yet, and the current one may be gone without our knowing.
            (ConnectionState::HandingOver { .. }, Role::New) => return,
            (_, Role::Current) => self.is_good(at),
            _ => {}
        }
        self.tell_owed();
        // After what was said was taken: who is told how far we have heard must not think that it is stored.
        self.facts.push(ListenFact::Heard(self.taken));
    }

    fn said(&mut self, which: Role, said: Said, received: Instant, shared: &impl Context, at: At) {
        match (said, which) {
            (Said::Full(items), _) => self.said_everything(which, items, received, shared, at),
            (Said::Unknown(unknown), _) => {
                let reason = match unknown {
                    Unknown::Event => Ignored::UnknownEvent,
                    Unknown::Path => Ignored::UnknownKind,
                };
                self.facts.push(ListenFact::Ignored(reason));
            }
            // Before it has said everything, a connection says nothing that counts.
            (Said::Newer(..) | Said::Hint, Role::New) => {}
            (Said::Newer(key, item), Role::Current) => {
                self.malformed = 0;
                self.newer(key, item, received, shared);
            }
            (Said::Hint, Role::Current) => self.hinted(received, ReopenCause::Hint, shared),
        }
    }

    fn said_everything(
        &mut self,
        which: Role,
        items: DataSet,
        received: Instant,
        shared: &impl Context,
        at: At,
    ) {
        let mut took = None;
        if which == Role::New && self.is_outrun() {
            // The current session has polled since then: this is older than what was said.
            self.state.close(Role::New);
            self.orders.push(ConnectionOrder::Close(Role::New));
            self.facts.push(ListenFact::Ended(SessionEnd::Reopened));
            return;
        }
        if which == Role::New {
            if let Some(old) = self.state.hand_over(received) {
                self.was_good(&old, at);
                self.facts.push(ListenFact::Ended(SessionEnd::Reopened));
            }
            self.orders.push(ConnectionOrder::HandOver);
        }
        let Some(line) = self.state.current() else {
            return;
        };
        let (asked, id) = (line.asked, line.environment_id.clone());
        if which == Role::New {
            took = Some(received.saturating_duration_since(asked));
        }
        self.malformed = 0;
        self.hinted_at = self.hinted_at.filter(|hinted_at| asked < *hinted_at);
        let count = items.len();
        let changed = shared.full(items, asked, received, id);
        self.taken = changed.generation;
        let answered = self.hints.everything(asked, &changed.items, received);
        self.facts.push(ListenFact::SaidEverything {
            items: count,
            took,
            changed: changed.counts,
            generation: changed.generation,
        });
        self.facts.push(ListenFact::Hints(answered));
    }

    /// Whether the current connection asked for what it last said after the new one did.
    fn is_outrun(&self) -> bool {
        let current = self.state.current().map(|line| line.asked);
        let new = self.state.new_line().map(|line| line.asked);
        current.is_some() && current > new
    }

    fn newer(&mut self, key: ItemKey, item: Item, received: Instant, shared: &impl Context) {
        let action = if item.is_tombstone() {
            Action::Delete
        } else {
            Action::Put
        };
        let version = item.version();
        // Everything has been said by whom we listen to.
        let Some((applied, generation)) = shared.newer(&key, item, received) else {
            return;
        };
        self.taken = generation;
        match applied {
            Applied::Yes => {
                self.facts
                    .push(ListenFact::Changed(key.kind, action, generation));
            }
            Applied::Same => self.facts.push(ListenFact::Ignored(Ignored::Same)),
            Applied::Older => {
                self.facts.push(ListenFact::Ignored(Ignored::Older));
                self.facts.push(ListenFact::Older { key, version });
                self.hinted(received, ReopenCause::Older, shared);
                return;
            }
        }
        let answered = self.hints.delivered(&key, received);
        self.facts.push(ListenFact::Hints(answered));
    }

    /// The stream tells that there is something else than was said, and not what.
    fn hinted(&mut self, received: Instant, cause: ReopenCause, shared: &impl Context) {
        self.hinted_at = Some(received);
        shared.wish(received, cause);
    }

    /// Until that has come, a sign of life does not say that nothing is missing.
    pub(super) fn tell_owed(&mut self) {
        let owed = self.hinted_at.is_some() || self.hints.is_late();
        if std::mem::replace(&mut self.owed, owed) != owed {
            self.facts.push(ListenFact::Owed(owed));
        }
    }
}

//! What webhooks announced, and whether the stream delivers it: if not, everything is to be asked for again. Pure.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::control::Hint;
use super::recent::Recent;
use crate::listener::Wake;
use crate::model::ItemKey;

/// How long the stream may take to deliver what a webhook announced.
const PATIENCE: Duration = Duration::from_secs(5);
/// Everything is asked for again no more often than this on account of webhooks, however many come.
const APART: Duration = Duration::from_secs(30);
/// More hints than this become one hint that anything may have changed.
const MOST: usize = 1_000;

/// The hints that were given, and what was delivered of late.
#[derive(Debug, Default)]
pub(super) struct Hints {
    /// In the order in which they came.
    pending: VecDeque<Pending>,
    delivered: Recent,
    /// When asking for everything was last wished on their account. To ask later than a hint came is enough for it.
    wished: Option<Instant>,
}

#[derive(Debug)]
struct Pending {
    /// None: anything.
    item: Option<ItemKey>,
    came: Instant,
    due: Instant,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The stream has time left to deliver it.
    InTime,
    /// The stream was there and did not.
    Late,
    /// There was no stream to do it. The next connection brings everything, or has its time to deliver what it does not.
    Excused,
}

/// What became of hints that need nothing more.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Settled {
    /// Delivered in time, or by the connection after a stream that was gone.
    pub(super) on_time: u64,
    /// Everything was said since then, and brought nothing.
    pub(super) no_change: u64,
    /// Delivered too late, or only by asking for everything.
    pub(super) late: u64,
    /// One of the late ones that names its item.
    pub(super) late_item: Option<ItemKey>,
}

impl Settled {
    fn add(&mut self, pending: &Pending, brought: bool) {
        match (pending.stage, brought) {
            (_, false) => self.no_change += 1,
            (Stage::InTime | Stage::Excused, true) => self.on_time += 1,
            (Stage::Late, true) => {
                self.late += 1;
                if self.late_item.is_none() {
                    self.late_item.clone_from(&pending.item);
                }
            }
        }
    }

    /// For the metric.
    pub(super) const fn wakes(&self) -> [(Wake, u64); 3] {
        [
            (Wake::OnTime, self.on_time),
            (Wake::NoChange, self.no_change),
            (Wake::LateStream, self.late),
        ]
    }
}

impl Hints {
    /// A hint came.
    pub(super) fn hint(&mut self, hint: Hint, came: Instant) -> Settled {
        let known = |item| self.delivered.since(item, hint.happened).is_some();
        if hint.item.as_ref().is_some_and(known) {
            return Settled {
                on_time: 1,
                ..Settled::default()
            };
        }
        let many = self.pending.len() >= MOST;
        match self.pending.back_mut() {
            Some(last) if many && last.item.is_none() => last.came = came,
            _ => self.pending.push_back(Pending {
                item: hint.item.filter(|_| !many),
                came,
                due: came + PATIENCE,
                stage: Stage::InTime,
            }),
        }
        Settled::default()
    }

    /// The stream delivered a change of this item.
    pub(super) fn delivered(&mut self, key: &ItemKey, received: Instant) -> Settled {
        self.delivered.note(key, received);
        let mut settled = Settled::default();
        self.pending.retain(|pending| {
            let meant = pending.item.as_ref() == Some(key);
            if meant {
                settled.add(pending, true);
            }
            !meant
        });
        settled
    }

    /// A full set came that was asked for at `asked` and changed these items.
    pub(super) fn everything(
        &mut self,
        asked: Instant,
        changed: &HashSet<ItemKey>,
        received: Instant,
    ) -> Settled {
        for key in changed {
            self.delivered.note(key, received);
        }
        let mut settled = Settled::default();
        self.pending.retain(|pending| {
            let named = |item| changed.contains(item);
            let delivered = pending.item.as_ref().is_some_and(named);
            let done = delivered || pending.came <= asked;
            if done {
                let anything = pending.item.is_none() && !changed.is_empty();
                settled.add(pending, delivered || anything);
            }
            !done
        });
        // It was asked for before they came, so it may lack what they announce; from now on there is a stream to deliver it.
        for pending in &mut self.pending {
            if pending.stage == Stage::Excused {
                (pending.stage, pending.due) = (Stage::InTime, received + PATIENCE);
            }
        }
        settled
    }

    /// Whether everything is to be asked for again now. `connected`: there is a stream; `asking`: when a connection that
    /// is being opened asked for everything.
    pub(super) fn look(&mut self, now: Instant, connected: bool, asking: Option<Instant>) -> bool {
        for pending in &mut self.pending {
            if pending.stage == Stage::InTime && pending.due <= now {
                pending.stage = if connected {
                    Stage::Late
                } else {
                    Stage::Excused
                };
            }
        }
        let wish = self.wish_at(asking).is_some_and(|at| at <= now);
        if wish {
            self.wished = Some(now);
        }
        wish
    }

    /// When to look.
    pub(super) fn due(&self, asking: Option<Instant>) -> Option<Instant> {
        let in_time = self.pending.iter().filter(|it| it.stage == Stage::InTime);
        let in_time = in_time.map(|pending| pending.due);
        in_time.chain(self.wish_at(asking)).min()
    }

    /// When everything may be wished again, if a late hint wants that and it is not being asked for already.
    fn wish_at(&self, asking: Option<Instant>) -> Option<Instant> {
        let asked = self.wished.max(asking);
        let wants = |it: &&Pending| it.stage == Stage::Late && Some(it.came) > asked;
        let due = self.pending.iter().filter(wants).map(|it| it.due).min()?;
        Some(self.wished.map_or(due, |wished| due.max(wished + APART)))
    }
}

#[cfg(test)]
mod tests;

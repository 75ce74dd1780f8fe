//! What webhooks announced, and whether the stream delivers it: if not, everything is to be asked for again. An
//! environment that polls has no stream to wait for and asks at once. Pure.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::recent::RecentItems;
use super::vocabulary::WakeResult;
use crate::launchdarkly::Transport;
use crate::model::ItemKey;

/// How long the stream may take to deliver what a webhook announced.
const PATIENCE: Duration = Duration::from_secs(5);
/// Everything is asked for again no more often than this on account of webhooks, however many come.
const APART: Duration = Duration::from_secs(30);
/// The same for who polls.
const POLLS_APART: Duration = Duration::from_secs(5);
/// How long a poll may take to bring what a webhook announced: [`POLLS_APART`] until it may be sent, and as long again for its
/// answer.
const POLL_PATIENCE: Duration = Duration::from_secs(10);
/// More hints than this become one hint that anything may have changed.
const MOST: usize = 1_000;

/// That something changed at LaunchDarkly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// The item; none where everything may have changed.
    pub item: Option<ItemKey>,
    /// When it did, as its date says. Not in the future.
    pub happened: Instant,
}

/// The hints that were given, and what was delivered of late.
#[derive(Debug)]
pub(super) struct Hints {
    transport: Transport,
    /// In the order in which they came.
    pending: VecDeque<Pending>,
    delivered: RecentItems,
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
    /// There is no stream to deliver it: it is asked for, and has time left to come.
    Wanted,
    /// There was no stream to do it. The next connection brings everything, or has its time to deliver what it does not.
    Excused,
}

/// What became of hints that need nothing more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HintOutcomes {
    /// Delivered in time, or by the connection after a stream that was gone.
    pub on_time: u64,
    /// Everything was said since then, and brought nothing.
    pub no_change: u64,
    /// Delivered too late, or only by asking for everything.
    pub late: u64,
    /// One of the late ones that names its item.
    pub late_item: Option<ItemKey>,
}

impl HintOutcomes {
    fn add(&mut self, pending: &Pending, brought: bool) {
        match (pending.stage, brought) {
            (_, false) => self.no_change += 1,
            (Stage::InTime | Stage::Wanted | Stage::Excused, true) => self.on_time += 1,
            (Stage::Late, true) => {
                self.late += 1;
                if self.late_item.is_none() {
                    self.late_item.clone_from(&pending.item);
                }
            }
        }
    }

    /// The same for all of them.
    pub(super) fn add_all(&mut self, other: Self) {
        self.on_time += other.on_time;
        self.no_change += other.no_change;
        self.late += other.late;
        if self.late_item.is_none() {
            self.late_item = other.late_item;
        }
    }

    /// For the metric.
    pub const fn wakes(&self) -> [(WakeResult, u64); 3] {
        [
            (WakeResult::OnTime, self.on_time),
            (WakeResult::NoChange, self.no_change),
            (WakeResult::LateStream, self.late),
        ]
    }
}

impl Hints {
    /// None yet.
    pub(super) fn new(transport: Transport) -> Self {
        Self {
            transport,
            pending: VecDeque::new(),
            delivered: RecentItems::default(),
            wished: None,
        }
    }

    /// How long after a hint everything is asked for, and how far apart that is.
    const fn patience(&self) -> (Duration, Duration) {
        match self.transport {
            Transport::Stream => (PATIENCE, APART),
            Transport::Poll(_) => (Duration::ZERO, POLLS_APART),
        }
    }

    /// A hint came.
    pub(super) fn hint(&mut self, hint: Hint, came: Instant) -> HintOutcomes {
        // What a poll brought just before tells nothing of what happens now, and asking costs little.
        let streams = self.transport == Transport::Stream;
        let known = |item| streams && self.delivered.since(item, hint.happened).is_some();
        if hint.item.as_ref().is_some_and(known) {
            return HintOutcomes {
                on_time: 1,
                ..HintOutcomes::default()
            };
        }
        let many = self.pending.len() >= MOST;
        let due = came + self.patience().0;
        match self.pending.back_mut() {
            Some(last) if many && last.item.is_none() => last.came = came,
            _ => self.pending.push_back(Pending {
                item: hint.item.filter(|_| !many),
                came,
                due,
                stage: Stage::InTime,
            }),
        }
        HintOutcomes::default()
    }

    /// The stream delivered a change of this item.
    pub(super) fn delivered(&mut self, key: &ItemKey, received: Instant) -> HintOutcomes {
        self.delivered.note(key, received);
        let mut answered = HintOutcomes::default();
        self.pending.retain(|pending| {
            let meant = pending.item.as_ref() == Some(key);
            if meant {
                answered.add(pending, true);
            }
            !meant
        });
        answered
    }

    /// A full set came that was asked for at `asked` and changed these items.
    pub(super) fn everything(
        &mut self,
        asked: Instant,
        changed: &HashSet<ItemKey>,
        received: Instant,
    ) -> HintOutcomes {
        for key in changed {
            self.delivered.note(key, received);
        }
        let mut answered = HintOutcomes::default();
        self.pending.retain(|pending| {
            let named = |item| changed.contains(item);
            let delivered = pending.item.as_ref().is_some_and(named);
            let done = delivered || pending.came <= asked;
            if done {
                let anything = pending.item.is_none() && !changed.is_empty();
                answered.add(pending, delivered || anything);
            }
            !done
        });
        // It was asked for before they came, so it may lack what they announce; from now on there is a stream to deliver it.
        let due = received + self.patience().0;
        for pending in &mut self.pending {
            if pending.stage == Stage::Excused {
                (pending.stage, pending.due) = (Stage::InTime, due);
            }
        }
        answered
    }

    /// Whether everything is to be asked for again now. `connected`: there is a stream; `asking`: when a connection that
    /// is being opened asked for everything.
    pub(super) fn look(&mut self, now: Instant, connected: bool, asking: Option<Instant>) -> bool {
        for pending in &mut self.pending {
            if pending.stage == Stage::Wanted && pending.came + POLL_PATIENCE <= now {
                pending.stage = Stage::Late;
            }
            if pending.stage == Stage::InTime && pending.due <= now {
                pending.stage = match self.transport {
                    _ if !connected => Stage::Excused,
                    Transport::Stream => Stage::Late,
                    Transport::Poll(_) => Stage::Wanted,
                };
            }
        }
        let wish = self.wish_at(asking).is_some_and(|at| at <= now);
        if wish {
            self.wished = Some(now);
        }
        wish
    }

    /// Whether a webhook announced what has not come yet.
    pub(super) fn is_waiting(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Whether what a webhook announced did not come in time, and has not come since.
    pub(super) fn is_late(&self) -> bool {
        self.pending.iter().any(|it| it.stage == Stage::Late)
    }

    /// When to look.
    pub(super) fn due(&self, asking: Option<Instant>) -> Option<Instant> {
        let in_time = self.pending.iter().filter(|it| it.stage == Stage::InTime);
        let in_time = in_time.map(|pending| pending.due);
        let wanted = self.pending.iter().filter(|it| it.stage == Stage::Wanted);
        let wanted = wanted.map(|pending| pending.came + POLL_PATIENCE);
        in_time.chain(wanted).chain(self.wish_at(asking)).min()
    }

    /// When everything may be wished again, if a late hint wants that and it is not being asked for already.
    fn wish_at(&self, asking: Option<Instant>) -> Option<Instant> {
        let asked = self.wished.max(asking);
        let wants = |it: &&Pending| {
            matches!(it.stage, Stage::Late | Stage::Wanted) && Some(it.came) > asked
        };
        let due = self.pending.iter().filter(wants).map(|it| it.due).min()?;
        let apart = self.patience().1;
        Some(self.wished.map_or(due, |wished| due.max(wished + apart)))
    }
}

#[cfg(test)]
mod tests;

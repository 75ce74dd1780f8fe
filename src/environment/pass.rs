//! One comparison and what follows from it: the writes of a plan, stage by stage, some in flight at once.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::identity::tell;
use super::write::{Writer, go_on_looking};
use crate::model::ItemKey;
use crate::plan::identity::{Admission, admit};
use crate::plan::{self, Plan, Policy, Scope, Write};
use crate::table::{Outcome, Table, Trouble};

/// After so long a pass sends nothing more and looks at the cell again: what changed last goes first.
const PASS_TIME: Duration = Duration::from_millis(250);

/// Attempts to remember whose data this is, in one pass: somebody else may do it at the same time.
const REMEMBER_AT_MOST: usize = 3;

/// What comes of looking at both maps.
enum Planned {
    /// What to write.
    Made(Plan),
    /// This ID is to be remembered first.
    Remember(Arc<str>),
    /// There is nothing that may be compared.
    Nothing,
}

/// How a pass ended.
#[derive(Default)]
pub(super) struct PassEnd {
    /// What went wrong first.
    pub(super) trouble: Option<Trouble>,
    /// Writes that were applied.
    pub(super) applied: usize,
}

/// A write that was sent and answered.
pub(super) struct Done {
    pub(super) write: Write,
    pub(super) outcome: Outcome,
    /// Write units by DynamoDB's count; 0 where it did not say.
    pub(super) units: f64,
    /// Write units by ours.
    pub(super) expected: f64,
    pub(super) sent: Instant,
    pub(super) answered: Instant,
}

/// What settling a write means for the stage it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    /// Stored, or held by name: the stage goes on.
    Durable,
    /// To be sent again, later in this pass.
    Again,
    /// To be compared again: no later stage in this pass.
    Open,
}

impl Writer<'_> {
    /// Compares what is to be compared and writes the difference. Begins nothing new once asked to stop, or after
    /// something failed, or after a while; finishes what it began.
    pub(super) async fn pass(&mut self, stop: &CancellationToken) -> PassEnd {
        let mut end = PassEnd::default();
        let settled = tokio::select! {
            biased;
            () = stop.cancelled() => return end,
            settled = self.settle_doubts() => settled,
        };
        if let Err(trouble) = settled {
            end.trouble = Some(trouble);
            // Who speaks of them by then is not known now.
            self.expired.clear();
            return end;
        }
        // What came while doubtful rows were read.
        self.take_touched();
        let Some(plan) = self.admitted_plan(stop, &mut end).await else {
            self.expired.clear();
            return end;
        };
        self.used_confirmation(Some(&plan));
        self.report_plan(&plan);
        let Plan { stages, held } = plan;
        self.holds = held;
        let writes = stages.iter().flatten();
        self.backlog = writes.filter_map(key_of).cloned().collect();
        self.everything = false;
        self.expired.clear();
        let marks = stages
            .last()
            .is_some_and(|stage| stage.contains(&Write::MarkInitialized));
        let table = self.environment.table.clone();
        let deadline = Instant::now() + PASS_TIME;
        for stage in stages {
            if !self.stage(&table, stage, deadline, stop, &mut end).await {
                break;
            }
        }
        self.unmarked = marks && !self.observed.initialized;
        self.urgent.retain(|key| self.backlog.contains(key));
        self.report_pass();
        end
    }

    /// Plans, once it is remembered whose data this is.
    async fn admitted_plan(&mut self, stop: &CancellationToken, end: &mut PassEnd) -> Option<Plan> {
        for _ in 0..REMEMBER_AT_MOST {
            match self.plan() {
                Planned::Made(plan) => {
                    self.unremembered = false;
                    return Some(plan);
                }
                Planned::Nothing => {
                    self.used_confirmation(None);
                    return None;
                }
                Planned::Remember(_) if stop.is_cancelled() => return None,
                Planned::Remember(id) => {
                    // Boxed, as it is rare and every environment's task would be larger for it.
                    if let Err(trouble) = Box::pin(self.remember_identity(id)).await {
                        self.count_error(&trouble);
                        end.trouble = Some(trouble);
                        return None;
                    }
                }
            }
        }
        // Somebody else changes it as often as we do.
        end.trouble = Some(Trouble::Other("PutItem", "other contents each time".into()));
        None
    }

    fn plan(&mut self) -> Planned {
        let environment = self.environment;
        self.backlog.extend(self.expired.iter().cloned());
        let scope = if self.everything {
            Scope::All
        } else {
            Scope::Keys(&self.backlog)
        };
        // Whose data it is, is judged of the very data that is planned.
        let planned = self.cell.look_at_whose(|desired, said| {
            let desired = desired?;
            let confirmed = self.confirmed.filter(|it| it.set == Some(desired.asked));
            let policy = Policy {
                now: Instant::now(),
                namespace_bytes: environment.table.layout.namespace_bytes(),
                confirmed_removals: confirmed
                    .map(|it| it.removals)
                    .or(environment.habits.confirmed_removals),
                urgent: &self.urgent,
                leave: &self.left,
                leave_marker: self.left_marker,
                expired: &self.expired,
            };
            Some(match admit(said, &self.known()) {
                Admission::Fine => Ok(Planned::Made(plan::plan(
                    desired,
                    &self.observed,
                    &self.holds,
                    scope,
                    &policy,
                ))),
                Admission::Remember(id) => Ok(Planned::Remember(id.into())),
                Admission::Refused(mismatch) => Err(tell(&environment.name, &mismatch)),
            })
        });
        match planned {
            Some(Ok(planned)) => planned,
            Some(Err(why)) => {
                self.refuse(why);
                Planned::Nothing
            }
            None => {
                // The first full set will have everything compared.
                self.everything = false;
                self.backlog.clear();
                self.expired.clear();
                self.unremembered = false;
                Planned::Nothing
            }
        }
    }

    /// Sends the writes of one stage; false if no later stage may begin now.
    async fn stage(
        &mut self,
        table: &Table,
        writes: Vec<Write>,
        deadline: Instant,
        stop: &CancellationToken,
        end: &mut PassEnd,
    ) -> bool {
        let mut queue = VecDeque::from(writes);
        let mut flight = FuturesUnordered::new();
        let mut open = false;
        loop {
            let mut pause = None;
            while flight.len() < self.environment.habits.concurrency && !queue.is_empty() {
                let now = Instant::now();
                if stop.is_cancelled() || end.trouble.is_some() || now >= deadline {
                    (open, pause) = (true, None);
                    queue.clear();
                    break;
                }
                let at = queue.front().map_or(now, |write| self.may_send(write, now));
                if at > now {
                    pause = Some(at.min(deadline));
                    break;
                }
                let Some(write) = queue.pop_front() else {
                    break;
                };
                let expected = self.expected_units(&write);
                if let Some(key) = key_of(&write) {
                    self.paces[key.kind.index()].send(now, expected);
                }
                flight.push(send(table, write, now, expected));
            }
            if flight.is_empty() && pause.is_none() {
                return !open;
            }
            tokio::select! {
                biased;
                Some(done) = flight.next() => {
                    let write = done.write.clone();
                    match self.settle(done, end) {
                        Settled::Durable => {}
                        Settled::Again => queue.push_front(write),
                        Settled::Open => open = true,
                    }
                }
                () = go_on_looking(&mut self.looking) => {}
                () = sleep_until(pause.unwrap_or(deadline)), if pause.is_some() => {}
                () = stop.cancelled(), if pause.is_some() => {}
            }
        }
    }

    fn may_send(&self, write: &Write, now: Instant) -> Instant {
        key_of(write).map_or(now, |key| self.paces[key.kind.index()].next(now))
    }

    /// Write units are started KB of the new row; that the old one may have been larger, DynamoDB tells by refusing.
    fn expected_units(&self, write: &Write) -> f64 {
        let namespace_bytes = self.environment.table.layout.namespace_bytes();
        let bytes = match write {
            Write::Put(key, item, _) => item.row_bytes(key, namespace_bytes),
            Write::Remove(..) | Write::MarkInitialized => 1,
        };
        f64::from(u32::try_from(bytes.div_ceil(1_024)).unwrap_or(u32::MAX))
    }
}

/// The item that a write is about.
pub(super) fn key_of(write: &Write) -> Option<&ItemKey> {
    match write {
        Write::Put(key, ..) | Write::Remove(key, _) => Some(key),
        Write::MarkInitialized => None,
    }
}

async fn send(table: &Table, write: Write, sent: Instant, expected: f64) -> Done {
    let (outcome, units) = match &write {
        Write::Put(key, item, seen) => table.put(key, item, seen.as_ref()).await,
        Write::Remove(key, seen) => table.remove(key, seen).await,
        Write::MarkInitialized => table.mark_initialized().await,
    };
    Done {
        write,
        outcome,
        units,
        expected,
        sent,
        answered: Instant::now(),
    }
}

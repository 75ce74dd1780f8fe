//! What an answer means for what is remembered.

use futures_util::stream::{self, StreamExt};
use tokio::time::Instant;
use tracing::info;

use super::pass::{Done, PassEnd, Settled, key_of};
use super::write::Writer;
use crate::model::{ItemKey, Stamp};
use crate::plan::Write;
use crate::table::{Op, Outcome, Trouble};
use crate::writer::Purpose;

impl Writer<'_> {
    /// Reads the rows that a write left in doubt, before anything else.
    pub(super) async fn settle_doubts(&mut self) -> Result<(), Trouble> {
        let table = &self.environment.table;
        let concurrency = self.environment.habits.concurrency;
        let keys: Vec<_> = self.doubtful.iter().cloned().collect();
        let mut reads = stream::iter(keys)
            .map(async |key| (table.read(&key).await, key))
            .buffer_unordered(concurrency);
        let mut trouble = None;
        let mut known = Vec::new();
        while let Some((read, key)) = reads.next().await {
            match read {
                Ok(row) => known.push((key, row)),
                Err(error) => trouble = Some(error),
            }
        }
        drop(reads);
        for (key, row) in known {
            self.environment
                .metrics
                .spent(Op::Read, Purpose::Settle, row.units);
            self.doubtful.remove(&key);
            self.backlog.insert(key.clone());
            self.remember(key, row.value);
        }
        trouble.map_or(Ok(()), Err)
    }

    /// Takes the answer to a write.
    pub(super) fn settle(&mut self, done: Done, end: &mut PassEnd) -> Settled {
        let metrics = &self.environment.metrics;
        metrics.writes.of(done.outcome.label()).increment(1);
        metrics
            .write_seconds
            .record((done.answered - done.sent).as_secs_f64());
        let purpose = if done.write == Write::MarkInitialized {
            Purpose::Marker
        } else {
            Purpose::Change
        };
        self.report_spent(purpose, done.units);
        if matches!(
            done.outcome,
            Outcome::Applied | Outcome::Superseded(_) | Outcome::Invalid
        ) && let Some(key) = key_of(&done.write)
        {
            self.paces[key.kind.index()].accepted(done.sent, done.expected);
        }
        match done.outcome {
            Outcome::Applied => {
                end.applied += 1;
                self.report_writing(true);
                self.applied(&done.write, done.answered);
                Settled::Durable
            }
            Outcome::Superseded(row) => self.superseded(&done.write, row),
            Outcome::Refused => {
                metrics.throttled.increment(1);
                let Some(key) = key_of(&done.write) else {
                    // The marker has no pace: it is one write.
                    return self.fail(Trouble::Throttled("PutItem"), end);
                };
                self.paces[key.kind.index()].refused(done.answered, done.sent, done.expected);
                self.count_error(&Trouble::Throttled("PutItem"));
                Settled::Again
            }
            Outcome::Invalid if !matches!(done.write, Write::Put(..)) => {
                self.fail(Trouble::Invalid("DeleteItem or the marker"), end)
            }
            Outcome::Invalid => {
                self.invalid(&done.write);
                Settled::Durable
            }
            Outcome::Unknown(trouble) => {
                self.doubtful.extend(key_of(&done.write).cloned());
                self.fail(trouble, end)
            }
            Outcome::Failed(trouble) => self.fail(trouble, end),
        }
    }

    fn fail(&mut self, trouble: Trouble, end: &mut PassEnd) -> Settled {
        self.count_error(&trouble);
        end.trouble.get_or_insert(trouble);
        Settled::Open
    }

    fn applied(&mut self, write: &Write, answered: Instant) {
        match write {
            Write::Put(key, item, before) => {
                self.report_applied(key, before.as_ref(), Some(item), answered);
                self.remember(key.clone(), Some(Stamp::of(item)));
                self.finished(key);
            }
            Write::Remove(key, before) => {
                self.report_applied(key, Some(before), None, answered);
                self.remember(key.clone(), None);
                self.finished(key);
            }
            Write::MarkInitialized => {
                self.observed.initialized = true;
                // A look that began before has not seen it.
                self.look_again();
                // What vanished while it was being written, nobody has seen.
                self.verify_soon();
                info!("the marker was written");
                self.report_marker(self.observed.initialized);
            }
        }
    }

    /// The row was not as we saw it. Where it is what we wanted, we wrote it and lost the answer, or somebody wrote the same.
    fn superseded(&mut self, write: &Write, row: Option<Stamp>) -> Settled {
        let Some(key) = key_of(write) else {
            return Settled::Durable;
        };
        let (wanted, expected_absence) = match write {
            Write::Put(_, item, seen) => (Some(item.digest), seen.is_none()),
            _ => (None, false),
        };
        if row.is_none() && expected_absence {
            // There is a row, and the store does not say what it holds.
            self.doubtful.insert(key.clone());
            return Settled::Open;
        }
        let equal = row.as_ref().map(|row| row.digest) == wanted;
        self.remember(key.clone(), row);
        if equal {
            info!(kind = %key.kind, key = %key.key, "stored already, by a write whose answer was lost or by somebody else");
            self.finished(key);
            return Settled::Durable;
        }
        Settled::Open
    }

    fn invalid(&mut self, write: &Write) {
        let Write::Put(key, item, _) = write else {
            return;
        };
        self.holds.refuse(key.clone(), item, Instant::now());
        Self::report_invalid(key);
        self.finished(key);
    }

    fn finished(&mut self, key: &ItemKey) {
        self.backlog.remove(key);
        self.left.remove(key);
        self.drifted.remove(key);
        self.received.remove(key);
        if self.holds.items.get(key).is_some_and(|hold| hold.going) {
            self.holds.items.remove(key);
        }
    }

    pub(super) fn count_error(&self, trouble: &Trouble) {
        self.environment
            .metrics
            .write_errors
            .of(trouble.class())
            .increment(1);
    }
}

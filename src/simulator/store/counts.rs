//! What was asked of the store, counted at the wire.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::engine::Operation;
use super::request::{Partition, Request};
use crate::simulator::bell::Bell;

/// The log keeps this many of the last requests.
const LOG: usize = 100_000;

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RequestOutcome {
    /// Done.
    Accepted,
    /// Its condition did not hold, whether or not the answer that says so arrived.
    ConditionFailed,
    /// Refused: the partition had no units left, or a fault said so.
    Throttled,
    /// Refused for another reason, by the engine or by a fault.
    Refused,
    /// Done, but the answer was lost.
    AnswerLost,
    /// Cut before anything was done, by a fault, by the client, or by stopping the store.
    Cut,
}

/// A request and what became of it.
#[derive(Clone, Debug)]
pub struct Record {
    /// What it asked for.
    pub request: Request,
    /// What became of it.
    pub outcome: RequestOutcome,
    /// Write units or read units, as DynamoDB counts them.
    pub units: f64,
    /// When it came.
    pub arrived: Instant,
    /// When it was answered.
    pub answered: Instant,
}

/// Numbers since the start or since the last reset.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    outcomes: BTreeMap<Operation, BTreeMap<&'static str, u64>>,
    written: BTreeMap<Partition, f64>,
    read: BTreeMap<Partition, f64>,
    /// The most requests that were under way at once.
    pub peak_in_flight: usize,
    /// Requests that arrived, whatever became of them, those under way included.
    pub arrived: u64,
}

impl Counts {
    /// Requests of this operation that have been answered or cut.
    pub fn requests(&self, operation: Operation) -> u64 {
        self.outcomes
            .get(&operation)
            .map_or(0, |it| it.values().sum())
    }

    /// Requests that write rows.
    pub fn writes(&self) -> u64 {
        self.sum(Operation::writes, None)
    }

    /// Requests that write rows and were done.
    pub fn writes_accepted(&self) -> u64 {
        self.sum(Operation::writes, Some(RequestOutcome::Accepted))
    }

    /// Requests that read rows.
    pub fn reads(&self) -> u64 {
        self.sum(Operation::reads, None)
    }

    /// Requests with this outcome.
    pub fn with(&self, outcome: RequestOutcome) -> u64 {
        self.sum(|_| true, Some(outcome))
    }

    /// Write units of all partitions. What was throttled cost nothing; a failed condition cost as much as the write.
    pub fn write_units(&self) -> f64 {
        self.written.values().sum()
    }

    /// Read units of all partitions.
    pub fn read_units(&self) -> f64 {
        self.read.values().sum()
    }

    /// Write units of one partition value, in whatever table.
    pub fn write_units_of(&self, namespace: &str) -> f64 {
        units_of(&self.written, namespace)
    }

    /// Read units of one partition value, in whatever table.
    pub fn read_units_of(&self, namespace: &str) -> f64 {
        units_of(&self.read, namespace)
    }

    fn sum(&self, of: impl Fn(Operation) -> bool, outcome: Option<RequestOutcome>) -> u64 {
        self.outcomes
            .iter()
            .filter(|(operation, _)| of(**operation))
            .flat_map(|(_, outcomes)| outcomes)
            .filter(|(label, _)| outcome.is_none_or(|it| it.label() == **label))
            .map(|(_, count)| count)
            .sum()
    }
}

fn units_of(units: &BTreeMap<Partition, f64>, namespace: &str) -> f64 {
    units
        .iter()
        .filter(|(partition, _)| partition.namespace == namespace)
        .map(|(_, units)| units)
        .sum()
}

impl RequestOutcome {
    const fn label(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::ConditionFailed => "condition failed",
            Self::Throttled => "throttled",
            Self::Refused => "refused",
            Self::AnswerLost => "answer lost",
            Self::Cut => "cut",
        }
    }
}

/// Round trips one after the other in a log: the longest row of requests of which each came after the one before it was
/// answered. Give the store a [latency](super::Store::latency) when counting them, or requests that came at the same
/// moment look as if they had come one after the other.
pub fn round_trips<'a>(log: impl IntoIterator<Item = &'a Record>) -> usize {
    let mut spans: Vec<_> = log
        .into_iter()
        .map(|it| (it.answered, it.arrived))
        .collect();
    spans.sort_unstable();
    let mut trips = 0;
    let mut last = None;
    for (answered, arrived) in spans {
        if last.is_none_or(|last| arrived >= last) {
            trips += 1;
            last = Some(answered);
        }
    }
    trips
}

#[derive(Default)]
pub(super) struct Counter {
    state: Mutex<CounterState>,
    pub(super) bell: Bell,
}

#[derive(Default)]
struct CounterState {
    counts: Counts,
    in_flight: usize,
    log: VecDeque<Record>,
}

impl Counter {
    pub(super) fn arrived(self: &Arc<Self>, request: Request) -> Ticket {
        {
            let mut state = self.lock();
            state.in_flight += 1;
            state.counts.arrived += 1;
            state.counts.peak_in_flight = state.counts.peak_in_flight.max(state.in_flight);
        }
        self.bell.ring();
        Ticket {
            counter: Arc::clone(self),
            request,
            outcome: RequestOutcome::Cut,
            units: 0.0,
            arrived: Instant::now(),
        }
    }

    pub(super) fn counts(&self) -> Counts {
        self.lock().counts.clone()
    }

    pub(super) fn log(&self) -> Vec<Record> {
        self.lock().log.iter().cloned().collect()
    }

    pub(super) fn reset(&self) {
        let mut state = self.lock();
        state.counts = Counts::default();
        state.log.clear();
    }

    fn lock(&self) -> MutexGuard<'_, CounterState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that is under way. Counted when it is dropped, so that one that was cut counts too.
pub(super) struct Ticket {
    counter: Arc<Counter>,
    pub(super) request: Request,
    pub(super) outcome: RequestOutcome,
    pub(super) units: f64,
    arrived: Instant,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        {
            let mut state = self.counter.lock();
            state.in_flight -= 1;
            let outcomes = state.counts.outcomes.entry(self.request.operation);
            *outcomes
                .or_default()
                .entry(self.outcome.label())
                .or_default() += 1;
            if let Some(partition) = self.request.partition() {
                let units = if self.request.operation.writes() {
                    &mut state.counts.written
                } else {
                    &mut state.counts.read
                };
                *units.entry(partition).or_default() += self.units;
            }
            if state.log.len() == LOG {
                state.log.pop_front();
            }
            state.log.push_back(Record {
                request: self.request.clone(),
                outcome: self.outcome,
                units: self.units,
                arrived: self.arrived,
                answered: Instant::now(),
            });
        }
        self.counter.bell.ring();
    }
}

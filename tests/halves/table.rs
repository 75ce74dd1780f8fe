//! The table in memory, to which requests take a while.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use ld_dynamodb_relay::environment::RowStore;
use ld_dynamodb_relay::model::{DataSet, ItemKey, Kind, Stamp};
use ld_dynamodb_relay::table::Outcome;
use ld_dynamodb_relay::writer::{TableAnswer as Answer, TableRequest as Request};
use tokio::time::Instant;

use crate::launchdarkly::until;
use crate::store::{Fate, Store as Rows};

/// As long as the AWS client waits for an answer.
pub(crate) const TIME_OUT: Duration = Duration::from_secs(10);

/// See the module. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Table(Arc<Mutex<Inner>>);

pub(crate) struct Inner {
    pub(crate) rows: Rows,
    /// What becomes of requests.
    pub(crate) fate: Fate,
    /// How long they take.
    pub(crate) latency: Duration,
    /// Every request, with when it came.
    pub(crate) requests: Vec<(Instant, Request)>,
    /// Every write that was done: when, of what, and its version then.
    pub(crate) applied: Vec<(Instant, Option<ItemKey>, Option<u64>)>,
    /// How many writes were answered.
    pub(crate) answered: usize,
    pub(crate) in_flight: usize,
    pub(crate) most_in_flight: usize,
}

impl Table {
    /// One that is empty.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Inner {
            rows: Rows {
                page_rows: 100,
                ..Rows::default()
            },
            fate: Fate::Done,
            latency: Duration::from_millis(8),
            requests: Vec::new(),
            applied: Vec::new(),
            answered: 0,
            in_flight: 0,
            most_in_flight: 0,
        })))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    /// Requests become this from now on.
    pub(crate) fn fates(&self, fate: Fate) {
        self.lock().fate = fate;
    }

    /// Forgets what was counted.
    pub(crate) fn forget(&self) {
        let mut inner = self.lock();
        inner.requests.clear();
        inner.applied.clear();
        inner.answered = 0;
        inner.most_in_flight = inner.in_flight;
    }

    /// How many requests there were for which this holds.
    pub(crate) fn count(&self, of: impl Fn(&Request) -> bool) -> usize {
        let inner = self.lock();
        let of = inner.requests.iter().filter(|(_, request)| of(request));
        of.count()
    }

    /// How many writes there were, whatever became of them.
    pub(crate) fn writes(&self) -> usize {
        self.count(Request::writes)
    }

    /// How many readings of everything were begun.
    pub(crate) fn readings(&self) -> usize {
        self.count(|request| match request {
            Request::Page(cursor) => cursor.kind == Kind::ALL[0] && cursor.after.is_none(),
            _ => false,
        })
    }

    /// How many live rows there are.
    pub(crate) fn live(&self) -> usize {
        let inner = self.lock();
        let rows = inner.rows.rows.values();
        rows.filter(|row| !row.stamp.tombstone).count()
    }

    /// Asserts that it holds these items, and the marker, and no other live row.
    #[track_caller]
    pub(crate) fn assert_holds(&self, items: &DataSet) {
        let inner = self.lock();
        for (key, item) in items {
            let row = inner.rows.rows.get(key).map(|row| &row.stamp);
            assert_eq!(row, Some(&Stamp::of(item)), "{key}");
        }
        for (key, row) in &inner.rows.rows {
            assert!(items.contains_key(key) || row.stamp.tombstone, "{key}");
        }
        assert!(inner.rows.marker, "the marker is there");
    }
}

impl Inner {
    fn answer(&mut self, request: Request) -> Answer {
        let now = Instant::now();
        let before = self.rows.written;
        let answer = self.rows.ask(request, self.fate, now);
        if let Answer::Written(write, _, _) = &answer
            && self.rows.written > before
        {
            let key = write.key().cloned();
            let row = key.as_ref().and_then(|key| self.rows.rows.get(key));
            let version = row.and_then(|row| row.stamp.number());
            self.applied.push((now, key, version));
        }
        answer
    }
}

/// Counts a request until it ends, or nobody waits for it any more.
struct Flight(Table);

impl Drop for Flight {
    fn drop(&mut self) {
        self.0.lock().in_flight -= 1;
    }
}

impl RowStore for Table {
    async fn ask(&self, request: Request) -> Answer {
        let came = Instant::now();
        let latency = {
            let mut inner = self.lock();
            inner.requests.push((came, request.clone()));
            inner.in_flight += 1;
            inner.most_in_flight = inner.most_in_flight.max(inner.in_flight);
            inner.latency
        };
        let _flight = Flight(self.clone());
        until(came + latency / 2).await;
        let answer = self.lock().answer(request);
        let lost = matches!(answer, Answer::Written(_, Outcome::Unknown(_), _));
        until(came + if lost { TIME_OUT } else { latency }).await;
        let is_write = matches!(answer, Answer::Written(..) | Answer::Remembered(..));
        self.lock().answered += usize::from(is_write);
        answer
    }
}

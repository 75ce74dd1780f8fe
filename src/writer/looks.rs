//! When the table is read, and how far a reading has come. DynamoDB may refuse a page for now: the reading then goes on at that
//! page, and keeps what it has read. Pure.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::request::{Page, TableRequest};
use super::setbacks::after_failures;
use crate::model::{DriftType, ItemKey, Kind, shortened};
use crate::table::{PageCursor, PageRows, Trouble};

/// Rows of a page while the table is verified. A page this small is served and parsed in about a millisecond, so that no change
/// waits for it; the first reading delays nothing and takes what DynamoDB gives.
const VERIFIED_AT_ONCE: u32 = 50;
/// The first wait after a refused page; it doubles.
const FIRST_GAP: Duration = Duration::from_millis(100);
/// The longest.
const LONGEST_GAP: Duration = Duration::from_secs(30);

/// How long to wait before the next page. It is found out by being refused: each refusal doubles the wait, and each page that
/// comes shortens it.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadPace(Duration);

impl ReadPace {
    /// A page was refused for now. `jitter` from 0 to 1 takes away up to half.
    pub fn refused(&mut self, jitter: f64) -> Duration {
        self.0 = (self.0 * 2).clamp(FIRST_GAP, LONGEST_GAP);
        shortened(self.0, jitter)
    }

    /// A page came. How long the next one waits: less and less.
    pub fn accepted(&mut self) -> Duration {
        self.0 = self.0.mul_f64(0.75);
        if self.0 < FIRST_GAP / 2 {
            self.0 = Duration::ZERO;
        }
        self.0
    }
}

/// What a reading does next.
#[derive(Clone, Debug, PartialEq, Eq)]
enum ReadingStep {
    /// Read the marker and whose data this is: before the data, since what the marker vouches for was written before it.
    Vouchers,
    /// Read a page.
    Page(Kind, Option<Arc<str>>),
}

/// A reading of the whole table.
#[derive(Debug)]
struct WholeReading {
    step: ReadingStep,
    began: Instant,
    /// The marker was there before, and is not now.
    marker_gone: bool,
    /// The marker was found missing between two pages: rows that were read before may have vanished with it, so everything is
    /// read once more.
    again: bool,
    drift: Vec<(ItemKey, DriftType)>,
    rows: usize,
}

impl WholeReading {
    const fn new(now: Instant, marker_gone: bool) -> Self {
        Self {
            step: ReadingStep::Vouchers,
            began: now,
            marker_gone,
            again: false,
            drift: Vec::new(),
            rows: 0,
        }
    }
}

/// What is being asked, once at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LookUnderWay {
    /// The marker alone, between two readings or two pages.
    Marker,
    /// The next step of the reading.
    Step,
}

/// A reading that came to its end.
#[derive(Debug)]
pub struct Finished {
    /// It was the first one of the term.
    pub first: bool,
    /// How long it took.
    pub took: Duration,
    /// Rows that were read.
    pub rows: usize,
    /// What changed without us.
    pub drift: Vec<(ItemKey, DriftType)>,
    /// The marker was there before, and is not now.
    pub marker_gone: bool,
}

/// See the module.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact that is independent of the others"
)]
pub struct Looks {
    verify_interval: Duration,
    marker_interval: Duration,
    verify_at: Instant,
    marker_at: Instant,
    reading: Option<WholeReading>,
    asked: Option<LookUnderWay>,
    /// What is being read may have been changed by us since it was asked: ask again.
    void: bool,
    /// Rows that we changed, or may have, since the page under way was asked for.
    ours: HashSet<ItemKey>,
    /// The first reading is over.
    known: bool,
    /// An operator wants another one after the reading under way.
    ordered: bool,
    pace: ReadPace,
    /// DynamoDB refused what is asked now at least once. That it answers in the end does not mean that the throttling is over.
    refused: bool,
    failures: u32,
    /// Nothing is asked before then.
    not_before: Instant,
    trouble: Option<Trouble>,
}

impl Looks {
    /// Begins with reading everything.
    pub fn new(verify_interval: Duration, marker_interval: Duration, now: Instant) -> Self {
        Self {
            verify_interval,
            marker_interval,
            verify_at: now,
            marker_at: now + marker_interval,
            reading: None,
            asked: None,
            void: false,
            ours: HashSet::new(),
            known: false,
            ordered: false,
            pace: ReadPace::default(),
            refused: false,
            failures: 0,
            not_before: now,
            trouble: None,
        }
    }

    /// Whether the table was read as a whole in this term.
    pub const fn is_known(&self) -> bool {
        self.known
    }

    /// The trouble with reading, until reading worked.
    pub const fn trouble(&self) -> Option<&Trouble> {
        self.trouble.as_ref()
    }

    fn is_throttled(&self) -> bool {
        matches!(self.trouble, Some(Trouble::Throttled(_)))
    }

    /// Whether the marker was found missing by a reading that goes on.
    pub fn is_marker_gone(&self) -> bool {
        self.reading.as_ref().is_some_and(|it| it.marker_gone)
    }

    /// Everything is read again, at once or after the reading under way.
    pub fn order(&mut self) {
        self.ordered = true;
    }

    /// Everything is read again once the marker is due: what made rows vanish may go on with it. `jitter` from 0 to 1.
    pub fn verify_soon(&mut self, now: Instant, jitter: f64) {
        let soon = now + jittered(self.marker_interval, jitter);
        self.verify_at = self.verify_at.min(soon);
    }

    /// Everything is read again now.
    pub fn verify_now(&mut self, now: Instant) {
        self.verify_at = now;
    }

    /// The marker, and whose data this is, are looked at now.
    pub fn look_now(&mut self, now: Instant) {
        self.marker_at = now;
    }

    /// We stored whose data this is: what was asked before has not seen it.
    pub fn outdate(&mut self) {
        self.void |= self.asked.is_some() && self.asks_vouchers();
    }

    /// The same for the marker.
    pub fn marked(&mut self) {
        self.outdate();
        if let Some(reading) = &mut self.reading {
            reading.marker_gone = false;
        }
    }

    fn asks_vouchers(&self) -> bool {
        self.asked == Some(LookUnderWay::Marker) || !self.reads_pages()
    }

    fn reads_pages(&self) -> bool {
        let reading = self.reading.as_ref();
        reading.is_some_and(|it| it.step != ReadingStep::Vouchers)
    }

    /// We write this row, or learned what it holds: the page under way does not speak for it.
    pub fn touch(&mut self, key: &ItemKey) {
        if self.asked.is_some() && self.reading.is_some() {
            self.ours.insert(key.clone());
        }
    }

    /// The next request that is due. `ours` are the rows that are being written, or in doubt.
    pub fn next(
        &mut self,
        identity: bool,
        ours: impl Iterator<Item = ItemKey>,
        now: Instant,
    ) -> Option<TableRequest> {
        if self.asked.is_some() || now < self.not_before {
            return None;
        }
        if self.reading.is_none() {
            if std::mem::take(&mut self.ordered) {
                self.verify_at = now;
            }
            if self.verify_at <= now {
                self.reading = Some(WholeReading::new(now, false));
            }
        }
        // A reading may take hours where reads are throttled.
        if (self.reading.is_none() || self.reads_pages()) && self.marker_at <= now {
            self.asked = Some(LookUnderWay::Marker);
            return Some(TableRequest::Vouchers { identity });
        }
        let reading = self.reading.as_ref()?;
        self.asked = Some(LookUnderWay::Step);
        Some(match &reading.step {
            ReadingStep::Vouchers => TableRequest::Vouchers { identity: true },
            ReadingStep::Page(kind, after) => {
                self.ours = ours.collect();
                TableRequest::Page(PageCursor {
                    kind: *kind,
                    after: after.clone(),
                    rows: self.known.then_some(VERIFIED_AT_ONCE),
                })
            }
        })
    }

    /// When the next request is due; none while one is under way.
    pub fn due(&self) -> Option<Instant> {
        if self.asked.is_some() {
            return None;
        }
        let due = if self.reading.is_some() || self.ordered {
            self.not_before
        } else {
            self.verify_at.min(self.marker_at)
        };
        Some(due.max(self.not_before))
    }

    /// The marker was seen, or not; `was_there` before. Whether this was a look at the marker alone; none if it does not count.
    pub fn vouchers(&mut self, there: bool, was_there: bool, now: Instant) -> Option<bool> {
        let asked = self.asked.take();
        self.failures = 0;
        if std::mem::take(&mut self.void) {
            return None;
        }
        self.marker_at = now + self.marker_interval;
        let (gone, throttled) = (was_there && !there, self.is_throttled());
        if let Some(reading) = &mut self.reading {
            let is_step = asked == Some(LookUnderWay::Step);
            if is_step {
                reading.step = ReadingStep::Page(Kind::ALL[0], None);
            } else {
                reading.again |= gone && !reading.marker_gone;
                if !throttled {
                    self.trouble = None;
                }
            }
            reading.marker_gone = gone;
            return Some(!is_step);
        }
        // Where each look is refused before it is answered, the trouble goes on. It ends with a look that is answered at once.
        if !std::mem::take(&mut self.refused) {
            self.trouble = None;
            self.pace = ReadPace::default();
        }
        // Who removed it may have removed more, and it vouches for everything.
        if gone {
            self.verify_now(now);
        }
        Some(true)
    }

    /// A page came: as it is compared, and what we changed meanwhile.
    pub fn page(&mut self, came: PageRows, now: Instant) -> Option<(Page, HashSet<ItemKey>)> {
        self.asked = None;
        self.failures = 0;
        self.not_before = now + self.pace.accepted();
        // Being throttled lasts until the whole is read; what else went wrong is over when a page comes.
        if !self.is_throttled() {
            self.trouble = None;
        }
        let reading = self.reading.as_mut()?;
        let ReadingStep::Page(kind, after) = reading.step.clone() else {
            return None;
        };
        reading.rows += came.rows.len();
        let page = Page {
            kind,
            after,
            rows: came.rows,
            last: came.last,
        };
        reading.step = ReadingStep::Page(kind, page.last.clone());
        Some((page, std::mem::take(&mut self.ours)))
    }

    /// What a page showed. The reading, where that was its last one; `jitter` from 0 to 1.
    pub fn compared(
        &mut self,
        drift: Vec<(ItemKey, DriftType)>,
        was_last: bool,
        now: Instant,
        jitter: f64,
    ) -> Option<Finished> {
        let reading = self.reading.as_mut()?;
        reading.drift.extend(drift);
        if !was_last {
            return None;
        }
        if let ReadingStep::Page(Kind::Segment, _) = reading.step {
            reading.step = ReadingStep::Page(Kind::Flag, None);
            return None;
        }
        let reading = self.reading.take()?;
        let first = !std::mem::replace(&mut self.known, true);
        self.trouble = None;
        self.refused = false;
        self.not_before = now;
        // Many environments that start together do not verify together.
        let interval = if first {
            self.verify_interval.mul_f64(0.5 + jitter / 2.0)
        } else {
            jittered(self.verify_interval, jitter)
        };
        self.verify_at = now + interval;
        if reading.again {
            // The marker comes back after a reading that began without it.
            self.reading = Some(WholeReading::new(now, reading.marker_gone));
        }
        Some(Finished {
            first,
            took: now - reading.began,
            rows: reading.rows,
            drift: reading.drift,
            marker_gone: reading.marker_gone && !reading.again,
        })
    }

    /// What was asked failed, and is asked again after the wait that this returns. `jitter` from 0 to 1.
    pub fn failed(&mut self, trouble: Trouble, now: Instant, jitter: f64) -> Duration {
        self.asked = None;
        self.void = false;
        let wait = if matches!(trouble, Trouble::Throttled(_)) {
            self.refused = true;
            self.pace.refused(jitter)
        } else {
            self.failures = self.failures.saturating_add(1);
            after_failures(self.failures, trouble.needs_operator(), jitter)
        };
        self.not_before = now + wait;
        self.trouble = Some(trouble);
        wait
    }
}

/// A tenth more or less, so that many environments drift apart.
fn jittered(interval: Duration, jitter: f64) -> Duration {
    interval.mul_f64(0.9 + jitter / 5.0)
}

//! When the table is read and how far a reading is, at any schedule of answers, refusals and time.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use ld_dynamodb_relay::model::{DriftType, ItemKey, Kind};
use ld_dynamodb_relay::table::{PageCursor as Cursor, PageRows, Trouble};
use ld_dynamodb_relay::writer::{Looks, TableRequest as Request};
use tokio::time::Instant;

use crate::given::{close, key, stamp, start};
use crate::waits::{Gap, wait_after};

#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// With so many rows, and whether the marker is there and was.
    Answer(u8, bool, bool),
    Refuse,
    Fail,
    Deny,
    Pass(u32),
    /// Until something is due.
    Wait,
    Order,
    /// We stored whose data this is, or the marker.
    Outdate,
    Marked,
    VerifySoon,
    VerifyNow,
    LookNow,
    Touch(u8),
}

/// A reading as it should go.
struct Expected {
    script: Vec<Request>,
    /// Steps that were answered.
    done: usize,
    began: Instant,
    rows: usize,
    drift: Vec<(ItemKey, DriftType)>,
    gone: bool,
    /// The marker vanished after it began.
    again: bool,
}

/// The value beside what is known of it.
pub(crate) struct Sim {
    pub(crate) looks: Looks,
    pub(crate) now: Instant,
    pub(crate) verify: Duration,
    pub(crate) marker: Duration,
    /// Pages of each kind, one at least.
    pub(crate) pages: [u8; 2],
    reading: Option<Expected>,
    /// What was asked, and whether it is outdated.
    asked: Option<(Request, bool)>,
    ours: HashSet<ItemKey>,
    pub(crate) ordered: bool,
    pub(crate) known: bool,
    not_before: Instant,
    marker_at: Instant,
    /// The next verify begins between these.
    pub(crate) window: (Instant, Instant),
    gap: Gap,
    failures: u32,
    trouble: Option<Trouble>,
    /// Refusals since a look at the marker was answered or a reading ended.
    refusals: u32,
    /// Readings that ended, and looks at the marker that were answered.
    pub(crate) readings: usize,
    pub(crate) markers: usize,
}

impl Sim {
    pub(crate) fn new(verify: Duration, marker: Duration, pages: [u8; 2]) -> Self {
        let now = start();
        let mut sim = Self {
            looks: Looks::new(verify, marker, now),
            now,
            verify,
            marker,
            pages,
            reading: None,
            asked: None,
            ours: HashSet::new(),
            ordered: false,
            known: false,
            not_before: now,
            marker_at: now + marker,
            window: (now, now),
            gap: Gap::default(),
            failures: 0,
            trouble: None,
            refusals: 0,
            readings: 0,
            markers: 0,
        };
        sim.poll();
        sim
    }

    fn script(&self) -> Vec<Request> {
        let mut script = vec![Request::Vouchers { identity: true }];
        for (kind, pages) in Kind::ALL.into_iter().zip(self.pages) {
            let after = (0..pages).map(|page| page.checked_sub(1).map(last_of));
            script.extend(after.map(|after| {
                let rows = self.known.then_some(50);
                Request::Page(Cursor { kind, after, rows })
            }));
        }
        script
    }

    fn begin(&self, gone: bool) -> Expected {
        Expected {
            script: self.script(),
            done: 0,
            began: self.now,
            rows: 0,
            drift: Vec::new(),
            gone,
            again: false,
        }
    }

    pub(crate) fn is_asking(&self) -> bool {
        self.asked.is_some()
    }

    pub(crate) fn act(&mut self, act: &Act, jitter: f64) {
        match act {
            Act::Answer(rows, there, was_there) => self.answer(*rows, *there, *was_there, jitter),
            Act::Refuse => self.fail(&Trouble::Throttled("it"), jitter),
            Act::Fail => self.fail(&Trouble::Timeout("it"), jitter),
            Act::Deny => self.fail(&Trouble::NoRegion("it"), jitter),
            Act::Pass(milliseconds) => {
                self.now += Duration::from_millis(u64::from(*milliseconds));
            }
            Act::Wait => self.now = self.looks.due().map_or(self.now, |due| due.max(self.now)),
            Act::Order => {
                self.looks.order();
                self.ordered = true;
            }
            Act::Outdate => {
                self.looks.outdate();
                self.outdate();
            }
            Act::Marked => {
                self.looks.marked();
                self.outdate();
                if let Some(reading) = &mut self.reading {
                    reading.gone = false;
                }
            }
            Act::VerifySoon => {
                self.looks.verify_soon(self.now, jitter);
                let soon = |factor| self.now + self.marker.mul_f64(factor);
                let (from, to) = self.window;
                self.window = (from.min(soon(0.899_999)), to.min(soon(1.100_001)));
            }
            Act::VerifyNow => {
                self.looks.verify_now(self.now);
                self.window = (self.now, self.now);
            }
            Act::LookNow => {
                self.looks.look_now(self.now);
                self.marker_at = self.now;
            }
            Act::Touch(number) => {
                self.looks.touch(&key(*number));
                self.ours.insert(key(*number));
            }
        }
        self.poll();
        assert_eq!(self.looks.is_known(), self.known);
        assert_eq!(self.looks.trouble(), self.trouble.as_ref());
        let gone = self.reading.as_ref().is_some_and(|it| it.gone);
        assert_eq!(self.looks.is_marker_gone(), gone);
    }

    /// We stored what vouches: whatever was asked before has not seen it.
    fn outdate(&mut self) {
        if let Some((Request::Vouchers { .. }, outdated)) = &mut self.asked {
            *outdated = true;
        }
    }

    fn poll(&mut self) {
        let due = self.looks.due();
        let under_way: HashSet<_> = [key(200)].into();
        let request = self.looks.next(false, under_way.iter().cloned(), self.now);
        if self.asked.is_some() {
            assert_eq!((due, request), (None, None), "one request at a time");
            return;
        }
        let due = due.unwrap();
        assert_eq!(request.is_some(), due <= self.now, "it says when it is due");
        if self.reading.is_some() || self.ordered {
            assert_eq!(due, self.not_before);
        } else {
            let at = |verify: Instant| self.not_before.max(self.marker_at.min(verify));
            let (from, to) = (at(self.window.0), at(self.window.1));
            assert!(from <= due && due <= to, "a verify or a look in its time");
        }
        let Some(request) = request else { return };
        self.ours = under_way;
        match (&self.reading, &request) {
            (Some(reading), Request::Vouchers { identity: false }) => {
                assert!(reading.done > 0, "between two pages");
                assert!(self.now >= self.marker_at);
            }
            (Some(reading), request) => {
                assert!(
                    reading.done == 0 || self.now < self.marker_at,
                    "a look goes first"
                );
                assert_eq!(*request, reading.script[reading.done]);
            }
            (None, Request::Vouchers { identity: true }) => {
                assert!(self.ordered || self.now >= self.window.0, "too early");
                self.ordered = false;
                self.reading = Some(self.begin(false));
            }
            (None, Request::Vouchers { identity: false }) => {
                assert!(!self.ordered && self.now >= self.marker_at);
                assert!(self.now < self.window.1, "a verify goes first");
            }
            (None, request) => panic!("{request:?} without the marker"),
        }
        self.asked = Some((request, false));
    }

    fn answer(&mut self, rows: u8, there: bool, was_there: bool, jitter: f64) {
        let Some((request, outdated)) = self.asked.take() else {
            return;
        };
        self.failures = 0;
        match request {
            Request::Page(cursor) => self.page(cursor, rows, jitter),
            Request::Vouchers { identity } => {
                let counts = self.looks.vouchers(there, was_there, self.now);
                // The looks of a reading read whose data this is, too; the others are not asked to.
                assert_eq!(counts, (!outdated).then_some(!identity));
                if !outdated {
                    self.look(!identity, was_there && !there);
                }
            }
            request => panic!("{request:?} is no look"),
        }
    }

    fn look(&mut self, is_alone: bool, gone: bool) {
        self.marker_at = self.now + self.marker;
        self.markers += usize::from(is_alone);
        if let Some(reading) = &mut self.reading {
            if is_alone {
                reading.again |= gone && !reading.gone;
                self.trouble = self.trouble.take().filter(is_throttled);
            } else {
                reading.done = 1;
            }
            reading.gone = gone;
            return;
        }
        // Reading works again once a look was given without being refused before.
        if std::mem::take(&mut self.refusals) == 0 {
            (self.trouble, self.gap) = (None, Gap::default());
        }
        if gone {
            self.window = (self.now, self.now);
        }
    }

    fn page(&mut self, cursor: Cursor, rows: u8, jitter: f64) {
        let reading = self.reading.as_mut().unwrap();
        reading.done += 1;
        reading.rows += usize::from(rows);
        let next = reading.script.get(reading.done);
        let of_same_kind =
            |it: &&Request| matches!(it, Request::Page(it) if it.kind == cursor.kind);
        let last = match next.filter(of_same_kind) {
            Some(Request::Page(next)) => next.after.clone(),
            _ => None,
        };
        let is_over = next.is_none();
        let row = |number: u8| (Arc::from(format!("r{number}")), stamp(Some(1), 0, false));
        let came = PageRows {
            rows: (0..rows).map(row).collect(),
            last: last.clone(),
        };
        let (page, ours) = self.looks.page(came, self.now).unwrap();
        assert_eq!((page.kind, page.after), (cursor.kind, cursor.after));
        assert_eq!((page.rows.len(), &page.last), (usize::from(rows), &last));
        assert_eq!(ours, std::mem::take(&mut self.ours));
        let gap = self.gap.accepted();
        // Only being throttled outlasts a page.
        self.trouble = self.trouble.take().filter(is_throttled);
        let drift: Vec<_> = (0..rows).map(|it| (key(it), DriftType::Extra)).collect();
        reading.drift.extend(drift.iter().cloned());
        let finished = self.looks.compared(drift, last.is_none(), self.now, jitter);
        assert_eq!(finished.is_some(), is_over, "every page, and each once");
        let Some(finished) = finished else {
            self.not_before = self.looks.due().unwrap();
            assert!(close(self.not_before - self.now, gap), "{gap:?}");
            return;
        };
        let reading = self.reading.take().unwrap();
        assert_eq!(finished.first, !self.known);
        assert_eq!(finished.took, self.now - reading.began);
        assert_eq!(finished.rows, reading.rows);
        assert_eq!(finished.drift, reading.drift);
        assert_eq!(finished.marker_gone, reading.gone && !reading.again);
        let (from, to) = if self.known { (0.9, 1.1) } else { (0.5, 1.0) };
        let at = |factor| self.now + self.verify.mul_f64(factor);
        self.window = (at(from), at(to + 1e-9));
        self.not_before = self.now;
        (self.known, self.trouble, self.refusals) = (true, None, 0);
        self.readings += 1;
        // What was read before the marker vanished may have vanished with it.
        self.reading = reading.again.then(|| self.begin(reading.gone));
    }

    fn fail(&mut self, trouble: &Trouble, jitter: f64) {
        if self.asked.take().is_none() {
            return;
        }
        let wait = self.looks.failed(trouble.clone(), self.now, jitter);
        let expected = if is_throttled(trouble) {
            self.refusals += 1;
            self.gap.refused(jitter)
        } else {
            self.failures += 1;
            wait_after(self.failures, trouble.needs_operator(), jitter)
        };
        assert!(close(wait, expected), "{wait:?}, {expected:?}");
        self.not_before = self.now + wait;
        self.trouble = Some(trouble.clone());
    }
}

pub(crate) fn is_throttled(trouble: &Trouble) -> bool {
    matches!(trouble, Trouble::Throttled(_))
}

/// The last key of a page.
fn last_of(page: u8) -> Arc<str> {
    format!("p{page}").into()
}

//! One session and one look at the table, compared and not written: what `verify`, `sync --dry-run` and `doctor` show.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::Environment;
use super::report::word_mismatch;
use super::source::{Source as _, Speaks as _};
use super::store::RowStore;
use super::time::reached;
use crate::launchdarkly::fdv1::Said;
use crate::launchdarkly::{Greeting, Refusal, Signal};
use crate::model::{
    Content, Desired, DriftType, Item, ItemFault, ItemKey, MAX_ROW_BYTES, Observed, Stamp,
    is_as_said,
};
use crate::plan::identity::{Admission, Known, admit};
use crate::plan::{Holds, Plan, Policy, Scope, plan};
use crate::status::Held;
use crate::table::{Table, Trouble};
use crate::writer::{Ledger, Looks, TableAnswer, describe};

/// When LaunchDarkly is taken to say the same again: any time after it said it first.
const AGAIN: Duration = Duration::from_secs(1);

/// What LaunchDarkly says and what the table holds, at one time.
pub struct Comparison {
    /// What LaunchDarkly says.
    pub desired: Desired,
    /// What the table holds.
    pub observed: Observed,
    /// What would be written, and what would be held, if LaunchDarkly says the same again.
    pub plan: Plan,
}

/// Why nothing could be compared.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// There is no SDK key.
    #[error("{0}")]
    Key(Arc<str>),
    /// LaunchDarkly did not say everything.
    #[error(transparent)]
    Source(#[from] Refusal),
    /// LaunchDarkly did not say everything in time.
    #[error("LaunchDarkly did not say everything within {0:?}; a larger INIT_TIMEOUT waits longer")]
    Late(Duration),
    /// The SDK key is another environment's than the data.
    #[error("{0}")]
    Identity(String),
    /// The table could not be read.
    #[error(transparent)]
    Table(#[from] Trouble),
}

/// No reading of a command takes so long.
const NEVER: Duration = Duration::from_hours(24);
/// How long DynamoDB may throttle a command's reading without giving a page.
const THROTTLED_AT_MOST: Duration = Duration::from_mins(1);

/// Reads whose data it is, the marker and both data partitions, as slowly as DynamoDB gives them.
pub async fn read_all(table: &Table) -> Result<Observed, Trouble> {
    let mut now = Instant::now();
    let mut looks = Looks::new(NEVER, NEVER, now);
    let mut ledger = Ledger::default();
    let mut came = now;
    while !looks.is_known() {
        let Some(request) = looks.next(true, std::iter::empty(), now) else {
            reached(looks.due()).await;
            now = Instant::now();
            continue;
        };
        let answer = table.ask(request).await;
        now = Instant::now();
        let trouble = match answer {
            TableAnswer::Vouchers(Ok(seen)) => {
                looks.vouchers(seen.initialized, false, now);
                ledger.mark(seen.initialized);
                ledger.identify(seen.environment_id);
                None
            }
            TableAnswer::Page(Ok(page)) => {
                if let Some((page, ours)) = looks.page(page.value, now) {
                    ledger.compare(&page, &ours, now);
                    looks.compared(Vec::new(), page.last.is_none(), now, 0.0);
                }
                None
            }
            TableAnswer::Vouchers(Err(trouble)) | TableAnswer::Page(Err(trouble)) => Some(trouble),
            TableAnswer::Written(..) | TableAnswer::Row(..) | TableAnswer::Remembered(..) => None,
        };
        match trouble {
            None => came = now,
            Some(trouble @ Trouble::Throttled(_)) if now - came < THROTTLED_AT_MOST => {
                looks.failed(trouble, now, 0.0);
            }
            Some(trouble) => return Err(trouble),
        }
    }
    Ok(ledger.into_observed())
}

/// How an item differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// As drift is told.
    Drift(DriftType),
    /// LaunchDarkly's item has so many bytes as a row, more than DynamoDB takes.
    TooLarge(usize),
    /// LaunchDarkly's item cannot be stored.
    Malformed(ItemFault),
}

impl Environment {
    /// Hears everything once. Never longer than `patience`.
    pub async fn hear(&self, patience: Duration) -> Result<(Desired, Greeting), Failure> {
        let deadline = Instant::now() + patience;
        let Some(key) = self.key.value() else {
            return Err(Failure::Key(self.key.trouble().unwrap_or_default()));
        };
        let asked = Instant::now();
        let mut session = self.source.open(&key);
        let mut greeting = Greeting::default();
        loop {
            let signal = timeout_at(deadline, session.next()).await;
            let signal = signal.map_err(|_| Failure::Late(patience))??;
            match signal.of(self.launchdarkly_id.as_deref()) {
                Signal::Connected(now) => greeting = now,
                Signal::Said(Said::Full(items), _) => {
                    return Ok((Desired::new(items, asked), greeting));
                }
                Signal::Said(..) | Signal::Asked(_) | Signal::Alive | Signal::RetryDelay(_) => {}
            }
        }
    }

    /// Whether what was heard may be written over what was read, as far as whose it is: LaunchDarkly's ID of the
    /// environment, where it tells one.
    pub fn identify<'a>(
        &self,
        greeting: &'a Greeting,
        observed: &Observed,
    ) -> Result<Option<&'a str>, Failure> {
        let said = greeting.environment_id.as_deref();
        let known = Known {
            remembered: observed.environment_id.as_deref(),
            configured: self.manner.environment_id.as_deref(),
            ..Known::default()
        };
        match admit(said, &known) {
            Admission::Fine | Admission::Remember(_) => Ok(said),
            Admission::Refused(mismatch) => {
                let why = word_mismatch(&self.name, self.launchdarkly_id.is_some(), &mismatch);
                Err(Failure::Identity(why))
            }
        }
    }

    /// Compares both sides once.
    pub async fn compare(&self, patience: Duration) -> Result<Comparison, Failure> {
        let (heard, read) = tokio::join!(self.hear(patience), read_all(&self.table));
        let ((mut desired, greeting), observed) = (heard?, read?);
        self.identify(&greeting, &observed)?;
        let none = HashSet::new();
        let policy = Policy {
            now: Instant::now(),
            namespace_bytes: self.manner.namespace_bytes,
            confirmed_removals: self.manner.confirmed_removals,
            urgent: &none,
            leave: &HashMap::new(),
            leave_marker: false,
            expired: &none,
            aside: &HashMap::new(),
        };
        let said_once = plan(&desired, &observed, &Holds::default(), Scope::All, &policy);
        // A synchronisation asks again for what goes backward before it ends.
        let later = policy.now + AGAIN;
        let policy = Policy {
            now: later,
            ..policy
        };
        desired.asked = later;
        let plan = plan(&desired, &observed, &said_once.held, Scope::All, &policy);
        Ok(Comparison {
            desired,
            observed,
            plan,
        })
    }
}

impl Comparison {
    /// What would stay held, by key, and why.
    pub fn held(&self) -> BTreeMap<ItemKey, Held> {
        let held = self.plan.held.items.iter().filter(|(_, hold)| !hold.going);
        held.map(|(key, hold)| (key.clone(), describe(hold, hold.reason, None)))
            .collect()
    }

    /// Every item that differs, by key, and the marker without one.
    pub fn differences(&self, namespace_bytes: usize) -> Vec<(Option<ItemKey>, Difference)> {
        let said = self.desired.items.iter();
        let mut all: Vec<_> = said
            .filter_map(|(key, item)| {
                let stored = self.observed.items.get(key);
                Some((
                    Some(key.clone()),
                    differs(key, item, stored, namespace_bytes)?,
                ))
            })
            .collect();
        let extra = self.observed.items.iter().filter(|(key, stored)| {
            !self.desired.items.contains_key(*key) && !is_as_said(None, Some(stored))
        });
        all.extend(extra.map(|(key, stored)| {
            let drift = DriftType::of_unsaid(stored);
            (Some(key.clone()), Difference::Drift(drift))
        }));
        all.sort_by(|(a, _), (b, _)| a.cmp(b));
        if !self.observed.initialized {
            all.push((None, Difference::Drift(DriftType::Marker)));
        }
        all
    }
}

fn differs(
    key: &ItemKey,
    item: &Item,
    stored: Option<&Stamp>,
    namespace_bytes: usize,
) -> Option<Difference> {
    if is_as_said(Some(item), stored) {
        return None;
    }
    if let Content::Malformed(fault) = item.content {
        return Some(Difference::Malformed(fault));
    }
    let bytes = item.row_bytes(key, namespace_bytes);
    if bytes > MAX_ROW_BYTES {
        return Some(Difference::TooLarge(bytes));
    }
    Some(Difference::Drift(
        match (stored.map(Stamp::number), item.version()) {
            (None, _) => DriftType::Missing,
            (Some(Some(stored)), Some(said)) if stored < said => DriftType::Older,
            (Some(Some(stored)), Some(said)) if stored > said => DriftType::Newer,
            _ => DriftType::Altered,
        },
    ))
}

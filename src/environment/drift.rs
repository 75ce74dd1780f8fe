//! Looks at the table: the first one, the marker, and the whole prefix again to find what changed without us.

use std::time::Duration;

use tokio::time::Instant;
use tracing::{info, warn};

use super::cell::GUARD_TIME;
use super::tally::tell_drift;
use super::write::Writer;
use crate::model::{Desired, DriftType, ItemKey, Kind, Observed, Stamp};
use crate::plan::Reason;
use crate::table::{Op, Read, Table, Trouble};
use crate::writer::Purpose;

/// Tombstones deleted at one verify, at most.
const EXPIRED_AT_ONCE: usize = 25;

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// Everything, before anything else.
    First,
    /// Everything again.
    Verify,
    /// The marker, and whose data it is where that is known.
    Marker {
        /// Whether it is.
        known: bool,
    },
}

/// What was seen.
pub(super) struct Looked {
    pub(super) what: Look,
    seen: Result<(Observed, Units), Trouble>,
    took: Duration,
}

/// Read units that looking took.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Units {
    /// For the marker and the data.
    data: f64,
    /// For whose data it is.
    identity: f64,
}

/// Looks, a page at a time: the readers share the partition's read units.
pub(super) async fn look(table: Table, what: Look) -> Looked {
    let started = Instant::now();
    let seen = match what {
        Look::Marker { known } => read_vouchers(&table, known).await,
        Look::First | Look::Verify => read_all(&table).await,
    };
    Looked {
        what,
        seen,
        took: started.elapsed(),
    }
}

/// Reads everything that the table holds of an environment.
pub async fn look_at(table: &Table) -> Result<Observed, Trouble> {
    read_all(table).await.map(|(observed, _)| observed)
}

/// Reads the marker and, if wanted, whose data it is.
async fn read_vouchers(table: &Table, whose: bool) -> Result<(Observed, Units), Trouble> {
    let identity = async {
        if whose {
            return table.identity().await;
        }
        Ok(Read {
            value: None,
            units: 0.0,
        })
    };
    let (marker, identity) = tokio::try_join!(table.marker(), identity)?;
    let seen = Observed {
        initialized: marker.value,
        environment_id: identity.value,
        ..Observed::default()
    };
    let units = Units {
        data: marker.units,
        identity: identity.units,
    };
    Ok((seen, units))
}

/// Reads whose data it is, the marker and both data partitions; also the read units that it took.
pub(super) async fn read_all(table: &Table) -> Result<(Observed, Units), Trouble> {
    // The marker before the data: it is written last, so what it vouches for is read after it.
    let (mut seen, mut units) = read_vouchers(table, true).await?;
    for kind in Kind::ALL {
        let mut after = None;
        loop {
            let page = table.page(kind, after, &mut seen).await?;
            units.data += page.units;
            after = page.value;
            if after.is_none() {
                break;
            }
        }
    }
    Ok((seen, units))
}

impl Writer<'_> {
    /// Takes the first look.
    pub(super) fn first_looked(&mut self, looked: Looked) -> Result<(), Trouble> {
        let (seen, units) = looked.seen?;
        self.spent(Purpose::FirstLook, units);
        info!(
            rows = seen.items.len(),
            initialized = seen.initialized,
            milliseconds = looked.took.as_millis(),
            "read the table"
        );
        self.first_write = !seen.initialized;
        self.take_observed(seen);
        self.everything = true;
        self.report_read();
        self.report_reached();
        Ok(())
    }

    /// Compares what was seen with what was remembered; true if the marker is gone and everything must be read.
    pub(super) fn compare_look(&mut self, looked: Looked) -> Result<bool, Trouble> {
        let (seen, units) = looked.seen?;
        let marker_gone = self.observed.initialized && !seen.initialized;
        if matches!(looked.what, Look::Marker { .. }) {
            self.spent(Purpose::Marker, units);
            // Who removed it may have removed more, and it vouches for everything: it comes back after that was read.
            if !marker_gone {
                self.observed.initialized = seen.initialized;
            }
            self.report_marker(seen.initialized);
            if seen.environment_id != self.observed.environment_id {
                self.remembered(seen.environment_id);
                self.rejudge();
            }
            return Ok(marker_gone);
        }
        self.spent(Purpose::Verify, units);
        let metrics = &self.environment.metrics;
        metrics.verify_seconds.record(looked.took.as_secs_f64());
        let drift = self.differences(&seen);
        self.merge(seen);
        self.count_contests(&drift);
        self.rejudge();
        if marker_gone || drift.iter().any(|(_, it)| *it == DriftType::Missing) {
            self.verify_soon();
        }
        self.report_marker(self.observed.initialized);
        if marker_gone {
            self.found(DriftType::Marker, None);
        }
        tell_drift(&drift, self.environment.habits.repair);
        for (key, drift) in drift {
            self.found(drift, Some(key));
        }
        self.expire_tombstones();
        // What made DynamoDB refuse them, an index say, may be gone.
        self.backlog.extend(self.holds.forgive());
        self.report_read();
        Ok(false)
    }

    /// Somebody may have changed whose data this is, or removed it: that is put right as drift is.
    fn rejudge(&mut self) {
        let remember = self.judge_identity();
        self.unremembered |= remember && self.environment.habits.repair;
    }

    fn spent(&self, purpose: Purpose, units: Units) {
        let metrics = &self.environment.metrics;
        metrics.spent(Op::Read, purpose, units.data);
        metrics.spent(Op::Read, Purpose::Identity, units.identity);
    }

    /// Counts who keeps drifting.
    fn count_contests(&mut self, drift: &[(ItemKey, DriftType)]) {
        let waits = |key: &ItemKey| {
            let hold = self.holds.items.get(key);
            self.backlog.contains(key)
                || hold.is_some_and(|it| matches!(it.reason, Reason::Unconfirmed | Reason::Brake))
        };
        // What waits no longer was repaired, or is now what is said.
        self.drifted.retain(|key, _| waits(key));
        self.contests
            .verified(drift.iter().map(|(key, _)| key), waits);
        self.report_contests(self.contests.contested());
    }

    /// How rows differ from what is remembered of them, those aside that we wrote while the table was being read.
    fn differences(&self, seen: &Observed) -> Vec<(ItemKey, DriftType)> {
        // What we wrote meanwhile, or may have written.
        let ours = |key: &&ItemKey| {
            !self.written_meanwhile.contains(*key) && !self.doubtful.contains(*key)
        };
        // A tombstone is as good as absence.
        let live = self
            .observed
            .items
            .iter()
            .filter(|(_, stamp)| !stamp.tombstone);
        let gone = live
            .map(|(key, _)| key)
            .filter(|key| !seen.items.contains_key(*key));
        let mut drift: Vec<_> = gone
            .filter(ours)
            .map(|key| (key.clone(), DriftType::Missing))
            .collect();
        for (key, now) in seen.items.iter().filter(|(key, _)| ours(key)) {
            if let Some(drifted) = drift_type(self.observed.items.get(key), now) {
                drift.push((key.clone(), drifted));
            }
        }
        drift
    }

    /// Takes what was seen, and keeps what we wrote meanwhile.
    fn merge(&mut self, mut seen: Observed) {
        for key in self.written_meanwhile.drain() {
            match self.observed.items.remove(&key) {
                Some(stamp) => seen.items.insert(key, stamp),
                None => seen.items.remove(&key),
            };
        }
        self.take_observed(seen);
    }

    fn take_observed(&mut self, mut seen: Observed) {
        self.live = [0; 2];
        let now = Instant::now();
        let mut tombstones = std::mem::take(&mut self.tombstones);
        for (key, stamp) in &seen.items {
            if stamp.tombstone {
                let since = tombstones.remove(key).unwrap_or(now);
                self.tombstones.insert(key.clone(), since);
            } else {
                self.live[key.kind.index()] += 1;
            }
        }
        let id = seen.environment_id.take();
        self.observed = seen;
        self.remembered(id);
    }

    /// Reports a drift, and has it repaired unless we are told not to.
    fn found(&mut self, drift: DriftType, key: Option<ItemKey>) {
        self.environment.metrics.drift.of(drift).increment(1);
        let repair = self.environment.habits.repair;
        let Some(key) = key else {
            warn!(
                r#type = drift.label(),
                repair, "the marker changed without us"
            );
            self.left_marker = !repair;
            self.everything |= repair;
            return;
        };
        if repair {
            self.drifted.insert(key.clone(), drift);
            self.backlog.insert(key);
        } else {
            let item = |desired: &Desired| desired.items.get(&key).map(|item| item.digest);
            let said = self.cell.look(|desired| desired.and_then(item));
            self.left.insert(key, said);
        }
    }

    /// Lets a few tombstones go that nobody speaks of any more.
    fn expire_tombstones(&mut self) {
        let now = Instant::now();
        let old = self
            .tombstones
            .iter()
            .filter(|(_, since)| **since + GUARD_TIME <= now)
            .map(|(key, _)| key);
        let said = |key: &&ItemKey| {
            self.cell
                .look(|desired| desired.is_none_or(|it| it.items.contains_key(*key)))
        };
        let expired: Vec<_> = old
            .filter(|key| !said(key))
            .take(EXPIRED_AT_ONCE)
            .cloned()
            .collect();
        self.expired.extend(expired);
    }
}

fn drift_type(before: Option<&Stamp>, now: &Stamp) -> Option<DriftType> {
    let Some(before) = before else {
        return (!now.tombstone).then_some(DriftType::Extra);
    };
    if before == now {
        return None;
    }
    Some(match (before.number(), now.number()) {
        (Some(before), Some(now)) if now < before => DriftType::Older,
        (Some(before), Some(now)) if now > before => DriftType::Newer,
        _ => DriftType::Altered,
    })
}

//! What an environment did lately, in the status document.

use std::time::Duration;

use serde::Serialize;

use super::{Reading, milliseconds, wall};
use crate::status::{Propagation, Written};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RecentActivityRep<'a> {
    /// When what LaunchDarkly says was last known to be stored or held by name.
    confirmed: Option<u64>,
    /// Since when the brake holds removals.
    braked_since: Option<u64>,
    drift_repaired: u64,
    write_units_last_hour: f64,
    /// `null` without a write in the last hour that an event announced.
    propagation: Option<PropagationRep>,
    changes: Vec<ChangeRep<'a>>,
}

#[derive(Serialize)]
struct PropagationRep {
    writes: usize,
    #[serde(rename = "p50Ms")]
    p50: f64,
    #[serde(rename = "p99Ms")]
    p99: f64,
}

#[derive(Serialize)]
struct ChangeRep<'a> {
    kind: &'static str,
    key: &'a str,
    done: &'static str,
    from: Option<u64>,
    to: Option<u64>,
    at: u64,
    #[serde(rename = "propagationMs")]
    propagation: Option<f64>,
    repair: bool,
}

pub(super) fn recent_activity<'a>(reading: &'a Reading<'a>) -> RecentActivityRep<'a> {
    let Reading { facts, now, .. } = reading;
    let recent = &facts.recent;
    RecentActivityRep {
        confirmed: facts.confirmed().map(milliseconds),
        braked_since: facts.braked_since().map(|since| wall(since, *now)),
        drift_repaired: recent.repaired(),
        write_units_last_hour: recent.write_units(now.monotonic),
        propagation: recent.propagation(now.monotonic).map(propagation),
        changes: recent.changes().map(change).collect(),
    }
}

fn propagation(it: Propagation) -> PropagationRep {
    PropagationRep {
        writes: it.writes,
        p50: tenths(it.p50),
        p99: tenths(it.p99),
    }
}

fn change(it: &Written) -> ChangeRep<'_> {
    ChangeRep {
        kind: it.key.kind.label(),
        key: &it.key.key,
        done: it.done.label(),
        from: it.from,
        to: it.to,
        at: milliseconds(it.at),
        propagation: it.propagation.map(tenths),
        repair: it.repair,
    }
}

/// Milliseconds with one decimal, as the log has them.
fn tenths(took: Duration) -> f64 {
    (took.as_secs_f64() * 10_000.0).round() / 10.0
}

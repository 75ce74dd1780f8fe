//! The status document: the Relay Proxy's shape, so that what reads that goes on working, and in each environment a
//! block `sync` with what only we know. What makes it `degraded` is decided in `status::health`.

mod keys;
mod outline;
mod recent_activity;
mod reps;
mod roster;

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use tokio::time::Instant;

use super::masking::masked;
use crate::clock::Moment;
use crate::registry::EnvironmentInfo;
use crate::status::{Facts, Health, HeldReason, LastError, Reach, RosterFacts, SourcePhase};
pub(super) use outline::{Outline, Outlined};
use reps::{
    ByKind, ByReason, ConnectionRep, ContestedItemRep, ContestedRep, DataStoreRep, EnvironmentRep,
    ErrorRep, HeldItemRep, HeldRep, PhaseRep, SummaryDocument, SyncRep, Whole,
};

const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Held or contested items that are listed; how many there are is always told.
const MAX_LISTED: usize = 100;

/// An environment as it is now.
pub(super) struct Reading<'a> {
    pub(super) info: &'a EnvironmentInfo,
    pub(super) facts: Facts,
    pub(super) health: Health,
    pub(super) tolerated: Duration,
    pub(super) now: Moment,
}

impl Reading<'_> {
    /// LaunchDarkly's ID of the environment, as configured or else as LaunchDarkly told it.
    pub(super) fn environment_id(&self) -> Option<&str> {
        let told = self.facts.environment_id.as_deref();
        self.info.environment_id.as_deref().or(told)
    }
}

pub(super) fn summary(readings: &[Reading<'_>]) -> SummaryDocument {
    SummaryDocument {
        status: word(readings),
        version: VERSION,
    }
}

pub(super) fn whole<'a>(readings: &'a [Reading<'a>], roster: &'a RosterFacts) -> Whole<'a> {
    Whole {
        environments: readings
            .iter()
            .map(|reading| (&*reading.info.name, environment(reading)))
            .collect(),
        auto_config: roster
            .auto_config
            .as_ref()
            .map(|status| roster::auto_config(status, roster.origin)),
        archive: roster.archive.as_ref().map(roster::archive),
        refused: roster.refused.iter().map(roster::refused).collect(),
        status: word(readings),
        version: VERSION,
        client_version: VERSION,
    }
}

pub(super) fn environment<'a>(reading: &'a Reading<'a>) -> EnvironmentRep<'a> {
    let Reading { info, facts, .. } = reading;
    let (reach, reach_since) = facts.reach();
    EnvironmentRep {
        sdk_key: info
            .sdk_key
            .value()
            .as_ref()
            .map(masked)
            .unwrap_or_default(),
        sdk_keys: keys::sdk_keys(info, reading.now.wall),
        env_id: reading.environment_id(),
        env_key: info.environment_key.as_deref(),
        env_name: info.environment_name.as_deref(),
        proj_key: info.project.as_deref(),
        proj_name: info.project_name.as_deref(),
        mobile_key: info.mobile_key.as_ref().map(masked),
        mobile_keys: keys::mobile_keys(info, reading.now.wall),
        status: if connected(reading) {
            "connected"
        } else {
            "disconnected"
        },
        connection_status: ConnectionRep {
            state: match facts.source.0 {
                SourcePhase::Connecting => "INITIALIZING",
                SourcePhase::Connected => "VALID",
                SourcePhase::Interrupted => "INTERRUPTED",
                // The Relay Proxy's word for a refused key; that we go on trying is in `sync`.
                SourcePhase::Refused => "OFF",
            },
            state_since: milliseconds(facts.source.1),
            last_error: facts.last_error.as_ref().map(error),
        },
        data_store_status: DataStoreRep {
            state: match reach {
                Reach::Untried => "INITIALIZING",
                Reach::Works => "VALID",
                Reach::Fails => "INTERRUPTED",
            },
            state_since: milliseconds(reach_since),
            database: "dynamodb",
            db_server: info.endpoint.as_deref(),
            db_prefix: &info.prefix,
            db_table: &info.table,
        },
        sync: sync(reading),
    }
}

fn sync<'a>(reading: &'a Reading<'a>) -> SyncRep<'a> {
    let Reading {
        facts, health, now, ..
    } = reading;
    let recent = &facts.recent;
    SyncRep {
        up_to_date: health.up_to_date,
        stale: health.stale,
        degraded: health.degraded,
        initialized: facts.initialized,
        refused: health.refused,
        source: PhaseRep {
            phase: facts.source.0.label(),
            since: milliseconds(facts.source.1),
        },
        last_error: facts.last_error.as_ref().map(|error| &*error.message),
        said_everything: facts.said_everything,
        table: PhaseRep {
            phase: facts.table.0.label(),
            since: milliseconds(facts.table.1),
        },
        table_advice: facts.table_advice.as_deref(),
        heard: facts.heard.map(milliseconds),
        stored: facts.stored.map(milliseconds),
        verified: facts.verified.map(milliseconds),
        items: ByKind(
            facts
                .items
                .iter()
                .map(|(kind, count)| (kind.label(), *count))
                .collect(),
        ),
        largest_item_bytes: facts.largest_item,
        pending: facts.pending,
        written: facts.written,
        braked_removals: facts.braked,
        held: held(facts, *now),
        contested: contested(facts),
        confirmed: facts.confirmed().map(milliseconds),
        braked_since: facts.braked_since().map(|since| wall(since, *now)),
        drift_repaired: recent.repaired(),
        write_units_last_hour: recent.write_units(now.monotonic),
        propagation: recent
            .propagation(now.monotonic)
            .map(recent_activity::propagation),
        changes: recent.changes().map(recent_activity::change).collect(),
    }
}

fn held(facts: &Facts, now: Moment) -> HeldRep<'_> {
    let mut by_reason: BTreeMap<_, _> = HeldReason::ALL
        .iter()
        .map(|reason| (reason.label(), 0))
        .collect();
    for held in facts.held.values() {
        *by_reason.entry(held.reason.label()).or_default() += 1;
    }
    // Those that somebody has to act on first, so that a storm of unconfirmed ones hides none.
    let mut items: Vec<_> = facts.held.iter().collect();
    items.sort_by_key(|(_, held)| std::cmp::Reverse(held.reason));
    HeldRep {
        total: facts.held.len(),
        by_reason: ByReason(by_reason),
        items: items
            .into_iter()
            .take(MAX_LISTED)
            .map(|(key, held)| HeldItemRep {
                kind: key.kind.label(),
                key: &key.key,
                reason: held.reason.label(),
                detail: &held.detail,
                since: wall(held.since, now),
            })
            .collect(),
    }
}

fn contested(facts: &Facts) -> ContestedRep<'_> {
    let items = facts.contested.iter().take(MAX_LISTED);
    ContestedRep {
        total: facts.contested.len(),
        items: items
            .map(|key| ContestedItemRep {
                kind: key.kind.label(),
                key: &key.key,
            })
            .collect(),
    }
}

fn word(readings: &[Reading<'_>]) -> &'static str {
    let degraded = |reading: &Reading<'_>| reading.health.degraded;
    // What the roster lists and cannot be used, and a roster's stream that failed, do no harm to the others.
    if readings.is_empty() || readings.iter().any(degraded) {
        "degraded"
    } else {
        "healthy"
    }
}

/// The Relay Proxy's rule: everything was said once, and the stream is there or has not been gone for long.
fn connected(reading: &Reading<'_>) -> bool {
    let (phase, since) = reading.facts.source;
    let away = reading
        .now
        .monotonic
        .saturating_duration_since(since.monotonic);
    reading.facts.said_everything
        && match phase {
            SourcePhase::Connected => true,
            SourcePhase::Connecting | SourcePhase::Interrupted => away < reading.tolerated,
            SourcePhase::Refused => false,
        }
}

fn error(error: &LastError) -> ErrorRep {
    ErrorRep {
        kind: error.kind.label(),
        time: milliseconds(error.at),
        status_code: error.status_code,
    }
}

fn milliseconds(at: Moment) -> u64 {
    at.milliseconds()
}

/// A monotonic instant on the wall's clock.
fn wall(at: Instant, now: Moment) -> u64 {
    milliseconds(moment(at, now))
}

/// The same by both clocks.
pub(super) fn moment(at: Instant, now: Moment) -> Moment {
    let ago = now.monotonic.saturating_duration_since(at);
    Moment {
        monotonic: at,
        wall: now.wall.checked_sub(ago).unwrap_or(UNIX_EPOCH),
    }
}

//! The status document: the Relay Proxy's shape, so that what reads that goes on working, and in each environment a
//! block `sync` with what only we know. What makes it `degraded` is decided in `status::health`.

mod keys;
mod recent_activity;

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use tokio::time::Instant;

use super::masking::masked;
use crate::clock::Moment;
use crate::registry::EnvironmentInfo;
use crate::status::{Facts, Health, HeldReason, LastError, Reach, SourcePhase};

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

/// What health checks made for the Relay Proxy look at.
#[derive(Serialize)]
pub(super) struct SummaryDocument {
    status: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Whole<'a> {
    environments: BTreeMap<&'a str, EnvironmentRep<'a>>,
    status: &'static str,
    version: &'static str,
    client_version: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EnvironmentRep<'a> {
    /// Empty while it is not known yet: the Relay Proxy's document always has it.
    sdk_key: String,
    sdk_keys: Vec<keys::KeyRep<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    env_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    env_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    env_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proj_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proj_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mobile_key: Option<String>,
    mobile_keys: Vec<keys::KeyRep<'a>>,
    status: &'static str,
    connection_status: ConnectionRep,
    data_store_status: DataStoreRep<'a>,
    sync: SyncRep<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ConnectionRep {
    state: &'static str,
    state_since: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<ErrorRep>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ErrorRep {
    kind: &'static str,
    time: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_code: Option<u16>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DataStoreRep<'a> {
    state: &'static str,
    state_since: u64,
    database: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    db_server: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    db_prefix: &'a str,
    db_table: &'a str,
}

/// What only we know. Times are milliseconds since 1970, `null` for never.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "the document has them")]
struct SyncRep<'a> {
    up_to_date: bool,
    stale: bool,
    degraded: bool,
    initialized: bool,
    refused: bool,
    source: PhaseRep,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<&'a str>,
    said_everything: bool,
    table: PhaseRep,
    #[serde(skip_serializing_if = "Option::is_none")]
    table_advice: Option<&'a str>,
    heard: Option<u64>,
    stored: Option<u64>,
    verified: Option<u64>,
    items: BTreeMap<&'static str, usize>,
    largest_item_bytes: usize,
    pending: usize,
    written: u64,
    braked_removals: usize,
    held: HeldRep<'a>,
    contested: ContestedRep<'a>,
    #[serde(flatten)]
    recent_activity: recent_activity::RecentActivityRep<'a>,
}

#[derive(Serialize)]
struct PhaseRep {
    phase: &'static str,
    since: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HeldRep<'a> {
    total: usize,
    by_reason: BTreeMap<&'static str, usize>,
    items: Vec<HeldItemRep<'a>>,
}

#[derive(Serialize)]
struct HeldItemRep<'a> {
    kind: &'static str,
    key: &'a str,
    reason: &'static str,
    detail: &'a str,
    since: u64,
}

/// What somebody else writes too.
#[derive(Serialize)]
struct ContestedRep<'a> {
    total: usize,
    items: Vec<ContestedItemRep<'a>>,
}

#[derive(Serialize)]
struct ContestedItemRep<'a> {
    kind: &'static str,
    key: &'a str,
}

pub(super) fn summary(readings: &[Reading<'_>]) -> SummaryDocument {
    SummaryDocument {
        status: word(readings),
        version: VERSION,
    }
}

pub(super) fn whole<'a>(readings: &'a [Reading<'a>]) -> Whole<'a> {
    Whole {
        environments: readings
            .iter()
            .map(|reading| (&*reading.info.name, environment(reading)))
            .collect(),
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
        env_id: info
            .environment_id
            .as_deref()
            .or(facts.environment_id.as_deref()),
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
        items: facts
            .items
            .iter()
            .map(|(kind, count)| (kind.label(), *count))
            .collect(),
        largest_item_bytes: facts.largest_item,
        pending: facts.pending,
        written: facts.written,
        braked_removals: facts.braked,
        held: held(facts, *now),
        contested: contested(facts),
        recent_activity: recent_activity::recent_activity(reading),
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
        by_reason,
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
    // No environment at all is the Relay Proxy's "auto-configuration has not come yet".
    if readings.is_empty() || readings.iter().any(|reading| reading.health.degraded) {
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
    since_epoch(at.wall)
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

fn since_epoch(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| u64::try_from(since.as_millis()).ok())
        .unwrap_or_default()
}

//! The objects of the status document. Times are milliseconds since 1970.

use std::collections::BTreeMap;

use serde::Serialize;

use super::outline::{Outline, Outlined, outlined};
use crate::model::Kind;
use crate::status::HeldReason;

outlined! {
    /// What health checks made for the Relay Proxy look at.
    struct SummaryDocument {
        status: &'static str = "status",
        version: &'static str = "version",
    }

    struct Whole<'a> {
        environments: BTreeMap<&'a str, EnvironmentRep<'a>> = "environments",
        #[serde(skip_serializing_if = "Option::is_none")]
        auto_config: Option<AutoConfigRep> = "autoConfigStatus",
        #[serde(skip_serializing_if = "Option::is_none")]
        archive: Option<ArchiveRep<'a>> = "archiveStatus",
        refused: Vec<RefusedRep<'a>> = "refusedEnvironments",
        status: &'static str = "status",
        version: &'static str = "version",
        client_version: &'static str = "clientVersion",
    }

    struct EnvironmentRep<'a> {
        /// Empty while it is not known yet: the Relay Proxy's document always has it.
        sdk_key: String = "sdkKey",
        sdk_keys: Vec<KeyRep<'a>> = "sdkKeys",
        #[serde(skip_serializing_if = "Option::is_none")]
        env_id: Option<&'a str> = "envId",
        #[serde(skip_serializing_if = "Option::is_none")]
        env_key: Option<&'a str> = "envKey",
        #[serde(skip_serializing_if = "Option::is_none")]
        env_name: Option<&'a str> = "envName",
        #[serde(skip_serializing_if = "Option::is_none")]
        proj_key: Option<&'a str> = "projKey",
        #[serde(skip_serializing_if = "Option::is_none")]
        proj_name: Option<&'a str> = "projName",
        #[serde(skip_serializing_if = "Option::is_none")]
        mobile_key: Option<String> = "mobileKey",
        mobile_keys: Vec<KeyRep<'a>> = "mobileKeys",
        status: &'static str = "status",
        connection_status: ConnectionRep = "connectionStatus",
        data_store_status: DataStoreRep<'a> = "dataStoreStatus",
        sync: SyncRep<'a> = "sync",
    }

    struct KeyRep<'a> {
        /// What people call it.
        #[serde(skip_serializing_if = "Option::is_none")]
        identifier: Option<&'a str> = "key",
        /// Masked.
        value: String = "value",
        #[serde(skip_serializing_if = "Option::is_none")]
        expiry: Option<u64> = "expiry",
    }

    struct ConnectionRep {
        state: &'static str = "state",
        state_since: u64 = "stateSince",
        #[serde(skip_serializing_if = "Option::is_none")]
        last_error: Option<ErrorRep> = "lastError",
    }

    struct ErrorRep {
        kind: &'static str = "kind",
        time: u64 = "time",
        #[serde(skip_serializing_if = "Option::is_none")]
        status_code: Option<u16> = "statusCode",
    }

    struct DataStoreRep<'a> {
        state: &'static str = "state",
        state_since: u64 = "stateSince",
        database: &'static str = "database",
        #[serde(skip_serializing_if = "Option::is_none")]
        db_server: Option<&'a str> = "dbServer",
        #[serde(skip_serializing_if = "str::is_empty")]
        db_prefix: &'a str = "dbPrefix",
        db_table: &'a str = "dbTable",
    }

    /// What only we know; `null` is never.
    struct SyncRep<'a> {
        up_to_date: bool = "upToDate",
        stale: bool = "stale",
        degraded: bool = "degraded",
        initialized: bool = "initialized",
        refused: bool = "refused",
        source: PhaseRep = "source",
        #[serde(skip_serializing_if = "Option::is_none")]
        last_error: Option<&'a str> = "lastError",
        said_everything: bool = "saidEverything",
        table: PhaseRep = "table",
        #[serde(skip_serializing_if = "Option::is_none")]
        table_advice: Option<&'a str> = "tableAdvice",
        heard: Option<u64> = "heard",
        stored: Option<u64> = "stored",
        verified: Option<u64> = "verified",
        items: ByKind = "items",
        largest_item_bytes: usize = "largestItemBytes",
        pending: usize = "pending",
        written: u64 = "written",
        braked_removals: usize = "brakedRemovals",
        held: HeldRep<'a> = "held",
        contested: ContestedRep<'a> = "contested",
        /// When what LaunchDarkly says was last known to be stored or held by name.
        confirmed: Option<u64> = "confirmed",
        /// Since when the brake holds removals.
        braked_since: Option<u64> = "brakedSince",
        drift_repaired: u64 = "driftRepaired",
        write_units_last_hour: f64 = "writeUnitsLastHour",
        /// `null` without a write in the last hour that an event announced.
        propagation: Option<PropagationRep> = "propagation",
        changes: Vec<ChangeRep<'a>> = "changes",
    }

    struct PhaseRep {
        phase: &'static str = "phase",
        since: u64 = "since",
    }

    struct HeldRep<'a> {
        total: usize = "total",
        by_reason: ByReason = "byReason",
        items: Vec<HeldItemRep<'a>> = "items",
    }

    struct HeldItemRep<'a> {
        kind: &'static str = "kind",
        key: &'a str = "key",
        reason: &'static str = "reason",
        detail: &'a str = "detail",
        since: u64 = "since",
    }

    /// What somebody else writes too.
    struct ContestedRep<'a> {
        total: usize = "total",
        items: Vec<ContestedItemRep<'a>> = "items",
    }

    struct ContestedItemRep<'a> {
        kind: &'static str = "kind",
        key: &'a str = "key",
    }

    struct PropagationRep {
        writes: usize = "writes",
        p50: f64 = "p50Ms",
        p99: f64 = "p99Ms",
    }

    struct ChangeRep<'a> {
        kind: &'static str = "kind",
        key: &'a str = "key",
        done: &'static str = "done",
        from: Option<u64> = "from",
        to: Option<u64> = "to",
        at: u64 = "at",
        propagation: Option<f64> = "propagationMs",
        repair: bool = "repair",
    }

    /// The stream of auto-configuration.
    struct AutoConfigRep {
        state: &'static str = "state",
        state_since: u64 = "stateSince",
        #[serde(skip_serializing_if = "Option::is_none")]
        source: Option<&'static str> = "source",
        #[serde(skip_serializing_if = "Option::is_none")]
        last_error: Option<ErrorRep> = "lastError",
    }

    /// The archive that was last taken; `null` before the first.
    struct ArchiveRep<'a> {
        modified: Option<u64> = "modified",
        bytes: Option<u64> = "bytes",
        checksum: Option<String> = "checksum",
        #[serde(skip_serializing_if = "Option::is_none")]
        last_error: Option<ArchiveErrorRep<'a>> = "lastError",
    }

    struct ArchiveErrorRep<'a> {
        message: &'a str = "message",
        time: u64 = "time",
    }

    /// An environment whose configuration cannot be used.
    struct RefusedRep<'a> {
        id: &'a str = "envId",
        reason: &'a str = "reason",
        serving: bool = "serving",
    }
}

/// A number for each kind of item.
#[derive(Serialize)]
pub(super) struct ByKind(pub(super) BTreeMap<&'static str, usize>);

impl Outlined for ByKind {
    const OUTLINE: Outline = Outline::Numbers(|| Kind::ALL.iter().map(|it| it.label()).collect());
}

/// A number for each reason to hold an item.
#[derive(Serialize)]
pub(super) struct ByReason(pub(super) BTreeMap<&'static str, usize>);

impl Outlined for ByReason {
    const OUTLINE: Outline =
        Outline::Numbers(|| HeldReason::ALL.iter().map(|it| it.label()).collect());
}

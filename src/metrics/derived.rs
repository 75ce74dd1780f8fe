//! Metrics that follow from the status. They are set in a registry that lives for one answer: an environment that is
//! gone leaves nothing behind, and no value outlives what it was computed from.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use metrics::{Gauge, Label as Pair};
use metrics_exporter_prometheus::PrometheusBuilder;

use super::family::{By, Family, Registry, families};
use crate::clock::Moment;
use crate::model::Kind;
use crate::status::{Facts, Health, HeldReason, RosterFacts, SourcePhase, TablePhase};

pub(super) const FAMILIES: &[Family] = Derived::FAMILIES;
pub(super) const ROSTER_FAMILIES: &[Family] = RosterGauges::FAMILIES;

/// What is known of one environment.
#[derive(Clone, Copy)]
pub struct KnownEnvironment<'a> {
    /// Its name.
    pub name: &'a str,
    /// The facts.
    pub facts: &'a Facts,
    /// What they mean.
    pub health: Health,
}

families! {
    /// What follows from an environment's status.
    struct Derived {
        /// 1 while LaunchDarkly was heard within the read timeout and everything that it said is stored or held by name.
        "up_to_date" => up_to_date: Gauge,
        /// 1 while that has not been so for longer than is tolerated.
        "stale" => stale: Gauge,
        /// 1 once the marker was seen or written: readers have usable data.
        "initialized" => initialized: Gauge,
        /// 1 for the phase of the half that listens, 0 for the others.
        "source_phase" => source_phase: By<SourcePhase, Gauge>,
        /// 1 for the phase of the half that writes, 0 for the others.
        "table_phase" => table_phase: By<TablePhase, Gauge>,
        /// When a byte last came from LaunchDarkly, in seconds since 1970; 0 for never.
        "heard_timestamp_seconds" => heard: Gauge,
        /// When everything said was last known to be stored or held by name, in seconds since 1970; 0 for never.
        "stored_timestamp_seconds" => stored: Gauge,
        /// When the table was last read as a whole, in seconds since 1970; 0 for never.
        "last_verify_timestamp_seconds" => verified: Gauge,
        /// Live items in the table.
        "items" => items: By<Kind, Gauge>,
        /// The largest row that LaunchDarkly's items make; DynamoDB takes 409,600 bytes.
        "item_bytes_max" => item_bytes_max: Gauge,
        /// Differences that are left to write.
        "pending" => pending: Gauge,
        /// Items that are held, by why.
        "held" => held: By<HeldReason, Gauge>,
        /// Items that three consecutive verifications found altered: another writer may own this prefix.
        "contested" => contested: Gauge,
    }
}

families! {
    /// What follows from where environments come from. There is none of these where the settings list them.
    struct RosterGauges {
        /// Environments that are listed and run.
        "roster_environments" => environments: Gauge,
        /// Environments that are listed and cannot be used as they are described.
        "roster_refused" => refused: Gauge,
        /// Environments whose removal is held until LaunchDarkly says it again or an operator confirms their number.
        "roster_held_removals" => held_removals: Gauge,
        /// 1 while what lists the environments is heard: auto-configuration's stream, or the file that is there now was taken.
        "roster_up_to_date" => up_to_date: Gauge,
    }
}

pub(super) fn render<'a>(
    prefix: &str,
    known: impl IntoIterator<Item = KnownEnvironment<'a>>,
    roster: Option<&RosterFacts>,
) -> String {
    let registry = Registry::new(PrometheusBuilder::new().build_recorder(), prefix);
    let mut environments = 0;
    for known in known {
        let name = Pair::new("environment", known.name.to_owned());
        Derived::bind(&registry, &[name]).set(known.facts, known.health);
        environments += 1;
    }
    if let Some(roster) = roster.filter(|it| it.is_followed()) {
        RosterGauges::bind(&registry, &[]).set(roster, environments);
    }
    registry.handle().render()
}

impl Derived {
    fn set(&self, facts: &Facts, health: Health) {
        self.up_to_date.set(flag(health.up_to_date));
        self.stale.set(flag(health.stale));
        self.initialized.set(flag(facts.initialized));
        self.source_phase.only(facts.source.0);
        self.table_phase.only(facts.table.0);
        self.heard.set(seconds(facts.heard));
        self.stored.set(seconds(facts.stored));
        self.verified.set(seconds(facts.verified));
        for (kind, count) in facts.items {
            self.items.of(kind).set(number(count));
        }
        self.item_bytes_max.set(number(facts.largest_item));
        self.pending.set(number(facts.pending));
        let mut held = BTreeMap::new();
        for item in facts.held.values() {
            *held.entry(item.reason).or_insert(0) += 1;
        }
        self.contested.set(number(facts.contested.len()));
        for (reason, count) in held {
            self.held.of(reason).set(number(count));
        }
    }
}

impl RosterGauges {
    fn set(&self, roster: &RosterFacts, environments: usize) {
        self.environments.set(number(environments));
        self.refused.set(number(roster.refused.len()));
        self.held_removals.set(number(roster.held_removals));
        self.up_to_date.set(flag(roster.is_up_to_date()));
    }
}

fn flag(value: bool) -> f64 {
    if value { 1.0 } else { 0.0 }
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

fn seconds(at: Option<Moment>) -> f64 {
    at.map_or(SystemTime::UNIX_EPOCH, |at| at.wall)
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}

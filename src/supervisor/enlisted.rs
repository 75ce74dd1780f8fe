//! The environments that a roster names, whatever roster it is: each made, shown and given its keys.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tracing::{info, warn};

use super::assembler::Assembler;
use crate::clock;
use crate::config::{EnvironmentSettings, Secret, SourceKind};
use crate::environment::{Environment, EnvironmentSource};
use crate::registry::{EnvironmentInfo, EnvironmentRegistry, RegisteredEnvironment};
use crate::roster::{Destination, EnvironmentEntry};
use crate::secrets::{Giver, Kept};
use crate::status::SourcePhase;

/// An anchor that LaunchDarkly refuses is tried again after this time, where another key is used meanwhile.
const ANCHOR_AGAIN: Duration = Duration::from_mins(5);

/// See the module.
pub(super) struct Enlisted<'a> {
    assembler: Assembler<'a>,
    registry: EnvironmentRegistry,
    keys: HashMap<Arc<str>, OfferedKey>,
    /// Rung when LaunchDarkly refuses the key of any of them.
    pub(super) refused: Arc<Notify>,
}

/// The key that an environment has.
struct OfferedKey {
    giver: Giver,
    kept: Kept,
    entry: Arc<EnvironmentEntry>,
    destination: Destination,
    /// It has another one than the anchor, which is tried again then.
    anchor_at: Option<Instant>,
}

impl<'a> Enlisted<'a> {
    pub(super) fn new(assembler: Assembler<'a>, registry: EnvironmentRegistry) -> Self {
        Self {
            assembler,
            registry,
            keys: HashMap::new(),
            refused: Arc::default(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// One more, heard from LaunchDarkly in this way.
    pub(super) fn add(
        &mut self,
        entry: &Arc<EnvironmentEntry>,
        destination: Destination,
        source: SourceKind,
        first_delay: Duration,
    ) -> anyhow::Result<Environment> {
        let (giver, kept) = Kept::cell_ringing(Arc::clone(&self.refused));
        giver.give(entry.credentials.anchor().clone());
        let settings = settings(entry, &destination, source);
        let mut environment = self
            .assembler
            .environment(&settings, kept.clone(), first_delay)?;
        environment.launchdarkly_id = Some(Arc::clone(&entry.id));
        self.enlist(&environment, entry, destination, giver, kept);
        Ok(environment)
    }

    /// The same from elsewhere.
    pub(super) fn add_from(
        &mut self,
        entry: &Arc<EnvironmentEntry>,
        destination: Destination,
        source: EnvironmentSource,
    ) -> anyhow::Result<Environment> {
        let environment = self.add(entry, destination, SourceKind::Stream, Duration::ZERO)?;
        Ok(Environment {
            source,
            ..environment
        })
    }

    fn enlist(
        &mut self,
        environment: &Environment,
        entry: &Arc<EnvironmentEntry>,
        destination: Destination,
        giver: Giver,
        kept: Kept,
    ) {
        let names = [&*entry.names.project_name, &*entry.names.name];
        info!(
            environment = &*entry.id,
            detail = format!("{} goes to {destination}", names.join(" ")).trim_start(),
            "environment joined the roster"
        );
        let info = self.info(entry, &destination, &kept);
        self.registry
            .put(RegisteredEnvironment::of(environment, info, Vec::new()));
        let offered = OfferedKey {
            giver,
            kept,
            entry: Arc::clone(entry),
            destination,
            anchor_at: None,
        };
        self.keys.insert(Arc::clone(&entry.id), offered);
    }

    /// It is described otherwise: its names and keys are those from now on.
    pub(super) fn update(&mut self, entry: &Arc<EnvironmentEntry>) {
        let Some(offered) = self.keys.get_mut(&entry.id) else {
            return;
        };
        offered.giver.give(entry.credentials.anchor().clone());
        offered.anchor_at = None;
        offered.entry = Arc::clone(entry);
        let (destination, kept) = (offered.destination.clone(), offered.kept.clone());
        let info = self.info(entry, &destination, &kept);
        if let Some(before) = self.registry.named(&entry.id) {
            self.registry.put(RegisteredEnvironment {
                info,
                ..RegisteredEnvironment::clone(&before)
            });
        }
    }

    /// It is no more. Its rows stay.
    pub(super) fn remove(&mut self, id: &str) {
        info!(
            environment = id,
            "environment left the roster; its rows stay"
        );
        self.keys.remove(id);
        self.registry.remove(id);
    }

    fn info(
        &self,
        entry: &EnvironmentEntry,
        destination: &Destination,
        kept: &Kept,
    ) -> EnvironmentInfo {
        let said = |text: &String| (!text.is_empty()).then(|| text.clone());
        let now = clock::now().milliseconds();
        let (names, keys) = (&entry.names, &entry.credentials);
        let endpoint = self.assembler.endpoint();
        let info = EnvironmentInfo {
            environment_id: Some(entry.id.to_string()),
            project: said(&names.project_key),
            environment_key: said(&names.key),
            mobile_key: keys.mobile_key().cloned(),
            ..EnvironmentInfo::new(
                &settings(entry, destination, SourceKind::Stream),
                kept.clone(),
                endpoint,
            )
        };
        info.titled(said(&names.project_name), said(&names.name))
            .accepting(
                keys.sdk_keys(now).cloned().collect(),
                keys.mobile_keys(now).cloned().collect(),
            )
    }

    /// Whoever is refused and has no connection tries another key that is accepted; the anchor is tried again later. Returns
    /// when to look again.
    pub(super) fn look_at_keys(&mut self) -> Option<Instant> {
        let (now, wall) = (Instant::now(), clock::now().milliseconds());
        for (id, offered) in &mut self.keys {
            if offered.anchor_at.is_some_and(|at| at <= now) {
                offered.anchor_at = None;
                let anchor = offered.entry.credentials.anchor();
                offered.giver.give(anchor.clone());
                continue;
            }
            let registered = self.registry.named(id);
            let phase = registered.map(|it| it.status.facts().source.0);
            if phase == Some(SourcePhase::Refused) && offered.anchor_at.is_none() {
                let instead = offered.entry.credentials.usable_instead(wall);
                if let Some(key) = instead.first() {
                    warn!(
                        environment = &**id,
                        "LaunchDarkly refuses the environment's key; using another one that it accepts"
                    );
                    offered.giver.give(key.value.clone());
                    offered.anchor_at = Some(now + ANCHOR_AGAIN);
                }
            }
        }
        self.keys.values().filter_map(|it| it.anchor_at).min()
    }
}

fn settings(
    entry: &EnvironmentEntry,
    destination: &Destination,
    source: SourceKind,
) -> EnvironmentSettings {
    EnvironmentSettings {
        name: Arc::clone(&entry.id),
        // It is in a cell, where it may change.
        sdk_key: Secret {
            value: None,
            reference: None,
        },
        table: destination.table.clone(),
        prefix: destination.prefix.clone(),
        log_level: None,
        project: None,
        environment_key: None,
        webhook_secrets: Vec::new(),
        environment_id: None,
        mobile_key: None,
        source,
    }
}

//! Runs the environments that auto-configuration names: what the roster says becomes environments that come, change and
//! go.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::Change;
use super::assembler::{Assembler, delays};
use super::follow::Follower;
use super::roster_cache::RosterCache;
use crate::clock;
use crate::config::{EnvironmentSettings, Secret, SourceKind};
use crate::environment::Environment;
use crate::registry::{EnvironmentInfo, EnvironmentRegistry, RegisteredEnvironment, RosterOrders};
use crate::roster::{
    self, CacheOutcome, Destination, EnvironmentEntry, RosterChange, RosterOrigin, RosterStep,
};
use crate::secrets::{Giver, Kept};
use crate::status::SourcePhase;

/// An anchor that LaunchDarkly refuses is tried again after this time, where another key is used meanwhile.
const ANCHOR_AGAIN: Duration = Duration::from_mins(5);
/// After a refusal, until the status says what came of it.
const LOOK_AFTER: Duration = Duration::from_secs(1);

/// See the module.
pub struct RosterRunner<'a> {
    follower: Follower,
    assembler: Assembler<'a>,
    used: RosterUse,
    keys: HashMap<Arc<str>, OfferedKey>,
    /// Rung when LaunchDarkly refuses the key of any of them.
    refused: Arc<Notify>,
    look_at: Option<Instant>,
}

/// What becomes of a roster.
pub struct RosterUse {
    /// Where its environments are shown.
    pub registry: EnvironmentRegistry,
    /// Where it is kept for the next start.
    pub cache: Option<RosterCache>,
    /// What operators say of it.
    pub orders: RosterOrders,
    /// How its environments are heard.
    pub source: SourceKind,
    /// Where the tables are, if not at AWS.
    pub endpoint: Option<String>,
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

impl<'a> RosterRunner<'a> {
    /// Runs nothing yet.
    pub fn new(follower: Follower, assembler: Assembler<'a>, used: RosterUse) -> Self {
        Self {
            follower,
            assembler,
            used,
            keys: HashMap::new(),
            refused: Arc::default(),
            look_at: None,
        }
    }

    /// Follows the roster until `stop`. Fails where an environment cannot be made, which is a matter of the settings, or
    /// with `exits` where LaunchDarkly rejects the key and nothing is known.
    pub async fn run(
        mut self,
        changes: mpsc::Sender<Change>,
        patience: Duration,
        exits: bool,
        stop: &CancellationToken,
    ) -> anyhow::Result<RosterEnd> {
        let cache = self.used.cache.clone();
        let writing = async {
            match &cache {
                Some(cache) => cache.run().await,
                None => std::future::pending().await,
            }
        };
        // On the heap: whoever waits for this holds many other things.
        let (writing, following) = (
            Box::pin(writing),
            Box::pin(self.follow(&changes, patience, exits)),
        );
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = writing => {}
            ended = following => return ended,
        }
        self.follower.close();
        Ok(RosterEnd::Stopped)
    }

    async fn follow(
        &mut self,
        changes: &mpsc::Sender<Change>,
        patience: Duration,
        exits: bool,
    ) -> anyhow::Result<RosterEnd> {
        let cache = self.used.cache.clone();
        let reading = async {
            match &cache {
                Some(cache) => cache.read(patience).await,
                None => (Vec::new(), CacheOutcome::Empty),
            }
        };
        tokio::pin!(reading);
        let mut cached = None;
        loop {
            let step = tokio::select! {
                biased;
                (entries, outcome) = &mut reading, if cached.is_none() => {
                    cached = Some(outcome);
                    let step = self.follower.roster_mut().heed_cache(entries);
                    self.follower.tell(&step);
                    step
                }
                count = self.used.orders.confirmed() => self.confirmed(count),
                () = self.refused.notified() => {
                    self.look_at = Some(Instant::now() + LOOK_AFTER);
                    continue;
                }
                () = reached(self.look_at) => {
                    self.look_at_keys();
                    continue;
                }
                step = self.follower.next() => step,
            };
            let hopeless = self.follower.is_rejected()
                && self.keys.is_empty()
                && cached == Some(CacheOutcome::Empty);
            if exits && hopeless {
                return Ok(RosterEnd::Rejected);
            }
            for change in self.apply(step)? {
                // Only when we are asked to stop nobody takes it any more.
                if changes.send(change).await.is_err() {
                    return Ok(RosterEnd::Stopped);
                }
            }
        }
    }

    /// Waits for what LaunchDarkly says first, for so long at most; none where it said nothing.
    pub async fn first(&mut self, patience: Duration) -> anyhow::Result<Option<Vec<Environment>>> {
        let deadline = Instant::now() + patience;
        let mut environments = Vec::new();
        while let Ok(step) = timeout_at(deadline, self.follower.next()).await {
            for change in self.apply(step)? {
                if let Change::Run(environment) = change {
                    environments.push(*environment);
                }
            }
            if self.follower.roster().origin() == RosterOrigin::LaunchDarkly {
                return Ok(Some(environments));
            }
        }
        Ok(None)
    }

    /// Names of environments whose description cannot be used, with why.
    pub fn unusable(&self) -> Vec<roster::RefusedEnvironment> {
        self.follower.roster().refused().collect()
    }

    /// What keeps LaunchDarkly from being heard: a sentence for people.
    pub fn trouble(&self) -> Option<String> {
        self.follower.trouble()
    }

    fn confirmed(&mut self, count: usize) -> RosterStep {
        match self.follower.roster_mut().confirm_removals(count) {
            Ok(step) => {
                info!(
                    environments = count,
                    "an operator confirmed the removal of environments"
                );
                self.follower.tell(&step);
                step
            }
            Err(held) => {
                warn!(
                    removals = held,
                    "an operator confirmed another number of removals than is held"
                );
                RosterStep::default()
            }
        }
    }

    /// What a step makes of those who run.
    fn apply(&mut self, step: RosterStep) -> anyhow::Result<Vec<Change>> {
        if let Some(cache) = &self.used.cache {
            cache.order(&step.cache, self.follower.roster());
        }
        let is_new = |it: &&RosterChange| matches!(it, RosterChange::Add { .. });
        let mut delays = delays(step.changes.iter().filter(is_new).count());
        let mut changes = Vec::new();
        for change in step.changes {
            match change {
                RosterChange::Add { entry, destination } => {
                    let delay = delays.next().unwrap_or_default();
                    changes.push(Change::Run(Box::new(self.add(
                        entry,
                        destination,
                        delay,
                    )?)));
                }
                RosterChange::Update { entry, .. } => self.update(&entry),
                RosterChange::Remove(id) => {
                    info!(
                        environment = &*id,
                        "environment left the roster; its rows stay"
                    );
                    self.keys.remove(&id);
                    self.used.registry.remove(&id);
                    changes.push(Change::End(id));
                }
            }
        }
        Ok(changes)
    }

    fn add(
        &mut self,
        entry: Arc<EnvironmentEntry>,
        destination: Destination,
        delay: Duration,
    ) -> anyhow::Result<Environment> {
        let (giver, kept) = Kept::cell_ringing(Arc::clone(&self.refused));
        giver.give(entry.credentials.anchor().clone());
        let settings = EnvironmentSettings {
            name: Arc::clone(&entry.id),
            // It is in the cell, where it may change.
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
            source: self.used.source,
        };
        let mut environment = self.assembler.environment(&settings, kept.clone(), delay)?;
        environment.launchdarkly_id = Some(Arc::clone(&entry.id));
        info!(
            environment = &*entry.id,
            detail = format!(
                "{} {}: {destination}",
                entry.names.project_name, entry.names.name
            ),
            "environment joined the roster"
        );
        let info = self.info(&entry, &destination, &kept);
        self.used
            .registry
            .put(RegisteredEnvironment::of(&environment, info, Vec::new()));
        let id = Arc::clone(&entry.id);
        let offered = OfferedKey {
            giver,
            kept,
            entry,
            destination,
            anchor_at: None,
        };
        self.keys.insert(id, offered);
        Ok(environment)
    }

    fn update(&mut self, entry: &Arc<EnvironmentEntry>) {
        let Some(offered) = self.keys.get_mut(&entry.id) else {
            return;
        };
        offered.giver.give(entry.credentials.anchor().clone());
        offered.anchor_at = None;
        offered.entry = Arc::clone(entry);
        let (destination, kept) = (offered.destination.clone(), offered.kept.clone());
        let info = self.info(entry, &destination, &kept);
        if let Some(before) = self.used.registry.named(&entry.id) {
            self.used.registry.put(RegisteredEnvironment {
                info,
                ..RegisteredEnvironment::clone(&before)
            });
        }
    }

    fn info(
        &self,
        entry: &EnvironmentEntry,
        destination: &Destination,
        kept: &Kept,
    ) -> EnvironmentInfo {
        let said = |text: &String| (!text.is_empty()).then(|| text.clone());
        let now = clock::now().milliseconds();
        EnvironmentInfo {
            name: Arc::clone(&entry.id),
            sdk_key: kept.clone(),
            sdk_keys: entry.credentials.sdk_keys(now).cloned().collect(),
            mobile_key: None,
            mobile_keys: entry.credentials.mobile_keys(now).cloned().collect(),
            environment_id: Some(entry.id.to_string()),
            project: said(&entry.names.project_key),
            project_name: said(&entry.names.project_name),
            environment_key: said(&entry.names.key),
            environment_name: said(&entry.names.name),
            table: destination.table.clone(),
            prefix: destination.prefix.clone(),
            endpoint: self.used.endpoint.clone(),
        }
    }

    /// Whoever is refused and has no connection tries another key that is accepted; the anchor is tried again later.
    fn look_at_keys(&mut self) {
        let (now, wall) = (Instant::now(), clock::now().milliseconds());
        self.look_at = None;
        for (id, offered) in &mut self.keys {
            if offered.anchor_at.is_some_and(|at| at <= now) {
                offered.anchor_at = None;
                offered
                    .giver
                    .give(offered.entry.credentials.anchor().clone());
                continue;
            }
            let status = self
                .used
                .registry
                .named(id)
                .map(|it| it.status.facts().source.0);
            if status == Some(SourcePhase::Refused) && offered.anchor_at.is_none() {
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
        self.look_at = self.keys.values().filter_map(|it| it.anchor_at).min();
    }
}

/// How following the roster ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RosterEnd {
    /// It was asked to.
    Stopped,
    /// LaunchDarkly rejects the key, and no environment is known.
    Rejected,
}

async fn reached(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

//! Runs the environments that auto-configuration names: what the roster says becomes environments that come, change and
//! go.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::Change;
use super::assembler::{Assembler, delays};
use super::enlisted::Enlisted;
use super::follow::Follower;
use super::roster_cache::RosterCache;
use crate::config::SourceKind;
use crate::environment::Environment;
use crate::registry::{EnvironmentRegistry, RosterOrders};
use crate::roster::{self, CacheOutcome, RosterChange, RosterOrigin, RosterStep};

/// After a refusal, until the status says what came of it.
const LOOK_AFTER: Duration = Duration::from_secs(1);

/// See the module.
pub struct RosterRunner<'a> {
    follower: Follower,
    enlisted: Enlisted<'a>,
    cache: Option<RosterCache>,
    orders: RosterOrders,
    source: SourceKind,
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
}

impl<'a> RosterRunner<'a> {
    /// Runs nothing yet.
    pub fn new(follower: Follower, assembler: Assembler<'a>, used: RosterUse) -> Self {
        Self {
            follower,
            enlisted: Enlisted::new(assembler, used.registry),
            cache: used.cache,
            orders: used.orders,
            source: used.source,
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
        let cache = self.cache.clone();
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
        let cache = self.cache.clone();
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
                count = self.orders.confirmed() => self.confirmed(count),
                () = self.enlisted.refused.notified() => {
                    let look_at = Instant::now() + LOOK_AFTER;
                    self.look_at = Some(self.look_at.map_or(look_at, |at| at.min(look_at)));
                    continue;
                }
                () = reached(self.look_at) => {
                    self.look_at = self.enlisted.look_at_keys();
                    continue;
                }
                step = self.follower.next() => step,
            };
            let hopeless = self.follower.is_rejected()
                && self.enlisted.is_empty()
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
                    removals = count,
                    "the environments are removed, as an operator confirmed"
                );
                self.follower.tell(&step);
                step
            }
            Err(held) => {
                warn!(
                    confirmed = count,
                    removals = held,
                    "no environment was removed: what was confirmed is not what is held now"
                );
                RosterStep::default()
            }
        }
    }

    /// What a step makes of those who run.
    fn apply(&mut self, step: RosterStep) -> anyhow::Result<Vec<Change>> {
        if let Some(cache) = &self.cache {
            cache.order(&step.cache, self.follower.roster());
        }
        let is_new = |it: &&RosterChange| matches!(it, RosterChange::Add { .. });
        let mut delays = delays(step.changes.iter().filter(is_new).count());
        let mut changes = Vec::new();
        for change in step.changes {
            match change {
                RosterChange::Add { entry, destination } => {
                    let delay = delays.next().unwrap_or_default();
                    let source = self.enlisted.launchdarkly(self.source)?;
                    let environment = self.enlisted.add(&entry, destination, source, delay);
                    changes.push(Change::Run(Box::new(environment)));
                }
                RosterChange::Update { entry, .. } => self.enlisted.update(&entry),
                RosterChange::Remove(id) => {
                    self.enlisted.remove(&id);
                    changes.push(Change::End(id));
                }
            }
        }
        Ok(changes)
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

//! Runs the environments of an archive: what its file says becomes environments that come, change and go.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tracing::error;

use super::Change;
use super::assembler::Assembler;
use super::enlisted::{Enlisted, tell_renamed};
use crate::archive::{
    AppliedArchive, ArchiveChange, ArchiveNews, ArchiveSource, ArchivedEnvironment,
};
use crate::clock;
use crate::environment::{Environment, EnvironmentSource};
use crate::registry::EnvironmentRegistry;
use crate::roster::{Destinations, RefusedEnvironment, Templates};
use crate::status::{RosterStatus, TakenArchive};

/// See the module. Whoever has it lets somebody look at the file meanwhile.
pub struct ArchiveRunner<'a> {
    news: watch::Receiver<ArchiveNews>,
    /// What was made environments of.
    before: Arc<AppliedArchive>,
    destinations: Destinations,
    enlisted: Enlisted<'a>,
    /// Those that have no place of their own, and why.
    homeless: BTreeMap<Arc<str>, String>,
    status: RosterStatus,
}

impl<'a> ArchiveRunner<'a> {
    /// Of the file of which this is known.
    pub fn new(
        news: watch::Receiver<ArchiveNews>,
        templates: Templates,
        assembler: Assembler<'a>,
        registry: EnvironmentRegistry,
        status: RosterStatus,
    ) -> Self {
        Self {
            news,
            before: Arc::default(),
            destinations: Destinations::new(templates),
            enlisted: Enlisted::new(assembler, registry),
            homeless: BTreeMap::new(),
            status,
        }
    }

    /// Follows what the file says, until nobody looks at it any more.
    pub async fn run(mut self, changes: mpsc::Sender<Change>) {
        while self.news.changed().await.is_ok() {
            for change in self.apply() {
                // Only when we are asked to stop nobody takes it any more.
                if changes.send(change).await.is_err() {
                    return;
                }
            }
        }
    }

    /// Waits for what the file says first, for so long at most. The error is a sentence that says what to do.
    pub async fn first(&mut self, patience: Duration) -> anyhow::Result<Vec<Environment>> {
        let read = self.news.wait_for(|news| news.file.is_some());
        // Nothing of it is kept: it would be kept from changing.
        let in_time = timeout(patience, async { read.await.is_ok() }).await;
        if in_time != Ok(true) {
            let trouble = self.news.borrow().trouble.clone();
            let trouble = trouble.as_deref().unwrap_or("it has not stood still yet");
            anyhow::bail!("the archive could not be read within INIT_TIMEOUT: {trouble}");
        }
        let changes = self.apply().into_iter();
        let environments = changes.filter_map(|change| match change {
            Change::Run(environment) => Some(*environment),
            Change::End(_) => None,
        });
        Ok(environments.collect())
    }

    /// Environments that cannot be used as they are in the archive, with why.
    pub fn unusable(&self) -> Vec<RefusedEnvironment> {
        let archived = self.before.refused().iter().map(|it| RefusedEnvironment {
            id: Arc::clone(&it.id),
            reason: it.fault.to_string(),
            serving: self.before.get(&it.id).is_some(),
        });
        let homeless = self.homeless.iter().map(|(id, reason)| RefusedEnvironment {
            id: Arc::clone(id),
            reason: reason.clone(),
            serving: false,
        });
        // Nobody connects with them here: that is only told.
        let keys = self.before.environments().filter_map(|it| {
            let fault = it.entry.credentials.fault()?;
            Some(RefusedEnvironment {
                id: Arc::clone(&it.id),
                reason: fault.to_string(),
                serving: true,
            })
        });
        archived.chain(homeless).chain(keys).collect()
    }

    /// What is otherwise than it was, as it concerns those who run.
    fn apply(&mut self) -> Vec<Change> {
        let news = self.news.borrow_and_update().clone();
        let before = std::mem::replace(&mut self.before, Arc::clone(&news.applied));
        let mut changes = Vec::new();
        for change in news.applied.changes_since(&before) {
            match change {
                ArchiveChange::Added(environment) => {
                    changes.extend(self.add(&environment));
                }
                ArchiveChange::NewData(environment) | ArchiveChange::NewNames(environment) => {
                    // What has no place may have one by its new names.
                    if self.homeless.contains_key(&environment.id) {
                        changes.extend(self.add(&environment));
                    } else {
                        if let Some(elsewhere) = self.destinations.moved(&environment.entry) {
                            tell_renamed(&environment.id, &elsewhere);
                        }
                        self.enlisted.update(&environment.entry);
                    }
                }
                ArchiveChange::Removed(id) => {
                    if self.homeless.remove(&id).is_none() {
                        self.enlisted.remove(&id);
                        self.destinations.release(&id);
                        changes.push(Change::End(id));
                    }
                }
            }
        }
        // Somebody's place may be free now.
        let waiting: Vec<_> = self.homeless.keys().cloned().collect();
        for id in waiting {
            if let Some(environment) = news.applied.get(&id) {
                changes.extend(self.add(environment));
            }
        }
        self.publish(&news);
        changes
    }

    fn add(&mut self, environment: &Arc<ArchivedEnvironment>) -> Option<Change> {
        let id = &environment.id;
        let destination = match self.destinations.claim(&environment.entry) {
            Ok(destination) => destination,
            Err(fault) => {
                let reason = fault.to_string();
                let before = self.homeless.insert(Arc::clone(id), reason.clone());
                if before.as_ref() != Some(&reason) {
                    error!(
                        environment = &**id,
                        detail = reason,
                        "an environment of the archive has no place of its own"
                    );
                }
                return None;
            }
        };
        self.homeless.remove(id);
        let source = ArchiveSource::new(Arc::clone(id), self.news.clone());
        let source = EnvironmentSource::Archive(source);
        let entry = &environment.entry;
        if let Some(elsewhere) = self.destinations.moved(entry) {
            tell_renamed(id, &elsewhere);
        }
        let made = self
            .enlisted
            .add(entry, destination, source, Duration::ZERO);
        Some(Change::Run(Box::new(made)))
    }

    fn publish(&self, news: &ArchiveNews) {
        let taken = news.file.as_ref().map(|file| TakenArchive {
            modified: file.modified,
            bytes: file.bytes,
            checksum: file.checksum,
        });
        let refused = self.unusable();
        self.status.update(|facts| {
            facts.known |= taken.is_some();
            facts.refused = refused;
            let archive = facts.archive.get_or_insert_default();
            archive.taken = taken;
            archive.last_error = news
                .trouble
                .as_ref()
                .map(|trouble| (trouble.to_string(), clock::now()));
        });
    }
}

//! What holds after an archive was read: of each environment the last good word. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::read::{Archive, ArchivedEnvironment, UnusableEnvironment};

/// What holds. Cheap to clone: what did not change is shared.
#[derive(Clone, Debug, Default)]
pub struct AppliedArchive {
    environments: BTreeMap<Arc<str>, Arc<ArchivedEnvironment>>,
    refused: Vec<UnusableEnvironment>,
}

/// What holds otherwise than before.
#[derive(Clone, Debug)]
pub enum ArchiveChange {
    /// An environment is new.
    Added(Arc<ArchivedEnvironment>),
    /// Its data are others. So may be its names and its key.
    NewData(Arc<ArchivedEnvironment>),
    /// Its names or its key are others, its data are the same.
    NewNames(Arc<ArchivedEnvironment>),
    /// The environment with this ID is there no more.
    Removed(Arc<str>),
}

impl AppliedArchive {
    /// Takes an archive. An environment whose version and data ID are as they were is as it was, whatever else is there;
    /// while its data ID is as it was, so are its data. One that is refused keeps what it had.
    pub fn take(&mut self, archive: Archive) {
        let Archive {
            environments,
            refused,
            ..
        } = archive;
        let mut before = std::mem::take(&mut self.environments);
        for mut new in environments {
            let id = Arc::clone(&new.id);
            let environment = match before.remove(&id) {
                Some(old) if old.data_id != new.data_id => Arc::new(new),
                Some(old) if old.entry.version != new.entry.version => {
                    new.data = Arc::clone(&old.data);
                    Arc::new(new)
                }
                Some(old) => old,
                None => Arc::new(new),
            };
            self.environments.insert(id, environment);
        }
        for UnusableEnvironment { id, .. } in &refused {
            if let Some(old) = before.remove(id) {
                self.environments.insert(Arc::clone(id), old);
            }
        }
        self.refused = refused;
    }

    /// The environment with this ID.
    pub fn get(&self, id: &str) -> Option<&Arc<ArchivedEnvironment>> {
        self.environments.get(id)
    }

    /// Every environment, by ID.
    pub fn environments(&self) -> impl ExactSizeIterator<Item = &Arc<ArchivedEnvironment>> {
        self.environments.values()
    }

    /// The environments that the last archive had and that could not be used. Those that were good before keep what they
    /// had, and are among [`environments`](Self::environments).
    pub fn refused(&self) -> &[UnusableEnvironment] {
        &self.refused
    }

    /// What is otherwise than it was, by ID; removals last.
    pub fn changes_since(&self, before: &Self) -> Vec<ArchiveChange> {
        let said = self.environments.iter().filter_map(|(id, new)| {
            let change = match before.environments.get(id) {
                None => ArchiveChange::Added,
                Some(old) if old.data_id != new.data_id => ArchiveChange::NewData,
                Some(old) if old.entry.version != new.entry.version => ArchiveChange::NewNames,
                Some(_) => return None,
            };
            Some(change(Arc::clone(new)))
        });
        let gone = before.environments.keys();
        let gone = gone.filter(|id| !self.environments.contains_key(*id));
        said.chain(gone.map(|id| ArchiveChange::Removed(Arc::clone(id))))
            .collect()
    }
}

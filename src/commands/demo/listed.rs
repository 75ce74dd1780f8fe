//! The demo of auto-configuration: the environments are those that a file lists, or an example of two.

use std::path::PathBuf;

use anyhow::Result;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::text::{ShownEnvironment, first_flag};
use super::{RELOADS, say, wait_for_marker};
use crate::simulator::{FileRoster, LaunchDarkly, RosterEdit, Store};

const KEY: &str = "rel-demo-0000";
/// What tells the relay of them.
pub(super) const VARIABLES: &[(&str, &str)] =
    &[("AUTO_CONFIG_KEY", KEY), ("ENV_DATASTORE_PREFIX", "$CID")];

/// See the module.
pub(super) struct ListedEnvironments {
    roster: FileRoster,
    is_from_file: bool,
}

impl ListedEnvironments {
    /// Has LaunchDarkly list what is in the file.
    pub(super) async fn load(launchdarkly: &LaunchDarkly, path: Option<PathBuf>) -> Result<Self> {
        let auto_configuration = launchdarkly.auto_configuration(KEY);
        let is_from_file = path.is_some();
        let roster = match path {
            Some(path) => FileRoster::load(path, auto_configuration).await?,
            None => FileRoster::example(auto_configuration)?,
        };
        Ok(Self {
            roster,
            is_from_file,
        })
    }

    /// Those that are listed now. The prefix of each is its ID.
    pub(super) fn shown(&self) -> Vec<ShownEnvironment> {
        let listed = self.roster.listed();
        let shown = listed.map(|(id, name, items)| ShownEnvironment {
            prefix: id.to_owned(),
            title: name,
            flag: first_flag(items),
        });
        shown.collect()
    }

    /// What to do with the file.
    pub(super) const fn edit(&self) -> &'static str {
        if self.is_from_file {
            "Write another environment under `environments` in the file, and see its flags arrive in the table, under its ID as
prefix. Take one out, and it goes from the status, while its rows stay."
        } else {
            "With a file of your own that lists `environments` (docs/simulator.md) you see them come and go: demo --auto-config flags.json"
        }
    }

    /// Announces what changes in the file, and tells when an environment is stored.
    pub(super) async fn tell(self, store: &Store) -> Result<()> {
        if !self.is_from_file {
            return std::future::pending().await;
        }
        let (edits, changes) = mpsc::channel(RELOADS);
        tokio::select! {
            () = self.roster.watch(|edit| announce(&edits, edit)) => Ok(()),
            told = tell_edits(store, changes) => told,
        }
    }
}

async fn tell_edits(store: &Store, mut edits: mpsc::Receiver<(Instant, RosterEdit)>) -> Result<()> {
    while let Some((announced, edit)) = edits.recv().await {
        let told = match &edit {
            RosterEdit::Added(id) => match wait_for_marker(store, id).await {
                Some(()) => format!(
                    "{edit}; its flags are stored under the prefix {id}, {} ms after the file listed it\n",
                    announced.elapsed().as_millis()
                ),
                None => format!("{edit}; not stored yet: the log and /status say why\n"),
            },
            RosterEdit::Removed(_) => format!("{edit}; its rows stay\n"),
            RosterEdit::Described(_) | RosterEdit::Changed(..) => format!("{edit}\n"),
        };
        say(&told)?;
    }
    Ok(())
}

fn announce(edits: &mpsc::Sender<(Instant, RosterEdit)>, edit: Result<RosterEdit>) {
    match edit {
        Ok(edit) => {
            if edits.try_send((Instant::now(), edit)).is_err() {
                let reason = "the file changes faster than it can be told";
                tracing::warn!(reason, "a change was announced and not told");
            }
        }
        Err(error) => tracing::warn!("{error:#}"),
    }
}

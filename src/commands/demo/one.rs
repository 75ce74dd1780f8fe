//! The demo of one environment, whose flags are those of a file or an example.

use std::path::PathBuf;

use anyhow::Result;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::text::{ShownEnvironment, first_flag};
use super::{PATIENCE, RELOADS, TABLE, say};
use crate::model::ItemKey;
use crate::simulator::{
    FileData, Items, LaunchDarkly, Reload, SimulatedEnvironment, Step, Store, example,
};
use crate::table::Layout;

const SDK_KEY: &str = "sdk-demo-0000";
const PREFIX: &str = "demo";
/// What tells the relay of it.
pub(super) const VARIABLES: &[(&str, &str)] =
    &[("LD_ENV_demo", SDK_KEY), ("LD_PREFIX_demo", PREFIX)];

/// See the module.
pub(super) struct OneEnvironment {
    environment: SimulatedEnvironment,
    file: Option<FileData>,
}

impl OneEnvironment {
    /// Has LaunchDarkly say what is in the file.
    pub(super) async fn load(launchdarkly: &LaunchDarkly, path: Option<PathBuf>) -> Result<Self> {
        let environment = launchdarkly.environment(SDK_KEY);
        let file = if let Some(path) = path {
            Some(FileData::load(path, environment.clone()).await?)
        } else {
            environment.replace(example()?);
            None
        };
        Ok(Self { environment, file })
    }

    pub(super) fn shown(&self) -> ShownEnvironment {
        ShownEnvironment {
            prefix: PREFIX.to_owned(),
            title: String::new(),
            flag: first_flag(&self.environment.items()),
        }
    }

    /// What to do with the file.
    pub(super) const fn edit(&self) -> &'static str {
        if self.file.is_some() {
            "Edit the file and see each change arrive here."
        } else {
            "With a file of your own (the SDKs' file data source format, JSON or YAML) you see each edit arrive: demo flags.json"
        }
    }

    /// Announces what changes in the file, and tells when it is stored.
    pub(super) async fn tell(self, store: &Store) -> Result<()> {
        let Some(file) = self.file else {
            return std::future::pending().await;
        };
        let (reloads, changes) = mpsc::channel(RELOADS);
        tokio::select! {
            () = file.watch(|reload| announce(&reloads, reload)) => Ok(()),
            told = tell_changes(store, changes) => told,
        }
    }
}

async fn tell_changes(
    store: &Store,
    mut changes: mpsc::Receiver<(Instant, Vec<Step>)>,
) -> Result<()> {
    while let Some((announced, steps)) = changes.recv().await {
        for step in steps {
            let (key, version, done) = match step {
                Step::Put(key, text) => {
                    let said = Items::from_iter([(key.clone(), text.into())]);
                    (
                        key.clone(),
                        said.version(&key).unwrap_or_default(),
                        "stored",
                    )
                }
                Step::Delete(key, version) => (key, version, "deleted"),
            };
            let stored = |_: &_| holds(store, &key, version);
            let wait = store.wait_until("the change", stored);
            match timeout(PATIENCE, wait).await {
                Ok(()) => say(&format!(
                    "{key}: {done}, {} ms after the file changed it\n",
                    announced.elapsed().as_millis()
                ))?,
                Err(_) => say(&format!(
                    "{key}: not {done} yet; the log and /status say why\n"
                ))?,
            }
        }
    }
    Ok(())
}

/// Whether the table has this version of an item, or one that came after it.
fn holds(store: &Store, key: &ItemKey, version: u64) -> bool {
    let layout = Layout::new(PREFIX);
    match store.row(TABLE, layout.namespace(key.kind), &key.key) {
        Ok(Some(row)) => row.version() >= Some(version),
        _ => false,
    }
}

fn announce(changes: &mpsc::Sender<(Instant, Vec<Step>)>, reload: Reload) {
    let told = match reload {
        Reload::Changed(steps) if steps.is_empty() => return,
        Reload::Changed(steps) => changes
            .try_send((Instant::now(), steps))
            .map_err(|_| "the file changes faster than it can be told"),
        Reload::Broken(error) => {
            tracing::warn!("the file cannot be used, so nothing changed: {error:#}");
            return;
        }
    };
    if let Err(reason) = told {
        tracing::warn!(reason, "a change was stored and not told");
    }
}

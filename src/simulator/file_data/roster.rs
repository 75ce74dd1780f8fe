//! A file that lists environments, served as an auto-configuration: what changes in the file is announced.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::parse::{FileEnvironment, parse_environments};
use super::watched::WatchedFile;
use super::{History, LOOK};
use crate::simulator::launchdarkly::AutoConfiguration;

/// A file that says which environments there are, under `environments`.
pub struct FileRoster {
    file: WatchedFile,
    auto_configuration: AutoConfiguration,
    environments: BTreeMap<String, ServedEnvironment>,
}

#[derive(Default)]
struct ServedEnvironment {
    /// As the file lists it; none once it does no more.
    listed: Option<FileEnvironment>,
    history: History,
}

impl FileRoster {
    /// Reads the file, and makes it what the auto-configuration says.
    pub async fn load(
        path: impl Into<PathBuf>,
        auto_configuration: AutoConfiguration,
    ) -> anyhow::Result<Self> {
        let mut roster = Self {
            file: WatchedFile::new(path),
            auto_configuration,
            environments: BTreeMap::new(),
        };
        let environments = roster.file.read(parse_environments).await?;
        roster.advance(environments);
        Ok(roster)
    }

    /// Looks at the file twice a second, for ever, and announces what changed. Each report is a sentence for people.
    pub async fn watch(mut self, mut report: impl FnMut(&str)) {
        let mut ticks = tokio::time::interval(LOOK);
        loop {
            ticks.tick().await;
            match self.look().await {
                None => {}
                Some(Ok(sentences)) => {
                    for sentence in &sentences {
                        report(sentence);
                    }
                }
                Some(Err(error)) => report(&format!(
                    "the file's environments cannot be used, so none changed: {error:#}"
                )),
            }
        }
    }

    /// Looks at the file once. `None` if nobody wrote it since the last look; otherwise what was announced, in sentences, or
    /// why the file makes no sense. Then nothing changes.
    pub async fn look(&mut self) -> Option<anyhow::Result<Vec<String>>> {
        let looked = self.file.look(parse_environments).await?;
        Some(looked.map(|environments| self.advance(environments)))
    }

    fn advance(&mut self, now: BTreeMap<String, FileEnvironment>) -> Vec<String> {
        let mut sentences = Vec::new();
        for (id, served) in &mut self.environments {
            if !now.contains_key(id) && served.listed.take().is_some() {
                self.auto_configuration.remove(id);
                sentences.push(format!("environment {id}: removed"));
            }
        }
        for (id, listed) in now {
            let served = self.environments.entry(id.clone()).or_default();
            // What it says comes first: whoever hears of it asks at once.
            let environment = self.auto_configuration.environment(&id);
            let steps = served.history.advance(&listed.items);
            for step in &steps {
                step.apply(&environment);
            }
            let what = match &served.listed {
                None => Some("added"),
                Some(before) if !before.is_described_as(&listed) => Some("described anew"),
                Some(_) => None,
            };
            if let Some(what) = what {
                self.auto_configuration.list(
                    &id,
                    &listed.project_key,
                    &listed.key,
                    &listed.sdk_key,
                );
                sentences.push(format!("environment {id}: {what}"));
            } else if !steps.is_empty() {
                sentences.push(format!("environment {id}: {} changes", steps.len()));
            }
            served.listed = Some(listed);
        }
        sentences
    }
}

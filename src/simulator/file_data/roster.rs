//! A file that lists environments, served as an auto-configuration: what changes in the file is announced.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use anyhow::Context as _;

use super::parse::{FileEnvironment, parse_environments};
use super::watched::WatchedFile;
use super::{History, LOOK};
use crate::simulator::launchdarkly::{AutoConfiguration, Items};

const EXAMPLE: &str = include_str!("example_environments.json");

/// What was announced of an environment, by its ID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RosterEdit {
    /// The file lists it.
    Added(String),
    /// It is called otherwise, or has another key.
    Described(String),
    /// So many of its items changed.
    Changed(String, usize),
    /// The file lists it no more.
    Removed(String),
}

impl fmt::Display for RosterEdit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Added(id) => write!(out, "environment {id}: added"),
            Self::Described(id) => write!(out, "environment {id}: described anew"),
            Self::Changed(id, items) => write!(out, "environment {id}: {items} changes"),
            Self::Removed(id) => write!(out, "environment {id}: removed"),
        }
    }
}

/// A file that says which environments there are, under `environments`.
pub struct FileRoster {
    /// None for the example.
    file: Option<WatchedFile>,
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
        let mut file = WatchedFile::new(path);
        let environments = file.read(parse_environments).await?;
        let mut roster = Self {
            file: Some(file),
            auto_configuration,
            environments: BTreeMap::new(),
        };
        roster.advance(environments);
        Ok(roster)
    }

    /// The same of an example with two environments, which stays as it is.
    pub fn example(auto_configuration: AutoConfiguration) -> anyhow::Result<Self> {
        let environments = parse_environments(EXAMPLE).context("the example environments")?;
        let mut roster = Self {
            file: None,
            auto_configuration,
            environments: BTreeMap::new(),
        };
        roster.advance(environments);
        Ok(roster)
    }

    /// The environments that are listed: the ID of each, what it and its project are called, and what it says.
    pub fn listed(&self) -> impl Iterator<Item = (&str, String, &Items)> {
        let environments = self.environments.iter();
        environments.filter_map(|(id, served)| {
            let listed = served.listed.as_ref()?;
            let name = format!("{} {}", listed.project_key, listed.key);
            Some((&**id, name, &listed.items))
        })
    }

    /// Looks at the file twice a second, for ever, announces what changed and reports it, or why the file cannot be used.
    pub async fn watch(mut self, mut report: impl FnMut(anyhow::Result<RosterEdit>)) {
        let mut ticks = tokio::time::interval(LOOK);
        loop {
            ticks.tick().await;
            match self.look().await {
                None => {}
                Some(Ok(edits)) => edits.into_iter().for_each(|edit| report(Ok(edit))),
                Some(Err(error)) => report(Err(
                    error.context("the file's environments cannot be used, so none changed")
                )),
            }
        }
    }

    /// Looks at the file once. `None` if nobody wrote it since the last look; otherwise what was announced, or why the file
    /// makes no sense. Then nothing changes.
    pub async fn look(&mut self) -> Option<anyhow::Result<Vec<RosterEdit>>> {
        let looked = self.file.as_mut()?.look(parse_environments).await?;
        Some(looked.map(|environments| self.advance(environments)))
    }

    fn advance(&mut self, now: BTreeMap<String, FileEnvironment>) -> Vec<RosterEdit> {
        let mut edits = Vec::new();
        for (id, served) in &mut self.environments {
            if !now.contains_key(id) && served.listed.take().is_some() {
                self.auto_configuration.remove(id);
                edits.push(RosterEdit::Removed(id.clone()));
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
                None => Some(RosterEdit::Added(id.clone())),
                Some(before) if !before.is_described_as(&listed) => {
                    Some(RosterEdit::Described(id.clone()))
                }
                Some(_) => None,
            };
            if let Some(edit) = what {
                self.auto_configuration.list(
                    &id,
                    &listed.project_key,
                    &listed.key,
                    &listed.sdk_key,
                );
                edits.push(edit);
            } else if !steps.is_empty() {
                edits.push(RosterEdit::Changed(id, steps.len()));
            }
            served.listed = Some(listed);
        }
        edits
    }
}

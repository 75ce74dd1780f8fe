//! A file in the SDKs' file data source format, served as an environment: what changes in the file is announced.

mod complete;
mod parse;
mod roster;
mod watched;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;

use super::launchdarkly::{Items, SimulatedEnvironment};
use crate::model::ItemKey;
use watched::WatchedFile;

pub use parse::parse;
pub use roster::{FileRoster, RosterEdit};

/// How often the file is looked at.
const LOOK: Duration = Duration::from_millis(500);
const EXAMPLE: &str = include_str!("file_data/example.json");

/// A change of an environment, as it is announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// An item is new or different.
    Put(ItemKey, String),
    /// An item is gone; the version is the deletion's.
    Delete(ItemKey, u64),
}

impl Step {
    /// Announces it.
    pub fn apply(&self, environment: &SimulatedEnvironment) {
        match self {
            Self::Put(key, text) => environment.put(key, text),
            Self::Delete(key, version) => environment.delete(key, *version),
        }
    }
}

/// What looking at the file showed.
#[derive(Debug)]
pub enum Reload {
    /// These changes were announced; none, if the file says what it said.
    Changed(Vec<Step>),
    /// The file cannot be read or makes no sense. Nothing was changed.
    Broken(anyhow::Error),
}

/// A small set that shows what flags can do: a boolean, several variations, a percentage, a segment, a prerequisite.
pub fn example() -> anyhow::Result<Items> {
    parse(EXAMPLE).context("the example set")
}

/// A file that an environment serves.
pub struct FileData {
    file: WatchedFile,
    environment: SimulatedEnvironment,
    history: History,
}

impl FileData {
    /// Reads the file, and makes it what the environment says.
    pub async fn load(
        path: impl Into<PathBuf>,
        environment: SimulatedEnvironment,
    ) -> anyhow::Result<Self> {
        let mut data = Self {
            file: WatchedFile::new(path),
            environment,
            history: History::default(),
        };
        let items = data.file.read(parse).await?;
        data.history.advance(&items);
        data.environment.replace(items);
        Ok(data)
    }

    /// Looks at the file twice a second, for ever, and announces what changed.
    pub async fn watch(mut self, mut report: impl FnMut(Reload)) {
        let mut ticks = tokio::time::interval(LOOK);
        loop {
            ticks.tick().await;
            if let Some(reload) = self.look().await {
                report(reload);
            }
        }
    }

    /// Looks at the file once. `None` if nobody wrote it since the last look.
    pub async fn look(&mut self) -> Option<Reload> {
        let looked = self.file.look(parse).await?;
        Some(match looked {
            Err(error) => Reload::Broken(error),
            Ok(items) => {
                let steps = self.history.advance(&items);
                for step in &steps {
                    step.apply(&self.environment);
                }
                Reload::Changed(steps)
            }
        })
    }
}

/// What was said of each item, so that versions rise as LaunchDarkly's do.
#[derive(Default)]
struct History(BTreeMap<ItemKey, LastSaid>);

struct LastSaid {
    version: u64,
    /// The text but for its version; `None` when the item was deleted.
    content: Option<String>,
}

impl History {
    /// Takes what the file says now; returns what is to be announced. Nobody bumps versions in a file by hand, so content
    /// that changed gets the next version, unless the file's is higher.
    fn advance(&mut self, now: &Items) -> Vec<Step> {
        let mut steps = Vec::new();
        for (key, text) in now.iter() {
            let version = now.version(key).unwrap_or(1);
            let content = Some(complete::with_version(text, 0));
            let next = match self.0.get(key) {
                None => version,
                Some(said) if said.content == content && version <= said.version => continue,
                Some(said) => version.max(said.version + 1),
            };
            steps.push(Step::Put(key.clone(), complete::with_version(text, next)));
            let version = next;
            self.0.insert(key.clone(), LastSaid { version, content });
        }
        for (key, said) in &mut self.0 {
            if said.content.is_some() && now.get(key).is_none() {
                said.version += 1;
                said.content = None;
                steps.push(Step::Delete(key.clone(), said.version));
            }
        }
        steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flag(text: &str) -> Items {
        parse(&format!(r#"{{"flags":{{"a":{text}}}}}"#)).unwrap()
    }

    fn versions(steps: &[Step]) -> Vec<(bool, u64)> {
        steps
            .iter()
            .map(|step| match step {
                Step::Delete(_, version) => (false, *version),
                Step::Put(key, text) => {
                    let mut items = Items::default();
                    items.insert_as(key.clone(), text.as_str());
                    (true, items.version(key).unwrap())
                }
            })
            .collect()
    }

    #[test]
    fn versions_rise_with_content_and_never_fall() {
        let mut history = History::default();
        let mut check = |items: Items, expected: &[(bool, u64)]| {
            assert_eq!(versions(&history.advance(&items)), expected);
        };
        check(flag(r#"{"on":true}"#), &[(true, 1)]);
        check(flag(r#"{"on":true}"#), &[]);
        check(flag(r#"{"on":false}"#), &[(true, 2)]);
        check(flag(r#"{"on":false,"version":1}"#), &[(true, 3)]);
        check(flag(r#"{"on":false,"version":9}"#), &[(true, 9)]);
        check(Items::default(), &[(false, 10)]);
        check(Items::default(), &[]);
        check(flag(r#"{"on":false,"version":9}"#), &[(true, 11)]);
    }

    #[test]
    fn the_example_is_understood() {
        let items = example().unwrap();
        assert_eq!(items.len(), 6);
    }
}

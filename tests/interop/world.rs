//! What LaunchDarkly says: environments of the simulated one, and what is asked about them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use ld_dynamodb_relay::model::Kind;
use ld_dynamodb_relay::simulator::file_data::Step;
use ld_dynamodb_relay::simulator::{ANY_PORT, Items, LaunchDarkly};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tempfile::NamedTempFile;

use super::reader::file;
use super::table::is_deleted;

/// An environment and the contexts and flags that readers are asked for.
pub(crate) struct Environment<'a> {
    pub(crate) sdk_key: &'static str,
    pub(crate) prefix: &'static str,
    launchdarkly: &'a LaunchDarkly,
    contexts: BTreeMap<String, Box<RawValue>>,
    asked: BTreeSet<String>,
    job: NamedTempFile,
}

pub(crate) async fn launchdarkly() -> LaunchDarkly {
    LaunchDarkly::start(ANY_PORT).await.unwrap()
}

impl<'a> Environment<'a> {
    /// The environment of this name, which says this, for these contexts.
    pub(crate) fn new(
        launchdarkly: &'a LaunchDarkly,
        name: &'static str,
        items: Items,
        contexts: Contexts,
    ) -> Self {
        let mut environment = Self {
            sdk_key: name,
            prefix: name,
            launchdarkly,
            contexts: contexts.read(),
            asked: BTreeSet::from(["no-such-flag".into()]),
            job: NamedTempFile::new().unwrap(),
        };
        launchdarkly.environment(name).replace(items);
        environment.ask();
        environment
    }

    /// Announces changes.
    pub(crate) fn storm(&mut self, steps: &[Step]) {
        for step in steps {
            step.apply(&self.launchdarkly.environment(self.sdk_key));
        }
        self.ask();
    }

    /// What it says now.
    pub(crate) fn items(&self) -> Items {
        self.launchdarkly.environment(self.sdk_key).items()
    }

    pub(crate) fn uri(&self) -> String {
        self.launchdarkly.uri()
    }

    /// The key of an environment that says the same and has no tombstones.
    pub(crate) fn without_tombstones(&self) -> String {
        let mut items = self.items();
        let deleted = items.iter().filter(|(_, text)| is_deleted(text));
        let deleted: Vec<_> = deleted.map(|(key, _)| key.clone()).collect();
        for key in deleted {
            items.remove(&key);
        }
        let sdk_key = format!("{}-live", self.sdk_key);
        self.launchdarkly.environment(&sdk_key).replace(items);
        sdk_key
    }

    /// Flags that are asked for one by one.
    pub(crate) fn asked(&self) -> usize {
        self.asked.len()
    }

    /// Flags that exist.
    pub(crate) fn live_flags(&self) -> usize {
        let items = self.items();
        let flags = items.iter().filter(|(key, _)| key.kind == Kind::Flag);
        flags.filter(|(_, text)| !is_deleted(text)).count()
    }

    pub(crate) fn job(&self) -> &Path {
        self.job.path()
    }

    /// Readers are asked for every flag that there is or has been: one that is gone has to read so.
    fn ask(&mut self) {
        let items = self.items();
        let flags = items.iter().filter(|(key, _)| key.kind == Kind::Flag);
        self.asked.extend(flags.map(|(key, _)| key.key.to_string()));
        let job = Job {
            contexts: &self.contexts,
            flags: &self.asked,
        };
        fs::write(&self.job, serde_json::to_string(&job).unwrap()).unwrap();
    }
}

/// What a reader is asked for.
#[derive(Serialize)]
struct Job<'a> {
    contexts: &'a BTreeMap<String, Box<RawValue>>,
    flags: &'a BTreeSet<String>,
}

/// Which contexts flags are evaluated for.
#[derive(Clone, Copy)]
pub(crate) enum Contexts {
    /// Twelve, for many flags.
    Few,
    /// Every one.
    All,
}

impl Contexts {
    /// By name. As text, for no number may change on the way to a reader.
    fn read(self) -> BTreeMap<String, Box<RawValue>> {
        #[derive(Deserialize)]
        struct File {
            few: BTreeMap<String, Box<RawValue>>,
            more: BTreeMap<String, Box<RawValue>>,
        }
        let file = fs::read_to_string(file("interop/contexts.json")).unwrap();
        let File { mut few, more } = serde_json::from_str(&file).unwrap();
        match self {
            Self::Few => {}
            Self::All => few.extend(more),
        }
        few
    }
}

/// Flags of every sort that there is, and one text in two notations. Whether these are on or off, they have the same value.
pub(crate) fn fixture() -> Items {
    let put = fs::read_to_string(file("fixtures/fdv1-put.json")).unwrap();
    let mut items = Items::from_put(&put).unwrap();
    for (key, rocket) in [
        ("astral-escaped", r"\ud83d\ude80"),
        ("astral-literal", "🚀"),
    ] {
        let text = format!(
            r#"{{"added last month": {{"by": "LaunchDarkly {rocket}"}}, "key":"{key}","on":true,"prerequisites":[],"targets":[],"contextTargets":[],"rules":[],"fallthrough":{{"variation":0,"since":1E+2}},"offVariation":0,"variations":["{rocket}"],"clientSideAvailability":{{"usingMobileKey":false,"usingEnvironmentId":false}},"clientSide":false,"salt":"{rocket}","trackEvents":false,"trackEventsFallthrough":false,"debugEventsUntilDate":null,"version":7,"deleted":false}}"#
        );
        items.insert(Kind::Flag, text).unwrap();
    }
    items
}

/// Of three items one is deleted, one is switched, one stays.
pub(crate) fn storm_over(items: &Items) -> Vec<Step> {
    let mut steps = Vec::new();
    for (number, (key, text)) in items.iter().enumerate() {
        let version = items.version(key).unwrap() + 1;
        match number % 3 {
            0 => steps.push(Step::Delete(key.clone(), version)),
            1 => steps.push(Step::Put(key.clone(), switched(text, version))),
            _ => {}
        }
    }
    // Deleted, and there again.
    let (key, text) = items.iter().next().unwrap();
    let version = items.version(key).unwrap() + 2;
    steps.push(Step::Put(key.clone(), switched(text, version)));
    steps
}

/// On becomes off or off on, at the next version. Everything else stays, byte for byte; a segment has nothing to switch.
fn switched(text: &str, version: u64) -> String {
    let switched = with(text, "on", "true", "false")
        .or_else(|| with(text, "on", "false", "true"))
        .unwrap_or_else(|| text.into());
    let old = text_version(text).to_string();
    with(&switched, "version", &old, &version.to_string()).unwrap()
}

/// With another value for the first member of this name and value, if there is one.
fn with(text: &str, name: &str, old: &str, new: &str) -> Option<String> {
    ["", " "].into_iter().find_map(|space| {
        let [old, new] = [old, new].map(|value| format!("\"{name}\":{space}{value}"));
        text.contains(&old).then(|| text.replacen(&old, &new, 1))
    })
}

fn text_version(text: &str) -> u64 {
    #[derive(Deserialize)]
    struct Item {
        version: u64,
    }
    serde_json::from_str::<Item>(text).unwrap().version
}

//! The SDKs' file data source format, JSON or YAML.

use std::borrow::Cow;
use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::complete::{Members, complete};
use crate::model::ItemKey;
use crate::simulator::launchdarkly::Items;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File<'a> {
    #[serde(borrow, default)]
    flags: BTreeMap<String, &'a RawValue>,
    #[serde(borrow, default)]
    flag_values: BTreeMap<String, &'a RawValue>,
    #[serde(borrow, default)]
    segments: BTreeMap<String, &'a RawValue>,
}

/// An environment that a file lists.
pub(super) struct FileEnvironment {
    pub(super) project_key: String,
    pub(super) key: String,
    pub(super) sdk_key: String,
    pub(super) items: Items,
}

impl FileEnvironment {
    /// Whether both are called the same and have the same key, whatever they say.
    pub(super) fn is_described_as(&self, other: &Self) -> bool {
        let description = |it: &Self| (it.project_key.clone(), it.key.clone(), it.sdk_key.clone());
        description(self) == description(other)
    }
}

#[derive(Deserialize)]
struct ListingFile<'a> {
    #[serde(borrow, default)]
    environments: BTreeMap<String, &'a RawValue>,
}

#[derive(Deserialize)]
struct ListedInFile {
    #[serde(rename = "projKey")]
    project: Option<String>,
    #[serde(rename = "envKey")]
    environment: Option<String>,
    #[serde(rename = "sdkKey")]
    sdk: Option<String>,
}

/// What a file defines, with every member that LaunchDarkly would send. A missing version is 1.
pub fn parse(text: &str) -> anyhow::Result<Items> {
    parse_json(&json_of(text)?)
}

/// The environments that a file lists, by their IDs. One without flags or segments of its own has those of the file.
pub(super) fn parse_environments(text: &str) -> anyhow::Result<BTreeMap<String, FileEnvironment>> {
    let json = json_of(text)?;
    let common = parse_json(&json)?;
    let file: ListingFile<'_> =
        serde_json::from_str(&json).context("expected `environments` by their IDs")?;
    let listed = file.environments.into_iter();
    let listed = listed.map(|(id, text)| {
        let environment = listed_in_file(&id, text.get(), &common)
            .with_context(|| format!("environment {id}"))?;
        Ok((id, environment))
    });
    listed.collect()
}

fn listed_in_file(id: &str, json: &str, common: &Items) -> anyhow::Result<FileEnvironment> {
    let own = parse_json(json)?;
    let listed: ListedInFile = serde_json::from_str(json)
        .context("`projKey`, `envKey` and `sdkKey` have to be texts, where they are given")?;
    Ok(FileEnvironment {
        project_key: listed.project.unwrap_or_else(|| "simulated".to_owned()),
        key: listed.environment.unwrap_or_else(|| id.to_owned()),
        sdk_key: listed.sdk.unwrap_or_else(|| format!("sdk-{id}")),
        items: if own.is_empty() { common.clone() } else { own },
    })
}

/// The file as JSON, if it is that or YAML.
fn json_of(text: &str) -> anyhow::Result<Cow<'_, str>> {
    let bare = text.trim_start_matches('\u{feff}');
    if bare.trim_start().starts_with('{') {
        return Ok(bare.into());
    }
    let mut yaml: serde_yaml_ng::Value =
        serde_yaml_ng::from_str(text).context("it is neither JSON nor YAML")?;
    yaml.apply_merge()
        .context("it merges what cannot be merged")?;
    let json = serde_json::to_string(&yaml).context("its YAML has no counterpart in JSON")?;
    Ok(json.into())
}

fn parse_json(json: &str) -> anyhow::Result<Items> {
    let file: File<'_> = serde_json::from_str(json)
        .context("expected an object with `flags`, `flagValues` and `segments`, each by key")?;
    let mut items = Items::default();
    let flags = file
        .flags
        .iter()
        .map(|(key, it)| (ItemKey::flag(&**key), *it));
    let segments = file
        .segments
        .iter()
        .map(|(key, it)| (ItemKey::segment(&**key), *it));
    for (key, text) in flags.chain(segments) {
        let whole =
            complete(&key, text.get()).with_context(|| format!("the {key} is no object"))?;
        let own = Members::of(&whole).and_then(|it| it.get("key"));
        let own = own.and_then(|it| serde_json::from_str::<String>(it.get()).ok());
        if own.as_deref() != Some(&*key.key) {
            bail!("the {key} has another key inside");
        }
        items.insert_as(key.clone(), whole);
        if items.version(&key).is_none() {
            bail!("the version of the {key} is no whole number");
        }
    }
    for (key, value) in file.flag_values {
        let key = ItemKey::flag(key);
        if items.get(&key).is_some() {
            bail!("the {key} is defined under `flags` and under `flagValues`");
        }
        let text = format!(
            r#"{{"on":true,"variations":[{}],"offVariation":0}}"#,
            value.get()
        );
        let whole = complete(&key, &text).context("a value makes no flag")?;
        items.insert_as(key, whole);
    }
    Ok(items)
}

//! The SDKs' file data source format, JSON or YAML.

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

/// What a file defines, with every member that LaunchDarkly would send. A missing version is 1.
pub fn parse(text: &str) -> anyhow::Result<Items> {
    if text
        .trim_start_matches('\u{feff}')
        .trim_start()
        .starts_with('{')
    {
        return parse_json(text.trim_start_matches('\u{feff}'));
    }
    let mut yaml: serde_yaml_ng::Value =
        serde_yaml_ng::from_str(text).context("it is neither JSON nor YAML")?;
    yaml.apply_merge()
        .context("it merges what cannot be merged")?;
    let json = serde_json::to_string(&yaml).context("its YAML has no counterpart in JSON")?;
    parse_json(&json)
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

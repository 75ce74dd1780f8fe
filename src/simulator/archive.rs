//! An offline archive, as LaunchDarkly hands one out.

use std::collections::BTreeMap;

use anyhow::Context as _;
use flate2::Compression;
use flate2::write::GzEncoder;
use md5::{Digest as _, Md5};
use serde_json::json;

use super::launchdarkly::Items;

/// An environment to put into an archive.
#[derive(Clone, Debug)]
pub struct OfflineEnvironment {
    /// LaunchDarkly's ID of it.
    pub id: String,
    /// The project's key, and its name.
    pub project: String,
    /// The environment's key, and its name.
    pub name: String,
    /// The server-side SDK key.
    pub sdk_key: String,
    /// The version of what is said about it.
    pub version: u64,
    /// Its flags and segments.
    pub items: Items,
}

/// The bytes of a `.tar.gz` with these environments. Data that differ have another `dataId`.
pub fn archive(environments: &[OfflineEnvironment]) -> anyhow::Result<Vec<u8>> {
    let mut files = BTreeMap::new();
    for environment in environments {
        let data = environment.items.to_json();
        let about = json!({
            "env": {
                "envID": environment.id, "envKey": environment.name, "envName": environment.name,
                "projKey": environment.project, "projName": environment.project,
                "mobKey": "", "sdkKey": { "value": environment.sdk_key },
                "defaultTtl": 0, "secureMode": false, "version": environment.version,
            },
            // LaunchDarkly's own have quotation marks in them.
            "dataId": format!("\"{}\"", hex::encode(Md5::digest(&data))),
        });
        files.insert(format!("{}.json", environment.id), about.to_string());
        files.insert(format!("{}-data.json", environment.id), data);
    }
    let mut md5 = Md5::new();
    for text in files.values() {
        md5.update(text);
    }
    let checksum = md5.finalize();
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let files = files.iter().map(|(name, text)| (&**name, text.as_bytes()));
    for (name, bytes) in files.chain([("checksum.md5", checksum.as_slice())]) {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        let added = tar.append_data(&mut header, name, bytes);
        added.with_context(|| format!("{name} cannot be put into an archive"))?;
    }
    let gzip = tar.into_inner().and_then(GzEncoder::finish);
    gzip.context("the archive cannot be completed")
}

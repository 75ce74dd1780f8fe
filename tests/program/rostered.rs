//! A LaunchDarkly that says which environments there are, and the program that follows it.

use ld_dynamodb_relay::model::Kind;
use ld_dynamodb_relay::simulator::{AutoConfiguration, OfflineEnvironment, SimulatedEnvironment};
use ld_dynamodb_relay::simulator::{Items, archive};

use crate::process::{Output, Program};
use crate::world::{TABLE, World, flag};

/// Only its last four characters may ever be seen.
pub(crate) const AUTO_CONFIG_KEY: &str = "rel-c0ffee00-0000-4000-8000-00000000cafe";
/// LaunchDarkly's IDs of environments.
pub(crate) const PRODUCTION: &str = "66f2a90c1d4e8b0012ab34cd";
pub(crate) const STAGING: &str = "66f2a90c1d4e8b0012ab34ce";
/// What every key here has in it, and nothing else.
const SECRET: &str = "c0ffee00";
/// An environment whose description has no key.
pub(crate) const KEYLESS: &str = r#"{"path": "/environments/keyless", "data": {"envID": "keyless", "version": 1, "sdkKey": {"value": ""}}}"#;

/// The SDK key of an environment.
pub(crate) fn sdk_key(id: &str) -> String {
    format!("sdk-{SECRET}-0000-4000-8000-{id}")
}

/// Of any text that is for people or machines: no key is in it.
pub(crate) fn assert_without_keys(text: &str) {
    assert!(!text.contains(SECRET), "{text}");
}

/// A program that ended in this way and told nobody a key.
pub(crate) fn assert_ended(end: &Output, code: i32) {
    assert_eq!(end.code, Some(code), "{end:?}");
    assert_without_keys(&end.stdout);
    assert_without_keys(&end.stderr);
}

/// LaunchDarkly with a roster, and an empty table.
pub(crate) struct Rostered {
    pub(crate) world: World,
    pub(crate) roster: AutoConfiguration,
}

impl Rostered {
    /// With nobody on it.
    pub(crate) async fn empty() -> Self {
        let world = World::new().await;
        let roster = world.launchdarkly.auto_configuration(AUTO_CONFIG_KEY);
        Self { world, roster }
    }

    /// With [`PRODUCTION`] and [`STAGING`], which have a flag called `first`.
    pub(crate) async fn new() -> Self {
        let it = Self::empty().await;
        it.add(PRODUCTION, "production");
        it.add(STAGING, "staging");
        it
    }

    /// One that has a flag called `first`.
    pub(crate) fn add(&self, id: &str, key: &str) -> SimulatedEnvironment {
        let environment = self.roster.environment(id);
        environment.quietly(|items| drop(items.insert(Kind::Flag, flag("first", 2))));
        self.roster.list(id, "harbor", key, &sdk_key(id))
    }

    /// The program with the auto-configuration key.
    pub(crate) fn program(&self, arguments: &[&str]) -> Program {
        self.world
            .without_environment(arguments)
            .set("AUTO_CONFIG_KEY", AUTO_CONFIG_KEY)
            .set("ENV_DATASTORE_PREFIX", "$CID")
    }

    /// The program with an archive.
    pub(crate) fn archived(&self, arguments: &[&str]) -> Program {
        self.world
            .without_environment(arguments)
            .set("FILE_DATA_SOURCE", "flags.tar.gz")
            .set("FILE_DATA_SOURCE_MONITORING_INTERVAL", "100ms")
            .set("ENV_DATASTORE_PREFIX", "$CID")
    }

    /// Whether everything was stored under this prefix once.
    pub(crate) fn is_marked(&self, prefix: &str) -> bool {
        let marker = format!("{prefix}:$inited");
        let row = self.world.store.row(TABLE, &marker, &marker);
        row.unwrap().is_some()
    }

    /// What is stored under this prefix as the flag's text.
    pub(crate) fn stored(&self, prefix: &str, key: &str) -> Option<String> {
        let row = self
            .world
            .store
            .row(TABLE, &format!("{prefix}:features"), key);
        let row = row.unwrap()?;
        Some(row.item().unwrap_or_default().to_owned())
    }
}

/// An environment for an archive: its flags are of this version.
pub(crate) fn offline(id: &str, flags: &[&str], version: u64) -> OfflineEnvironment {
    let mut items = Items::default();
    for key in flags {
        items.insert(Kind::Flag, flag(key, version));
    }
    OfflineEnvironment {
        id: id.to_owned(),
        project: "harbor".to_owned(),
        name: format!("key-of-{id}"),
        sdk_key: sdk_key(id),
        version,
        items,
    }
}

/// Puts an archive there, whole at once.
pub(crate) fn put_archive(folder: &std::path::Path, environments: &[OfflineEnvironment]) {
    put_bytes(folder, &archive(environments).unwrap());
}

/// Puts these bytes in the archive's place.
pub(crate) fn put_bytes(folder: &std::path::Path, bytes: &[u8]) {
    let new = folder.join("flags.new");
    std::fs::write(&new, bytes).unwrap();
    std::fs::rename(new, folder.join("flags.tar.gz")).unwrap();
}

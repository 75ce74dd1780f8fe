//! A simulated LaunchDarkly and a table, and the program between them.

use ld_dynamodb_relay::model::Kind;
use ld_dynamodb_relay::simulator::store::Row;
use ld_dynamodb_relay::simulator::{
    ANY_PORT, LaunchDarkly, SimulatedEnvironment, Store, StoreOptions,
};

use crate::process::Program;

pub(crate) const TABLE: &str = "flags";
/// Only its last four characters may ever be seen.
pub(crate) const KEY: &str = "sdk-c0ffee00-0000-4000-8000-00000000beef";
pub(crate) const PREFIX: &str = "shop";

/// LaunchDarkly with one environment, and an empty table.
pub(crate) struct World {
    pub(crate) launchdarkly: LaunchDarkly,
    pub(crate) production: SimulatedEnvironment,
    pub(crate) store: Store,
}

impl World {
    pub(crate) async fn new() -> Self {
        let launchdarkly = LaunchDarkly::start(ANY_PORT).await.unwrap();
        let production = launchdarkly.environment(KEY);
        let store = Store::start(StoreOptions::default()).await.unwrap();
        store.create_table(TABLE).unwrap();
        Self {
            launchdarkly,
            production,
            store,
        }
    }

    /// With so many small flags, all at version 2.
    pub(crate) async fn with_flags(count: usize) -> Self {
        let world = Self::new().await;
        world.production.quietly(|items| {
            for number in 0..count {
                items.insert(Kind::Flag, flag(&format!("flag-{number:04}"), 2));
            }
        });
        world
    }

    /// With so many flags, and the table filled.
    pub(crate) async fn filled(count: usize) -> Self {
        let world = Self::with_flags(count).await;
        let synced = world.program(&["sync"]).output().await;
        assert_eq!(synced.code, Some(0), "{synced:?}");
        world.assert_equal();
        world.store.reset_counts();
        world
    }

    /// The program with one environment, told everything by variables.
    pub(crate) fn program(&self, arguments: &[&str]) -> Program {
        self.without_environment(arguments)
            .set("LD_ENV_production", KEY)
            .set("LD_PREFIX_production", PREFIX)
    }

    /// The program that knows where LaunchDarkly and the table are, and takes any free ports.
    pub(crate) fn without_environment(&self, arguments: &[&str]) -> Program {
        Program::new(arguments)
            .set("STREAM_URI", &self.launchdarkly.uri())
            .set("BASE_URI", &self.launchdarkly.uri())
            .set("DYNAMODB_URL", &self.store.endpoint())
            .set("DYNAMODB_TABLE", TABLE)
            .set("PORT", "0")
            .set("PROMETHEUS_PORT", "0")
    }

    /// The row of a flag.
    pub(crate) fn row(&self, flag: &str) -> Option<Row> {
        self.store
            .row(TABLE, &format!("{PREFIX}:features"), flag)
            .unwrap()
    }

    pub(crate) fn is_marked(&self) -> bool {
        let marker = format!("{PREFIX}:$inited");
        self.store.row(TABLE, &marker, &marker).unwrap().is_some()
    }

    /// How many flags are stored and not deleted.
    pub(crate) fn live_flags(&self) -> usize {
        let rows = self.store.rows(TABLE, &format!("{PREFIX}:features"));
        let live = |row: &&Row| !row.item().unwrap().contains(r#""deleted":true"#);
        rows.unwrap().iter().filter(live).count()
    }

    /// Asserts that the table is what LaunchDarkly says, byte for byte, the marker included.
    pub(crate) fn assert_equal(&self) {
        let items = self.production.items();
        for (key, text) in items.iter() {
            let namespace = match key.kind {
                Kind::Flag => format!("{PREFIX}:features"),
                Kind::Segment => format!("{PREFIX}:segments"),
            };
            let row = self.store.row(TABLE, &namespace, &key.key).unwrap();
            let row = row.unwrap_or_else(|| panic!("{key} is missing"));
            assert_eq!(row.item(), Some(&**text), "{key}");
        }
        let flags = items.iter().filter(|(key, _)| key.kind == Kind::Flag);
        assert_eq!(self.live_flags(), flags.count(), "nothing else is live");
        assert!(self.is_marked(), "the marker is there");
    }
}

/// A flag as LaunchDarkly sends it.
pub(crate) fn flag(key: &str, version: u64) -> String {
    flag_with(key, version, "")
}

/// A flag with more members, each beginning with a comma.
pub(crate) fn flag_with(key: &str, version: u64, more: &str) -> String {
    format!(
        r#"{{"key":"{key}","version":{version},"on":true,"prerequisites":[],"targets":[],"rules":[],"fallthrough":{{"variation":0}},"offVariation":0,"variations":["v{version}"],"salt":"s","deleted":false{more}}}"#
    )
}

/// A flag whose row DynamoDB does not take.
pub(crate) fn large_flag(key: &str, version: u64) -> String {
    let padding = "x".repeat(420_000);
    flag_with(key, version, &format!(r#","description":"{padding}""#))
}

//! A simulated LaunchDarkly and a table that the relay filled from it.

use std::collections::BTreeMap;
use std::io;

use ld_dynamodb_relay::commands::sync;
use ld_dynamodb_relay::config::{self, Config, Sources};
use ld_dynamodb_relay::model::{ItemKey, Kind};
use ld_dynamodb_relay::simulator::{
    ANY_PORT, Items, LaunchDarkly, SimulatedEnvironment, Store, StoreOptions,
};
use ld_dynamodb_relay::table::{self, Fixed};

use super::expected;

pub(crate) const TABLE: &str = "launchdarkly";
pub(crate) const PREFIX: &str = "production";
const KEY: &str = "sdk-00000000-0000-4000-8000-000000000001";

pub(crate) struct World {
    launchdarkly: LaunchDarkly,
    environment: SimulatedEnvironment,
    pub(crate) store: Store,
}

impl World {
    /// A table with nothing in it.
    pub(crate) async fn empty() -> Self {
        let launchdarkly = LaunchDarkly::start(ANY_PORT).await.unwrap();
        let environment = launchdarkly.environment(KEY);
        let store = Store::start(StoreOptions::default()).await.unwrap();
        store.create_table(TABLE).unwrap();
        Self {
            launchdarkly,
            environment,
            store,
        }
    }

    /// With the flags that are expected.
    pub(crate) async fn filled() -> Self {
        Self::holding(expected::items()).await
    }

    pub(crate) async fn holding(items: Items) -> Self {
        let world = Self::empty().await;
        world.environment.replace(items);
        world.relay().await;
        world
    }

    /// Switches a flag off at LaunchDarkly. It is in the table when this returns.
    pub(crate) async fn switch_off(&self, flag: &str) {
        let text = self.text(flag);
        let off = text.replacen(r#""on":true"#, r#""on":false"#, 1).replacen(
            r#""version":1"#,
            r#""version":2"#,
            1,
        );
        assert_ne!(text, off);
        self.say(off).await;
    }

    /// Makes another flag like this one.
    pub(crate) async fn copy(&self, flag: &str, name: &str) {
        let text = self.text(flag).replace(flag, name);
        self.say(text).await;
    }

    fn text(&self, flag: &str) -> String {
        let items = self.environment.items();
        items.get(&ItemKey::flag(flag)).unwrap().to_string()
    }

    async fn say(&self, text: String) {
        self.environment
            .quietly(|items| drop(items.insert(Kind::Flag, text)));
        self.relay().await;
    }

    /// Brings the table up to date and forgets what the store was asked for that.
    async fn relay(&self) {
        let connection = table::connect(Some(&self.store.endpoint()), Some(Fixed)).await;
        let synced = sync::sync(&self.config(), &connection, None).await.unwrap();
        assert!(synced.iter().all(sync::Synced::is_equal));
        self.store.reset_counts();
    }

    fn config(&self) -> Config {
        let (endpoint, uri) = (self.store.endpoint(), self.launchdarkly.uri());
        let variables = [
            ("LD_ENV_production", KEY),
            ("LD_PREFIX_production", PREFIX),
            ("DYNAMODB_TABLE", TABLE),
            ("DYNAMODB_URL", &endpoint),
            ("STREAM_URI", &uri),
            ("BASE_URI", &uri),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let nothing = |_: &std::path::Path| Err(io::Error::from(io::ErrorKind::NotFound));
        let loaded = config::load(&Sources {
            file: None,
            allow_missing_file: true,
            variables: BTreeMap::from(variables),
            read: &nothing,
        });
        loaded
            .config
            .unwrap_or_else(|problems| panic!("{problems}"))
    }
}

//! Several environments in one process: for many cases at once, and for what one does to the others.

use ld_dynamodb_relay::config::Config;
use ld_dynamodb_relay::simulator::{
    ANY_PORT, LaunchDarkly, SimulatedEnvironment, Store, StoreOptions,
};

use super::quiet::Share;
use super::{Relay, TABLE, assert_equal, config, environment, flag, log};

/// LaunchDarkly with several environments, and an empty table.
pub(crate) struct Several {
    pub(crate) launchdarkly: LaunchDarkly,
    pub(crate) environments: Vec<SimulatedEnvironment>,
    pub(crate) store: Store,
    names: Vec<String>,
    _share: Share,
}

impl Several {
    /// One for each name. The names are those in the log, which all tests share.
    pub(crate) async fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let share = Share::some().await;
        log::collect();
        let launchdarkly = LaunchDarkly::start(ANY_PORT).await.unwrap();
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        let environments = names
            .iter()
            .map(|name| {
                let environment = launchdarkly.environment(&key(name));
                environment.quietly(|items| {
                    items.insert(ld_dynamodb_relay::model::Kind::Flag, flag("first", 1));
                });
                environment
            })
            .collect();
        let store = Store::start(StoreOptions::default()).await.unwrap();
        store.create_table(TABLE).unwrap();
        Self {
            launchdarkly,
            environments,
            store,
            names,
            _share: share,
        }
    }

    /// Settings for all of them; each has its name as its prefix.
    pub(crate) fn config(&self) -> Config {
        let mut config = config(&self.launchdarkly.uri(), &self.store.endpoint());
        let names = self.names.iter();
        config.environments = names
            .map(|name| environment(name, &key(name), name))
            .collect();
        config
    }

    /// Starts the relay.
    pub(crate) async fn relay(&self) -> Relay {
        Relay::start(self.config()).await
    }

    /// The text that is stored under a flag's key.
    pub(crate) fn stored(&self, index: usize, key: &str) -> Option<String> {
        let namespace = format!("{}:features", self.names[index]);
        let row = self.store.row(TABLE, &namespace, key).unwrap();
        row.map(|row| row.item().unwrap_or_default().to_owned())
    }

    /// Asserts that the table is what this one says.
    pub(crate) fn assert_equal(&self, index: usize) {
        assert_equal(&self.environments[index], &self.store, &self.names[index]);
    }

    pub(crate) fn assert_all_equal(&self) {
        (0..self.names.len()).for_each(|index| self.assert_equal(index));
    }
}

/// The SDK key of the environment of this name.
pub(crate) fn key(name: &str) -> String {
    format!("sdk-{name}")
}

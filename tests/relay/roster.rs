//! Environments that come and go while others run.

use std::time::Duration;

use ld_dynamodb_relay::config::EnvironmentSettings;
use ld_dynamodb_relay::secrets::Kept;
use ld_dynamodb_relay::supervisor::{Assembler, Change};
use tokio::time::timeout;

use crate::support::several::{Several, key};
use crate::support::{Relay, environment, flag};

const NAMES: [&str; 3] = ["roster-stays", "roster-goes", "roster-comes"];

/// A relay that runs the first of them, and the settings of the others.
async fn started(several: &Several, first: usize) -> Relay {
    let mut config = several.config();
    config.environments.truncate(first);
    Relay::start(config).await
}

impl Relay {
    /// One comes, or takes the place of the one of its name. Its status is the last one.
    async fn come(&mut self, settings: &EnvironmentSettings) {
        let mut assembler = Assembler::new(&self.config, &self.connection, &self.metrics, None);
        let key = Kept::fixed(settings.sdk_key.value.clone().unwrap());
        let environment = assembler.environment(settings, key, Duration::ZERO);
        let environment = environment.unwrap();
        self.statuses.push(environment.status.clone());
        let change = Change::Run(Box::new(environment));
        self.changes.send(change).await.ok().unwrap();
    }

    /// One goes.
    async fn go(&self, name: &str) {
        self.changes
            .send(Change::End(name.into()))
            .await
            .ok()
            .unwrap();
    }
}

/// Waits until nothing is counted for this environment any more.
async fn gone(relay: &Relay, name: &str) {
    let label = format!("environment=\"{name}\"");
    let wait = async {
        while relay.metrics.render([], None).contains(&label) {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(30), wait).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_is_written_and_who_goes_keeps_its_rows_and_nobody_else_notices() {
    let several = Several::new(NAMES).await;
    let [stays, goes, comes] = &several.environments[..] else {
        panic!("three");
    };
    let mut relay = started(&several, 2).await;
    relay.all_settled().await;
    several.store.reset_counts();

    relay
        .come(&environment(NAMES[2], &key(NAMES[2]), NAMES[2]))
        .await;
    relay.all_settled().await;
    several.assert_all_equal();
    assert_eq!(
        several.store.counts().writes(),
        2,
        "its own item and marker"
    );

    relay.go(NAMES[1]).await;
    goes.wait_for_nobody().await;
    gone(&relay, NAMES[1]).await;
    goes.put_flag(&flag("first", 2));
    stays.put_flag(&flag("first", 2));
    relay
        .until_of(0, "stored", |facts| facts.written == 2)
        .await;
    assert_eq!(
        several.stored(1, "first"),
        Some(flag("first", 1)),
        "its rows stay"
    );
    several.assert_equal(0);
    several.assert_equal(2);
    assert_eq!([stays, comes].map(|it| it.seen().attempts), [1, 1]);
    assert_eq!(goes.seen().attempts, 1);

    // It comes again, and goes on where it was.
    relay
        .come(&environment(NAMES[1], &key(NAMES[1]), NAMES[1]))
        .await;
    relay
        .until_of(3, "stored", |facts| facts.written == 1)
        .await;
    several.assert_all_equal();
    relay.stop().await;
}

/// Two would write to one place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_takes_a_place_waits_until_it_is_free() {
    let several = Several::new(["roster-old", "roster-new"]).await;
    let [old, new] = &several.environments[..] else {
        panic!("two");
    };
    let mut relay = started(&several, 1).await;
    relay.all_settled().await;
    new.quietly(|items| {
        items.insert(ld_dynamodb_relay::model::Kind::Flag, flag("second", 1));
    });
    // Each has the name of the first, and its place; the last one counts.
    for key in [key("roster-old"), key("roster-new")] {
        relay
            .come(&environment("roster-old", &key, "roster-old"))
            .await;
    }
    relay
        .until_of(2, "stored", crate::support::is_settled)
        .await;
    assert_eq!(old.seen().open, 0);
    assert_eq!(new.seen().open, 1);
    assert_eq!(several.stored(0, "second"), Some(flag("second", 1)));
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_goes_while_it_is_restarted_is_not_started_again() {
    let several = Several::new(["roster-panics", "roster-calm"]).await;
    let relay = Relay::start_with(several.config(), None, |environments| {
        // Its listening half panics whenever it starts.
        environments[0].first_delay = Duration::MAX;
    })
    .await;
    relay
        .until_of(1, "settled", crate::support::is_settled)
        .await;
    relay.go("roster-panics").await;
    gone(&relay, "roster-panics").await;
    assert_eq!(several.environments[0].seen().attempts, 0);
    several.assert_equal(1);
    relay.stop().await;
}

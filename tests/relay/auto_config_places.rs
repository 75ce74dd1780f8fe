//! Where the environments go that auto-configuration lists, and how they are heard.

use ld_dynamodb_relay::config::SourceKind;
use ld_dynamodb_relay::simulator::AutoConfiguration;
use ld_dynamodb_relay::status::{Facts, TablePhase};

use crate::support::rostered::{Rostered, RosteredOptions};
use crate::support::{TABLE, flag};

/// The prefix of both.
const PLACE: &str = "harbor-production";

fn list(roster: &AutoConfiguration, id: &str) {
    roster.list(id, "harbor", "production", &format!("sdk-{id}"));
}

fn by_keys() -> RosteredOptions {
    RosteredOptions {
        prefix: "$PROJ_KEY-$ENV_KEY",
        ..RosteredOptions::default()
    }
}

fn is_foreign(facts: &Facts) -> bool {
    facts.table.0 == TablePhase::Misconfigured
}

/// The later one is refused by name until the first is gone. Then it has the place, in which it writes nothing: what is there
/// is the first one's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_that_would_share_a_place_the_later_waits_for_the_first_to_go() {
    let it = Rostered::new([]).await;
    for (id, version) in [("place-a", 1), ("place-b", 2)] {
        it.add_quietly(id, version);
    }
    list(&it.roster, "place-a");
    let relay = it.relay_with(&by_keys()).await;
    relay.settled(&["place-a"]).await;
    list(&it.roster, "place-b");
    relay
        .until_roster("refused", |facts| facts.refused.len() == 1)
        .await;
    let refused = relay.status.facts().refused.remove(0);
    assert_eq!((&*refused.id, refused.serving), ("place-b", false));
    assert_eq!(
        refused.reason,
        "its destination, table flags with prefix `harbor-production`, is that of the environment place-a; put $CID \
         into the template"
    );
    relay.runs(&["place-a"]).await;
    assert_eq!(it.environment("place-b").seen().attempts, 0);

    it.store.reset_counts();
    it.roster.remove("place-a");
    relay.runs(&["place-b"]).await;
    assert!(relay.status.facts().refused.is_empty());
    relay.until("place-b", "refused", is_foreign).await;
    assert_eq!(
        relay.facts("place-b").table_advice.as_deref(),
        Some(
            "the environment place-b has been given a place that holds the data of place-a; nothing is written. Put $CID \
             into ENV_DATASTORE_PREFIX, so that each has a place of its own; or, if place-b is to have that place, delete \
             its row `$identity` (with the prefix before it) and restart the daemon"
        )
    );
    assert_eq!(it.store.counts().writes(), 0);
    assert_eq!(it.stored(PLACE, "first"), Some(flag("first", 1)));
    relay.stop().await;

    // As it is advised.
    let identity = format!("{PLACE}:$identity");
    it.store.delete_row(TABLE, &identity, &identity).unwrap();
    let relay = it.relay_with(&by_keys()).await;
    relay.settled(&["place-b"]).await;
    assert_eq!(it.stored(PLACE, "first"), Some(flag("first", 2)));
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn environments_of_a_roster_may_be_polled() {
    let it = Rostered::new(["polled-a", "polled-b"]).await;
    let polling = RosteredOptions {
        source: SourceKind::Poll,
        ..RosteredOptions::default()
    };
    let relay = it.relay_with(&polling).await;
    relay.settled(&["polled-a", "polled-b"]).await;
    it.assert_equal(["polled-a", "polled-b"]);
    let environment = it.environment("polled-a");
    environment.put_flag(&flag("first", 2));
    relay
        .until("polled-a", "stored", |facts| facts.written == 2)
        .await;
    it.assert_equal(["polled-a"]);
    // Another key is polled with from then on, and nothing is written for it.
    it.store.reset_counts();
    it.roster.rotate_key("polled-a", "sdk-new", None);
    environment.put_flag(&flag("first", 3));
    relay
        .until("polled-a", "stored", |facts| facts.written == 3)
        .await;
    assert_eq!(it.store.counts().writes(), 1);
    let requests = it.launchdarkly.requests();
    let streams = requests.iter().filter(|it| it.path == "/all");
    assert_eq!(streams.count(), 0, "only the roster is streamed");
    it.roster.remove("polled-b");
    relay.runs(&["polled-a"]).await;
    relay.stop().await;
}

//! Auto-configuration: environments come, change and go as LaunchDarkly says.

use ld_dynamodb_relay::roster::AutoConfigState;
use ld_dynamodb_relay::simulator::Behaviour;
use ld_dynamodb_relay::status::SourcePhase;

use crate::support::flag;
use crate::support::rostered::Rostered;

/// Milliseconds since 1970, in some thousand years.
const NEVER: u64 = 100_000_000_000_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn initial_list() {
    let it = Rostered::new(["auto-a", "auto-b"]).await;
    let relay = it.relay().await;
    relay.settled(&["auto-a", "auto-b"]).await;
    it.assert_equal(["auto-a", "auto-b"]);
    let facts = relay.status.facts();
    assert!(facts.known && facts.refused.is_empty());
    assert_eq!(facts.auto_config.unwrap().state, AutoConfigState::Valid);
    let info = &relay.environment("auto-a").info;
    assert_eq!(info.environment_id.as_deref(), Some("auto-a"));
    assert_eq!(info.project.as_deref(), Some("harbor"));
    assert!(info.mobile_key.is_some() && info.mobile_keys.len() == 1);
    assert_eq!((&*info.table, &*info.prefix), ("flags", "auto-a"));
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn environment_added_and_deleted() {
    let it = Rostered::new(["auto-a"]).await;
    let relay = it.relay().await;
    relay.settled(&["auto-a"]).await;
    it.store.reset_counts();
    let added = it.add("auto-b");
    relay.settled(&["auto-a", "auto-b"]).await;
    it.assert_equal(["auto-a", "auto-b"]);
    assert_eq!(
        it.environment("auto-a").seen().attempts,
        1,
        "it did not notice"
    );

    it.roster.remove("auto-b");
    relay.runs(&["auto-a"]).await;
    added.wait_for_nobody().await;
    assert_eq!(
        it.stored("auto-b", "first"),
        Some(flag("first", 1)),
        "its rows stay"
    );
    // The others go on.
    it.environment("auto-a").put_flag(&flag("first", 2));
    relay
        .until("auto-a", "stored", |facts| facts.written == 2)
        .await;
    it.assert_equal(["auto-a"]);
    // It comes again and goes on where it was.
    it.roster.add("auto-b", "harbor", "auto-b");
    relay.settled(&["auto-a", "auto-b"]).await;
    assert_eq!(relay.facts("auto-b").written, 0);
    relay.stop().await;
}

/// The key's policy covers one less: LaunchDarkly says no `delete`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn policy_change() {
    let it = Rostered::new(["auto-a", "auto-b"]).await;
    let relay = it.relay().await;
    relay.settled(&["auto-a", "auto-b"]).await;
    it.roster.leave_out("auto-b");
    it.roster.reconnect();
    relay.runs(&["auto-a"]).await;
    it.environment("auto-b").wait_for_nobody().await;
    assert_eq!(it.environment("auto-a").seen().attempts, 1);
    assert_eq!(it.stored("auto-b", "first"), Some(flag("first", 1)));
    relay.stop().await;
}

/// The old key stays good for a while: the stream has no gap, and nothing is written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sdk_key_changed_with_grace() {
    let it = Rostered::new(["auto-a"]).await;
    let relay = it.relay().await;
    relay.settled(&["auto-a"]).await;
    it.store.reset_counts();
    let environment = it.environment("auto-a");
    it.roster.rotate_key("auto-a", "sdk-new", Some(NEVER));
    environment.wait_for_connections(2).await;
    environment.wait_until("one", |seen| seen.open == 1).await;
    assert_eq!(environment.seen().gaps, 0);
    environment.put_flag(&flag("first", 2));
    relay
        .until("auto-a", "stored", |facts| facts.written == 2)
        .await;
    it.assert_equal(["auto-a"]);
    assert_eq!(it.store.counts().writes(), 1, "the patch and nothing else");
    let info = &relay.environment("auto-a").info;
    assert_eq!(info.sdk_keys.len(), 2, "the old one is accepted still");
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sdk_key_changed_without_grace() {
    let it = Rostered::new(["auto-a"]).await;
    let relay = it.relay().await;
    relay.settled(&["auto-a"]).await;
    it.store.reset_counts();
    let environment = it.environment("auto-a");
    it.roster.rotate_key("auto-a", "sdk-new", None);
    environment.wait_for_connections(2).await;
    environment.put_flag(&flag("first", 2));
    relay
        .until("auto-a", "stored", |facts| facts.written == 2)
        .await;
    it.assert_equal(["auto-a"]);
    assert_eq!(it.store.counts().writes(), 1);
    relay.stop().await;
}

/// LaunchDarkly does not accept the new key yet; the old one, which it still accepts, keeps the environment going.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expiring_key_present_before_the_start() {
    let it = Rostered::new(["auto-a"]).await;
    it.roster.rotate_key("auto-a", "sdk-new", Some(NEVER));
    let environment = it.environment("auto-a");
    environment.next(Behaviour::status(401));
    let relay = it.relay().await;
    relay.settled(&["auto-a"]).await;
    it.assert_equal(["auto-a"]);
    let used = it.launchdarkly.requests();
    let used: Vec<_> = used.iter().filter(|it| it.path == "/all").collect();
    assert_eq!(used.len(), 2);
    assert_ne!(
        used[0].key, used[1].key,
        "the anchor first, then the other one"
    );
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_shows_only_a_view_is_never_used() {
    let it = Rostered::new(["auto-a"]).await;
    it.roster.change("auto-a", |members| {
        let keys = r#"[{"key": "default", "value": "sdk-auto-a"}, {"key": "view", "value": "sdk-view", "hasViews": true}]"#;
        members.insert("sdkKeys".into(), serde_json::from_str(keys).unwrap());
    });
    it.environment("auto-a").always(Behaviour::status(401));
    let relay = it.relay().await;
    relay.runs(&["auto-a"]).await;
    relay
        .until("auto-a", "refused", |facts| {
            facts.source.0 == SourcePhase::Refused
        })
        .await;
    // What comes next is what would follow if another key were tried.
    it.add("auto-b");
    relay.runs(&["auto-a", "auto-b"]).await;
    relay
        .until("auto-b", "settled", crate::support::is_settled)
        .await;
    assert_eq!(it.environment("auto-a").seen().attempts, 1);
    relay.stop().await;
}

/// Each connection begins with a list of equal versions.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn equal_version_put_after_reconnect() {
    let it = Rostered::new(["auto-a", "auto-b"]).await;
    let relay = it.relay().await;
    relay.settled(&["auto-a", "auto-b"]).await;
    it.store.reset_counts();
    it.roster.close_all();
    it.roster.wait_for_connections(2).await;
    it.add("auto-c");
    relay.settled(&["auto-a", "auto-b", "auto-c"]).await;
    for id in ["auto-a", "auto-b"] {
        assert_eq!(it.environment(id).seen().attempts, 1, "{id}");
    }
    assert_eq!(
        it.store.counts().writes(),
        3,
        "those of the new one: flag, ID and marker"
    );
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn renamed_environments_stay_where_they_are() {
    let it = Rostered::new(["auto-a"]).await;
    let relay = it.relay().await;
    relay.settled(&["auto-a"]).await;
    it.roster.change("auto-a", |members| {
        members.insert("envName".into(), "Brand New".into());
        members.insert("envKey".into(), "brand-new".into());
    });
    relay
        .registry
        .wait_until(|all| all[0].info.environment_name.as_deref() == Some("Brand New"))
        .await;
    let info = &relay.environment("auto-a").info;
    assert_eq!(info.environment_key.as_deref(), Some("brand-new"));
    assert_eq!(info.prefix, "auto-a");
    assert_eq!(it.environment("auto-a").seen().attempts, 1);
    relay.stop().await;
}

/// The loss of the stream removes nobody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn put_without_environments_is_malformed_and_removes_nobody() {
    let it = Rostered::new(["auto-a", "auto-b"]).await;
    let relay = it.relay().await;
    relay.settled(&["auto-a", "auto-b"]).await;
    it.roster.send_event("put", r#"{"path": "/", "data": {}}"#);
    relay
        .until_roster("interrupted", |facts| {
            facts.auto_config.unwrap().state == AutoConfigState::Interrupted
        })
        .await;
    it.roster.wait_for_connections(2).await;
    relay
        .until_roster("valid", |facts| {
            facts.auto_config.unwrap().state == AutoConfigState::Valid
        })
        .await;
    relay.runs(&["auto-a", "auto-b"]).await;
    for id in ["auto-a", "auto-b"] {
        assert_eq!(it.environment(id).seen().attempts, 1, "{id}");
    }
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_without_any_environment_is_held_until_it_is_said_again() {
    let it = Rostered::new(["auto-a", "auto-b"]).await;
    let relay = it.relay().await;
    relay.settled(&["auto-a", "auto-b"]).await;
    it.roster.leave_out("auto-a");
    it.roster.leave_out("auto-b");
    it.roster.announce();
    relay
        .until_roster("held", |facts| facts.held_removals == 2)
        .await;
    relay.runs(&["auto-a", "auto-b"]).await;
    it.environment("auto-a").put_flag(&flag("first", 2));
    relay
        .until("auto-a", "stored", |facts| facts.written == 2)
        .await;
    // It is asked again after ten seconds.
    relay.runs(&[]).await;
    assert_eq!(it.roster.connections(), 2);
    assert_eq!(it.stored("auto-a", "first"), Some(flag("first", 2)));
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_confirms_the_number_of_removals_that_are_held() {
    let it = Rostered::new(["auto-a", "auto-b"]).await;
    let relay = it.relay().await;
    relay.settled(&["auto-a", "auto-b"]).await;
    it.roster.leave_out("auto-a");
    it.roster.leave_out("auto-b");
    it.roster.announce();
    relay
        .until_roster("held", |facts| facts.held_removals == 2)
        .await;
    relay.orders.confirm(1);
    relay.orders.confirm(2);
    relay.runs(&[]).await;
    assert_eq!(it.roster.connections(), 1, "nobody had to ask again");
    relay.stop().await;
}

/// Of a roster with a description that cannot be used the rest counts, and a corrected one of the same version as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unusable_description_is_named_and_harms_nobody() {
    let it = Rostered::new(["auto-a"]).await;
    let relay = it.relay().await;
    relay.settled(&["auto-a"]).await;
    let description = |key: &str| {
        format!(
            r#"{{"path": "/environments/auto-b", "data": {{"envID": "auto-b", "version": 3, "sdkKey": {{"value": "{key}"}}}}}}"#
        )
    };
    it.roster.send_event("patch", &description(""));
    relay
        .until_roster("refused", |facts| facts.refused.len() == 1)
        .await;
    let refused = relay.status.facts().refused.remove(0);
    assert_eq!((&*refused.id, refused.serving), ("auto-b", false));
    relay.runs(&["auto-a"]).await;
    let environment = it.add("auto-b");
    it.roster.send_event("patch", &description("sdk-auto-b"));
    relay.settled(&["auto-a", "auto-b"]).await;
    assert!(relay.status.facts().refused.is_empty());
    assert_eq!(environment.seen().attempts, 1);
    relay.stop().await;
}

/// The Relay Proxy leaves such environments unconfigured for good.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn removed_or_rotated_while_it_starts() {
    let it = Rostered::new(["auto-a", "auto-b"]).await;
    for id in ["auto-a", "auto-b"] {
        it.environment(id).next(Behaviour::silence());
    }
    let relay = it.relay().await;
    relay.runs(&["auto-a", "auto-b"]).await;
    it.environment("auto-a").wait_for_attempts(1).await;
    it.environment("auto-b").wait_for_attempts(1).await;
    it.roster.remove("auto-a");
    it.roster.rotate_key("auto-b", "sdk-new", None);
    relay.settled(&["auto-b"]).await;
    it.environment("auto-a").wait_for_nobody().await;
    it.assert_equal(["auto-b"]);
    assert_eq!(it.stored("auto-a", "first"), None);
    relay.stop().await;
}

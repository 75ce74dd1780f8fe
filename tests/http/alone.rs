//! The status of one environment: who is found, by what, and what is said where nobody is.

use axum::http::StatusCode;
use ld_dynamodb_relay::status::RosterStatus;
use serde_json::Value;

use crate::world::{World, clock, fresh, good, info_with, unreachable};

#[tokio::test]
async fn an_environment_by_itself_is_the_same_as_among_the_others() {
    let world = World::new(&[("a b/c", good), ("empty", fresh), ("away", unreachable)]);
    let whole = world.status().await;
    for (name, path) in [
        ("a b/c", "/status/a%20b%2Fc"),
        ("empty", "/status/empty"),
        ("away", "/status/away"),
    ] {
        let (code, text) = world.admin(path).await;
        assert_eq!(code, StatusCode::OK, "{path}");
        let alone: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(alone, whole["environments"][name], "{path}");
    }
}

/// Two targets of one LaunchDarkly environment, another one, and one without keys.
fn fleet() -> World {
    World::new(&[
        ("main", good),
        ("copy", good),
        ("staging", good),
        ("ours", good),
    ])
    .with_infos(&[
        info_with("main", Some("harbor"), Some("production"), Some("id-1")),
        info_with("copy", Some("harbor"), Some("production"), Some("id-1")),
        info_with("staging", Some("harbor"), None, Some("main")),
        info_with("ours", None, Some("production"), None),
    ])
}

#[tokio::test]
async fn environments_are_found_by_name_by_id_and_by_their_keys() {
    let world = fleet();
    for (path, found) in [
        ("/status/copy", Some("copy")),
        // The first of those with this ID; and a name goes before an ID.
        ("/status/id-1", Some("main")),
        ("/status/main", Some("main")),
        ("/status/harbor/production", Some("main")),
        ("/status/harbor/staging", Some("staging")),
        // Its name is no key: it has another one.
        ("/status/harbor/main", None),
        ("/status/harbor/ours", None),
        ("/status/other/production", None),
        ("/status/nobody", None),
        ("/status/", None),
        ("/status/harbor/production/filters/mine", None),
    ] {
        let (code, text) = world.admin(path).await;
        let Some(name) = found else {
            assert_eq!(code, StatusCode::NOT_FOUND, "{path}");
            continue;
        };
        assert_eq!(code, StatusCode::OK, "{path}");
        let alone: Value = serde_json::from_str(&text).unwrap();
        let prefix = format!("prefix-{name}");
        assert_eq!(alone["dataStoreStatus"]["dbPrefix"], prefix, "{path}");
    }
}

#[tokio::test]
async fn the_id_that_launchdarkly_told_counts_where_none_is_set() {
    let world = World::new(&[("ours", good)]).with_infos(&[info_with("ours", None, None, None)]);
    let told = |id: &str| {
        let id = id.to_owned();
        let change = |facts: &mut ld_dynamodb_relay::status::Facts| facts.environment_id = Some(id);
        world.at(0).status.update(change);
    };
    assert_eq!(world.admin("/status/5f00").await.0, StatusCode::NOT_FOUND);
    told("5f00");
    assert_eq!(world.admin("/status/5f00").await.0, StatusCode::OK);
}

#[tokio::test]
async fn before_the_roster_came_nobody_is_unknown() {
    for roster in [
        RosterStatus::auto_configured(clock()),
        RosterStatus::archived(),
    ] {
        let mut world = World::new(&[("known", good)]);
        world.app.roster = roster.clone();
        for path in [
            "/status/nobody",
            "/status/no/body",
            "/status/nobody?expect=status=connected",
        ] {
            let (code, text) = world.admin(path).await;
            assert_eq!(code, StatusCode::SERVICE_UNAVAILABLE, "{path}");
            assert!(text.ends_with("ask again\n"), "{text}");
        }
        // Kept of an earlier run.
        assert_eq!(world.admin("/status/known").await.0, StatusCode::OK);

        roster.update(|facts| facts.known = true);
        assert_eq!(world.admin("/status/nobody").await.0, StatusCode::NOT_FOUND);
    }
}

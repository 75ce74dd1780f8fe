//! What the status tells of where environments come from.

use std::time::{Duration, SystemTime};

use axum::http::StatusCode;
use ld_dynamodb_relay::roster::{
    AutoConfigError, AutoConfigErrorKind, AutoConfigState, RefusedEnvironment, RosterOrigin,
};
use ld_dynamodb_relay::status::{RosterStatus, TakenArchive};
use serde_json::json;

use crate::world::{World, clock, good, member};

const TIME: u64 = 5_000_000;

#[tokio::test]
async fn the_stream_of_auto_configuration_is_told_of_where_there_is_one() {
    let mut world = World::new(&[("a", good)]);
    let status = world.status().await;
    assert_eq!(status.get("autoConfigStatus"), None);
    assert_eq!(status.get("archiveStatus"), None);

    world.app.roster = RosterStatus::auto_configured(clock());
    let status = world.status().await;
    let initializing = json!({"state": "INITIALIZING", "stateSince": TIME});
    assert_eq!(status["autoConfigStatus"], initializing);

    for (state, word) in [
        (AutoConfigState::Valid, "VALID"),
        (AutoConfigState::Interrupted, "INTERRUPTED"),
        (AutoConfigState::Off, "OFF"),
    ] {
        world.app.roster.update(|facts| {
            facts.known = true;
            let stream = facts.auto_config.as_mut().unwrap();
            stream.state = state;
            stream.last_error = Some(AutoConfigError {
                kind: AutoConfigErrorKind::Response(503),
                time_ms: TIME,
            });
        });
        let status = world.status().await;
        assert_eq!(
            status["autoConfigStatus"],
            json!({"state": word, "stateSince": TIME,
                   "lastError": {"kind": "ERROR_RESPONSE", "statusCode": 503, "time": TIME}})
        );
        assert_eq!(status["status"], "healthy", "readers are none the worse");
    }
}

#[tokio::test]
async fn who_is_refused_is_named_and_degrades_nobody() {
    let world = World::new(&[("a", good)]);
    world.app.roster.update(|facts| {
        for (id, serving) in [("5f01", false), ("5f02", true)] {
            facts.refused.push(RefusedEnvironment {
                id: id.into(),
                reason: "the anchor key is empty".to_owned(),
                serving,
            });
        }
    });
    let status = world.status().await;
    assert_eq!(
        status["refusedEnvironments"],
        json!([
            {"envId": "5f01", "reason": "the anchor key is empty", "serving": false},
            {"envId": "5f02", "reason": "the anchor key is empty", "serving": true},
        ])
    );
    assert_eq!(status["status"], "healthy");
    let query = "/status?expect=refusedEnvironments[envId=5f02].serving=true";
    assert_eq!(world.admin(query).await.0, StatusCode::OK);
}

#[tokio::test]
async fn an_archive_is_told_of_before_and_after_it_is_taken() {
    let mut world = World::new(&[("a", good)]);
    world.app.roster = RosterStatus::archived();
    let archive = async || world.status().await["archiveStatus"].take();
    assert_eq!(
        archive().await,
        json!({"modified": null, "bytes": null, "checksum": null})
    );

    world.app.roster.update(|facts| {
        let archive = facts.archive.as_mut().unwrap();
        archive.taken = Some(TakenArchive {
            modified: SystemTime::UNIX_EPOCH + Duration::from_millis(4_000_123),
            bytes: 17,
            checksum: [0xa7; 16],
        });
        archive.last_error = Some(("the archive ends early".to_owned(), clock()));
    });
    assert_eq!(
        archive().await,
        json!({"modified": 4_000_123, "bytes": 17, "checksum": "a7".repeat(16),
               "lastError": {"message": "the archive ends early", "time": TIME}})
    );
}

#[tokio::test]
async fn nobody_is_well_before_the_roster_came_and_those_of_a_cache_are_well() {
    for roster in [
        RosterStatus::auto_configured(clock()),
        RosterStatus::archived(),
    ] {
        let mut world = World::new(&[]);
        world.app.roster = roster.clone();
        assert_eq!(world.status().await["status"], "degraded");
        assert!(world.work("/status").await.1.contains("degraded"));
        // Kept of an earlier run.
        world.app.environments.put(member("kept", good));
        roster.update(|facts| facts.origin = RosterOrigin::Cache);
        let status = world.status().await;
        assert_eq!(status["status"], "healthy");
        if status.get("autoConfigStatus").is_some() {
            assert_eq!(status["autoConfigStatus"]["source"], "cache");
        }
        assert!(world.work("/status").await.1.contains("healthy"));
    }
}

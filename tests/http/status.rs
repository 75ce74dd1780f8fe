//! The status document.

use serde_json::json;

use crate::world::{
    World, busy, contested, fresh, good, held, misconfigured, refused, unreachable,
};

#[tokio::test]
async fn the_status_has_the_relay_proxys_shape_and_our_block() {
    let world = World::new(&[("production", good)]);
    let mut status = world.status().await;
    let environment = &mut status["environments"]["production"];
    let sync = environment["sync"].take();
    let time = 5_000_000;
    assert_eq!(
        status,
        json!({
            "environments": {"production": {
                "sdkKey": "sdk-********-****-****-****-********cdef",
                "sdkKeys": [{"value": "sdk-********-****-****-****-********cdef"}],
                "mobileKey": "mob-********-****-****-****-********cdef",
                "mobileKeys": [{"value": "mob-********-****-****-****-********cdef"}],
                "envId": "5f00c0ffee",
                "projKey": "harbor",
                "status": "connected",
                "connectionStatus": {"state": "VALID", "stateSince": time},
                "dataStoreStatus": {"state": "VALID", "stateSince": time, "database": "dynamodb",
                    "dbServer": "http://localhost:8000", "dbPrefix": "prefix-production", "dbTable": "flags"},
                "sync": null,
            }},
            "refusedEnvironments": [],
            "status": "healthy",
            "version": env!("CARGO_PKG_VERSION"),
            "clientVersion": env!("CARGO_PKG_VERSION"),
        })
    );
    assert_eq!(
        sync,
        json!({
            "upToDate": true, "stale": false, "degraded": false, "initialized": true, "refused": false,
            "source": {"phase": "connected", "since": time}, "saidEverything": true,
            "table": {"phase": "settled", "since": time},
            "heard": time, "stored": time, "verified": null,
            "items": {"flag": 7, "segment": 2}, "largestItemBytes": 0, "pending": 0, "written": 0,
            "brakedRemovals": 0,
            "held": {"total": 0, "items": [],
                "byReason": {"unconfirmed": 0, "brake": 0, "too_large": 0, "malformed": 0, "failing": 0}},
            "contested": {"total": 0, "items": []},
            "confirmed": time, "brakedSince": null, "driftRepaired": 0, "writeUnitsLastHour": 0.0,
            "propagation": null, "changes": [],
        })
    );
}

#[tokio::test]
async fn one_environment_in_trouble_degrades_the_whole() {
    for trouble in [fresh, refused, unreachable, misconfigured, held, contested] {
        let world = World::new(&[("a", good), ("b", trouble)]);
        let status = world.status().await;
        assert_eq!(status["status"], "degraded", "{status}");
        assert_eq!(status["environments"]["a"]["sync"]["degraded"], false);
        assert_eq!(status["environments"]["b"]["sync"]["degraded"], true);
    }
    assert_eq!(World::new(&[]).status().await["status"], "degraded");
}

#[tokio::test]
async fn the_status_says_what_is_wrong_in_the_relay_proxys_words_and_in_ours() {
    let status = World::new(&[("r", refused), ("u", unreachable), ("m", misconfigured)])
        .status()
        .await;
    let of = |name: &str| status["environments"][name].clone();
    assert_eq!(of("r")["status"], "disconnected");
    assert_eq!(
        of("r")["connectionStatus"],
        json!({"state": "OFF", "stateSince": 5_000_000,
               "lastError": {"kind": "ERROR_RESPONSE", "statusCode": 401, "time": 5_000_000}})
    );
    assert_eq!(
        of("r")["sync"]["lastError"],
        "LaunchDarkly refuses the SDK key"
    );
    assert_eq!(of("u")["status"], "connected", "not for long enough");
    assert_eq!(of("u")["connectionStatus"]["state"], "INTERRUPTED");
    assert_eq!(of("u")["dataStoreStatus"]["state"], "INTERRUPTED");
    assert_eq!(of("m")["connectionStatus"]["state"], "INITIALIZING");
    assert_eq!(of("m")["sync"]["tableAdvice"], "create the table flags");
}

#[tokio::test]
async fn held_items_are_counted_whole_and_listed_up_to_a_hundred_the_worst_first() {
    let status = World::new(&[("a", held)]).status().await;
    let held = &status["environments"]["a"]["sync"]["held"];
    assert_eq!(held["total"], 150);
    assert_eq!(held["byReason"]["unconfirmed"], 149);
    let items = held["items"].as_array().unwrap();
    assert_eq!(items.len(), 100);
    let first = json!({"kind": "flag", "key": "flag-149", "reason": "too_large", "detail": "why"});
    for (name, value) in first.as_object().unwrap() {
        assert_eq!(&items[0][name], value);
    }
}

#[tokio::test]
async fn contested_items_are_counted_whole_and_listed_up_to_a_hundred() {
    let status = World::new(&[("a", contested)]).status().await;
    let sync = &status["environments"]["a"]["sync"];
    assert_eq!(sync["upToDate"], true);
    assert_eq!(sync["contested"]["total"], 150);
    let items = sync["contested"]["items"].as_array().unwrap();
    assert_eq!(items.len(), 100);
    assert_eq!(items[0], json!({"kind": "flag", "key": "flag-000"}));
}

#[tokio::test]
async fn what_was_done_lately_is_told_with_its_times() {
    let status = World::new(&[("a", busy)]).status().await;
    let sync = &status["environments"]["a"]["sync"];
    assert_eq!(sync["driftRepaired"], 1);
    assert_eq!(sync["writeUnitsLastHour"], 4.5);
    assert_eq!(
        sync["propagation"],
        json!({"writes": 1, "p50Ms": 12.3, "p99Ms": 12.3})
    );
    let braked_since = sync["brakedSince"].as_u64().unwrap();
    assert!((4_990_000..=5_000_000).contains(&braked_since));
    let time = 5_000_000;
    assert_eq!(
        sync["changes"],
        json!([
            {"kind": "segment", "key": "staff", "done": "deleted", "from": 4, "to": 5, "at": time,
             "propagationMs": null, "repair": true},
            {"kind": "flag", "key": "dark-mode", "done": "stored", "from": null, "to": 7, "at": time,
             "propagationMs": 12.3, "repair": false},
        ])
    );
}

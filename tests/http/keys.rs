//! What the status tells of the keys that an environment accepts, and of its names.

use ld_dynamodb_relay::roster::AcceptedKey;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::world::{SDK_KEY, World, good, info_with};

fn key(identifier: Option<&str>, value: &str, seconds: Option<u64>) -> AcceptedKey {
    AcceptedKey {
        identifier: identifier.map(str::to_owned),
        value: SecretString::from(value),
        expiry_ms: seconds.map(|it| it * 1_000),
    }
}

const OTHER: &str = "sdk-fedcba98-7654-3210-fedc-ba9876543210";
const MOBILE: &str = "mob-fedcba98-7654-3210-fedc-ba9876543210";

async fn keys(sdk_keys: Vec<AcceptedKey>, mobile_keys: Vec<AcceptedKey>) -> Value {
    let info = info_with("a", None, None, None).accepting(sdk_keys, mobile_keys);
    let world = World::new(&[("a", good)]).with_infos(&[info]);
    world.status().await["environments"]["a"].take()
}

#[tokio::test]
async fn accepted_keys_are_listed_masked_until_they_expire() {
    let shown = keys(
        vec![
            key(Some("old"), OTHER, Some(5_001)),
            key(None, "sdk-gone-gone-gone-gone-gone", Some(5_000)),
            // What is used has no end.
            key(Some("new"), SDK_KEY, Some(1)),
        ],
        vec![key(Some("phones"), MOBILE, None)],
    )
    .await;
    assert_eq!(
        shown["sdkKeys"],
        json!([
            {"key": "new", "value": "sdk-********-****-****-****-********cdef"},
            {"key": "old", "value": "sdk-********-****-****-****-********3210", "expiry": 5_001_000},
        ])
    );
    assert_eq!(
        shown["mobileKeys"],
        json!([{"key": "phones", "value": "mob-********-****-****-****-********3210"}])
    );
}

#[tokio::test]
async fn the_key_that_is_used_is_listed_where_others_are_not() {
    let shown = keys(vec![key(None, OTHER, None)], Vec::new()).await;
    let values = |name: &str| -> Vec<_> {
        let keys = shown[name].as_array().unwrap().iter();
        keys.map(|it| it["value"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        values("sdkKeys"),
        [
            "sdk-********-****-****-****-********cdef",
            "sdk-********-****-****-****-********3210"
        ]
    );
    assert_eq!(values("sdkKeys")[0], shown["sdkKey"].as_str().unwrap());
    assert!(values("mobileKeys").is_empty());
}

#[tokio::test]
async fn names_are_shown_beside_keys() {
    let info = info_with("5f01", Some("harbor"), Some("production"), Some("5f01"));
    let info = info.titled(Some("Harbor".to_owned()), Some("Production".to_owned()));
    let world = World::new(&[("5f01", good)]).with_infos(&[info]);
    let status = world.status().await;
    let environment = &status["environments"]["5f01"];
    for (member, value) in [
        ("projKey", "harbor"),
        ("projName", "Harbor"),
        ("envKey", "production"),
        ("envName", "Production"),
        ("envId", "5f01"),
    ] {
        assert_eq!(environment[member], value);
    }
}

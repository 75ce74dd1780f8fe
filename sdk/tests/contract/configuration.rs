//! The builder.

use std::io::ErrorKind;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use launchdarkly_server_sdk::{DataKind, PersistentDataStoreFactory as _};
use launchdarkly_server_sdk_dynamodb::DynamoDbDataStoreBuilder;

use crate::place::{client, live, places, set};

fn config() -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "tests", "tests", None, None, "tests",
        )))
        .build()
}

#[test]
fn configurations_that_cannot_be_right_are_refused() {
    let refused = |builder: DynamoDbDataStoreBuilder| {
        let error = builder
            .sdk_config(&config())
            .create_persistent_data_store()
            .err();
        error.map(|it| it.kind())
    };
    assert_eq!(
        refused(DynamoDbDataStoreBuilder::new("")),
        Some(ErrorKind::InvalidInput)
    );
    for endpoint in [
        "",
        "localhost:8000",
        "ftp://localhost",
        "http://",
        "https:///x",
    ] {
        let builder = DynamoDbDataStoreBuilder::new("table").endpoint(endpoint);
        assert_eq!(
            refused(builder),
            Some(ErrorKind::InvalidInput),
            "{endpoint}"
        );
    }
    let builder = DynamoDbDataStoreBuilder::new("table").prefix("");
    assert_eq!(refused(builder.endpoint("http://localhost:8000")), None);
}

#[test]
fn credentials_are_not_shown() {
    let builder = DynamoDbDataStoreBuilder::new("flags")
        .prefix("p")
        .sdk_config(&config());
    assert_eq!(
        format!("{builder:?}"),
        r#"DynamoDbDataStoreBuilder { table: "flags", prefix: "p", .. }"#
    );
}

/// A configuration with an endpoint of its own, one that is given, and a client's are as good.
#[test]
fn the_endpoint_may_come_from_anywhere() {
    for place in places() {
        place.store().init(set(&[("a", 1)], &[])).unwrap();
        let endpoint = place.endpoint();
        let with_endpoint = config().into_builder().endpoint_url(&endpoint).build();
        let builder = || DynamoDbDataStoreBuilder::new(&place.table).prefix(place.prefix);
        for builder in [
            builder().sdk_config(&config()).endpoint(&endpoint),
            builder().sdk_config(&with_endpoint),
            builder().client(client(&endpoint)),
            builder()
                .client(client("http://127.0.0.1:1"))
                .endpoint(&endpoint),
            builder()
                .client(client("http://127.0.0.1:1"))
                .sdk_config(&with_endpoint),
        ] {
            let mut store = builder.create_persistent_data_store().unwrap();
            assert!(store.is_initialized());
            assert!(!store.upsert(DataKind::Flag, "a", live("a", 1, "")).unwrap());
        }
    }
}

#[test]
fn what_is_wrong_with_a_table_is_told_with_what_to_do() {
    for place in places() {
        let builder = DynamoDbDataStoreBuilder::new("no-such-table").client(place.client.clone());
        let mut store = builder.create_persistent_data_store().unwrap();
        let errors = [
            store.flag("a").map(drop).unwrap_err(),
            store.segment("a").map(drop).unwrap_err(),
            store.all_flags().map(drop).unwrap_err(),
            store.init(set(&[], &[])).unwrap_err(),
            store
                .upsert(DataKind::Flag, "a", live("a", 1, ""))
                .map(drop)
                .unwrap_err(),
        ];
        for error in errors {
            let error = error.to_string();
            assert!(
                error.contains("no-such-table") && error.contains("create it"),
                "{error}"
            );
        }
        assert!(!store.is_initialized());
    }
}

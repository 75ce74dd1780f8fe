//! LaunchDarkly's SDK over the store: one client streams and persists, another reads in daemon mode.

use std::sync::Arc;
use std::time::Duration;

use launchdarkly_sdk_transport::HyperTransport;
use launchdarkly_server_sdk::{
    Client, ConfigBuilder, Context, ContextBuilder, FlagDetailConfig, NullEventProcessorBuilder,
    PersistentDataStoreBuilder, ServiceEndpointsBuilder, StreamingDataSourceBuilder,
};
use ld_dynamodb_relay::model::ItemKey;
use ld_dynamodb_relay::simulator::{ANY_PORT, LaunchDarkly, generate};

use crate::place::Place;

const START: Duration = Duration::from_secs(10);

fn context() -> Context {
    ContextBuilder::new("user-17").build().unwrap()
}

fn kept(place: &Place) -> PersistentDataStoreBuilder {
    let store = place.builder().prefix(place.prefix);
    PersistentDataStoreBuilder::new(Arc::new(store))
        .no_caching()
        .clone()
}

fn daemon(place: &Place) -> Client {
    let config = ConfigBuilder::new("sdk-key")
        .daemon_mode(true)
        .data_store(&kept(place))
        .event_processor(&NullEventProcessorBuilder::new());
    Client::build(config.build().unwrap()).unwrap()
}

fn streaming(place: &Place, launchdarkly: &LaunchDarkly) -> Client {
    let uri = launchdarkly.uri();
    let config = ConfigBuilder::new("sdk-key")
        .service_endpoints(ServiceEndpointsBuilder::new().relay_proxy(&uri))
        .data_source(StreamingDataSourceBuilder::new().transport(HyperTransport::new().unwrap()))
        .data_store(&kept(place))
        .event_processor(&NullEventProcessorBuilder::new());
    Client::build(config.build().unwrap()).unwrap()
}

/// What every flag is, by its key.
fn all(client: &Client) -> serde_json::Value {
    let mut config = FlagDetailConfig::new();
    let detail = client.all_flags_detail(&context(), *config.with_reasons());
    serde_json::to_value(detail).unwrap()
}

fn reason(client: &Client, flag: &str) -> String {
    let detail = client.variation_detail(&context(), flag, false);
    serde_json::to_value(detail.reason).unwrap().to_string()
}

#[test]
fn an_empty_table_is_no_error() {
    let place = Place::embedded();
    let client = daemon(&place);
    assert!(client.initialized());
    assert!(reason(&client, "a").contains("FLAG_NOT_FOUND"));
    assert_eq!(all(&client)["$valid"], true);
}

#[test]
fn what_one_client_streams_another_reads() {
    let place = Place::embedded();
    let runtime = &place.runtime;
    let launchdarkly = runtime.block_on(LaunchDarkly::start(ANY_PORT)).unwrap();
    let environment = launchdarkly.environment("sdk-key");
    environment.replace(generate(40, 3));
    let writer = streaming(&place, &launchdarkly);
    let started = async {
        writer.start_with_default_executor();
        writer.wait_for_initialization(START).await
    };
    assert_eq!(runtime.block_on(started), Some(true));
    let reader = daemon(&place);
    let flags = all(&reader);
    assert!(flags.as_object().unwrap().len() > 40);
    assert_eq!(flags, all(&writer));

    // A change, a deletion, and each is there once its write was done.
    let (key, text) = (ItemKey::flag("new"), |version, on: bool| {
        format!(
            r#"{{"key":"new","version":{version},"on":{on},"targets":[],"contextTargets":[],"rules":[],"prerequisites":[],"fallthrough":{{"variation":0}},"offVariation":1,"variations":[true,false],"salt":"","deleted":false}}"#
        )
    });
    let mut done = place.dynamo().counts().writes_accepted();
    let mut wait = || {
        done += 1;
        let written = place
            .dynamo()
            .wait_until("a write", |it| it.writes_accepted() >= done);
        runtime.block_on(written);
    };
    environment.put(&key, &text(1, true));
    wait();
    assert!(reason(&reader, "new").contains("FALLTHROUGH"));
    environment.put(&key, &text(2, false));
    wait();
    assert!(reason(&reader, "new").contains("OFF"));
    environment.delete(&key, 3);
    wait();
    assert!(reason(&reader, "new").contains("FLAG_NOT_FOUND"));
    assert_eq!(all(&reader), flags);
    let row = place.flag_row("new").unwrap();
    assert_eq!(row.0, "3");
    assert!(
        row.1
            .starts_with(r#"{"key":"new","version":3,"deleted":true,"on":false,"#)
    );
    // Every live row says that it is: PHP's SDK demands it, and this SDK's model leaves it out.
    let rows = place.rows().into_values().flatten();
    let live = rows
        .filter(|text| text.contains(r#","deleted":false"#))
        .count();
    assert!(live >= 40, "{live}");
    writer.close();
}

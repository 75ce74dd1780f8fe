//! LaunchDarkly's Rust SDK as a reader; what it is told and what it prints is in ../README.md.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use launchdarkly_sdk_transport::HyperTransport;
use launchdarkly_server_sdk::{
    Client, Config, ConfigBuilder, Context, FlagDetailConfig, NullEventProcessorBuilder,
    PersistentDataStoreBuilder, ServiceEndpointsBuilder, StreamingDataSourceBuilder,
};
use launchdarkly_server_sdk_dynamodb::DynamoDbDataStoreBuilder;
use serde::Deserialize;
use serde_json::{Value, json};

const FALLBACK: &str = "fallback";
const START: Duration = Duration::from_secs(30);

#[derive(Deserialize)]
struct Job {
    contexts: BTreeMap<String, Context>,
    flags: Vec<String>,
}

type Answers = BTreeMap<String, BTreeMap<String, Value>>;

#[expect(
    clippy::disallowed_methods,
    reason = "readers are told by the environment what to do"
)]
fn told(name: &str) -> Result<String, String> {
    std::env::var(name).map_err(|error| format!("{name}: {error}"))
}

fn config() -> Result<Config, Box<dyn Error>> {
    let sdk_key = told("SDK_KEY")?;
    let config = ConfigBuilder::new(&sdk_key).event_processor(&NullEventProcessorBuilder::new());
    if told("READER_MODE")? == "daemon" {
        let store = DynamoDbDataStoreBuilder::new(told("TABLE")?)
            .prefix(told("PREFIX")?)
            .endpoint(told("DYNAMODB_URL")?);
        let store = PersistentDataStoreBuilder::new(Arc::new(store))
            .no_caching()
            .clone();
        return Ok(config.daemon_mode(true).data_store(&store).build()?);
    }
    let mut stream = StreamingDataSourceBuilder::new();
    stream.transport(HyperTransport::new()?);
    let mut endpoints = ServiceEndpointsBuilder::new();
    endpoints
        .streaming_base_url(&told("STREAM_URI")?)
        .polling_base_url(&told("BASE_URI")?)
        .events_base_url(&told("EVENTS_URI")?);
    let config = config.data_source(&stream).service_endpoints(&endpoints);
    Ok(config.build()?)
}

fn single(client: &Client, context: &Context, flag: &str) -> Value {
    let detail = client.variation_detail(context, flag, FALLBACK.to_owned());
    json!({ "value": detail.value, "variation": detail.variation_index, "reason": detail.reason })
}

fn all_flags(
    client: &Client,
    context: &Context,
) -> Result<BTreeMap<String, Value>, Box<dyn Error>> {
    let mut config = FlagDetailConfig::new();
    config.with_reasons();
    let state = serde_json::to_value(client.all_flags_detail(context, config))?;
    let mut flags: BTreeMap<String, Value> = serde_json::from_value(state)?;
    if flags.remove("$valid") != Some(Value::Bool(true)) {
        return Err("all_flags_detail is not valid".into());
    }
    let about = flags.remove("$flagsState").unwrap_or_default();
    for (flag, value) in &mut flags {
        let mut answer = about[flag.as_str()].clone();
        answer["value"] = value.take();
        *value = answer;
    }
    Ok(flags)
}

/// One thread: a store that needed the runtime on which it is asked would wait for itself.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let job: Job = serde_json::from_str(&std::fs::read_to_string(told("READER_JOB")?)?)?;
    let client = Client::build(config()?)?;
    client.start_with_default_executor();
    if client.wait_for_initialization(START).await != Some(true) {
        return Err(format!("not initialised within {START:?}").into());
    }
    let (mut one_by_one, mut all) = (Answers::new(), Answers::new());
    for (name, context) in job.contexts {
        let flags = job.flags.iter();
        let answers = flags.map(|flag| (flag.clone(), single(&client, &context, flag)));
        one_by_one.insert(name.clone(), answers.collect());
        all.insert(name, all_flags(&client, &context)?);
    }
    client.close();
    let answers = json!({ "single": one_by_one, "all": all });
    std::io::stdout().write_all(answers.to_string().as_bytes())?;
    Ok(())
}

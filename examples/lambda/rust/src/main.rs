//! An AWS Lambda that answers with LaunchDarkly's flags from DynamoDB, in daemon mode: nothing here connects to LaunchDarkly.
//! What it is asked and what it answers is in ../README.md.

mod ask;
mod flags;

use std::sync::Arc;

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;

use flags::{Flags, Settings};

#[tokio::main]
async fn main() -> Result<(), Error> {
    // The SDK and its store tell by the log what goes wrong, and CloudWatch keeps what is written here.
    tracing_subscriber::fmt()
        .with_env_filter("warn,launchdarkly_server_sdk_dynamodb=info")
        .without_time()
        .with_ansi(false)
        .init();
    // Once, outside of the handler: it is cold only at the start, and its cache serves every invocation after the first.
    let flags = Arc::new(Flags::open(Settings::read()?)?);
    run(service_fn(|event: LambdaEvent<Value>| {
        let flags = Arc::clone(&flags);
        async move {
            // The SDK waits for the table without letting go of its thread: not on one that the runtime needs.
            let answer = tokio::task::spawn_blocking(move || flags.answer(event.payload));
            Ok::<Value, Error>(answer.await?)
        }
    }))
    .await
}

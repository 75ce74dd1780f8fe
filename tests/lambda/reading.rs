//! The block for Rust in docs/reading.md, from the first `use` to the end, as a program. A test compares the two and runs it.
#![expect(clippy::print_stdout, reason = "the block shows what it read")]

use std::sync::Arc;

use launchdarkly_server_sdk::{
    Client, ConfigBuilder, ContextBuilder, NullEventProcessorBuilder, PersistentDataStoreBuilder,
};
use launchdarkly_server_sdk_dynamodb::DynamoDbDataStoreBuilder;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = DynamoDbDataStoreBuilder::new("launchdarkly").prefix("production");
    let config = ConfigBuilder::new("not-used-in-daemon-mode")
        .daemon_mode(true)
        .data_store(PersistentDataStoreBuilder::new(Arc::new(store)).cache_seconds(30))
        .event_processor(&NullEventProcessorBuilder::new())
        .build()?;
    let client = Client::build(config)?;

    let context = ContextBuilder::new("user-17").build()?;
    let on = client.bool_variation(&context, "new-checkout", false);
    println!("new-checkout: {on}");
    Ok(())
}

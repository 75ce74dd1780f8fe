//! The client, and its answers.

use std::collections::BTreeMap;
use std::env;
use std::sync::Arc;

use launchdarkly_server_sdk::{
    Client, ConfigBuilder, Context, FlagDetailConfig, FlagValue, NullEventProcessorBuilder,
    PersistentDataStoreBuilder,
};
use launchdarkly_server_sdk_dynamodb::DynamoDbDataStoreBuilder;
use serde_json::{Value, json};

use crate::ask::Ask;

/// How long a flag that was read is served without reading it again, and so how late a change may be seen. Longer saves
/// read units and milliseconds; 0 reads the table at every evaluation. A container that was frozen longer than this reads
/// anew when it is thawed.
const CACHE_SECONDS: u64 = 30;

/// What the function's environment says.
pub(crate) struct Settings {
    table: String,
    prefix: String,
    cache_seconds: u64,
}

impl Settings {
    pub(crate) fn read() -> Result<Self, String> {
        let table = env::var("DYNAMODB_TABLE").unwrap_or_default();
        if table.is_empty() {
            return Err("DYNAMODB_TABLE must name the table with the flags".into());
        }
        let cache_seconds = match env::var("CACHE_SECONDS") {
            Ok(text) if !text.is_empty() => text.parse().map_err(|_| {
                format!("CACHE_SECONDS must be a whole number of seconds, not {text:?}")
            })?,
            _ => CACHE_SECONDS,
        };
        Ok(Self {
            table,
            prefix: env::var("PREFIX").unwrap_or_default(),
            cache_seconds,
        })
    }
}

/// Reads flags from the table.
pub(crate) struct Flags {
    client: Client,
    table: String,
    prefix: String,
}

impl Flags {
    pub(crate) fn open(
        settings: Settings,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let Settings {
            table,
            prefix,
            cache_seconds,
        } = settings;
        let store = DynamoDbDataStoreBuilder::new(&table).prefix(&prefix);
        let config = ConfigBuilder::new("not-used-in-daemon-mode")
            .daemon_mode(true)
            .data_store(
                PersistentDataStoreBuilder::new(Arc::new(store)).cache_seconds(cache_seconds),
            )
            // A frozen container sends nothing, and daemon mode needs no key with which it could.
            .event_processor(&NullEventProcessorBuilder::new())
            .build()?;
        let client = Client::build(config)?;
        Ok(Self {
            client,
            table,
            prefix,
        })
    }

    /// What is answered to an event.
    pub(crate) fn answer(&self, event: Value) -> Value {
        let answer = Ask::of(event).and_then(|ask| match &ask.flag {
            Some(flag) => Ok(self.one(&ask.context, flag, &ask.default)),
            None => self.all(&ask.context),
        });
        answer.unwrap_or_else(|error| json!({ "error": error }))
    }

    fn one(&self, context: &Context, flag: &str, default: &Value) -> Value {
        let default = FlagValue::Json(default.clone());
        let detail = self.client.variation_detail(context, flag, default);
        json!({ "flag": flag, "value": detail.value, "variation": detail.variation_index, "reason": detail.reason })
    }

    fn all(&self, context: &Context) -> Result<Value, String> {
        let mut config = FlagDetailConfig::new();
        config.with_reasons();
        let state = self.client.all_flags_detail(context, config);
        let state = serde_json::to_value(state).map_err(|error| error.to_string())?;
        let mut values: BTreeMap<String, Value> =
            serde_json::from_value(state).map_err(|error| error.to_string())?;
        values.remove("$valid");
        let about = values.remove("$flagsState").unwrap_or_default();
        if values.is_empty() {
            return Err(format!(
                "no flags in the table {:?} with the prefix {:?}: was it filled, and may this function read it? Its log has more",
                self.table, self.prefix
            ));
        }
        let flags = values.into_iter().map(|(key, value)| {
            let it = &about[key.as_str()];
            let flag = json!({ "value": value, "variation": it["variation"], "version": it["version"], "reason": it["reason"] });
            (key, flag)
        });
        Ok(json!({ "flags": flags.collect::<BTreeMap<_, _>>() }))
    }
}

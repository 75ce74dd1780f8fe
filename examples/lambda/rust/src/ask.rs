//! What an event asks.

use launchdarkly_server_sdk::Context;
use serde_json::Value;

/// An event, understood.
pub(crate) struct Ask {
    pub(crate) context: Context,
    /// All flags, if there is none.
    pub(crate) flag: Option<String>,
    /// What is served where there is no such flag.
    pub(crate) default: Value,
}

impl Ask {
    /// Or a sentence that says what is wrong with it.
    pub(crate) fn of(mut event: Value) -> Result<Self, String> {
        let flag = match event.get_mut("flag").map(Value::take) {
            None | Some(Value::Null) => None,
            Some(Value::String(key)) if !key.is_empty() => Some(key),
            Some(_) => {
                return Err(
                    "\"flag\" must be the key of a flag; without it all flags are answered".into(),
                );
            }
        };
        let context = match event.get_mut("context").map(Value::take) {
            None | Some(Value::Null) => {
                return Err(r#""context" is missing: say for whom, such as {"kind":"user","key":"user-17"}"#.into());
            }
            Some(context) => serde_json::from_value(context)
                .map_err(|error| format!("\"context\" is not one: {error}"))?,
        };
        let default = event
            .get_mut("default")
            .map(Value::take)
            .unwrap_or_default();
        Ok(Self {
            context,
            flag,
            default,
        })
    }
}

//! A relay whose environment has a name of its own, by which it is found in the log that all tests share.

use ld_dynamodb_relay::config::Config;
use ld_dynamodb_relay::environment::Control;

use super::{Relay, World, log};

/// Starts it; also a handle to it.
pub(crate) async fn relay_named(
    world: &World,
    name: &str,
    change: impl FnOnce(&mut Config),
) -> (Relay, Control) {
    let mut config = world.config();
    config.environments[0].name = name.into();
    change(&mut config);
    let mut control = None;
    let relay = Relay::start_with(config, None, |it| control = Some(it[0].control.clone())).await;
    (relay, control.unwrap())
}

/// The lines of this level in its log that hold this text.
pub(crate) fn told(name: &str, level: &str, text: &str) -> Vec<String> {
    let mut lines = log::lines(&format!("environment{{environment=\"{name}\"}}"));
    lines.retain(|line| line.contains(&format!(" {level} ")) && line.contains(text));
    lines
}

//! `webhook-policy`: what LaunchDarkly's webhook has to be told to send, to paste into its policy editor.

use std::io::{self, Write};

use serde_json::{Value, json};

/// Prints it.
pub fn print(project: &str, environment: &str, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{:#}", policy(project, environment))
}

/// Flags, segments, and the environment itself, whose SDK key may be reset: without a policy LaunchDarkly sends only the
/// first of the three, and only for production environments.
fn policy(project: &str, environment: &str) -> Value {
    let environment = format!("proj/{project}:env/{environment}");
    let statements = ["", ":flag/*", ":segment/*"].map(|what| {
        json!({"effect": "allow", "resources": [format!("{environment}{what}")], "actions": ["*"]})
    });
    statements.into_iter().collect()
}

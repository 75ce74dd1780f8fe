//! A process by itself: without proxy, profile or credentials of whoever runs the tests.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

/// What every function is told. Credentials have no meaning to the embedded DynamoDB.
const TOLD: [(&str, &str); 5] = [
    ("AWS_ACCESS_KEY_ID", "lambda"),
    ("AWS_SECRET_ACCESS_KEY", "lambda"),
    ("AWS_REGION", "us-east-1"),
    ("AWS_DEFAULT_REGION", "us-east-1"),
    ("AWS_EC2_METADATA_DISABLED", "true"),
];

pub(crate) fn isolate(command: &mut Command) {
    let kept = ["PATH", "HOME"].map(|name| (name, std::env::var_os(name)));
    command
        .env_clear()
        .envs(
            kept.into_iter()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .envs(TOLD)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true);
}

/// A file of the project's.
pub(crate) fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../..")
        .join(name)
}

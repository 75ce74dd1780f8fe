//! LaunchDarkly's SDKs, each a small program. What they are told and what they print is in the folder's README.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;

use super::answers::{Answers, Differences};
use super::table::Table;
use super::world::Environment;

/// Every client says it is there; the embedded DynamoDB does not mind.
pub(crate) const REGION: &str = "us-east-1";

/// The generated set takes the slowest reader about half a minute on two busy cores.
const PATIENCE: Duration = Duration::from_mins(4);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reader {
    Python,
    Node,
    Go,
    Rust,
}

impl Reader {
    pub(crate) const ALL: [Self; 4] = [Self::Python, Self::Node, Self::Go, Self::Rust];

    /// Lets it read the table and, as its own oracle, the stream: two processes at a time.
    pub(crate) async fn compare(
        self,
        environment: &Environment<'_>,
        table: &Table,
    ) -> (Answers, Differences) {
        let (stream, table) = tokio::join!(
            self.read(environment, None),
            self.read(environment, Some(table)),
        );
        let differences = stream.compare(&table);
        (stream, differences)
    }

    /// Everything it evaluates, from the table or, without one, from the stream.
    async fn read(self, environment: &Environment<'_>, table: Option<&Table>) -> Answers {
        let sdk_key = match (self, table) {
            // From a stream it takes no full set that holds a tombstone.
            (Self::Rust, None) => environment.without_tombstones(),
            _ => environment.sdk_key.to_owned(),
        };
        let output = self.run(environment, &sdk_key, table).await;
        assert!(
            output.status.success(),
            "{self:?} failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{self:?} printed what is no answer: {error}"))
    }

    /// What becomes of it.
    pub(crate) async fn run(
        self,
        environment: &Environment<'_>,
        sdk_key: &str,
        table: Option<&Table>,
    ) -> Output {
        let mut command = self.command();
        let uri = environment.uri();
        command
            .env("READER_JOB", environment.job())
            .env("SDK_KEY", sdk_key)
            .env("STREAM_URI", &uri)
            .env("BASE_URI", &uri)
            .env("EVENTS_URI", &uri)
            .env(
                "READER_MODE",
                if table.is_some() { "daemon" } else { "stream" },
            );
        if let Some(table) = table {
            command
                .env("DYNAMODB_URL", &table.endpoint)
                .env("TABLE", &table.name)
                .env("PREFIX", environment.prefix);
        }
        tokio::time::timeout(PATIENCE, command.output())
            .await
            .unwrap_or_else(|_| panic!("{self:?} takes longer than {PATIENCE:?}"))
            .unwrap_or_else(|error| {
                panic!("{self:?} cannot be started, run tests/interop/setup: {error}")
            })
    }

    fn command(self) -> Command {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop");
        let mut command = match self {
            Self::Python => {
                let mut command = Command::new(folder.join("python/.venv/bin/python"));
                command.arg(folder.join("python/read.py"));
                command
            }
            Self::Node => {
                let mut command = Command::new("node");
                command.arg(folder.join("node/read.js"));
                command
            }
            Self::Go => Command::new(folder.join("go/bin/read")),
            Self::Rust => {
                let relay = Path::new(env!("CARGO_BIN_EXE_ld-dynamodb-relay"));
                Command::new(relay.with_file_name("examples").join("interop-reader"))
            }
        };
        isolate(&mut command)
            .stderr(Stdio::piped())
            .stdout(Stdio::piped());
        command
    }
}

/// No proxy, profile or credentials of whoever runs the tests; the process ends with the test.
pub(crate) fn isolate(command: &mut Command) -> &mut Command {
    let kept = ["PATH", "HOME"].map(|name| (name, std::env::var_os(name)));
    command
        .env_clear()
        .envs(
            kept.into_iter()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .env("AWS_ACCESS_KEY_ID", "interop")
        .env("AWS_SECRET_ACCESS_KEY", "interop")
        .env("AWS_REGION", REGION)
        .env("AWS_DEFAULT_REGION", REGION)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .stdin(Stdio::null())
        .kill_on_drop(true)
}

/// A file of the tests.
pub(crate) fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(name)
}

//! A function: its handler in a process of its own, and the way by which it is invoked.

use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use tempfile::NamedTempFile;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use super::process::{file, isolate};
use super::recorder::{Reached, sockets};
use super::runtime::Runtime;
use super::world::{PREFIX, TABLE, World};

/// Nothing takes so long unless it is broken.
const PATIENCE: Duration = Duration::from_mins(1);

/// What Lambda tells a program of itself besides.
const ABOUT: [(&str, &str); 5] = [
    ("AWS_LAMBDA_FUNCTION_NAME", "flags"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
    ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/flags"),
    ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/01/01/[$LATEST]0"),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "interop"),
    expect(dead_code, reason = "three need more than Rust")
)]
pub(crate) enum Language {
    Rust,
    Python,
    Node,
    Go,
}

impl Language {
    /// Its function for this world's table.
    pub(crate) fn function(self, world: &World) -> Definition {
        let mut command = Command::new(self.program());
        match self {
            Self::Python => drop(command.arg("-B").arg(file("tests/lambda/drive.py"))),
            Self::Node => drop(command.arg(file("tests/lambda/drive.js"))),
            Self::Rust | Self::Go => {}
        }
        isolate(&mut command);
        command
            .env("DYNAMODB_TABLE", TABLE)
            .env("PREFIX", PREFIX)
            .env("AWS_ENDPOINT_URL_DYNAMODB", world.store.endpoint());
        Definition {
            language: self,
            command,
        }
    }

    fn program(self) -> PathBuf {
        match self {
            Self::Rust => env!("CARGO_BIN_EXE_bootstrap").into(),
            Self::Python => file("examples/lambda/python/.venv/bin/python"),
            Self::Node => "node".into(),
            Self::Go => file("examples/lambda/go/bin/bootstrap"),
        }
    }

    /// Whether it is a program that speaks to Lambda itself.
    fn is_program(self) -> bool {
        matches!(self, Self::Rust | Self::Go)
    }
}

/// What is to be started.
pub(crate) struct Definition {
    language: Language,
    command: Command,
}

/// A running function. Killed when it is dropped.
pub(crate) struct Function {
    process: Child,
    log: NamedTempFile,
    way: Way,
}

enum Way {
    /// Lambda's own, by HTTP.
    Runtime(Runtime),
    /// A line for each event, and one for each answer.
    Lines {
        events: ChildStdin,
        answers: Lines<BufReader<ChildStdout>>,
        reached: Vec<String>,
    },
}

/// What a driver says of an event.
#[derive(Deserialize)]
struct Line {
    answer: Value,
    /// Whom the process connected to so far.
    reached: Vec<String>,
}

impl Definition {
    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) async fn start(mut self) -> Function {
        let log = NamedTempFile::new().unwrap();
        let runtime = if self.language.is_program() {
            let runtime = Runtime::start().await;
            // Lambda keeps both.
            self.command.stdout(appended(&log));
            self.command
                .env("AWS_LAMBDA_RUNTIME_API", &runtime.address)
                .envs(ABOUT);
            Some(runtime)
        } else {
            self.command.stdin(Stdio::piped()).stdout(Stdio::piped());
            None
        };
        self.command.stderr(appended(&log));
        let mut process = self.command.spawn().unwrap_or_else(|error| {
            panic!(
                "{:?} cannot be started, run `make lambda`: {error}",
                self.language
            )
        });
        let way = match runtime {
            Some(runtime) => Way::Runtime(runtime),
            None => Way::Lines {
                events: process.stdin.take().unwrap(),
                answers: BufReader::new(process.stdout.take().unwrap()).lines(),
                reached: Vec::new(),
            },
        };
        Function { process, log, way }
    }

    /// What it says when it ends by itself, without having been asked anything.
    pub(crate) async fn refused(self) -> String {
        let mut function = self.start().await;
        let ended = timeout(PATIENCE, function.process.wait()).await;
        let ended = ended.expect("it does not end").unwrap();
        assert!(!ended.success());
        function.said()
    }
}

/// One file may be two outputs: neither writes over the other.
fn appended(log: &NamedTempFile) -> File {
    File::options().append(true).open(log).unwrap()
}

impl Function {
    /// What it answers to this event.
    pub(crate) async fn ask(&mut self, event: &Value) -> Value {
        let asked = timeout(PATIENCE, self.way.ask(event));
        let answer = tokio::select! {
            answer = asked => answer.unwrap_or_else(|_| Err(format!("nothing within {PATIENCE:?}"))),
            ended = self.process.wait() => Err(format!("it ended, {ended:?}")),
        };
        answer.unwrap_or_else(|error| panic!("{event}: {error}\n{}", self.said()))
    }

    /// Whom it has a connection to, or has had one.
    pub(crate) fn reached(&self) -> Reached {
        match &self.way {
            Way::Lines { reached, .. } => Reached(reached.iter().cloned().collect()),
            Way::Runtime(_) => sockets(self.process.id().expect("it runs")),
        }
    }

    /// Where it is invoked from, if that is a connection.
    pub(crate) fn invoked_from(&self) -> Option<&str> {
        match &self.way {
            Way::Runtime(runtime) => Some(&runtime.address),
            Way::Lines { .. } => None,
        }
    }

    /// Its log.
    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }
}

impl Way {
    async fn ask(&mut self, event: &Value) -> Result<Value, String> {
        match self {
            Self::Runtime(runtime) => {
                runtime.send(event.clone()).await;
                runtime.answer().await
            }
            Self::Lines {
                events,
                answers,
                reached,
            } => {
                let broken = |error: std::io::Error| error.to_string();
                let line = format!("{event}\n");
                events.write_all(line.as_bytes()).await.map_err(broken)?;
                let line = answers.next_line().await.map_err(broken)?;
                let line = line.ok_or("it ended")?;
                let told: Line =
                    serde_json::from_str(&line).map_err(|error| format!("{error}: {line}"))?;
                *reached = told.reached;
                Ok(told.answer)
            }
        }
    }
}

//! The program as a process: started with nothing but what a test gives it, its lines heard as they come.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Nothing that is waited for takes so long unless it is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// The program, not started yet. It knows no variable but those that it is given, and starts in an empty folder.
pub(crate) struct Program {
    command: Command,
    folder: Arc<TempDir>,
}

/// What a program that ended has printed.
#[derive(Debug)]
pub(crate) struct Output {
    /// None if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Output {
    /// Standard output as the one JSON document that it should be.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Program {
    pub(crate) fn new(arguments: &[&str]) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let mut command = Command::new(env!("CARGO_BIN_EXE_ld-dynamodb-relay"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", folder.path())
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        Self { command, folder }
    }

    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn unset(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Puts a file into the folder that it starts in.
    pub(crate) fn with_file(self, name: &str, text: &str) -> Self {
        std::fs::write(self.folder.path().join(name), text).unwrap();
        self
    }

    /// Runs it to its end.
    pub(crate) async fn output(self) -> Output {
        self.start().end().await
    }

    pub(crate) fn start(mut self) -> Running {
        let mut child = self.command.spawn().unwrap();
        let heard = watch::Sender::new(Heard::default());
        let mut readers = JoinSet::new();
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        readers.spawn(hear(stdout, heard.clone(), |heard| &mut heard.stdout));
        readers.spawn(hear(stderr, heard.clone(), |heard| &mut heard.stderr));
        Running {
            child,
            heard,
            readers,
            folder: self.folder,
        }
    }
}

/// Lines, as they came.
#[derive(Debug, Default)]
struct Heard {
    stdout: Vec<String>,
    stderr: Vec<String>,
}

async fn hear(
    from: impl AsyncRead + Unpin,
    heard: watch::Sender<Heard>,
    whose: impl Fn(&mut Heard) -> &mut Vec<String>,
) {
    let mut lines = BufReader::new(from).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        heard.send_modify(|heard| whose(heard).push(line));
    }
}

/// A program that runs. Dropping it is `kill -9`.
pub(crate) struct Running {
    child: Child,
    heard: watch::Sender<Heard>,
    readers: JoinSet<()>,
    folder: Arc<TempDir>,
}

impl Running {
    /// The folder that it was started in.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Every line of standard output until now.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.heard.borrow().stdout.clone()
    }

    /// The first line, of standard output or standard error, in which `wanted` finds what it looks for.
    pub(crate) async fn until<T>(&self, what: &str, wanted: impl Fn(&str) -> Option<T>) -> T {
        let mut heard = self.heard.subscribe();
        let found = async {
            loop {
                {
                    let heard = heard.borrow_and_update();
                    let mut lines = heard.stdout.iter().chain(&heard.stderr);
                    if let Some(found) = lines.find_map(|line| wanted(line)) {
                        return found;
                    }
                }
                heard.changed().await.unwrap();
            }
        };
        let found = timeout(PATIENCE, found).await;
        found.unwrap_or_else(|_| panic!("never came: {what}; {:#?}", self.heard.borrow()))
    }

    /// The first line that contains `text`.
    pub(crate) async fn line(&self, text: &str) -> String {
        self.until(text, |line| line.contains(text).then(|| line.to_owned()))
            .await
    }

    /// The first log line with this message.
    pub(crate) async fn event(&self, message: &str) -> Value {
        self.event_with(message, |_| true).await
    }

    /// The first log line with this message of which `is_it` is true.
    pub(crate) async fn event_with(&self, message: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let parse = |line: &str| serde_json::from_str::<Value>(line).ok();
        let wanted =
            |line: &str| parse(line).filter(|event| event["message"] == message && is_it(event));
        self.until(message, wanted).await
    }

    /// The work port and the admin port of the daemon.
    pub(crate) async fn ports(&self) -> (u16, u16) {
        let started = self.event("started").await;
        let port = |name: &str| u16::try_from(started[name].as_u64().unwrap()).unwrap();
        (port("port"), port("admin_port"))
    }

    /// Returns once the table is what LaunchDarkly said first.
    pub(crate) async fn first_write(&self) {
        self.event("first write complete").await;
    }

    pub(crate) async fn signal(&self, name: &str) {
        let pid = self.child.id().unwrap();
        let kill = format!("kill -s {name} {pid}");
        let sent = Command::new("sh").args(["-c", &kill]).status().await;
        assert!(sent.unwrap().success(), "{kill}");
    }

    /// `kill -9`.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) async fn stop(self) -> Output {
        self.signal("TERM").await;
        self.end().await
    }

    /// Waits until it has ended by itself.
    pub(crate) async fn end(mut self) -> Output {
        let ended = timeout(PATIENCE, self.child.wait()).await;
        let ended = ended.unwrap_or_else(|_| panic!("does not end; {:#?}", self.heard.borrow()));
        // Whatever it wrote is in the pipes still.
        while self.readers.join_next().await.is_some() {}
        let heard = self.heard.borrow();
        let whole = |lines: &[String]| {
            let ended = lines.iter().flat_map(|line| [line.as_str(), "\n"]);
            ended.collect()
        };
        Output {
            code: ended.unwrap().code(),
            stdout: whole(&heard.stdout),
            stderr: whole(&heard.stderr),
        }
    }
}

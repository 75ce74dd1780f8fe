//! A keeper at work, and what it logs.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ld_dynamodb_relay::config::secret_check::{self, Check};
use ld_dynamodb_relay::config::{Reference, Secret};
use ld_dynamodb_relay::secrets::{Keeper, Kept};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::subscriber::DefaultGuard;

/// Longer than the time between two looks at a file. Time is paused.
const A_WHILE: Duration = Duration::from_secs(10);

/// The check of LaunchDarkly's SDK keys.
pub(crate) fn sdk_key() -> Check {
    secret_check::sdk_key("https://stream.launchdarkly.com")
}

/// A secret in this file, as the settings would have it after they were loaded.
pub(crate) fn in_file(path: &Path) -> Secret {
    Secret {
        value: Some(std::fs::read_to_string(path).unwrap().trim().into()),
        reference: Some(Reference::File(path.to_owned())),
    }
}

/// A secret at AWS.
pub(crate) fn at(reference: Reference) -> Secret {
    Secret {
        value: None,
        reference: Some(reference),
    }
}

pub(crate) fn value(kept: &Kept) -> Option<String> {
    kept.value().map(|it| it.expose_secret().to_owned())
}

pub(crate) fn trouble(kept: &Kept) -> String {
    kept.trouble().unwrap_or_default().to_string()
}

/// A keeper that reads again. Dropping it ends that.
pub(crate) struct Reading {
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Reading {
    pub(crate) fn start(keeper: Keeper) -> Self {
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(keeper.run(stop.clone()));
        Self { stop, tasks }
    }

    /// Asks it to stop and waits until it has.
    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        let ended = timeout(A_WHILE, self.tasks.join_next()).await;
        ended.unwrap().unwrap().unwrap();
    }
}

/// The secret that comes after this one.
pub(crate) async fn after(kept: &Kept, seen: Option<&str>) -> String {
    let seen = seen.map(SecretString::from);
    let other = kept.other_than(seen.as_ref());
    timeout(A_WHILE, other).await.unwrap();
    value(kept).unwrap()
}

/// Asserts that no other secret comes for a while.
pub(crate) async fn stays(kept: &Kept) {
    let seen = kept.value();
    let other = timeout(A_WHILE, kept.other_than(seen.as_ref())).await;
    assert!(other.is_err(), "another secret came");
}

/// What this thread logs from now on.
pub(crate) struct Log {
    lines: Arc<Mutex<Vec<u8>>>,
    _guard: DefaultGuard,
}

struct Writer(Arc<Mutex<Vec<u8>>>);

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    pub(crate) fn collect() -> Self {
        let lines = Arc::<Mutex<Vec<u8>>>::default();
        let writer = Arc::clone(&lines);
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(move || Writer(Arc::clone(&writer)))
            .finish();
        Self {
            lines,
            _guard: tracing::subscriber::set_default(subscriber),
        }
    }

    /// Its lines with this text.
    pub(crate) fn with(&self, text: &str) -> Vec<String> {
        let lines = String::from_utf8(self.lines.lock().unwrap().clone()).unwrap();
        let found = lines.lines().filter(|line| line.contains(text));
        found.map(str::to_owned).collect()
    }
}

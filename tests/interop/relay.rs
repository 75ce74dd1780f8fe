//! The program itself.

use std::fs::File;
use std::process::Stdio;

use tempfile::NamedTempFile;
use tokio::process::{Child, Command};

use super::reader::isolate;
use super::table::Table;
use super::world::Environment;

/// A running relay; ends when it is dropped.
pub(crate) struct Relay {
    process: Child,
    log: NamedTempFile,
}

impl Relay {
    /// Starts it for these environments.
    pub(crate) fn start(environments: &[&Environment<'_>], table: &Table) -> Self {
        let log = NamedTempFile::new().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_ld-dynamodb-relay"));
        isolate(&mut command)
            .arg("run")
            .env("DYNAMODB_TABLE", &table.name)
            .env("DYNAMODB_URL", &table.endpoint)
            .env("PORT", "0")
            .env("PROMETHEUS_PORT", "0")
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap());
        for environment in environments {
            command
                .env("STREAM_URI", environment.uri())
                .env("BASE_URI", environment.uri())
                .env(
                    format!("LD_ENV_{}", environment.prefix),
                    environment.sdk_key,
                )
                .env(
                    format!("LD_PREFIX_{}", environment.prefix),
                    environment.prefix,
                );
        }
        let process = command.spawn().unwrap();
        Self { process, log }
    }

    /// Returns once every environment's rows are what LaunchDarkly says.
    ///
    /// # Panics
    ///
    /// If the relay ends before.
    pub(crate) async fn settled(&mut self, environments: &[&Environment<'_>], table: &Table) {
        for environment in environments {
            let said = environment.items();
            tokio::select! {
                () = table.until_holds(environment.prefix, &said) => {}
                ended = self.process.wait() => panic!(
                    "the relay ended ({}): {}",
                    ended.unwrap(),
                    std::fs::read_to_string(&self.log).unwrap()
                ),
            }
        }
    }

    /// Ends it.
    pub(crate) async fn stop(mut self) {
        self.process.kill().await.unwrap();
    }
}

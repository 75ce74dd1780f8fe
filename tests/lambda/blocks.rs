//! The blocks of docs/reading.md, each taken from the document and run as it stands, against a table that the relay filled.

use std::ffi::OsStr;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use super::process::{file, isolate};
use super::world::World;

const DOCUMENT: &str = include_str!("../../docs/reading.md");
/// Go builds the block first.
const PATIENCE: Duration = Duration::from_mins(4);

/// The one block in this language.
fn block(language: &str) -> &'static str {
    let fence = format!("\n```{language}\n");
    let mut blocks = DOCUMENT.split(&fence).skip(1);
    let block = blocks.next().and_then(|rest| rest.split_once("```"));
    assert!(blocks.next().is_none(), "there are two for {language}");
    block
        .unwrap_or_else(|| panic!("there is none for {language}"))
        .0
}

fn program(path: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(path);
    isolate(&mut command);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Asserts that the program prints what the flag is.
async fn prints_the_flag(world: &World, mut command: Command) {
    command.env("AWS_ENDPOINT_URL_DYNAMODB", world.store.endpoint());
    let output = timeout(PATIENCE, command.output()).await.unwrap().unwrap();
    let [said, log] = [output.stdout, output.stderr].map(|it| String::from_utf8(it).unwrap());
    assert!(output.status.success(), "{log}");
    // Python's word for it is True.
    let told = said.to_lowercase();
    assert!(told.contains("new-checkout: true\n"), "{said}\n{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rust() {
    let text = std::fs::read_to_string(file("tests/lambda/reading.rs")).unwrap();
    assert!(
        text.ends_with(block("rust")),
        "tests/lambda/reading.rs is another program"
    );
    let world = World::filled().await;
    prints_the_flag(&world, program(env!("CARGO_BIN_EXE_reading"))).await;
}

#[cfg(feature = "interop")]
mod interop {
    use tempfile::TempDir;

    use super::*;

    /// A folder with the block as a file.
    fn folder(name: &str, block: &str) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(name), block).unwrap();
        folder
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn python() {
        let folder = folder("read.py", block("python"));
        let mut command = program(file("examples/lambda/python/.venv/bin/python"));
        command.arg("-B").arg(folder.path().join("read.py"));
        prints_the_flag(&World::filled().await, command).await;
    }

    /// Version 2 of AWS's SDK does not read the variable for the endpoint, and the block is not to be altered.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn node() {
        const ENDPOINT: &str = "require('aws-sdk').config.dynamodb = { endpoint: process.env.AWS_ENDPOINT_URL_DYNAMODB };";
        let folder = folder("read.js", block("javascript"));
        let first = folder.path().join("endpoint.js");
        std::fs::write(&first, ENDPOINT).unwrap();
        let mut command = program("node");
        command
            .arg("--require")
            .arg(first)
            .arg(folder.path().join("read.js"))
            .env("NODE_PATH", file("examples/lambda/node/node_modules"));
        prints_the_flag(&World::filled().await, command).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn go() {
        let folder = folder("main.go", block("go"));
        for name in ["go.mod", "go.sum"] {
            let from = file("examples/lambda/go").join(name);
            std::fs::copy(from, folder.path().join(name)).unwrap();
        }
        let mut command = program("go");
        command.args(["run", "."]).current_dir(folder.path());
        prints_the_flag(&World::filled().await, command).await;
    }
}

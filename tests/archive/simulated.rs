//! The simulator's archives are such as LaunchDarkly makes them.

use std::process::Stdio;

use ld_dynamodb_relay::simulator::{Items, OfflineEnvironment, archive};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{ChildStdout, Command};
use tokio::time::{Duration, timeout};

use crate::pack::{ids, read};

const PATIENCE: Duration = Duration::from_mins(1);

fn environment(id: &str, version: u64) -> OfflineEnvironment {
    let text = format!(r#"{{"flags":{{"a":{{"key":"a","version":{version}}}}},"segments":{{}}}}"#);
    OfflineEnvironment {
        id: id.to_owned(),
        project: "shop".to_owned(),
        name: "production".to_owned(),
        sdk_key: "sdk-simulated".to_owned(),
        version: 3,
        items: Items::from_put(&text).unwrap(),
    }
}

#[test]
fn what_the_simulator_packs_is_read() {
    let archive_of = |version| archive(&[environment("a", 1), environment("b", version)]).unwrap();
    let (first, second) = (read(&archive_of(1)), read(&archive_of(2)));
    assert_eq!(ids(&first), (vec!["a", "b"], vec![]));
    let data_id = |archive: &ld_dynamodb_relay::archive::Archive, at: usize| {
        archive.environments[at].data_id.clone()
    };
    assert_eq!(data_id(&first, 0), data_id(&second, 0));
    assert_ne!(data_id(&first, 1), data_id(&second, 1));
    let environment = &first.environments[0];
    assert_eq!(environment.entry.version, 3);
    assert_eq!(environment.entry.names.project_key, "shop");
}

/// The next line that begins so.
async fn line(out: &mut Lines<BufReader<ChildStdout>>, start: &str) {
    let wait = async { while !out.next_line().await.unwrap().unwrap().starts_with(start) {} };
    timeout(PATIENCE, wait).await.expect(start);
}

#[tokio::test]
async fn simulate_keeps_an_archive_of_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let (flags, target) = (
        folder.path().join("flags.json"),
        folder.path().join("a.tar.gz"),
    );
    std::fs::write(&flags, r#"{"flagValues":{"a":true}}"#).unwrap();
    let mut simulator = Command::new(env!("CARGO_BIN_EXE_ld-dynamodb-relay"))
        .args(["simulate", "--address", "127.0.0.1:0", "--archive"])
        .args([&target, &flags])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut out = BufReader::new(simulator.stdout.take().unwrap()).lines();
    line(&mut out, "an offline archive of it is at").await;
    let items = || {
        let archive = read(&std::fs::read(&target).unwrap());
        assert_eq!(ids(&archive), (vec!["simulated"], vec![]));
        archive.environments[0].data.len()
    };
    assert_eq!(items(), 1);
    std::fs::write(&flags, r#"{"flagValues":{"a":true,"b":false}}"#).unwrap();
    line(&mut out, "an offline archive of it is at").await;
    line(&mut out, "the file changed: 1 changes").await;
    assert_eq!(items(), 2);
}

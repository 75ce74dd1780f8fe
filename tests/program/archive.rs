//! Environments and their data from an offline archive, through the program.

use ld_dynamodb_relay::simulator::OfflineEnvironment;

use crate::ask;
use crate::pack::{DEMO, Pack};
use crate::process::{Output, Program};
use crate::rostered::{
    PRODUCTION, Rostered, STAGING, assert_ended, assert_without_keys, offline, put_archive,
    put_bytes,
};
use crate::world::flag;

const BOTH: [&str; 2] = [PRODUCTION, STAGING];

/// The program with an archive of these environments, in a folder of its own.
fn with_archive(it: &Rostered, arguments: &[&str], folder: &tempfile::TempDir) -> Program {
    let file = folder.path().join("flags.tar.gz");
    it.archived(arguments)
        .set("FILE_DATA_SOURCE", file.to_str().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_environment_of_the_archive_is_brought_up_to_date_once() {
    let it = Rostered::empty().await;
    let folder = tempfile::tempdir().unwrap();
    put_archive(folder.path(), &BOTH.map(|id| offline(id, &["first"], 2)));
    let end = async |arguments: &[&str]| -> Output {
        with_archive(&it, arguments, &folder).output().await
    };
    assert_ended(&end(&["config"]).await, 0);
    assert_ended(&end(&["verify"]).await, 1);
    let dry = end(&["sync", "--dry-run"]).await;
    assert_ended(&dry, 0);
    assert!(dry.stdout.contains("would put flag first"), "{dry:?}");
    assert_eq!(it.world.store.counts().writes(), 0);
    let synced = end(&["sync"]).await;
    assert_ended(&synced, 0);
    for id in BOTH {
        let equal = format!("{id}: 1 written; equal\n");
        assert!(synced.stdout.contains(&equal), "{synced:?}");
        assert_eq!(it.stored(id, "first"), Some(flag("first", 2)));
    }
    assert_ended(&end(&["verify"]).await, 0);
    let doctor = end(&["doctor"]).await;
    assert_ended(&doctor, 0);
    for told in ["the archive lists 2 environments", "holds 1 items of it"] {
        assert!(doctor.stdout.contains(told), "{doctor:?}");
    }
    let asked = it.world.launchdarkly.requests().len();
    assert_eq!(asked, 0, "LaunchDarkly is not needed");
}

/// The table lived on; the file of last night is what a restoration means.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_archive_brings_its_versions_back() {
    let it = Rostered::empty().await;
    let folder = tempfile::tempdir().unwrap();
    put_archive(folder.path(), &[offline(PRODUCTION, &["first", "more"], 7)]);
    let sync = || with_archive(&it, &["sync"], &folder).output();
    assert_ended(&sync().await, 0);
    put_archive(folder.path(), &[offline(PRODUCTION, &["first"], 2)]);
    let synced = sync().await;
    assert_ended(&synced, 0);
    assert_eq!(synced.stdout, format!("{PRODUCTION}: 2 written; equal\n"));
    assert_eq!(it.stored(PRODUCTION, "first"), Some(flag("first", 2)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_that_cannot_be_read_is_an_error_that_says_why() {
    let it = Rostered::empty().await;
    let folder = tempfile::tempdir().unwrap();
    let late = "the archive could not be read within INIT_TIMEOUT: ";
    for what in ["it cannot be looked at", "no whole tar archive"] {
        for (command, code) in [("sync", 1), ("verify", 2), ("doctor", 1)] {
            let program = with_archive(&it, &[command], &folder).set("INIT_TIMEOUT", "1s");
            let end = program.output().await;
            assert_ended(&end, code);
            let told = format!("{}{}", end.stdout, end.stderr);
            assert!(
                told.contains(late) && told.contains(what),
                "{command}: {end:?}"
            );
        }
        put_bytes(folder.path(), b"half of it");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_environment_whose_files_make_no_sense_is_named_and_the_others_brought_up_to_date() {
    let it = Rostered::empty().await;
    let folder = tempfile::tempdir().unwrap();
    put_bytes(folder.path(), &Pack::bad_metadata().gzip());
    for (command, code) in [("sync", 1), ("verify", 2), ("doctor", 1)] {
        let end = with_archive(&it, &[command], &folder).output().await;
        assert_ended(&end, code);
        let mut lines = end.stdout.lines().filter(|it| it.contains(PRODUCTION));
        let line = lines.next().unwrap_or_default();
        assert!(
            line.contains("its metadata are not JSON"),
            "{command}: {end:?}"
        );
    }
    assert!(it.stored(DEMO, "demo").is_some(), "the others are stored");
    assert!(!it.is_marked(PRODUCTION) && it.is_marked(STAGING));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_environment_without_a_place_of_its_own_is_named_and_the_other_brought_up_to_date() {
    let it = Rostered::empty().await;
    let folder = tempfile::tempdir().unwrap();
    let namesakes = BOTH.map(|id| OfflineEnvironment {
        name: "namesake".to_owned(),
        ..offline(id, &["first"], 2)
    });
    put_archive(folder.path(), &namesakes);
    for (command, code) in [("sync", 1), ("verify", 2), ("doctor", 1)] {
        let program = with_archive(&it, &[command], &folder);
        let program = program.set("ENV_DATASTORE_PREFIX", "$PROJ_KEY-$ENV_KEY");
        let end = program.output().await;
        assert_ended(&end, code);
        let taken = format!("is that of the environment {PRODUCTION}; put $CID into the template");
        assert!(end.stdout.contains(&taken), "{command}: {end:?}");
        assert!(end.stdout.contains(STAGING), "{command}: {end:?}");
    }
    let stored = it.stored("harbor-namesake", "first");
    assert_eq!(stored, Some(flag("first", 2)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_daemon_ends_for_it_only_where_it_is_told_to() {
    let it = Rostered::empty().await;
    let run = || it.archived(&["run"]).set("INIT_TIMEOUT", "500ms");
    let end = run().set("EXIT_ON_ERROR", "true").output().await;
    assert_ended(&end, 2);
    let unknown = "it is not known within INIT_TIMEOUT which environments there are";
    assert!(end.stdout.contains(unknown), "{end:?}");

    let relay = run().start();
    let told = relay.event(unknown).await;
    assert_eq!(told["exits"], false, "{told}");
    let (work, admin) = relay.ports().await;
    let why = "no environment is known yet: no archive was taken\n";
    let ready = ask::get(work, "/readyz").await;
    assert_eq!((ready.status, &*ready.body), (503, why));
    let ready = ask::get(admin, "/readyz").await;
    assert_eq!(ready.status, 503);
    let detail = ready.body.strip_prefix(why).unwrap();
    assert!(!detail.is_empty(), "operators are told more");
    assert_eq!(
        ask::get(admin, "/status/harbor/production").await.status,
        503
    );
    put_archive(relay.folder(), &BOTH.map(|id| offline(id, &["first"], 2)));
    for port in [work, admin] {
        ask::until(port, "/readyz", |it| it.status == 200).await;
    }
    assert_ended(&relay.stop().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changes_in_the_file_is_written_and_shown() {
    let it = Rostered::empty().await;
    let relay = it.archived(&["run"]).start();
    let (_, admin) = relay.ports().await;
    put_archive(relay.folder(), &[offline(PRODUCTION, &["first"], 2)]);
    let path = format!("/status/harbor/key-of-{PRODUCTION}");
    ask::until(admin, &path, |it| {
        it.status == 200 && it.json()["sync"]["upToDate"] == true
    })
    .await;
    put_archive(relay.folder(), &BOTH.map(|id| offline(id, &["first"], 3)));
    let label = format!(r#"environment="{STAGING}""#);
    ask::until(admin, "/metrics", |it| it.body.contains(&label)).await;
    it.world
        .store
        .wait_until("both", |_| {
            BOTH.iter()
                .all(|id| it.stored(id, "first") == Some(flag("first", 3)))
        })
        .await;
    put_archive(relay.folder(), &[offline(PRODUCTION, &["first"], 3)]);
    let gone = ask::until(admin, "/metrics", |it| !it.body.contains(&label)).await;
    assert_without_keys(&gone.body);
    let status = ask::get(admin, "/status").await;
    assert_without_keys(&status.body);
    let status = status.json();
    assert_eq!(status["environments"].as_object().unwrap().len(), 1);
    assert!(status["archiveStatus"]["bytes"].is_u64(), "{status}");
    assert_without_keys(&ask::get(admin, "/").await.body);
    assert_eq!(it.stored(STAGING, "first"), Some(flag("first", 3)));
    assert_ended(&relay.stop().await, 0);
}

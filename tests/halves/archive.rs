//! An environment that hears an offline archive instead of LaunchDarkly.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use ld_dynamodb_relay::archive::{Archive, ArchiveNews, ArchiveSource, ArchiveWatch};
use ld_dynamodb_relay::environment::EnvironmentSource;
use ld_dynamodb_relay::model::{DataSet, ItemKey};
use ld_dynamodb_relay::simulator::{Items, OfflineEnvironment, archive};
use tempfile::TempDir;
use tokio::sync::watch::Receiver;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::launchdarkly::until;
use crate::relay::Relay;
use crate::table::Table;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
/// The file is looked at each second, and read when it has stood still.
const READ: Duration = Duration::from_millis(2_500);

/// A file that is looked at, a table, and an environment between them that has everything stored.
struct World {
    folder: TempDir,
    table: Table,
    relay: Relay,
    news: Receiver<ArchiveNews>,
    _looking: JoinSet<()>,
    written: u32,
}

impl World {
    async fn with_flags(count: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (watch, news) = ArchiveWatch::new(folder.path().join("flags.tar.gz"), SECOND);
        let (mut looking, table) = (JoinSet::new(), Table::new());
        let source = ArchiveSource::new("5f00".into(), news.clone());
        let source = EnvironmentSource::Archive(source);
        looking.spawn(watch.run(CancellationToken::new()));
        let relay = Relay::start(&source, &table).await;
        let mut world = Self {
            folder,
            table,
            relay,
            news,
            _looking: looking,
            written: 0,
        };
        let truth = world.put(0..count, 1);
        world.relay.settled().await;
        world.table.assert_holds(&truth);
        world.table.forget();
        world
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("flags.tar.gz")
    }

    /// Puts an archive with these flags there, flag 0 at this version. What they are.
    fn put(&mut self, flags: impl Iterator<Item = u32>, version: u32) -> DataSet {
        let mut items = Items::default();
        for flag in flags {
            let version = if flag == 0 { version } else { 1 };
            let text = format!(r#"{{"key":"f{flag}","version":{version}}}"#);
            items.insert_as(ItemKey::flag(format!("f{flag}")), text);
        }
        let environment = OfflineEnvironment {
            id: "5f00".to_owned(),
            project: "shop".to_owned(),
            name: "production".to_owned(),
            sdk_key: "sdk-unused".to_owned(),
            version: 1,
            items,
        };
        let bytes = archive(&[environment]).unwrap();
        let new = self.path().with_extension("new");
        fs::write(&new, &bytes).unwrap();
        // Time stands still here; not for the file system.
        self.written += 1;
        let modified = std::time::SystemTime::UNIX_EPOCH + self.written * SECOND;
        let file = fs::File::options().write(true).open(&new).unwrap();
        file.set_modified(modified).unwrap();
        fs::rename(new, self.path()).unwrap();
        let archive = Archive::read(&bytes[..], 1 << 20).unwrap();
        DataSet::clone(&archive.environments[0].data)
    }

    /// Waits until the archive's trouble is there, or is not.
    async fn troubled(&mut self, troubled: bool) {
        let known = self.news.wait_for(|it| it.trouble.is_some() == troubled);
        known.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_archive_says_is_stored_and_stays_confirmed_while_the_file_is_there() {
    let mut world = World::with_flags(20).await;
    let environment_id = world.relay.facts().environment_id;
    assert_eq!(environment_id.as_deref(), Some("5f00"));
    let put = Instant::now();
    let truth = world.put(0..20, 2);
    until(put + READ).await;
    world.table.assert_holds(&truth);
    assert_eq!(world.table.writes(), 1);
    until(put + 20 * MINUTE).await;
    assert!(world.relay.is_up_to_date(), "{:?}", world.relay.facts());
    assert_eq!(world.table.writes(), 1);
    world.relay.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_item_that_an_archive_leaves_out_goes_once_it_was_said_again() {
    let mut world = World::with_flags(20).await;
    let put = Instant::now();
    let truth = world.put(1..20, 1);
    until(put + READ + 4 * SECOND).await;
    assert_eq!(world.table.live(), 20, "it was said once");
    until(put + READ + 6 * SECOND).await;
    world.table.assert_holds(&truth);
    world.relay.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_brake_holds_for_10_minutes_what_half_an_archive_would_remove() {
    let mut world = World::with_flags(60).await;
    let put = Instant::now();
    let truth = world.put(0..10, 1);
    until(put + 10 * MINUTE).await;
    assert_eq!(world.table.live(), 60);
    until(put + 11 * MINUTE).await;
    world.table.assert_holds(&truth);
    world.relay.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_gone_or_bad_touches_no_row_and_is_known_to_be_behind_after_a_while() {
    let mut world = World::with_flags(20).await;
    for broken in [false, true] {
        if broken {
            fs::write(world.path(), "half of it").unwrap();
        } else {
            fs::remove_file(world.path()).unwrap();
        }
        world.troubled(true).await;
        let since = Instant::now();
        until(since + 4 * MINUTE).await;
        assert!(world.relay.is_up_to_date());
        until(since + 6 * MINUTE).await;
        assert!(!world.relay.is_up_to_date());
        let truth = world.put(0..20, 1);
        world.troubled(false).await;
        until(Instant::now() + SECOND).await;
        assert!(world.relay.is_up_to_date());
        world.table.assert_holds(&truth);
    }
    assert_eq!(world.table.writes(), 0);
    world.relay.stop().await;
}

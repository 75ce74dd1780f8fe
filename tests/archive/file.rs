//! A file that somebody puts archives into, and what is known of it.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use ld_dynamodb_relay::archive::{ArchiveNews, ArchiveWatch};
use tempfile::TempDir;
use tokio::sync::watch::Receiver;

use crate::log::collect;

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// See the module. Times of files are set, so that each is another one.
pub(crate) struct Watched {
    folder: TempDir,
    pub(crate) watch: ArchiveWatch,
    pub(crate) news: Receiver<ArchiveNews>,
    written: u32,
}

impl Watched {
    /// There is no file yet.
    pub(crate) fn nothing() -> Self {
        collect();
        let folder = tempfile::tempdir().unwrap();
        let (watch, news) = ArchiveWatch::new(folder.path().join("flags.tar.gz"), SECOND);
        Self {
            folder,
            watch,
            news,
            written: 1_000_000,
        }
    }

    /// It was read.
    pub(crate) async fn with(bytes: &[u8]) -> Self {
        let mut watched = Self::nothing();
        watched.copy(bytes);
        watched.looks(2).await;
        assert_eq!(watched.trouble(), None);
        watched
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.path_of("flags.tar.gz")
    }

    fn path_of(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes into the file that is there.
    pub(crate) fn copy(&mut self, bytes: &[u8]) {
        let path = self.path();
        self.write(&path, bytes);
    }

    /// Writes another file, and puts it in the place of the one that is there.
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        let new = self.path_of("flags.new");
        self.write(&new, bytes);
        fs::rename(new, self.path()).unwrap();
    }

    /// As Kubernetes exchanges what is mounted: the file is a link into a folder that is a link, and that one is exchanged.
    pub(crate) fn mount(&mut self, version: &str, bytes: &[u8]) {
        let folder = self.path_of(version);
        fs::create_dir(&folder).unwrap();
        self.write(&folder.join("flags.tar.gz"), bytes);
        symlink(version, self.path_of("..new")).unwrap();
        fs::rename(self.path_of("..new"), self.path_of("..data")).unwrap();
        let file = Path::new("..data/flags.tar.gz");
        if !self.path().is_symlink() {
            symlink(file, self.path()).unwrap();
        }
    }

    /// Alters the contents, and nothing by which a file is known.
    pub(crate) fn alter_unseen(&mut self, bytes: &[u8]) {
        self.written -= 1;
        self.copy(bytes);
    }

    fn write(&mut self, path: &Path, bytes: &[u8]) {
        fs::write(path, bytes).unwrap();
        self.written += 1;
        let time = SystemTime::UNIX_EPOCH + self.written * SECOND;
        let file = File::options().write(true).open(path).unwrap();
        file.set_modified(time).unwrap();
    }

    pub(crate) async fn look(&mut self) {
        self.looks(1).await;
    }

    /// So many looks, a second apart.
    pub(crate) async fn looks(&mut self, count: usize) {
        for _ in 0..count {
            self.watch.look().await;
            tokio::time::advance(SECOND).await;
        }
    }

    pub(crate) fn known(&self) -> ArchiveNews {
        self.news.borrow().clone()
    }

    /// The environments that there are, by the number of their items.
    pub(crate) fn holds(&self) -> Vec<(String, usize)> {
        let applied = self.known().applied;
        let told = applied.environments();
        told.map(|it| (it.id.to_string(), it.data.len())).collect()
    }

    pub(crate) fn trouble(&self) -> Option<String> {
        self.known().trouble.map(|it| it.to_string())
    }
}

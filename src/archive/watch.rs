//! The archive's file: looked at again and again, and read when it is another one.

use std::fs::{File, Metadata};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::applied::AppliedArchive;
use super::look::{FileStamp, FileTrouble, FileWatch, LookDecision};
use super::read::{Archive, ArchiveError, MAX_ARCHIVE_BYTES};

/// While nothing changes, that the file was looked at is told to its environments no more often: each takes note of it.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);
/// So many sentences of one sort are told in a line.
const MAX_TOLD: usize = 5;

/// What is known of the file. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct ArchiveNews {
    /// What holds.
    pub applied: Arc<AppliedArchive>,
    /// The file that was last read and was good; none before there was one.
    pub file: Option<Arc<ArchiveFile>>,
    /// When the file was last seen to be that one still.
    pub confirmed: Option<Instant>,
    /// What is wrong with the file now: a sentence that says what to do.
    pub trouble: Option<Arc<str>>,
}

/// A file that was read and was good.
#[derive(Clone, Debug)]
pub struct ArchiveFile {
    /// When it was last written.
    pub modified: SystemTime,
    /// Its size.
    pub bytes: u64,
    /// The MD5 of its environments' files.
    pub checksum: [u8; 16],
    /// What of it was skipped: sentences.
    pub warnings: Vec<String>,
    /// When we began to read it.
    pub asked: Instant,
    /// When it was read.
    pub read: Instant,
}

/// Looks at the file. See the module.
pub struct ArchiveWatch {
    path: PathBuf,
    interval: Duration,
    watch: FileWatch,
    news: watch::Sender<ArchiveNews>,
}

impl ArchiveWatch {
    /// Of a file that is to be looked at so often; `interval` is not zero. What is known of it is there to be watched: nothing,
    /// until the file has stood still between two looks and was read.
    pub fn new(path: PathBuf, interval: Duration) -> (Self, watch::Receiver<ArchiveNews>) {
        let (news, known) = watch::channel(ArchiveNews::default());
        let watch = FileWatch::default();
        let watching = Self {
            path,
            interval,
            watch,
            news,
        };
        (watching, known)
    }

    /// Looks until `stop`, whatever becomes of the file.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut looks = interval(self.interval);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let looking = async {
            loop {
                looks.tick().await;
                self.look().await;
            }
        };
        stop.run_until_cancelled(looking).await;
    }

    /// Looks once, and reads the file if it is time to.
    pub async fn look(&mut self) {
        let now = Instant::now();
        let stamp = match tokio::fs::metadata(&self.path).await {
            Ok(about) if about.is_file() => stamp(&about),
            Ok(_) => {
                return self.trouble(FileTrouble::Absent, "it is no file: name the archive", now);
            }
            Err(error) => {
                let why = format!(
                    "it cannot be looked at ({error}): put the archive there, or check the path and its permissions"
                );
                return self.trouble(FileTrouble::Absent, &why, now);
            }
        };
        match self.watch.look(stamp) {
            LookDecision::Wait => {}
            LookDecision::Unchanged => self.confirm(now),
            LookDecision::Read => self.read(stamp, now).await,
        }
    }

    async fn read(&mut self, stamp: FileStamp, asked: Instant) {
        let path = self.path.clone();
        let read = spawn_blocking(move || read_as(&path, stamp)).await;
        let read = read.unwrap_or_else(|error| Err(ArchiveError::Unreadable(error.to_string())));
        match read {
            // It is exchanged at this very moment: the next look tells.
            Ok(None) => {}
            Ok(Some(archive)) => self.take(archive, stamp, asked),
            Err(error) => self.trouble(FileTrouble::Unusable, &error.to_string(), asked),
        }
    }

    fn take(&mut self, archive: Archive, stamp: FileStamp, asked: Instant) {
        let file = Arc::new(ArchiveFile {
            modified: stamp.modified,
            bytes: stamp.bytes,
            checksum: archive.checksum,
            warnings: archive.warnings.clone(),
            asked,
            read: Instant::now(),
        });
        let mut applied = AppliedArchive::clone(&self.news.borrow().applied);
        applied.take(archive);
        let milliseconds = (file.read - asked).as_millis();
        let environments = applied.environments().len();
        info!(environments, milliseconds, "read the archive");
        if !file.warnings.is_empty() {
            let detail = some(&file.warnings);
            warn!(detail, "parts of the archive were skipped");
        }
        let refused = applied.refused();
        if !refused.is_empty() {
            let (environments, detail) = (refused.len(), some(refused));
            warn!(
                environments,
                detail, "environments of the archive cannot be used, and stay as they were"
            );
        }
        self.watch.was_good(stamp);
        self.tell_right();
        self.news.send_modify(|news| {
            news.applied = Arc::new(applied);
            news.confirmed = Some(file.read);
            news.file = Some(file);
            news.trouble = None;
        });
    }

    fn confirm(&mut self, now: Instant) {
        self.tell_right();
        self.news.send_if_modified(|news| {
            let told = news.confirmed.is_some_and(|told| now < told + SIGN_OF_LIFE);
            let is_news = !told || news.trouble.is_some();
            if is_news {
                (news.confirmed, news.trouble) = (Some(now), None);
            }
            is_news
        });
    }

    fn tell_right(&mut self) {
        if self.watch.is_right() {
            info!("the archive can be used again");
        }
    }

    fn trouble(&mut self, trouble: FileTrouble, why: &str, now: Instant) {
        let detail = format!("{}: {why}", self.path.display());
        if self.watch.is_wrong(trouble, now) {
            warn!(
                detail,
                "the archive cannot be used, and everything stays as it was"
            );
        }
        self.news.send_if_modified(|news| {
            let is_news = news.trouble.as_deref() != Some(&*detail);
            if is_news {
                news.trouble = Some(detail.into());
            }
            is_news
        });
    }
}

/// The archive, if the file is this one still.
fn read_as(path: &Path, stamped: FileStamp) -> Result<Option<Archive>, ArchiveError> {
    let unreadable = |error: std::io::Error| ArchiveError::Unreadable(error.to_string());
    let file = File::open(path).map_err(unreadable)?;
    if stamp(&file.metadata().map_err(unreadable)?) != stamped {
        return Ok(None);
    }
    Archive::read(&file, MAX_ARCHIVE_BYTES).map(Some)
}

fn stamp(about: &Metadata) -> FileStamp {
    FileStamp {
        // Where a file system has no times the size has to do.
        modified: about.modified().unwrap_or(SystemTime::UNIX_EPOCH),
        bytes: about.len(),
    }
}

fn some(sentences: &[impl ToString]) -> String {
    let first = sentences.iter().take(MAX_TOLD).map(ToString::to_string);
    let more = sentences.len().saturating_sub(MAX_TOLD);
    let more = (more > 0).then(|| format!("and {more} more"));
    first.chain(more).collect::<Vec<_>>().join("; ")
}

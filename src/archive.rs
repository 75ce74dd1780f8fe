//! LaunchDarkly's offline archives: a file in which somebody puts environments with their data, and which is looked at
//! for changes instead of asking LaunchDarkly.
//!
//! [`Archive::read`] takes the file apart, [`AppliedArchive`] says what holds after it, [`FileWatch`] decides when it is
//! read; all three are values. [`ArchiveWatch`] has the file, and an [`ArchiveSource`] tells one environment of it to the
//! half that listens.

mod applied;
mod look;
mod read;
mod source;
mod watch;

pub use applied::{AppliedArchive, ArchiveChange};
pub use look::{FileStamp, FileTrouble, FileWatch, LookDecision};
pub use read::{
    Archive, ArchiveError, ArchivedEnvironment, EnvironmentFault, MAX_ARCHIVE_BYTES,
    MAX_MEMBER_BYTES, UnusableEnvironment,
};
pub use source::{ArchiveSession, ArchiveSource};
pub use watch::{ArchiveFile, ArchiveNews, ArchiveWatch};

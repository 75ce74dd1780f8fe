//! LaunchDarkly's offline archives: a file in which somebody puts environments with their data.
//!
//! [`Archive::read`] takes the file apart, [`AppliedArchive`] says what holds after it; both are values.

mod applied;
mod read;

pub use applied::{AppliedArchive, ArchiveChange};
pub use read::{
    Archive, ArchiveError, ArchivedEnvironment, ArchivedNames, EnvironmentFault, MAX_ARCHIVE_BYTES,
    MAX_MEMBER_BYTES, RefusedEnvironment,
};

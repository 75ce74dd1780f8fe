//! An archive's bytes, and what they say. Pure: there is no file and no folder here, and nothing is unpacked but in memory.
//!
//! An archive is a tar, compressed with gzip or not, of `ID.json` and `ID-data.json` for each environment, and of
//! `checksum.md5`. It is taken whole or not at all; within a whole one, an environment that makes no sense is refused alone.

mod environment;
mod members;

use std::collections::BTreeSet;
use std::io::Read;
use std::sync::Arc;

use md5::{Digest as _, Md5};

use crate::model::DataSet;
use members::ArchiveMembers;

pub use environment::{ArchivedEnvironment, EnvironmentFault};

/// A member of so many bytes, or more, refuses the archive.
pub const MAX_MEMBER_BYTES: u64 = 200 << 20;
/// An archive that unpacks to more bytes is refused.
pub const MAX_ARCHIVE_BYTES: u64 = 1 << 30;
/// The bytes of an MD5.
const CHECKSUM_BYTES: usize = 16;

/// An archive that was read whole.
#[derive(Debug)]
pub struct Archive {
    /// The environments that can be used, by ID.
    pub environments: Vec<ArchivedEnvironment>,
    /// Those that cannot, by ID.
    pub refused: Vec<UnusableEnvironment>,
    /// What was skipped: sentences, a few of them at most.
    pub warnings: Vec<String>,
    /// Its size once unpacked.
    pub bytes: u64,
    /// The MD5 of its environments' files, as it says itself.
    pub checksum: [u8; CHECKSUM_BYTES],
}

/// An environment that cannot be used as it is in the archive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{id}: {fault}")]
pub struct UnusableEnvironment {
    /// Its ID, as its files are called.
    pub id: Arc<str>,
    /// What is wrong with it.
    pub fault: EnvironmentFault,
}

/// Why nothing of a file is used. Each is a sentence behind the file's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// Neither a tar nor a gzip of one, damaged, or not all of it.
    #[error(
        "it is no whole tar archive, plain or compressed with gzip ({0}): if it is being copied, copy it under another name \
         and put it in place with mv; otherwise get it anew"
    )]
    Broken(String),
    /// A member that is too large.
    #[error(
        "its member {name} has {bytes} bytes, and LaunchDarkly's limit for one is 200 MiB: get it anew, or remove that member"
    )]
    MemberTooLarge {
        /// Its name.
        name: String,
        /// Its size.
        bytes: u64,
    },
    /// Too much of it.
    #[error(
        "it unpacks to more than {0} bytes: make one with fewer environments, and run another relay for the rest"
    )]
    TooLarge(u64),
    /// No `checksum.md5`.
    #[error(
        "it has no checksum.md5, so nothing tells whether it is whole: get it anew, or let its maker add one"
    )]
    NoChecksum,
    /// A `checksum.md5` of another length.
    #[error(
        "its checksum.md5 holds {0} bytes instead of the 16 of an MD5 (not hexadecimal text): let its maker mend that"
    )]
    NotAChecksum(usize),
    /// Another MD5 than it says.
    #[error(
        "its environments' files do not have the MD5 that its checksum.md5 holds: one is damaged or missing; get it anew, and \
         put it in place whole, with mv"
    )]
    OtherChecksum,
    /// No environment.
    #[error(
        "it holds no environment, and nothing is removed on account of that: to stop, stop the relay; otherwise get it anew"
    )]
    NoEnvironment,
    /// The file cannot be opened or read.
    #[error("it cannot be read ({0}): check the path and its permissions")]
    Unreadable(String),
}

impl Archive {
    /// Reads an archive to its end; one that unpacks to more than `max_bytes` is refused.
    pub fn read(input: impl Read, max_bytes: u64) -> Result<Self, ArchiveError> {
        let ArchiveMembers {
            mut files,
            warnings,
            bytes,
        } = ArchiveMembers::read(input, max_bytes)?;
        let checksum = files
            .remove("checksum.md5")
            .ok_or(ArchiveError::NoChecksum)?;
        let checksum: [u8; CHECKSUM_BYTES] = checksum
            .as_slice()
            .try_into()
            .map_err(|_| ArchiveError::NotAChecksum(checksum.len()))?;
        let ids: BTreeSet<Arc<str>> = files
            .keys()
            .filter(|name| !name.ends_with("-data.json"))
            .filter_map(|name| name.strip_suffix(".json"))
            .map(Into::into)
            .collect();
        // Data without an environment count for nothing.
        files.retain(|name, _| {
            let id = name.strip_suffix("-data.json");
            id.is_none_or(|id| ids.contains(id))
        });
        let mut md5 = Md5::new();
        for bytes in files.values() {
            md5.update(bytes);
        }
        if md5.finalize().as_slice() != checksum {
            return Err(ArchiveError::OtherChecksum);
        }
        if ids.is_empty() {
            return Err(ArchiveError::NoEnvironment);
        }
        let (mut environments, mut refused) = (Vec::new(), Vec::new());
        for id in ids {
            let about = files.remove(&format!("{id}.json")).unwrap_or_default();
            let data = files.remove(&format!("{id}-data.json"));
            match ArchivedEnvironment::parse(&id, &about, data.as_deref()) {
                Ok(environment) => environments.push(environment),
                Err(fault) => refused.push(UnusableEnvironment { id, fault }),
            }
        }
        Ok(Self {
            environments,
            refused,
            warnings,
            bytes,
            checksum,
        })
    }
}

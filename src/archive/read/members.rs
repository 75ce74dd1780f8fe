//! The files in a tar.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Cursor, Read, copy, sink};

use flate2::read::MultiGzDecoder;
use tar::{Entry, EntryType};

use super::{ArchiveError, MAX_MEMBER_BYTES};

/// What a gzip file begins with.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// So many warnings are told; the others are counted.
const MAX_WARNINGS: usize = 10;
/// So much of a name is told.
const MAX_NAME_LETTERS: usize = 80;
/// Room that is made for a member before any of it was read: its header may say anything.
const FIRST_ROOM: u64 = 1 << 20;

/// The files that count, in the bytewise order of their names.
#[derive(Default)]
pub(super) struct ArchiveMembers {
    /// Their contents. Of two with one name the later one counts, as where they are unpacked.
    pub(super) files: BTreeMap<String, Vec<u8>>,
    /// What was skipped.
    pub(super) warnings: Vec<String>,
    /// The size of the tar.
    pub(super) bytes: u64,
}

/// What becomes of a member.
enum MemberPlace<'a> {
    /// It counts, under this name.
    File(&'a str),
    /// It is nothing to us.
    Other,
    /// It is skipped, and that is told.
    Skipped(&'static str),
}

impl ArchiveMembers {
    pub(super) fn read(mut input: impl Read, max_bytes: u64) -> Result<Self, ArchiveError> {
        let mut start = Vec::new();
        let began = (&mut input).take(GZIP.len() as u64).read_to_end(&mut start);
        began.map_err(|error| broken(&error))?;
        let is_gzip = start == GZIP;
        let input = BufReader::new(Cursor::new(start).chain(input));
        if is_gzip {
            Self::read_tar(MultiGzDecoder::new(input), max_bytes)
        } else {
            Self::read_tar(input, max_bytes)
        }
    }

    fn read_tar(input: impl Read, max_bytes: u64) -> Result<Self, ArchiveError> {
        // One byte more than is allowed tells that there is too much.
        let mut tar = input.take(max_bytes.saturating_add(1));
        let read = Self::read_to_end(&mut tar);
        if tar.limit() == 0 {
            return Err(ArchiveError::TooLarge(max_bytes));
        }
        let mut members = read?;
        members.bytes = max_bytes.saturating_add(1) - tar.limit();
        Ok(members)
    }

    fn read_to_end(tar: &mut impl Read) -> Result<Self, ArchiveError> {
        let (mut members, mut unnamed) = (Self::default(), 0_usize);
        let mut archive = tar::Archive::new(&mut *tar);
        for entry in archive.entries().map_err(|error| broken(&error))? {
            let mut entry = entry.map_err(|error| broken(&error))?;
            let path = entry.path_bytes().into_owned();
            let (kind, bytes) = (entry.header().entry_type(), entry.size());
            if kind == EntryType::Regular && bytes >= MAX_MEMBER_BYTES {
                let name = shown(&path);
                return Err(ArchiveError::MemberTooLarge { name, bytes });
            }
            match place(kind, &path) {
                MemberPlace::Other => {}
                MemberPlace::File(name) => {
                    members.files.insert(name.to_owned(), whole(&mut entry)?);
                }
                MemberPlace::Skipped(_) if members.warnings.len() >= MAX_WARNINGS => unnamed += 1,
                MemberPlace::Skipped(why) => {
                    members.warnings.push(format!("{} {why}", shown(&path)));
                }
            }
        }
        if unnamed > 0 {
            members.warnings.push(format!("{unnamed} more members"));
        }
        // What gzip says of the whole stands behind the tar's end.
        copy(tar, &mut sink()).map_err(|error| broken(&error))?;
        Ok(members)
    }
}

fn whole(entry: &mut Entry<'_, impl Read>) -> Result<Vec<u8>, ArchiveError> {
    let bytes = entry.size();
    let mut contents =
        Vec::with_capacity(usize::try_from(bytes.min(FIRST_ROOM)).unwrap_or_default());
    let read = entry.read_to_end(&mut contents);
    read.map_err(|error| broken(&error))?;
    if contents.len() as u64 != bytes {
        return Err(broken(&io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(contents)
}

fn place(kind: EntryType, path: &[u8]) -> MemberPlace<'_> {
    let Ok(path) = str::from_utf8(path) else {
        return MemberPlace::Skipped("has a name that is not UTF-8");
    };
    let mut name = path;
    while let Some(rest) = name.strip_prefix("./") {
        name = rest;
    }
    if kind == EntryType::XGlobalHeader {
        return MemberPlace::Other;
    }
    if kind == EntryType::Directory && matches!(name, "" | ".") {
        // The folder that was packed.
        return MemberPlace::Other;
    }
    if kind != EntryType::Regular {
        return MemberPlace::Skipped("is a directory, a link or something else than a file");
    }
    if name.starts_with('/') || name.split('/').any(|part| part == "..") {
        return MemberPlace::Skipped("would be outside of the archive");
    }
    if name.contains('/') {
        return MemberPlace::Skipped("is in a directory, where no environment's file belongs");
    }
    match name {
        "checksum.md5" => MemberPlace::File(name),
        _ if name.strip_suffix(".json").is_some() => MemberPlace::File(name),
        _ => MemberPlace::Other,
    }
}

/// A name that may be shown, whatever it is.
fn shown(path: &[u8]) -> String {
    let name = String::from_utf8_lossy(path);
    let start: String = name.chars().take(MAX_NAME_LETTERS).collect();
    start.escape_debug().to_string()
}

fn broken(error: &io::Error) -> ArchiveError {
    ArchiveError::Broken(match error.kind() {
        io::ErrorKind::UnexpectedEof => "it ends early".to_owned(),
        // Libraries put parts of a header into their words.
        _ => error.to_string().escape_debug().take(200).collect(),
    })
}

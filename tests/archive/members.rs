//! What is not taken out of an archive, and archives that are not taken at all.

use std::io::{self, Read};

use ld_dynamodb_relay::archive::{Archive, ArchiveError, MAX_MEMBER_BYTES};
use tar::EntryType;

use crate::pack::{OFFICIAL, PRODUCTION, Pack, STAGING, Tar, gzip, ids, read, refused};

#[test]
fn what_is_no_file_of_the_first_level_is_skipped_with_a_warning() {
    let pack = Pack::official().sealed();
    let bad = b"not even JSON";
    let mut tar = Tar::default();
    tar.pack("", &pack)
        .member("folder/", EntryType::Directory, &[])
        .file("folder/production.json", bad)
        .file("../production.json", bad)
        .file("/etc/production.json", bad)
        .file("./../a.json", bad)
        .member("link.json", EntryType::Symlink, &[])
        .member("hard.json", EntryType::Link, &[])
        .member("queue.json", EntryType::Fifo, &[])
        .file("README", bad);
    let archive = read(&gzip(&tar.end()));
    assert_eq!(ids(&archive), (vec![PRODUCTION, STAGING], vec![]));
    let expected = [
        "folder/ is a directory, a link or something else than a file",
        "folder/production.json is in a directory, where no environment's file belongs",
        "../production.json would be outside of the archive",
        "/etc/production.json would be outside of the archive",
        "./../a.json would be outside of the archive",
        "link.json is a directory, a link or something else than a file",
        "hard.json is a directory, a link or something else than a file",
        "queue.json is a directory, a link or something else than a file",
    ];
    assert_eq!(archive.warnings, expected);
}

/// `-subdir`: everything is in a folder, so nothing is there.
#[test]
fn an_archive_in_a_folder_has_no_checksum() {
    let mut tar = Tar::default();
    tar.pack("flags/", &Pack::official().sealed());
    assert_eq!(refused(&tar.end()), ArchiveError::NoChecksum);
}

#[test]
fn many_warnings_are_counted() {
    let mut tar = Tar::default();
    tar.pack("", &Pack::official().sealed());
    for number in 0..50 {
        tar.file(&format!("folder/{number}.json"), b"{}");
    }
    let warnings = read(&tar.end()).warnings;
    assert_eq!(warnings.len(), 11);
    assert_eq!(warnings[10], "40 more members");
}

#[test]
fn of_two_members_with_one_name_the_later_one_counts() {
    let pack = Pack::official().sealed();
    let mut tar = Tar::default();
    tar.file(&format!("{STAGING}-data.json"), b"{}");
    tar.pack("", &pack);
    assert_eq!(read(&tar.end()).environments[1].data.len(), 1);
}

#[test]
fn long_names_are_read() {
    let id = "x".repeat(180);
    let mut pack = Pack::dorkly().about("production", |it| it["env"]["envID"] = id[..].into());
    for end in [".json", "-data.json"] {
        let bytes = pack.0.remove(&format!("production{end}")).unwrap();
        pack.0.insert(format!("{id}{end}"), bytes);
    }
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in &pack.sealed().0 {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        tar.append_data(&mut header, name, &bytes[..]).unwrap();
    }
    assert_eq!(ids(&read(&tar.into_inner().unwrap())), (vec![&*id], vec![]));
}

#[test]
fn a_checksum_is_wanted_and_right() {
    let none = {
        let mut pack = Pack::official();
        pack.0.remove("checksum.md5");
        pack.tar()
    };
    assert_eq!(refused(&none), ArchiveError::NoChecksum);
    let altered = Pack::official().data(STAGING, "{}");
    assert_eq!(refused(&altered.tar()), ArchiveError::OtherChecksum);
    let mut missing = Pack::official();
    missing.0.remove(&format!("{STAGING}-data.json"));
    assert_eq!(refused(&missing.tar()), ArchiveError::OtherChecksum);
    let other = Pack::official().with("checksum.md5", [0; 16]);
    assert_eq!(refused(&other.tar()), ArchiveError::OtherChecksum);
}

#[test]
fn an_archive_without_an_environment_removes_nothing() {
    let empty = Pack::empty().gzip();
    assert_eq!(refused(&empty), ArchiveError::NoEnvironment);
}

#[test]
fn what_is_no_archive_is_refused_with_what_to_do() {
    let noise = b"<html>404 not found</html>".repeat(100);
    for bytes in [&b""[..], b"x", b"\x1f\x8b", b"\x1f\x8b\x08", &noise] {
        let error = refused(bytes);
        let told = error.to_string();
        match error {
            // Nothing at all is an empty tar.
            ArchiveError::NoChecksum if bytes.is_empty() => {}
            ArchiveError::Broken(_) => assert!(told.contains("with mv"), "{told}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_tar_that_ends_within_a_member_is_told_to_end_early() {
    let tar = Pack::official().sealed().tar();
    // Its end, and what the checksum was filled up with.
    let end = tar.len() - 1024 - (512 - 16);
    for cut in [end - 1, end - 16, 700] {
        let error = refused(&tar[..cut]).to_string();
        assert!(error.contains("it ends early"), "{cut}: {error}");
    }
}

#[test]
fn a_damaged_gzip_is_refused_though_its_tar_is_whole() {
    let bytes = Pack::official().gzip();
    let cut = &bytes[..bytes.len() - 4];
    assert!(matches!(refused(cut), ArchiveError::Broken(_)));
    let mut damaged = bytes.clone();
    let at = damaged.len() - 6;
    damaged[at] ^= 1;
    assert!(matches!(refused(&damaged), ArchiveError::Broken(_)));
}

/// Counts what is taken from it.
struct Counting<R>(R, u64);

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read(bytes)?;
        self.1 += count as u64;
        Ok(count)
    }
}

#[test]
fn a_member_that_is_too_large_is_refused_before_it_is_read() {
    let mut tar = Tar::default();
    tar.header("README", EntryType::Regular, MAX_MEMBER_BYTES);
    let start = tar.end();
    let mut input = Counting(start.chain(io::repeat(0)), 0);
    let error = Archive::read(&mut input, u64::MAX - 1).unwrap_err();
    assert_eq!(
        error,
        ArchiveError::MemberTooLarge {
            name: "README".to_owned(),
            bytes: MAX_MEMBER_BYTES
        }
    );
    assert!(input.1 < 1 << 20, "{} bytes were read", input.1);
}

#[test]
fn an_archive_that_is_too_large_is_refused_and_not_read_further() {
    let tar = Pack::official().sealed().tar();
    let (size, limit) = (tar.len() as u64, tar.len() as u64 - 1);
    assert!(Archive::read(&tar[..], size).is_ok());
    for bytes in [tar.clone(), gzip(&tar)] {
        let error = Archive::read(&bytes[..], limit).unwrap_err();
        assert_eq!(error, ArchiveError::TooLarge(limit));
    }
    // Without end: a header says so much, or nothing but zeros come behind the end.
    let mut endless = Tar::default();
    endless.header("a.json", EntryType::Regular, MAX_MEMBER_BYTES - 1);
    for start in [endless.end(), tar] {
        let mut input = Counting(start.chain(io::repeat(0)), 0);
        let error = Archive::read(&mut input, 100_000).unwrap_err();
        assert_eq!(error, ArchiveError::TooLarge(100_000));
        assert!(input.1 < 200_000, "{} bytes were read", input.1);
    }
}

#[test]
fn a_file_that_cannot_be_read_to_its_end_says_why() {
    struct Breaks;
    impl Read for Breaks {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let error = Archive::read(OFFICIAL[..1000].chain(Breaks), 1 << 20).unwrap_err();
    assert!(error.to_string().contains("the disk is gone"), "{error}");
}

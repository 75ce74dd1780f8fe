//! Archives as they come and as they should not. Two are recorded; the others are made of the first one, always the same.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use ld_dynamodb_relay::archive::{Archive, ArchiveError, MAX_ARCHIVE_BYTES};
use md5::{Digest as _, Md5};
use serde_json::{Value, json};

/// As LaunchDarkly makes them: `production` and `staging`.
pub(crate) const OFFICIAL: &[u8] = include_bytes!("../fixtures/offline-archive.tar.gz");
/// A plain tar of the same, whose checksum is hexadecimal text.
pub(crate) const BAD_CHECKSUM: &[u8] =
    include_bytes!("../fixtures/offline-archive-bad-checksum.tar");

pub(crate) const PRODUCTION: &str = "66f2a90c1d4e8b0012ab34cd";
pub(crate) const STAGING: &str = "66f2a90c1d4e8b0012ab34ce";
/// Only in [`Pack::second`].
pub(crate) const DEMO: &str = "66f2a90c1d4e8b0012ab34cf";

/// The files of an archive.
#[derive(Clone)]
pub(crate) struct Pack(pub(crate) BTreeMap<String, Vec<u8>>);

impl Pack {
    pub(crate) fn empty() -> Self {
        Self(BTreeMap::new())
    }

    pub(crate) fn official() -> Self {
        let mut tar = tar::Archive::new(GzDecoder::new(OFFICIAL));
        let files = tar.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let name = entry.path().unwrap().to_str().unwrap().to_owned();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            (name, bytes)
        });
        Self(files.collect())
    }

    /// `offline-archive-2`: production with another `dataId` and a lower version, staging as it was, a third one.
    pub(crate) fn second() -> Self {
        let third = json!({"env": {"envID": DEMO, "sdkKey": {"value": "sdk-demo"}, "version": 1}, "dataId": "data-1"});
        Self::official()
            .about(PRODUCTION, |it| {
                it["dataId"] = json!("data-2");
                it["env"]["version"] = json!(9);
            })
            .data(PRODUCTION, &flags(&[("new", 1)]))
            .with(&format!("{DEMO}.json"), third.to_string())
            .data(DEMO, &flags(&[("demo", 1)]))
    }

    /// `-removed`: staging is gone.
    pub(crate) fn removed() -> Self {
        let mut pack = Self::official();
        pack.0.retain(|name, _| !name.starts_with(STAGING));
        pack
    }

    /// `-badmeta`: what production says about itself is cut short; the checksum is right.
    pub(crate) fn bad_metadata() -> Self {
        let mut pack = Self::second();
        let about = pack.0.get_mut(&format!("{PRODUCTION}.json")).unwrap();
        about.truncate(about.len() / 2);
        pack
    }

    /// `-baddata`: production's data are cut short; the checksum is right.
    pub(crate) fn bad_data() -> Self {
        let mut pack = Self::second();
        let data = pack.0.get_mut(&format!("{PRODUCTION}-data.json")).unwrap();
        data.truncate(data.len() / 2);
        pack
    }

    /// `-dorkly`: as little as a third party's program puts there.
    pub(crate) fn dorkly() -> Self {
        let about = json!({"env": {"envID": "production", "sdkKey": {"value": "sdk-x"}}, "dataId": "\"1\""});
        Self::empty()
            .with("production.json", about.to_string())
            .with(
                "production-data.json",
                r#"{"segments": null, "flags": {"a": {"key": "a", "version": 1}}}"#,
            )
    }

    pub(crate) fn with(mut self, name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.0.insert(name.to_owned(), bytes.into());
        self
    }

    /// With something else in what an environment says about itself.
    pub(crate) fn about(mut self, id: &str, change: impl FnOnce(&mut Value)) -> Self {
        let about = self.0.get_mut(&format!("{id}.json")).unwrap();
        let mut value = serde_json::from_slice(about).unwrap();
        change(&mut value);
        *about = value.to_string().into();
        self
    }

    pub(crate) fn data(self, id: &str, data: &str) -> Self {
        self.with(&format!("{id}-data.json"), data)
    }

    /// With the MD5 of all that is there but the checksum.
    pub(crate) fn sealed(mut self) -> Self {
        self.0.remove("checksum.md5");
        let mut md5 = Md5::new();
        self.0.values().for_each(|bytes| md5.update(bytes));
        self.with("checksum.md5", md5.finalize().to_vec())
    }

    /// A plain tar.
    pub(crate) fn tar(&self) -> Vec<u8> {
        let mut tar = Tar::default();
        for (name, bytes) in &self.0 {
            tar.file(name, bytes);
        }
        tar.end()
    }

    /// Sealed and compressed.
    pub(crate) fn gzip(self) -> Vec<u8> {
        gzip(&self.sealed().tar())
    }
}

/// A set of data with these flags and their versions.
pub(crate) fn flags(flags: &[(&str, u64)]) -> String {
    let flags = flags.iter().map(|(key, version)| {
        let flag = json!({"key": key, "version": version});
        ((*key).to_owned(), flag)
    });
    json!({"flags": flags.collect::<serde_json::Map<_, _>>(), "segments": {}}).to_string()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

#[track_caller]
pub(crate) fn read(bytes: &[u8]) -> Archive {
    Archive::read(bytes, MAX_ARCHIVE_BYTES).unwrap()
}

#[track_caller]
pub(crate) fn refused(bytes: &[u8]) -> ArchiveError {
    Archive::read(bytes, MAX_ARCHIVE_BYTES).unwrap_err()
}

/// The IDs of what can be used, and of what cannot.
pub(crate) fn ids(archive: &Archive) -> (Vec<&str>, Vec<&str>) {
    let good = archive.environments.iter().map(|it| &*it.id);
    let bad = archive.refused.iter().map(|it| &*it.id);
    (good.collect(), bad.collect())
}

/// A tar that may hold anything.
#[derive(Default)]
pub(crate) struct Tar(Vec<u8>);

impl Tar {
    pub(crate) fn file(&mut self, name: &str, bytes: &[u8]) -> &mut Self {
        self.member(name, tar::EntryType::Regular, bytes)
    }

    pub(crate) fn member(&mut self, name: &str, kind: tar::EntryType, bytes: &[u8]) -> &mut Self {
        self.header(name, kind, bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    /// The header alone. No name is too odd for it.
    pub(crate) fn header(&mut self, name: &str, kind: tar::EntryType, bytes: u64) -> &mut Self {
        let mut header = tar::Header::new_ustar();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(kind);
        header.set_size(bytes);
        header.set_mode(0o644);
        header.set_cksum();
        self.0.extend_from_slice(header.as_bytes());
        self
    }

    /// Every file of a pack, under names that begin so.
    pub(crate) fn pack(&mut self, prefix: &str, pack: &Pack) -> &mut Self {
        for (name, bytes) in &pack.0 {
            self.file(&format!("{prefix}{name}"), bytes);
        }
        self
    }

    pub(crate) fn end(&self) -> Vec<u8> {
        [&self.0[..], &[0; 1024]].concat()
    }
}

//! The rows in which descriptions of environments are kept for a start without LaunchDarkly: those of the Relay Proxy, so
//! that either can start from the other's.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use super::entry::EnvironmentEntry;
use crate::model::Object;

/// What the sort key of a row begins with; the environment's ID follows.
pub const CACHE_ROW_PREFIX: &str = "env:";
/// How long a nonce is. One is used once.
pub const NONCE_BYTES: usize = 12;

const INFO: &[u8] = b"ld-relay autoconfig cache";
const KIND: &str = "environment";
/// The version that is written. The one before it is read too.
const MODEL_VERSION: u64 = 2;

/// Seals and opens rows. No `Debug`: it is a secret.
pub struct CacheKey {
    derived: LessSafeKey,
    /// Derived as an earlier Relay Proxy may have done it: for reading only.
    hashed: LessSafeKey,
}

/// Why a row cannot be used. Each is a sentence for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CacheFault {
    /// It cannot be opened.
    #[error("it does not decrypt: was the encryption key changed?")]
    Undecryptable,
    /// It holds something else.
    #[error("it holds no environment of a version that we read")]
    Foreign,
    /// It holds an environment that is none, or another one than its key says.
    #[error("it holds no usable description of its environment")]
    Unusable,
    /// The cryptographic library refused.
    #[error("the cryptographic library refused the operation")]
    Library,
}

/// What a cache holds.
#[derive(Debug)]
pub struct CacheReading {
    /// The descriptions that can be used.
    pub entries: Vec<EnvironmentEntry>,
    /// The rows that were skipped, by their sort key.
    pub skipped: Vec<(String, CacheFault)>,
}

/// What a reading of the cache comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheOutcome {
    /// There are environments.
    Rows,
    /// It was read and holds none.
    Empty,
    /// There are rows, and none can be used.
    Unreadable,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sealed<'a> {
    kind: String,
    model_version: u64,
    #[serde(borrow)]
    data: &'a RawValue,
}

struct KeyLength(usize);

impl KeyType for KeyLength {
    fn len(&self) -> usize {
        self.0
    }
}

impl CacheKey {
    /// From the cache's encryption key, or from the auto-configuration key if there is none. Blanks around it do not count.
    pub fn new(
        encryption_key: Option<&SecretString>,
        auto: &SecretString,
    ) -> Result<Self, CacheFault> {
        let own = encryption_key.map(|it| it.expose_secret().trim());
        let material = own.filter(|it| !it.is_empty());
        let material = material.unwrap_or_else(|| auto.expose_secret()).as_bytes();
        let hashed = Zeroizing::new(<[u8; 32]>::from(Sha256::digest(material)));
        let derived = derived(material, INFO)?;
        Ok(Self {
            derived: aes(&derived)?,
            hashed: aes(&hashed)?,
        })
    }

    /// The attribute `item` of an environment's row: nonce, ciphertext, tag. The nonce has to be random.
    pub fn seal(
        &self,
        entry: &EnvironmentEntry,
        nonce: [u8; NONCE_BYTES],
    ) -> Result<Vec<u8>, CacheFault> {
        let data = entry.text().expose_secret();
        // Sealed in place: no copy of the keys stays behind.
        let mut text = Vec::with_capacity(data.len() + 128);
        let head = format!(r#"{{"kind":"{KIND}","modelVersion":{MODEL_VERSION},"data":"#);
        text.extend_from_slice(head.as_bytes());
        text.extend_from_slice(data.as_bytes());
        text.push(b'}');
        let unique = Nonce::assume_unique_for_key(nonce);
        self.derived
            .seal_in_place_append_tag(unique, Aad::empty(), &mut text)
            .map_err(|_| CacheFault::Library)?;
        let mut sealed = nonce.to_vec();
        sealed.append(&mut text);
        Ok(sealed)
    }

    /// The description in a row of this sort key.
    pub fn open(&self, sort_key: &str, item: &[u8]) -> Result<EnvironmentEntry, CacheFault> {
        let id = sort_key.strip_prefix(CACHE_ROW_PREFIX);
        let id = id.ok_or(CacheFault::Foreign)?;
        let text = opened(&self.derived, item).or_else(|_| opened(&self.hashed, item))?;
        let text = std::str::from_utf8(&text).map_err(|_| CacheFault::Unusable)?;
        let Object::<Sealed<'_>>(row) =
            serde_json::from_str(text).map_err(|_| CacheFault::Unusable)?;
        if row.kind != KIND || !(1..=MODEL_VERSION).contains(&row.model_version) {
            return Err(CacheFault::Foreign);
        }
        let entry = EnvironmentEntry::parse(row.data.get()).map_err(|_| CacheFault::Unusable)?;
        entry.check(id).map_err(|_| CacheFault::Unusable)?;
        Ok(entry)
    }
}

impl CacheReading {
    /// Of all rows of the cache: sort keys with the attribute `item`. Rows that are no environment's are left aside.
    pub fn of<'a>(key: &CacheKey, rows: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let mut reading = Self {
            entries: Vec::new(),
            skipped: Vec::new(),
        };
        for (sort_key, item) in rows {
            match key.open(sort_key, item) {
                Ok(entry) => reading.entries.push(entry),
                Err(_) if !sort_key.starts_with(CACHE_ROW_PREFIX) => {}
                Err(fault) => reading.skipped.push((sort_key.to_owned(), fault)),
            }
        }
        reading
    }

    /// What it comes to. A cache that cannot be read does not count as empty.
    pub fn outcome(&self) -> CacheOutcome {
        match (self.entries.is_empty(), self.skipped.is_empty()) {
            (false, _) => CacheOutcome::Rows,
            (true, true) => CacheOutcome::Empty,
            (true, false) => CacheOutcome::Unreadable,
        }
    }
}

fn opened(key: &LessSafeKey, item: &[u8]) -> Result<Zeroizing<Vec<u8>>, CacheFault> {
    let (nonce, sealed) = item
        .split_first_chunk::<NONCE_BYTES>()
        .ok_or(CacheFault::Undecryptable)?;
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let mut text = Zeroizing::new(sealed.to_vec());
    let length = key
        .open_in_place(nonce, Aad::empty(), &mut text)
        .map_err(|_| CacheFault::Undecryptable)?
        .len();
    text.truncate(length);
    Ok(text)
}

fn aes(key: &[u8; 32]) -> Result<LessSafeKey, CacheFault> {
    let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| CacheFault::Library)?;
    Ok(LessSafeKey::new(key))
}

/// HKDF with SHA-256 and without salt.
fn derived<const N: usize>(material: &[u8], info: &[u8]) -> Result<Zeroizing<[u8; N]>, CacheFault> {
    let mut key = Zeroizing::new([0; N]);
    Salt::new(HKDF_SHA256, &[])
        .extract(material)
        .expand(&[info], KeyLength(N))
        .and_then(|okm| okm.fill(&mut *key))
        .map_err(|_| CacheFault::Library)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5869, appendix A.3: SHA-256, neither salt nor info.
    #[test]
    fn keys_are_derived_as_rfc_5869_says() {
        let key = derived::<42>(&[0x0b; 22], b"").unwrap();
        assert_eq!(
            hex::encode(*key),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
        );
    }
}

//! The cache's rows, as the Relay Proxy writes them. `vectors/main.go` made the fixture.

use std::collections::HashMap;

use ld_dynamodb_relay::roster::{CacheFault, CacheKey, CacheOutcome, CacheReading, NONCE_BYTES};
use secrecy::{ExposeSecret, SecretString};

use crate::world::{entry, environment, fixture};

struct Vectors(HashMap<String, String>);

impl Vectors {
    fn read() -> Self {
        Self(serde_json::from_str(&fixture("auto-config-cache.json")).unwrap())
    }

    fn sealed(&self, name: &str) -> Vec<u8> {
        hex::decode(&self.0[name]).unwrap()
    }

    fn key(&self) -> CacheKey {
        key(&self.0["material"])
    }
}

fn key(material: &str) -> CacheKey {
    let material = SecretString::from(material);
    CacheKey::new(Some(&material), &"rel-another".into()).unwrap()
}

#[test]
fn rows_of_the_relay_proxy_are_read() {
    let vectors = Vectors::read();
    for name in ["version1", "version2", "hashed"] {
        let entry = vectors.key().open("env:66f2", &vectors.sealed(name));
        let entry = entry.expect(name);
        assert_eq!(entry.text().expose_secret(), vectors.0["data"], "{name}");
        assert_eq!((&*entry.id, entry.version), ("66f2", 4));
    }
}

#[test]
fn rows_are_written_as_the_relay_proxy_writes_them() {
    let vectors = Vectors::read();
    let sealed = vectors.sealed("version2");
    let entry = vectors.key().open("env:66f2", &sealed).unwrap();
    let nonce: [u8; NONCE_BYTES] = vectors.sealed("nonce").try_into().unwrap();
    assert_eq!(vectors.key().seal(&entry, nonce).unwrap(), sealed);
}

#[test]
fn what_cannot_be_used_says_why() {
    let vectors = Vectors::read();
    let open = |key: &CacheKey, sort_key: &str, item: &[u8]| {
        key.open(sort_key, item).map(|_| ()).unwrap_err()
    };
    let good = vectors.sealed("version2");
    let mut altered = good.clone();
    altered[20] ^= 1;
    let ours = vectors.key();
    for (sort_key, item, expected) in [
        ("env:66f2", &vectors.sealed("version3"), CacheFault::Foreign),
        ("env:66f2", &vectors.sealed("filter"), CacheFault::Foreign),
        ("filter:66f2", &good, CacheFault::Foreign),
        ("env:another", &good, CacheFault::Unusable),
        ("env:66f2", &altered, CacheFault::Undecryptable),
        ("env:66f2", &good[..11].to_vec(), CacheFault::Undecryptable),
        ("env:66f2", &Vec::new(), CacheFault::Undecryptable),
    ] {
        assert_eq!(open(&ours, sort_key, item), expected, "{sort_key}");
    }
    let changed = key("another key");
    assert_eq!(open(&changed, "env:66f2", &good), CacheFault::Undecryptable);
}

#[test]
fn the_key_is_trimmed_and_without_one_it_is_the_auto_configuration_key() {
    let nonce = [7; NONCE_BYTES];
    let entry = entry(&environment("a", 1));
    let with = |own: Option<&str>, auto: &str| {
        let own = own.map(SecretString::from);
        CacheKey::new(own.as_ref(), &auto.into())
            .unwrap()
            .seal(&entry, nonce)
            .unwrap()
    };
    let sealed = with(Some("material"), "rel-1");
    assert_eq!(with(Some(" material\n"), "rel-2"), sealed);
    assert_eq!(with(None, "material"), sealed);
    assert_eq!(with(Some(" "), "material"), sealed);
    assert_ne!(with(Some("material"), "rel-1"), with(None, "rel-1"));
}

#[test]
fn a_reading_tells_an_empty_cache_from_an_unreadable_one() {
    let vectors = Vectors::read();
    let good = vectors.sealed("version2");
    let filter = vectors.sealed("filter");
    let outcome = |rows: &[(&str, &[u8])]| {
        let reading = CacheReading::of(&vectors.key(), rows.iter().copied());
        (
            reading.outcome(),
            reading.entries.len(),
            reading.skipped.len(),
        )
    };
    assert_eq!(outcome(&[]), (CacheOutcome::Empty, 0, 0));
    assert_eq!(
        outcome(&[("filter:f", &filter)]),
        (CacheOutcome::Empty, 0, 0)
    );
    let bad = ("env:b", &good[..3]);
    assert_eq!(outcome(&[bad]), (CacheOutcome::Unreadable, 0, 1));
    let both = [bad, ("env:66f2", &good[..])];
    assert_eq!(outcome(&both), (CacheOutcome::Rows, 1, 1));
}

#[test]
fn a_row_that_says_the_same_is_known_whatever_its_nonce() {
    let key = key("material");
    let entry = entry(&environment("a", 1));
    let one = key.seal(&entry, [1; NONCE_BYTES]).unwrap();
    let other = key.seal(&entry, [2; NONCE_BYTES]).unwrap();
    assert_ne!(one, other);
    let one = key.open("env:a", &one).unwrap();
    assert!(one.is_same_text(&key.open("env:a", &other).unwrap()));
    assert!(!one.is_same_text(&crate::world::entry(&environment("a", 2))));
}

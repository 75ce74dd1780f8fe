//! Keys, rows and items to begin with.

use std::time::Duration;

use ld_dynamodb_relay::model::{Digest, Generation, Item, ItemKey, Stamp, StoredVersion};
use proptest::prelude::*;
use serde_json::value::RawValue;
use tokio::time::Instant;

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_mins(1);

/// Some time, long after nothing.
pub(crate) fn start() -> Instant {
    Instant::now() + Duration::from_hours(1)
}

/// The keys with even numbers are segments', the others flags'; within a kind they are in order.
pub(crate) fn key(number: u8) -> ItemKey {
    let name = format!("k{:03}", number / 2);
    if number.is_multiple_of(2) {
        ItemKey::segment(name)
    } else {
        ItemKey::flag(name)
    }
}

pub(crate) fn keys(count: u8) -> impl Iterator<Item = ItemKey> {
    (0..count).map(key)
}

/// A row at a version, where it has one.
pub(crate) fn stamp(version: Option<u64>, salt: u8, tombstone: bool) -> Stamp {
    let text = format!("{version:?} {salt} {tombstone}");
    Stamp {
        version: version.map_or(StoredVersion::Missing, StoredVersion::Number),
        tombstone,
        bare: false,
        digest: Digest::of_attributes([("item", 'S', text.as_bytes())]),
    }
}

/// A row or none.
pub(crate) fn row() -> impl Strategy<Value = Option<Stamp>> {
    let version = prop_oneof![1 => Just(None), 8 => (1..4_u64).prop_map(Some)];
    let any = (version, 0..2_u8, prop::bool::weighted(0.3));
    prop::option::weighted(
        0.7,
        any.prop_map(|(version, salt, tombstone)| stamp(version, salt, tombstone)),
    )
}

/// An item as it would have come.
pub(crate) fn item(key: &ItemKey, version: u64, salt: u8) -> Item {
    let name = &key.key;
    let text = format!(r#"{{"key":"{name}","version":{version},"salt":"{salt}"}}"#);
    Item::parse(key, &RawValue::from_string(text).unwrap())
}

pub(crate) fn generation(number: u64) -> Generation {
    (0..number).fold(Generation::default(), |it, _| it.next())
}

/// A random number from 0 to 1, its ends included.
pub(crate) fn jitter() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), Just(1.0), 0.0..1.0_f64]
}

/// Whether two times are one, but for rounding.
pub(crate) fn close(one: Duration, other: Duration) -> bool {
    one.abs_diff(other) < Duration::from_micros(1)
}

//! Items to plan with.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ld_dynamodb_relay::model::{DataSet, Digest, Item, ItemKey, Stamp};
use ld_dynamodb_relay::plan::{Aside, Plan, Policy, Write};
use serde_json::value::RawValue;
use tokio::time::Instant;

/// The length of `features`.
pub(crate) const NAMESPACE_BYTES: usize = 8;

/// One of few keys: every fourth is a segment's.
pub(crate) fn key(number: u8) -> ItemKey {
    if number.is_multiple_of(4) {
        ItemKey::segment(format!("s{number}"))
    } else {
        ItemKey::flag(format!("f{number}"))
    }
}

/// A live item. Different content of one version differs in its salt.
pub(crate) fn live(key: &ItemKey, version: u64, salt: u8) -> Item {
    requiring(key, version, salt, &[])
}

/// A flag that requires others.
pub(crate) fn requiring(key: &ItemKey, version: u64, salt: u8, required: &[ItemKey]) -> Item {
    let prerequisites: Vec<_> = required
        .iter()
        .map(|it| serde_json::json!({ "key": &*it.key, "variation": 0 }))
        .collect();
    let text = serde_json::json!({
        "key": &*key.key,
        "version": version,
        "salt": salt,
        "prerequisites": prerequisites,
    });
    parse(key, text.to_string())
}

/// Reads an item as it would have come.
pub(crate) fn parse(key: &ItemKey, text: String) -> Item {
    Item::parse(key, &RawValue::from_string(text).unwrap())
}

/// Live items at version 1 with these numbers.
pub(crate) fn set(numbers: impl IntoIterator<Item = u8>) -> DataSet {
    numbers
        .into_iter()
        .map(|number| (key(number), live(&key(number), 1, 0)))
        .collect()
}

static NOTHING_LEFT: LazyLock<HashMap<ItemKey, Option<Digest>>> = LazyLock::new(HashMap::new);

static NOBODY: LazyLock<HashMap<ItemKey, Aside>> = LazyLock::new(HashMap::new);

/// No drift is left, nothing is confirmed, nothing is urgent, nothing has expired.
pub(crate) fn policy(now: Instant, none: &HashSet<ItemKey>) -> Policy<'_> {
    Policy {
        now,
        namespace_bytes: NAMESPACE_BYTES,
        confirmed_removals: None,
        urgent: none,
        leave: &NOTHING_LEFT,
        leave_marker: false,
        expired: none,
        aside: &NOBODY,
    }
}

/// Whether a write makes an item unreadable.
pub(crate) fn removes(write: &Write) -> bool {
    match write {
        Write::Put(_, item, _) => item.is_tombstone(),
        Write::Remove(..) => true,
        Write::MarkInitialized => false,
    }
}

/// All writes of a plan.
pub(crate) fn writes(plan: &Plan) -> Vec<Write> {
    plan.stages.iter().flatten().cloned().collect()
}

/// Whether a row may stand for what is said.
pub(crate) fn is_as_said(said: Option<&Item>, stored: Option<&Stamp>) -> bool {
    match (said, stored) {
        (None, stored) => stored.is_none_or(|stored| stored.tombstone),
        (Some(item), Some(stored)) => {
            stored.digest == item.digest || (item.is_tombstone() && stored.tombstone)
        }
        (Some(_), None) => false,
    }
}

/// Whether storing what is said would make a row older, other or unreadable.
pub(crate) fn goes_backward(said: Option<&Item>, stored: &Stamp) -> bool {
    if is_as_said(said, Some(stored)) {
        return false;
    }
    let version = said.and_then(Item::version);
    !matches!((version, stored.number()), (Some(said), Some(stored)) if said > stored)
}

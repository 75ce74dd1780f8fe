//! The order of writes: whatever a reader sees in between, nothing that it sees refers to what is not there yet.

use std::collections::{HashMap, HashSet};

use super::Write;
use crate::model::{ItemKey, Kind};

/// Segments; urgent flags with what they require, in waves; urgent removals; the other flags in waves; the other removals,
/// flags before segments.
pub(super) fn stages(writes: Vec<Write>, urgent: &HashSet<ItemKey>) -> Vec<Vec<Write>> {
    let (mut segments, mut flags, mut removals) = (Vec::new(), HashMap::new(), Vec::new());
    for write in writes {
        match &write {
            Write::Put(_, item, _) if item.is_tombstone() => removals.push(write),
            Write::Put(key, ..) if key.kind == Kind::Segment => segments.push(write),
            Write::Put(key, ..) => {
                flags.insert(key.key.clone(), write);
            }
            Write::Remove(..) | Write::MarkInitialized => removals.push(write),
        }
    }
    segments.sort_by_key(|write| !is_in(urgent, write));
    let (first, rest) = split_urgent(flags, urgent);
    let (first_removals, other_removals): (Vec<_>, Vec<_>) =
        removals.into_iter().partition(|write| is_in(urgent, write));
    let mut stages = vec![segments];
    stages.extend(waves(first));
    stages.extend(by_kind(first_removals));
    stages.extend(waves(rest));
    stages.extend(by_kind(other_removals));
    stages.retain(|stage| !stage.is_empty());
    stages
}

type Flags = HashMap<std::sync::Arc<str>, Write>;

fn is_in(keys: &HashSet<ItemKey>, write: &Write) -> bool {
    match write {
        Write::Put(key, ..) | Write::Remove(key, _) => keys.contains(key),
        Write::MarkInitialized => false,
    }
}

/// Urgent flags and, transitively, the flags among `flags` that they require; and the others.
fn split_urgent(mut flags: Flags, urgent: &HashSet<ItemKey>) -> (Flags, Flags) {
    let mut first = Flags::new();
    let mut queue: Vec<_> = urgent
        .iter()
        .filter(|key| key.kind == Kind::Flag)
        .map(|key| key.key.clone())
        .collect();
    while let Some(key) = queue.pop() {
        if let Some(write) = flags.remove(&key) {
            queue.extend(prerequisites(&write).cloned());
            first.insert(key, write);
        }
    }
    (first, flags)
}

fn prerequisites(write: &Write) -> impl Iterator<Item = &std::sync::Arc<str>> {
    let item = match write {
        Write::Put(_, item, _) => Some(item),
        _ => None,
    };
    item.into_iter().flat_map(|item| item.prerequisites.iter())
}

/// Each flag after those of `left` that it requires. Flags that require each other go at once.
fn waves(mut left: Flags) -> Vec<Vec<Write>> {
    let mut waves = Vec::new();
    while !left.is_empty() {
        let mut ready: Vec<_> = left
            .iter()
            .filter(|(_, write)| !prerequisites(write).any(|required| left.contains_key(required)))
            .map(|(key, _)| key.clone())
            .collect();
        if ready.is_empty() {
            ready = cycles(&left);
        }
        ready.sort_unstable();
        waves.push(ready.iter().filter_map(|key| left.remove(key)).collect());
    }
    waves
}

/// What remains of `left`, in which everything requires something, without what only requires and is not required.
fn cycles(left: &Flags) -> Vec<std::sync::Arc<str>> {
    let mut core: HashSet<_> = left.keys().cloned().collect();
    loop {
        let required: HashSet<_> = core
            .iter()
            .filter_map(|key| left.get(key))
            .flat_map(prerequisites)
            .cloned()
            .collect();
        let before = core.len();
        core.retain(|key| required.contains(key));
        if core.len() == before {
            return core.into_iter().collect();
        }
    }
}

fn by_kind(writes: Vec<Write>) -> [Vec<Write>; 2] {
    let (flags, segments) = writes.into_iter().partition(|write| match write {
        Write::Put(key, ..) | Write::Remove(key, _) => key.kind == Kind::Flag,
        Write::MarkInitialized => false,
    });
    [flags, segments]
}

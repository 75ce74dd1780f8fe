//! The order of writes: whatever a reader sees in between, nothing that it sees refers to what is not there yet.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Write;
use crate::model::{ItemKey, Kind};

/// Segments; urgent flags with what they require, in waves; urgent removals of flags; the other flags in waves; the other removals,
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
    // A segment stays until every flag that may have used it has been written.
    let goes_first = |write: &Write| is_in(urgent, write) && !is_segment(write);
    let (first_removals, other_removals): (Vec<_>, Vec<_>) =
        removals.into_iter().partition(goes_first);
    let mut stages = vec![segments];
    stages.extend(waves(first));
    stages.push(first_removals);
    stages.extend(waves(rest));
    stages.extend(by_kind(other_removals));
    stages.retain(|stage| !stage.is_empty());
    stages
}

fn is_segment(write: &Write) -> bool {
    write.key().is_some_and(|key| key.kind == Kind::Segment)
}

type Flags = HashMap<Arc<str>, Write>;

fn is_in(keys: &HashSet<ItemKey>, write: &Write) -> bool {
    write.key().is_some_and(|key| keys.contains(key))
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

fn prerequisites(write: &Write) -> impl Iterator<Item = &Arc<str>> {
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
            ready = cycle(&left);
        }
        ready.sort_unstable();
        waves.push(ready.iter().filter_map(|key| left.remove(key)).collect());
    }
    waves
}

/// Of `left`, in which everything requires something: flags that require each other and, of `left`, nothing else.
fn cycle(left: &Flags) -> Vec<Arc<str>> {
    let mut requiring: HashMap<&str, Vec<&Arc<str>>> = HashMap::new();
    for (key, write) in left {
        for required in prerequisites(write) {
            requiring.entry(required).or_default().push(key);
        }
    }
    let Some(mut start) = left.keys().next() else {
        return Vec::new();
    };
    loop {
        let required = reach(start, |key| {
            let required = left.get(key).into_iter().flat_map(prerequisites);
            required.filter(|key| left.contains_key(*key)).collect()
        });
        let back = reach(start, |key| requiring.get(key).cloned().unwrap_or_default());
        match required.iter().find(|key| !back.contains(*key)) {
            // Required, and does not require `start`: nearer to the ground.
            Some(lower) => start = lower,
            None => return required.into_iter().cloned().collect(),
        }
    }
}

/// Everything that can be reached from `start`, itself included.
fn reach<'a>(
    start: &'a Arc<str>,
    next: impl Fn(&str) -> Vec<&'a Arc<str>>,
) -> HashSet<&'a Arc<str>> {
    let mut found = HashSet::from([start]);
    let mut queue = vec![start];
    while let Some(key) = queue.pop() {
        let new = next(key).into_iter().filter(|key| found.insert(*key));
        queue.extend(new);
    }
    found
}

fn by_kind(writes: Vec<Write>) -> [Vec<Write>; 2] {
    let (segments, flags) = writes.into_iter().partition(is_segment);
    [flags, segments]
}

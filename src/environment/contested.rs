//! Who else writes here: items that verify after verify finds altered.

use std::collections::{BTreeSet, HashMap};

use crate::model::ItemKey;

/// Found drifted by so many verifies running, an item is contested.
const IN_A_ROW: u32 = 3;

/// How many verifies running found each item drifted. No larger than the drift.
#[derive(Default)]
pub(super) struct Contests(HashMap<ItemKey, u32>);

impl Contests {
    /// A verify found that these drifted. An item whose repair has waited since the verify before could not drift
    /// again: it is counted neither up nor down.
    pub(super) fn verified<'a>(
        &mut self,
        drifted: impl Iterator<Item = &'a ItemKey>,
        waits: impl Fn(&ItemKey) -> bool,
    ) {
        let mut before = std::mem::take(&mut self.0);
        for key in drifted {
            let running = before.remove(key).unwrap_or_default();
            self.0.insert(key.clone(), running.saturating_add(1));
        }
        self.0
            .extend(before.into_iter().filter(|(key, _)| waits(key)));
    }

    /// Those that somebody else keeps writing.
    pub(super) fn contested(&self) -> BTreeSet<ItemKey> {
        let many = self.0.iter().filter(|(_, running)| **running >= IN_A_ROW);
        many.map(|(key, _)| key.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> ItemKey {
        ItemKey::flag(name)
    }

    fn verify(contests: &mut Contests, drifted: &[&str], waiting: &[&str]) -> Vec<String> {
        let drifted: Vec<_> = drifted.iter().map(|name| key(name)).collect();
        let waits = |it: &ItemKey| waiting.contains(&&*it.key);
        contests.verified(drifted.iter(), waits);
        let contested = contests.contested();
        contested.iter().map(|it| it.key.to_string()).collect()
    }

    #[test]
    fn three_verifies_running_make_it_contested_and_one_without_drift_ends_it() {
        let mut contests = Contests::default();
        assert!(verify(&mut contests, &["a", "b"], &[]).is_empty());
        assert!(verify(&mut contests, &["a"], &[]).is_empty());
        assert_eq!(verify(&mut contests, &["a", "b"], &[]), ["a"]);
        assert_eq!(verify(&mut contests, &["b", "a"], &[]), ["a"]);
        assert_eq!(verify(&mut contests, &["b"], &[]), ["b"]);
        assert!(verify(&mut contests, &[], &[]).is_empty());
        assert!(
            contests.0.is_empty(),
            "nothing is remembered of what is well"
        );
    }

    #[test]
    fn what_waits_to_be_repaired_is_not_forgotten() {
        let mut contests = Contests::default();
        verify(&mut contests, &["a"], &[]);
        verify(&mut contests, &["a"], &[]);
        assert!(verify(&mut contests, &[], &["a"]).is_empty());
        assert_eq!(verify(&mut contests, &["a"], &[]), ["a"]);
        assert_eq!(verify(&mut contests, &[], &["a"]), ["a"]);
        assert!(verify(&mut contests, &[], &[]).is_empty());
    }
}

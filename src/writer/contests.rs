//! Who else writes here: items that verify after verify finds altered.

use std::collections::{BTreeSet, HashMap};

use crate::model::ItemKey;

/// An item that so many consecutive verifies find altered is contested, and one that so many find unaltered no longer.
const RUNNING: u32 = 3;

/// What the last verifies found of each item that drifted. No larger than the drift.
#[derive(Debug, Default)]
pub(super) struct Contests(HashMap<ItemKey, Count>);

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    /// Consecutive verifies that found it altered, up to [`RUNNING`].
    altered: u32,
    /// Consecutive verifies since then that found it as it was left.
    clean: u32,
}

impl Count {
    const fn is_contested(self) -> bool {
        self.altered >= RUNNING
    }
}

impl Contests {
    /// A verify found that these drifted. An item whose repair has waited since the verify before is counted neither up
    /// nor down: nothing was there to be altered.
    pub(super) fn verified<'a>(
        &mut self,
        drifted: impl Iterator<Item = &'a ItemKey>,
        waits: impl Fn(&ItemKey) -> bool,
    ) {
        let mut before = std::mem::take(&mut self.0);
        for key in drifted {
            let count = before.remove(key).unwrap_or_default();
            let altered = RUNNING.min(count.altered + 1);
            self.0.insert(key.clone(), Count { altered, clean: 0 });
        }
        for (key, mut count) in before {
            if !waits(&key) {
                count.clean += 1;
            }
            let over = if count.is_contested() { RUNNING } else { 1 };
            if count.clean < over {
                self.0.insert(key, count);
            }
        }
    }

    /// Those that somebody else keeps writing.
    pub(super) fn contested(&self) -> BTreeSet<ItemKey> {
        let many = self.0.iter().filter(|(_, count)| count.is_contested());
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
    fn three_verifies_running_make_it_contested_and_three_without_drift_end_it() {
        let mut contests = Contests::default();
        assert!(verify(&mut contests, &["a", "b"], &[]).is_empty());
        assert!(verify(&mut contests, &["a"], &[]).is_empty());
        assert_eq!(verify(&mut contests, &["a", "b"], &[]), ["a"]);
        assert_eq!(verify(&mut contests, &["b"], &[]), ["a"]);
        assert_eq!(verify(&mut contests, &["b"], &[]), ["a", "b"]);
        assert_eq!(verify(&mut contests, &["b"], &[]), ["b"], "a is over");
        for _ in 0..2 {
            assert_eq!(verify(&mut contests, &[], &[]), ["b"]);
        }
        assert!(verify(&mut contests, &[], &[]).is_empty());
        assert!(
            contests.0.is_empty(),
            "nothing is remembered of what is well"
        );
    }

    #[test]
    fn who_rewrites_now_and_then_stays_contested() {
        let mut contests = Contests::default();
        for _ in 0..3 {
            verify(&mut contests, &["a"], &[]);
        }
        for _ in 0..20 {
            assert_eq!(verify(&mut contests, &[], &[]), ["a"]);
            assert_eq!(verify(&mut contests, &[], &[]), ["a"]);
            assert_eq!(verify(&mut contests, &["a"], &[]), ["a"]);
        }
    }

    #[test]
    fn what_waits_to_be_repaired_is_not_forgotten() {
        let mut contests = Contests::default();
        verify(&mut contests, &["a"], &[]);
        verify(&mut contests, &["a"], &[]);
        assert!(verify(&mut contests, &[], &["a"]).is_empty());
        assert_eq!(verify(&mut contests, &["a"], &[]), ["a"]);
        for _ in 0..5 {
            assert_eq!(verify(&mut contests, &[], &["a"]), ["a"]);
        }
    }
}

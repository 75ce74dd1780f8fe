//! The webhooks that were here: LaunchDarkly repeats those that it takes for lost, and others may repeat what they saw.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::Digest;

/// So many are remembered.
const MOST: usize = 10_000;
/// For so long.
const LONGEST: Duration = Duration::from_hours(24);

/// The last ones, by digest.
#[derive(Default)]
pub(super) struct Deduplicator {
    digests: HashSet<Digest>,
    /// The same in the order in which they came.
    order: VecDeque<(Instant, Digest)>,
}

impl Deduplicator {
    /// Whether it comes for the first time; from now on it has been here.
    pub(super) fn is_new(&mut self, digest: Digest, now: Instant) -> bool {
        let is_old = |came: Instant| now.saturating_duration_since(came) >= LONGEST;
        while self.order.front().is_some_and(|(came, _)| is_old(*came)) {
            self.forget_the_oldest();
        }
        let is_new = self.digests.insert(digest);
        if is_new {
            self.order.push_back((now, digest));
        }
        // Only what is new takes a place, so that repeating one pushes no other out.
        if self.order.len() > MOST {
            self.forget_the_oldest();
        }
        is_new
    }

    fn forget_the_oldest(&mut self) {
        if let Some((_, oldest)) = self.order.pop_front() {
            self.digests.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(number: usize) -> Digest {
        Digest::of_item(0, &number.to_string())
    }

    #[test]
    fn what_was_here_is_not_new_for_a_day() {
        let mut deduplicator = Deduplicator::default();
        let start = Instant::now();
        assert!(deduplicator.is_new(digest(1), start));
        assert!(deduplicator.is_new(digest(2), start));
        let late = start + LONGEST - Duration::from_millis(1);
        assert!(!deduplicator.is_new(digest(1), late));
        assert!(deduplicator.is_new(digest(1), start + LONGEST));
        assert_eq!(
            deduplicator.order.len(),
            1,
            "the other one is forgotten as well"
        );
    }

    #[test]
    fn the_last_ten_thousand_are_remembered_and_no_more() {
        let mut deduplicator = Deduplicator::default();
        let now = Instant::now();
        for number in 0..3 * MOST {
            assert!(deduplicator.is_new(digest(number), now));
            assert!(deduplicator.order.len() <= MOST);
            assert_eq!(deduplicator.order.len(), deduplicator.digests.len());
        }
        for _ in 0..3 {
            for number in 2 * MOST..3 * MOST {
                assert!(!deduplicator.is_new(digest(number), now));
            }
        }
        assert!(deduplicator.is_new(digest(0), now));
    }
}

//! The brake: holds all removals of a full set or none. One answer that leaves out most of what is live removes nothing.

use std::time::Duration;

use tokio::time::Instant;

use super::{Holds, PlanDraft, Reason, Scope};
use crate::model::ItemKey;

/// How long two full sets must be apart for the second to release the brake.
pub const BRAKE_TIME: Duration = Duration::from_mins(10);
/// Removals that never meet the brake, however small the environment is.
const BRAKE_FREE: usize = 20;

impl PlanDraft<'_> {
    /// Holds all confirmed removals of a set or none. A set is judged once, when all of it is compared; until
    /// then its removals wait as they are.
    pub(super) fn judge(&mut self, scope: Scope<'_>) -> Option<(Instant, bool)> {
        let asked = self.desired.asked;
        let judged = self.held.judged.filter(|(set, _)| *set == asked);
        let confirmed = self.policy.confirmed_removals == Some(self.removals.len());
        let (verdict, release) = match judged {
            Some((_, released)) => (true, released || confirmed),
            None if matches!(scope, Scope::All) => (
                true,
                confirmed || !self.too_many() || self.said_long_enough() || self.all_going(),
            ),
            None => (false, false),
        };
        for (key, write) in std::mem::take(&mut self.removals) {
            if release {
                self.write(&key, None, write);
            } else if let Some(hold) = self.next.get_mut(&key) {
                if verdict && hold.reason != Reason::Brake {
                    (hold.reason, hold.since) = (Reason::Brake, self.policy.now);
                }
                hold.going = !verdict && was_going(self.held, &key);
            }
        }
        if verdict {
            Some((asked, release))
        } else {
            self.held.judged
        }
    }

    fn too_many(&self) -> bool {
        let live = self
            .observed
            .items
            .values()
            .filter(|stored| !stored.tombstone)
            .count();
        self.removals.len() > BRAKE_FREE && self.removals.len() * 2 > live
    }

    /// All of them were released with an earlier set, and the store was slower than LaunchDarkly: a release holds until it
    /// is done, or until more is to be removed.
    fn all_going(&self) -> bool {
        let mut removals = self.removals.iter();
        removals.all(|(key, _)| was_going(self.held, key))
    }

    fn said_long_enough(&self) -> bool {
        self.removals.iter().all(|(key, _)| {
            let before = self
                .held
                .items
                .get(key)
                .filter(|before| before.reason == Reason::Brake);
            before.is_some_and(|before| before.since + BRAKE_TIME <= self.desired.asked)
        })
    }
}

fn was_going(held: &Holds, key: &ItemKey) -> bool {
    held.items.get(key).is_some_and(|hold| hold.going)
}

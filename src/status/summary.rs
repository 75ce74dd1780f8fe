//! What the facts of all environments mean together, in numbers.

use std::time::Duration;

use tokio::time::Instant;

use super::{Facts, HeldReason, TablePhase, health};

/// The process in numbers, at an instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Environments that there are.
    pub environments: usize,
    /// Those that are up to date.
    pub up_to_date: usize,
    /// Those that have not been for longer than is tolerated.
    pub stale: usize,
    /// Those whose readers have no usable data.
    pub uninitialized: usize,
    /// Those whose key LaunchDarkly refuses, or for which it has no stream.
    pub keys_refused: usize,
    /// Those whose table or role an operator has to mend, or whose key belongs to another environment.
    pub misconfigured: usize,
    /// Removals that the brake holds.
    pub removals_held: usize,
    /// Items that are larger than a row may be.
    pub items_too_large: usize,
    /// Items that cannot be stored as they are.
    pub items_malformed: usize,
    /// Items that somebody else keeps altering.
    pub contested: usize,
    /// Rows written and rows removed since the start.
    pub written: u64,
}

impl Summary {
    /// Counts one environment more.
    pub fn add(
        &mut self,
        facts: &Facts,
        now: Instant,
        read_timeout: Duration,
        tolerated: Duration,
    ) {
        let health = health(facts, now, read_timeout, tolerated);
        let held = |reason| {
            let held = facts.held.values();
            held.filter(|held| held.reason == reason).count()
        };
        self.environments += 1;
        self.up_to_date += usize::from(health.up_to_date);
        self.stale += usize::from(health.stale);
        self.uninitialized += usize::from(!health.usable);
        self.keys_refused += usize::from(health.refused);
        self.misconfigured += usize::from(facts.table.0 == TablePhase::Misconfigured);
        self.removals_held += facts.braked;
        self.items_too_large += held(HeldReason::TooLarge);
        self.items_malformed += held(HeldReason::Malformed);
        self.contested += facts.contested.len();
        self.written += facts.written;
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::clock::Moment;
    use crate::model::ItemKey;
    use crate::status::{EnvironmentStatus, Held, SourcePhase};

    const MINUTE: Duration = Duration::from_mins(1);

    fn moment() -> Moment {
        Moment {
            monotonic: Instant::now(),
            wall: SystemTime::UNIX_EPOCH,
        }
    }

    fn of(now: Instant, statuses: &[&EnvironmentStatus]) -> Summary {
        let mut summary = Summary::default();
        for status in statuses {
            summary.add(&status.facts(), now, 5 * MINUTE, MINUTE);
        }
        summary
    }

    fn well(start: Moment) -> EnvironmentStatus {
        let status = EnvironmentStatus::new(start);
        status.update(|facts| {
            facts.source = (SourcePhase::Connected, start);
            facts.table = (TablePhase::Settled, start);
            facts.heard = Some(start);
            facts.initialized = true;
            facts.written = 3;
        });
        status
    }

    #[test]
    fn each_trouble_has_its_number() {
        let start = moment();
        let (good, bad) = (well(start), EnvironmentStatus::new(start));
        let young = of(start.monotonic, &[&good, &bad]);
        let expected = Summary {
            environments: 2,
            up_to_date: 1,
            uninitialized: 1,
            written: 3,
            ..Summary::default()
        };
        assert_eq!(young, expected);
        assert!(good.facts().is_tried() && !bad.facts().is_tried());

        bad.update(|facts| {
            facts.source = (SourcePhase::Refused, start);
            facts.table = (TablePhase::Misconfigured, start);
            facts.braked = 21;
            facts.contested = [ItemKey::flag("fought-over")].into();
            for (key, reason) in [
                ("a", HeldReason::TooLarge),
                ("b", HeldReason::Malformed),
                ("c", HeldReason::Malformed),
                ("d", HeldReason::Brake),
                ("e", HeldReason::Unconfirmed),
            ] {
                let (detail, since) = (String::new(), start.monotonic);
                let held = Held {
                    reason,
                    detail,
                    since,
                };
                facts.held.insert(ItemKey::flag(key), held);
            }
        });
        let later = of(start.monotonic + MINUTE + MINUTE / 60, &[&good, &bad]);
        let expected = Summary {
            stale: 1,
            keys_refused: 1,
            misconfigured: 1,
            removals_held: 21,
            items_too_large: 1,
            items_malformed: 2,
            contested: 1,
            ..expected
        };
        assert_eq!(later, expected);
        assert!(bad.facts().is_tried());
    }
}

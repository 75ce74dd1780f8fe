//! Until when the table is known to hold what LaunchDarkly says.

use super::{Facts, HeldReason};
use crate::clock::Moment;

impl Facts {
    /// When LaunchDarkly was last heard while everything that it had said was stored or held by name. A heartbeat counts: it
    /// says that nothing is missing, unless we know better. It never goes back.
    pub const fn confirmed(&self) -> Option<Moment> {
        self.confirmed
    }

    /// Since when the brake has been holding removals.
    pub fn braked_since(&self) -> Option<tokio::time::Instant> {
        let braked = self
            .held
            .values()
            .filter(|held| held.reason == HeldReason::Brake);
        braked.map(|held| held.since).min()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use tokio::time::Instant;

    use crate::clock::Moment;
    use crate::model::Generation;
    use crate::status::{EnvironmentStatus, SourcePhase, TablePhase};

    #[test]
    fn what_is_confirmed_neither_runs_ahead_nor_goes_back() {
        let start = Instant::now();
        let at = |seconds| Moment {
            monotonic: start + Duration::from_secs(seconds),
            wall: SystemTime::UNIX_EPOCH + Duration::from_secs(seconds),
        };
        let status = EnvironmentStatus::new(at(0));
        let check = |seconds, source, table, expect: Option<u64>| {
            status.note(|facts| facts.heard = Some(at(seconds)));
            status.update(|facts| {
                facts.source.0 = source;
                facts.table.0 = table;
                facts.said_everything = source == SourcePhase::Connected;
            });
            let confirmed = status.facts().confirmed().map(|it| it.monotonic);
            assert_eq!(confirmed, expect.map(|it| at(it).monotonic), "at {seconds}");
        };
        let (connecting, connected) = (SourcePhase::Connecting, SourcePhase::Connected);
        check(1, connecting, TablePhase::Reading, None);
        check(2, connected, TablePhase::Writing, None);
        check(3, connected, TablePhase::Settled, Some(3));
        // A heartbeat, an hour later.
        check(3_600, connected, TablePhase::Settled, Some(3_600));
        // A change that cannot be stored; the heartbeats go on, then the line is opened again.
        status.update(|facts| facts.table.0 = TablePhase::Unreachable);
        check(3_700, connected, TablePhase::Unreachable, Some(3_600));
        check(3_800, connecting, TablePhase::Writing, Some(3_600));
        check(
            3_900,
            SourcePhase::Interrupted,
            TablePhase::Settled,
            Some(3_600),
        );
        check(4_000, connected, TablePhase::Settled, Some(4_000));
    }

    /// A change that was heard is not confirmed before it is stored, however often LaunchDarkly says that it is there.
    #[test]
    fn what_is_heard_and_not_stored_yet_is_not_confirmed() {
        let start = Instant::now();
        let at = |seconds| Moment {
            monotonic: start + Duration::from_secs(seconds),
            wall: SystemTime::UNIX_EPOCH + Duration::from_secs(seconds),
        };
        let (first, second) = (
            Generation::default().next(),
            Generation::default().next().next(),
        );
        let status = EnvironmentStatus::new(at(0));
        status.update(|facts| {
            facts.source = (SourcePhase::Connected, at(1));
            facts.table = (TablePhase::Settled, at(1));
            facts.said_everything = true;
            facts.stored_up_to = first;
            facts.hear(first, at(1));
        });
        let confirmed = || status.facts().confirmed().map(|it| it.monotonic);
        assert_eq!(confirmed(), Some(at(1).monotonic));
        status.note(|facts| facts.hear(second, at(100)));
        status.note(|facts| facts.hear(second, at(200)));
        assert_eq!(confirmed(), Some(at(1).monotonic));
        let health = |seconds| {
            let minute = Duration::from_mins(1);
            crate::status::health(&status.facts(), at(seconds).monotonic, 5 * minute, minute)
        };
        assert!(!health(150).up_to_date && !health(150).stale);
        assert!(health(161).stale, "since it was heard");
        status.update(|facts| facts.stored_up_to = second);
        assert_eq!(confirmed(), Some(at(200).monotonic));
        assert!(health(201).up_to_date);
        // Something was announced that has not come: signs of life confirm nothing.
        status.update(|facts| facts.owed = Some(at(300)));
        status.note(|facts| facts.hear(second, at(400)));
        assert_eq!(confirmed(), Some(at(200).monotonic));
        assert!(!health(359).up_to_date && !health(360).stale);
        assert!(health(361).stale, "since it is known");
        status.update(|facts| facts.owed = None);
        assert_eq!(confirmed(), Some(at(400).monotonic));
        assert!(health(401).up_to_date);
    }
}

//! What facts mean at an instant. Computed when asked, so it cannot grow stale.

use std::time::Duration;

use tokio::time::Instant;

use super::{Facts, HeldReason, Reach, SourcePhase};

/// What the facts of an environment mean now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an answer of its own that the status shows"
)]
pub struct Health {
    /// LaunchDarkly was heard within the read timeout, everything that it said is stored or held by name, and nothing is
    /// known to be missing.
    pub up_to_date: bool,
    /// Not up to date for longer than is tolerated.
    pub stale: bool,
    /// Readers have usable data.
    pub usable: bool,
    /// LaunchDarkly refuses this environment's key.
    pub refused: bool,
    /// Somebody should look: stale, refused, without usable data, before a table that fails, with items held that no
    /// second full set will release, or with items that somebody else writes too.
    pub degraded: bool,
}

/// How long the answer to a poll may take.
const POLL_TIME: Duration = Duration::from_secs(30);

/// Computes [`Health`] at `now`. Where LaunchDarkly is polled, a poll that fails is made again an interval later: so long
/// nobody is alarmed.
pub fn health(facts: &Facts, now: Instant, read_timeout: Duration, tolerated: Duration) -> Health {
    let since = |at: Instant| now.saturating_duration_since(at);
    let again = facts
        .polled_each
        .map_or(Duration::ZERO, |each| each + POLL_TIME);
    let (read_timeout, tolerated) = (read_timeout.max(again), tolerated.max(again));
    let silence = facts.heard.map(|at| since(at.monotonic));
    let heard = silence.is_some_and(|silence| silence <= read_timeout);
    let up_to_date = facts.settled() && heard;
    let behind = if facts.settled() {
        // Silence counts from when it should have ended; who was never heard, from when the phase claims it.
        silence.map_or_else(
            || since(facts.changed().monotonic),
            |silence| silence.saturating_sub(read_timeout),
        )
    } else {
        since(
            facts
                .behind_since
                .unwrap_or_else(|| facts.changed())
                .monotonic,
        )
    };
    let stale = !up_to_date && behind > tolerated;
    let refused = facts.source.0 == SourcePhase::Refused;
    let set_aside = facts
        .held
        .values()
        .any(|held| held.reason != HeldReason::Unconfirmed);
    Health {
        up_to_date,
        stale,
        usable: facts.initialized,
        refused,
        degraded: stale
            || refused
            || set_aside
            || facts.braked > 0
            || !facts.contested.is_empty()
            || !facts.initialized
            || facts.reach.0 == Reach::Fails,
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use crate::clock::Moment;
    use crate::model::ItemKey;
    use crate::status::{EnvironmentStatus, Held, TablePhase};

    use super::*;

    const READ_TIMEOUT: Duration = Duration::from_mins(5);
    const TOLERATED: Duration = Duration::from_mins(1);

    /// An environment whose time is counted in seconds since its start.
    struct World {
        start: Instant,
        status: EnvironmentStatus,
    }

    impl World {
        fn new() -> Self {
            let start = Instant::now();
            let status = EnvironmentStatus::new(Moment {
                monotonic: start,
                wall: SystemTime::UNIX_EPOCH,
            });
            Self { start, status }
        }

        fn up_to_date_at(seconds: u64) -> Self {
            let world = Self::new();
            world.heard(seconds);
            world.source(seconds, SourcePhase::Connected);
            world.table(seconds, TablePhase::Settled);
            world.status.update(|facts| facts.initialized = true);
            world
        }

        fn at(&self, seconds: u64) -> Moment {
            Moment {
                monotonic: self.start + Duration::from_secs(seconds),
                wall: SystemTime::UNIX_EPOCH + Duration::from_secs(seconds),
            }
        }

        fn heard(&self, seconds: u64) {
            let at = self.at(seconds);
            self.status.update(|facts| facts.heard = Some(at));
        }

        fn source(&self, seconds: u64, phase: SourcePhase) {
            let at = self.at(seconds);
            self.status.update(|facts| facts.source = (phase, at));
        }

        fn table(&self, seconds: u64, phase: TablePhase) {
            let at = self.at(seconds);
            self.status.update(|facts| facts.table = (phase, at));
        }

        fn hold(&self, key: &str, reason: HeldReason) {
            let since = self.start;
            self.status.update(|facts| {
                let detail = String::new();
                let held = Held {
                    reason,
                    detail,
                    since,
                };
                facts.held.insert(ItemKey::flag(key), held);
            });
        }

        fn health(&self, seconds: u64) -> Health {
            let now = self.at(seconds).monotonic;
            health(&self.status.facts(), now, READ_TIMEOUT, TOLERATED)
        }
    }

    #[test]
    fn a_new_environment_is_behind_and_becomes_stale() {
        let world = World::new();
        let young = world.health(60);
        assert!(!young.up_to_date && !young.stale && !young.usable);
        assert!(young.degraded, "it was never initialised");
        assert!(world.health(61).stale);
    }

    #[test]
    fn up_to_date_lasts_as_long_as_launchdarkly_is_heard() {
        let world = World::up_to_date_at(1);
        assert!(world.health(301).up_to_date);
        assert!(!world.health(301).degraded);
        let silent = world.health(302);
        assert!(!silent.up_to_date && !silent.stale);
        assert!(!world.health(361).stale);
        assert!(world.health(362).stale);
    }

    #[test]
    fn stale_counts_from_the_last_time_that_both_halves_were_done() {
        let world = World::up_to_date_at(0);
        world.heard(190);
        // One trouble after the other, each shorter than is tolerated.
        world.table(100, TablePhase::Writing);
        world.table(130, TablePhase::Unreachable);
        world.source(140, SourcePhase::Interrupted);
        world.table(150, TablePhase::Settled);
        assert!(!world.health(160).stale);
        assert!(world.health(161).stale);
        world.source(190, SourcePhase::Connected);
        assert!(world.health(190).up_to_date && !world.health(190).stale);
        world.table(191, TablePhase::Writing);
        assert!(!world.health(200).stale, "it starts anew");
    }

    #[test]
    fn table_trouble_alone_makes_stale_and_degrades_at_once() {
        for phase in [TablePhase::Unreachable, TablePhase::Misconfigured] {
            let world = World::up_to_date_at(0);
            world.table(10, phase);
            let now = world.health(11);
            assert!(now.degraded && !now.stale && now.usable && !now.up_to_date);
            world.heard(70);
            assert!(world.health(71).stale);
        }
    }

    #[test]
    fn only_what_no_full_set_releases_degrades() {
        let world = World::up_to_date_at(0);
        world.hold("twice", HeldReason::Unconfirmed);
        assert!(!world.health(1).degraded);
        assert!(world.health(1).up_to_date, "it is held by name");
        world.hold("large", HeldReason::TooLarge);
        assert!(world.health(1).degraded);
    }

    #[test]
    fn the_brake_and_a_refused_key_degrade() {
        let world = World::up_to_date_at(0);
        world.status.update(|facts| facts.braked = 21);
        assert!(world.health(1).degraded);

        let world = World::up_to_date_at(0);
        world.source(10, SourcePhase::Refused);
        let refused = world.health(11);
        assert!(refused.refused && refused.degraded && refused.usable);
    }

    #[test]
    fn who_is_not_alone_is_degraded_and_up_to_date() {
        let world = World::up_to_date_at(0);
        let contested = [ItemKey::flag("fought-over")];
        world
            .status
            .update(|facts| facts.contested = contested.into());
        assert!(world.health(1).degraded && world.health(1).up_to_date);
    }

    #[test]
    fn the_table_answers_since_it_was_first_read_not_since_the_last_write() {
        let world = World::up_to_date_at(5);
        world.table(50, TablePhase::Writing);
        world.table(51, TablePhase::Settled);
        let (reach, since) = world.status.facts().reach();
        assert_eq!(reach, Reach::Works);
        assert_eq!(since.monotonic, world.at(5).monotonic);
        world.table(60, TablePhase::Unreachable);
        world.table(90, TablePhase::Misconfigured);
        let (reach, since) = world.status.facts().reach();
        assert_eq!(reach, Reach::Fails);
        assert_eq!(since.monotonic, world.at(60).monotonic);
    }

    /// The next one is made an interval later, and may take its time.
    #[test]
    fn a_poll_that_fails_once_alarms_nobody() {
        let world = World::up_to_date_at(0);
        let each = Duration::from_mins(10);
        world.status.note(|facts| facts.polled_each = Some(each));
        let health = |seconds| {
            let now = world.at(seconds).monotonic;
            health(&world.status.facts(), now, READ_TIMEOUT, TOLERATED)
        };
        assert!(health(630).up_to_date && !health(631).up_to_date);
        world.source(600, SourcePhase::Interrupted);
        assert!(!health(601).up_to_date && !health(1_230).stale);
        assert!(health(1_231).stale);
    }
}

//! When a secret is read again.

use std::time::Duration;

use tokio::time::Instant;

/// After what went wrong or was said to have changed it is read again after this time, doubling up to the usual one.
const SOON: Duration = Duration::from_secs(5);
/// However often that is wished, it is not read sooner than this after the last time.
const GAP: Duration = Duration::from_secs(5);
/// The part of a pause that chance may take from it.
const JITTER: f64 = 0.2;

/// Time is passed in.
pub(super) struct Timetable {
    /// How often while all is well.
    every: Duration,
    /// The next pause, before chance shortens it.
    pause: Duration,
    last: Option<Instant>,
    failed: bool,
    due: Instant,
}

impl Timetable {
    pub(super) const fn new(every: Duration, due: Instant) -> Self {
        Self {
            every,
            pause: every,
            last: None,
            failed: false,
            due,
        }
    }

    /// When it is to be read.
    pub(super) const fn due(&self) -> Instant {
        self.due
    }

    /// It is said to have changed. What does not show yet may show soon.
    pub(super) fn recheck(&mut self, now: Instant) {
        let allowed = self.last.map_or(now, |last| now.max(last + GAP));
        self.due = self.due.min(allowed);
        self.pause = SOON.min(self.every);
    }

    /// It was read. `chance` is between 0 and 1.
    pub(super) fn read(&mut self, now: Instant, failed: bool, chance: f64) {
        if failed && !self.failed {
            self.pause = SOON.min(self.every);
        }
        self.failed = failed;
        self.last = Some(now);
        self.due = now + self.pause.mul_f64(1.0 - JITTER * chance);
        self.pause = (self.pause * 2).min(self.every);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A timetable, and seconds since its start.
    struct World {
        start: Instant,
        timetable: Timetable,
    }

    impl World {
        fn every(seconds: u64) -> Self {
            let start = Instant::now();
            Self {
                start,
                timetable: Timetable::new(Duration::from_secs(seconds), start),
            }
        }

        fn at(&self, seconds: u64) -> Instant {
            self.start + Duration::from_secs(seconds)
        }

        /// Reads when it is due, and tells when it is due next.
        fn read(&mut self, failed: bool) -> u64 {
            self.timetable.read(self.timetable.due(), failed, 0.0);
            self.due()
        }

        fn due(&self) -> u64 {
            (self.timetable.due() - self.start).as_secs()
        }

        fn recheck(&mut self, seconds: u64) -> u64 {
            self.timetable.recheck(self.at(seconds));
            self.due()
        }
    }

    #[test]
    fn what_is_well_is_read_every_five_minutes() {
        let mut world = World::every(300);
        assert_eq!(world.due(), 0);
        assert_eq!([world.read(false), world.read(false)], [300, 600]);
        world.timetable.read(world.at(600), false, 1.0);
        assert_eq!(world.due(), 840, "chance takes a fifth at most");
    }

    #[test]
    fn what_fails_is_read_sooner_and_then_less_often() {
        let mut world = World::every(300);
        let due: Vec<_> = (0..9).map(|_| world.read(true)).collect();
        assert_eq!(due, [5, 15, 35, 75, 155, 315, 615, 915, 1_215]);
        assert_eq!([world.read(false), world.read(true)], [1_515, 1_520]);
    }

    #[test]
    fn a_recheck_comes_at_once_but_not_within_five_seconds() {
        let mut world = World::every(300);
        world.read(false);
        assert_eq!(world.recheck(2), 5, "when the time is over");
        assert_eq!(world.recheck(3), 5, "a second wish changes nothing");
        assert_eq!(world.read(false), 10, "it may show later");
        assert_eq!(world.recheck(100), 10, "what is overdue stays so");
        let due: Vec<_> = (0..6).map(|_| world.read(false)).collect();
        assert_eq!(due, [15, 25, 45, 85, 165, 325]);
        assert_eq!(world.recheck(250), 250);
    }

    #[test]
    fn what_is_looked_at_often_stays_so() {
        let mut world = World::every(2);
        assert_eq!([world.read(true), world.read(true)], [2, 4]);
        assert_eq!(world.recheck(3), 4);
        assert_eq!([world.read(false), world.read(false)], [6, 8]);
    }
}

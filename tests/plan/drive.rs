//! How a world goes on: idle, served, until it is calm, until it has stopped.

use std::time::Duration;

use ld_dynamodb_relay::plan::Reason;
use ld_dynamodb_relay::writer::{TableRequest, WriteEvent as Told};
use tokio::time::Instant;

use crate::store::Fate;
use crate::world::{TURNS, World};

/// What is said has to be stored after so many reopenings: one confirms, one meets the brake, one releases it, and one
/// more where the first answer was news.
const REOPENINGS: usize = 4;
/// Reopenings that are no further apart belong together.
const ROUND: Duration = Duration::from_secs(10);

impl World {
    /// Time goes on, and nobody answers.
    pub(crate) fn idle_until(&mut self, until: Instant) {
        while let Some(wake) = self.wake.filter(|wake| *wake <= until) {
            self.now = self.now.max(wake);
            self.step(None);
        }
        self.now = self.now.max(until);
        self.step(None);
    }

    /// Answers everything, in order, until nothing is under way. `fate` says how.
    pub(crate) fn serve_all(&mut self, fate: &mut impl FnMut(&TableRequest) -> Fate) {
        for _ in 0..TURNS {
            let Some((request, _)) = self.flight.first() else {
                return;
            };
            let fate = fate(request);
            self.serve(0, fate);
        }
        panic!("there is always something to do");
    }

    /// Goes on until then: everything is answered as `fate` says, and everything that is wished is asked for and said.
    pub(crate) fn run_until(
        &mut self,
        until: Instant,
        fate: &mut impl FnMut(&TableRequest) -> Fate,
    ) {
        let mut answered = self.reopened.len();
        loop {
            self.serve_all(fate);
            if answered < self.reopened.len() {
                answered = self.reopened.len();
                self.now += Duration::from_millis(1);
                self.hear_the_truth();
                continue;
            }
            match self.wake.filter(|wake| *wake <= until) {
                Some(wake) => self.now = self.now.max(wake),
                None => break,
            }
            self.step(None);
        }
        self.now = self.now.max(until);
        self.step(None);
        self.serve_all(fate);
    }

    pub(crate) fn run_for(&mut self, time: Duration) {
        let until = self.now + time;
        self.run_until(until, &mut |_| Fate::Done);
    }

    /// Nothing goes wrong any more, and LaunchDarkly tells the truth. Says how often it was asked because of holds.
    pub(crate) fn calm(&mut self) -> usize {
        self.store.land(self.now);
        self.serve_all(&mut |_| Fate::Done);
        self.hear_the_truth();
        self.step(Some(Told::Sync));
        let before = self.reopened.len();
        // The brake takes ten minutes, and whatever failed before half of one.
        for _ in 0..30 {
            self.run_for(Duration::from_mins(1));
            if self.is_done() {
                break;
            }
        }
        self.check_memory();
        let reopenings = self.reopened.len() - before;
        let asked: Vec<_> = self.reopened[before..].iter().map(|it| it.0).collect();
        // Holds that began at different times, because something failed meanwhile, are asked about one after the other.
        let later = asked.windows(2).filter(|it| it[1] - it[0] > ROUND).count();
        let rounds = usize::from(!asked.is_empty()) + later;
        let holds = self.writer.holds();
        assert!(
            rounds <= REOPENINGS && reopenings <= 2 * REOPENINGS,
            "asked {reopenings} times: {holds:?}"
        );
        reopenings
    }

    pub(crate) fn is_done(&self) -> bool {
        let waits = |reason| matches!(reason, Reason::Unconfirmed | Reason::Brake);
        let mut holds = self.writer.holds().items.values();
        self.stands.as_ref().is_some_and(|it| it.settled) && !holds.any(|it| waits(it.reason))
    }

    /// Asks it to stop; what is under way is answered.
    pub(crate) fn stop(&mut self) {
        self.step(Some(Told::Stop));
        self.stopped = true;
        while !self.flight.is_empty() {
            self.serve(0, Fate::Done);
        }
        self.step(None);
    }
}

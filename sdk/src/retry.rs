//! How long a write is tried: while DynamoDB only asks for patience, a whole set for as long as it does, a single change for
//! a while.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::trouble::Trouble;

/// The first wait. It doubles up to the longest; each is shortened by up to a half, so that writers do not come in step.
const FIRST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(1);
/// How long one attempt may take, should the client have no bound of its own.
const ATTEMPT: Duration = Duration::from_secs(10);
/// How long DynamoDB may be silent. The SDK evaluates nothing while it writes, so an outage has to end in an error.
const SILENCE: Duration = Duration::from_secs(30);
/// How long DynamoDB may throttle a single change: evaluation is not to stand still for one item, which the next full set
/// brings again. That has no such limit: a throttled table takes a write now and then, so it gets done.
pub(crate) const THROTTLED: Duration = Duration::from_secs(10);
/// How often the log says that writes wait.
const LINE: Duration = Duration::from_secs(10);

/// What the writes of one call know together.
pub(crate) struct Patience {
    /// When being throttled is an error; none where it never is.
    throttled_until: Option<Instant>,
    state: Mutex<State>,
}

struct State {
    /// When DynamoDB answered last, if only to throttle.
    heard: Instant,
    /// When the log said something last.
    told: Instant,
}

impl Patience {
    /// For a whole set: however long it is throttled.
    pub(crate) fn for_a_set() -> Self {
        Self::beginning(None)
    }

    /// For a single change: throttled for [`THROTTLED`] at most.
    pub(crate) fn for_a_change() -> Self {
        Self::beginning(Some(THROTTLED))
    }

    fn beginning(throttled: Option<Duration>) -> Self {
        let now = Instant::now();
        Self {
            throttled_until: throttled.map(|throttled| now + throttled),
            state: Mutex::new(State {
                heard: now,
                told: now,
            }),
        }
    }

    /// Tries until it is done, or will never be.
    pub(crate) async fn insist<T, F>(&self, attempt: impl Fn() -> F) -> Result<T, Trouble>
    where
        F: Future<Output = Result<T, Trouble>>,
    {
        let mut wait = FIRST;
        loop {
            let result = timeout(ATTEMPT, attempt())
                .await
                .unwrap_or_else(|_| Err(Trouble::NoAnswer("DynamoDB does not answer".into())));
            match result {
                Err(trouble @ (Trouble::Throttled(_) | Trouble::NoAnswer(_))) => {
                    self.note(trouble)?;
                }
                done => {
                    self.with(|state| state.heard = Instant::now());
                    return done;
                }
            }
            sleep(wait.mul_f64(1.0 - fraction() / 2.0)).await;
            wait = LONGEST.min(wait * 2);
        }
    }

    /// An error if it is time to give up.
    fn note(&self, trouble: Trouble) -> Result<(), Trouble> {
        let now = Instant::now();
        self.with(|state| {
            if matches!(trouble, Trouble::Throttled(_)) {
                if self.throttled_until.is_some_and(|until| now >= until) {
                    return Err(trouble);
                }
                state.heard = now;
            } else if now - state.heard >= SILENCE {
                return Err(trouble);
            }
            if now - state.told >= LINE {
                state.told = now;
                log::warn!("writing flags to DynamoDB waits and goes on: {trouble}");
            }
            Ok(())
        })
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// From 0 to 1. The standard library has no other random numbers.
fn fraction() -> f64 {
    let random = RandomState::new().hash_one(()) >> 32;
    f64::from(u32::try_from(random).unwrap_or_default()) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// What becomes of it, after how many attempts and how long.
    async fn insist(
        patience: Patience,
        answer: impl Fn(u32) -> Result<(), Trouble>,
    ) -> (bool, u32, Duration) {
        let (start, attempts) = (Instant::now(), AtomicU32::new(0));
        let result = patience
            .insist(|| std::future::ready(answer(attempts.fetch_add(1, Ordering::Relaxed))))
            .await;
        (result.is_ok(), attempts.into_inner(), start.elapsed())
    }

    /// Throttled so many times, then done.
    fn throttled(times: u32) -> impl Fn(u32) -> Result<(), Trouble> {
        move |attempt| {
            if attempt < times {
                Err(Trouble::Throttled(String::new()))
            } else {
                Ok(())
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_set_that_is_throttled_is_tried_until_it_is_done() {
        let (done, attempts, took) = insist(Patience::for_a_set(), throttled(10_000)).await;
        assert!(done);
        assert_eq!(attempts, 10_001);
        assert!((4_900..10_000).contains(&took.as_secs()), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_that_is_throttled_is_given_up_after_a_while() {
        let (done, attempts, took) = insist(Patience::for_a_change(), throttled(u32::MAX)).await;
        assert!(!done);
        assert!((10..12).contains(&took.as_secs()), "{took:?}");
        assert!(attempts > 10);
        assert!(insist(Patience::for_a_change(), throttled(12)).await.0);
        // DynamoDB is silent for a while, and then says that it is too much.
        let silent = |n| match n {
            0..20 => Err(Trouble::NoAnswer(String::new())),
            _ => Err(Trouble::Throttled(String::new())),
        };
        let (done, attempts, _) = insist(Patience::for_a_change(), silent).await;
        assert_eq!((done, attempts), (false, 21));
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_ends_in_an_error() {
        for patience in [Patience::for_a_set, Patience::for_a_change] {
            let silent = |_| Err(Trouble::NoAnswer(String::new()));
            let (done, attempts, took) = insist(patience(), silent).await;
            assert!(!done);
            assert!((30..35).contains(&took.as_secs()), "{took:?}");
            assert!(attempts > 30);
        }
        let comes_back = |n| match n {
            0..20 => Err(Trouble::NoAnswer(String::new())),
            _ => Ok(()),
        };
        assert!(insist(Patience::for_a_set(), comes_back).await.0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_refused_is_not_asked_for_again() {
        let refused = |_| Err(Trouble::Refused(String::new()));
        let (done, attempts, took) = insist(Patience::for_a_set(), refused).await;
        assert_eq!((done, attempts, took), (false, 1, Duration::ZERO));
    }
}

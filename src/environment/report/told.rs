//! What lasts is told when it begins, when it becomes another trouble, and now and then, not at each try.

use std::time::Duration;

use tokio::time::Instant;

/// The same trouble is told again after so long, so that who reads only the last hour finds it.
const AGAIN_AFTER: Duration = Duration::from_mins(10);

/// The trouble that was told last, until it is over.
#[derive(Default)]
pub struct Told(Option<(String, Instant)>);

impl Told {
    /// Whether this trouble is to be told now.
    pub fn is_news(&mut self, trouble: &str, now: Instant) -> bool {
        let known = self
            .0
            .as_ref()
            .is_some_and(|(told, at)| told == trouble && now < *at + AGAIN_AFTER);
        if !known {
            self.0 = Some((trouble.to_owned(), now));
        }
        !known
    }

    /// There is no trouble; true where one was told.
    pub fn is_over(&mut self) -> bool {
        self.0.take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_trouble_is_told_when_it_begins_changes_or_lasts() {
        let (start, mut told) = (Instant::now(), Told::default());
        assert!(!told.is_over());
        assert!(told.is_news("a", start));
        assert!(!told.is_news("a", start + AGAIN_AFTER / 2));
        assert!(told.is_news("b", start + AGAIN_AFTER / 2));
        assert!(!told.is_news("b", start + AGAIN_AFTER));
        assert!(told.is_news("b", start + 2 * AGAIN_AFTER));
        assert!(told.is_over() && !told.is_over());
        assert!(told.is_news("b", start + 2 * AGAIN_AFTER));
    }
}

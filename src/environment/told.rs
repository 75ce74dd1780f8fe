//! What lasts is told when it begins, when it becomes another trouble, and now and then, not at each try.

use std::time::Duration;

use tokio::time::Instant;
use tracing::{debug, info, warn};

use super::write::Writer;
use crate::table::Trouble;

/// The same trouble is told again after so long, so that who reads only the last hour finds it.
const AGAIN_AFTER: Duration = Duration::from_mins(10);

/// The trouble that was told last, until it is over.
#[derive(Default)]
pub(super) struct Told(Option<(String, Instant)>);

impl Told {
    /// Whether this trouble is to be told now.
    pub(super) fn is_news(&mut self, trouble: &str, now: Instant) -> bool {
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
    pub(super) fn is_over(&mut self) -> bool {
        self.0.take().is_some()
    }
}

impl Writer<'_> {
    /// The table cannot be read or written.
    pub(super) fn tell_trouble(&mut self, trouble: &Trouble, delay: Duration) {
        let detail = trouble.to_string();
        let retry_in_milliseconds = delay.as_millis();
        if self.told.is_news(&detail, Instant::now()) {
            warn!(
                detail,
                retry_in_milliseconds, "the table could not be read or written"
            );
        } else {
            debug!(
                detail,
                retry_in_milliseconds, "the table could not be read or written"
            );
        }
        self.report_trouble(trouble);
    }

    /// The table answered, and nothing is left to try.
    pub(super) fn untroubled(&mut self) {
        if self.told.is_over() {
            info!("the table can be read and written again");
        }
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

//! Waiting for something to have happened, instead of sleeping.

use std::time::Duration;

use tokio::sync::watch;

/// How long a test may wait for what it expects.
const PATIENCE: Duration = Duration::from_secs(30);

/// Rung whenever something changed; who waits looks again.
pub(super) struct Bell(watch::Sender<()>);

impl Default for Bell {
    fn default() -> Self {
        Self(watch::Sender::new(()))
    }
}

impl Bell {
    pub(super) fn ring(&self) {
        self.0.send_replace(());
    }

    /// Returns once `done` is true.
    ///
    /// # Panics
    ///
    /// After half a minute, saying what was waited for: a test that hangs says less.
    pub(super) async fn until(&self, what: &str, mut done: impl FnMut() -> bool) {
        let mut heard = self.0.subscribe();
        let wait = async {
            while !done() {
                if heard.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        assert!(
            tokio::time::timeout(PATIENCE, wait).await.is_ok(),
            "waited {} s for {what}",
            PATIENCE.as_secs()
        );
    }
}

//! One environment of an archive, as the half that listens hears it.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::Instant;

use super::watch::ArchiveNews;
use crate::launchdarkly::fdv1::Said;
use crate::launchdarkly::{Greeting, Refusal, Signal};
use crate::model::DataSet;

/// An environment of an archive. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ArchiveSource {
    id: Arc<str>,
    news: watch::Receiver<ArchiveNews>,
}

impl ArchiveSource {
    /// The environment with this ID, of the archive that is known so.
    pub const fn new(id: Arc<str>, news: watch::Receiver<ArchiveNews>) -> Self {
        Self { id, news }
    }

    /// Begins to hear it. Nobody is asked, so no key is needed.
    pub fn open(&self) -> ArchiveSession {
        let mut news = self.news.clone();
        // What is known already is said first.
        news.mark_changed();
        ArchiveSession {
            id: Arc::clone(&self.id),
            news,
            opened: Instant::now(),
            said: None,
            ready: VecDeque::new(),
        }
    }
}

/// Says everything that the archive has of an environment, then again whenever its data are others. Never ends by itself.
#[derive(Debug)]
pub struct ArchiveSession {
    id: Arc<str>,
    news: watch::Receiver<ArchiveNews>,
    opened: Instant,
    /// What was last said, by its data ID, and the last sign of life.
    said: Option<(Arc<str>, Option<Instant>)>,
    ready: VecDeque<Signal>,
}

impl ArchiveSession {
    /// The next thing that is told. May be dropped and called again without loss.
    pub async fn next(&mut self) -> Result<Signal, Refusal> {
        loop {
            if let Some(signal) = self.ready.pop_front() {
                return Ok(signal);
            }
            if self.news.changed().await.is_err() {
                // Nobody looks at the file any more: there is nothing to say, and nothing that asking again would mend.
                std::future::pending::<()>().await;
            }
            self.hear();
        }
    }

    fn hear(&mut self) {
        let news = self.news.borrow_and_update().clone();
        let (Some(environment), Some(file)) = (news.applied.get(&self.id), &news.file) else {
            // It is not there yet, or not any more.
            return;
        };
        let received = file.read.max(self.opened);
        let full = |data: &DataSet| Signal::Said(Said::Full(data.clone()), received);
        match &self.said {
            None => {
                let environment_id = Some(self.id.to_string());
                let date = None;
                self.ready.push_back(Signal::Connected(Greeting {
                    environment_id,
                    date,
                }));
                self.ready.push_back(full(&environment.data));
            }
            Some((data_id, _)) if *data_id != environment.data_id => {
                self.ready.push_back(Signal::Asked(file.asked));
                self.ready.push_back(full(&environment.data));
            }
            Some((_, confirmed)) if *confirmed != news.confirmed => {
                self.ready.push_back(Signal::Alive);
            }
            Some(_) => {}
        }
        self.said = Some((Arc::clone(&environment.data_id), news.confirmed));
    }
}

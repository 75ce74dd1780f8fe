//! A thread with a runtime of the store's own, on which every request runs.
//!
//! The SDK calls a store from whatever thread evaluates a flag or receives an event: on a runtime with many threads, on one
//! with a single thread, on none. To run a request there would panic or wait for itself. So the caller's thread waits for an
//! answer of ours, which needs nothing of the caller's.

use std::io;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use crate::trouble::Trouble;

/// Host names are looked up on threads of their own.
const LOOKUPS: usize = 2;

pub(crate) struct Runner(Option<Runtime>);

impl Runner {
    pub(crate) fn start() -> io::Result<Self> {
        Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(LOOKUPS)
            .thread_name("launchdarkly-dynamodb")
            .enable_all()
            .build()
            .map(|runtime| Self(Some(runtime)))
    }

    /// Begins something that nobody waits for.
    pub(crate) fn begin(&self, work: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = &self.0 {
            runtime.spawn(work);
        }
    }

    /// Runs a request and waits for it: that long, or for as long as it takes. A request that panics is an error here.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        limit: Option<Duration>,
        request: impl Future<Output = Result<T, Trouble>> + Send + 'static,
    ) -> Result<T, Trouble> {
        let (answer, answered) = sync_channel(1);
        self.begin(async move {
            // Nobody takes an answer that came too late.
            answer.send(request.await).ok();
        });
        let answer = match limit {
            Some(limit) => answered.recv_timeout(limit),
            None => answered.recv().map_err(RecvTimeoutError::from),
        };
        match answer {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout) => Err(Trouble::NoAnswer(format!(
                "DynamoDB did not answer within {limit:?}"
            ))),
            Err(RecvTimeoutError::Disconnected) => Err(Trouble::Refused(
                "the request to DynamoDB was ended: it panicked, or the store is shutting down"
                    .into(),
            )),
        }
    }
}

/// Does not wait: a store may be dropped on a runtime.
impl Drop for Runner {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

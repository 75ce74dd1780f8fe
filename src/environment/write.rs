//! The loop of the half that writes: carries out what the [`Writer`] decides, and waits. It decides nothing.

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span, debug};

use super::cell::Reader;
use super::operator::Operator;
use super::report::WriteReporter;
use super::store::RowStore;
use super::time::{now, reached};
use crate::writer::{Answered, TableRequest, Work, WriteEvent, Writer};

/// What the loop is connected with.
pub(super) struct WriteLoop<'a, S> {
    pub(super) store: &'a S,
    pub(super) reader: Reader,
    pub(super) operator: &'a Operator,
    pub(super) reporter: WriteReporter<'a>,
}

impl<S: RowStore> WriteLoop<'_, S> {
    /// Runs until `stop`, and then until the writes that were begun are answered.
    pub(super) async fn run(mut self, mut writer: Writer, stop: &CancellationToken) {
        let mut flight = FuturesUnordered::new();
        // Parsing a page takes a while, and changes must not wait for it. Dropping this ends what it runs.
        let mut pages = JoinSet::new();
        let (mut writing, mut stopping) = (0_usize, false);
        let mut answered: Option<Answered> = None;
        loop {
            if answered.as_ref().is_some_and(Answered::is_of_a_write) {
                writing -= 1;
            }
            let work = self.step(&mut writer, answered.take().map(WriteEvent::Answered));
            for request in work.requests {
                writing += usize::from(request.writes());
                let is_page = matches!(request, TableRequest::Page(_));
                let asked = ask(self.store.clone(), request);
                if is_page {
                    pages.spawn(asked.instrument(Span::current()));
                } else {
                    flight.push(asked);
                }
            }
            if stopping && writing == 0 {
                return;
            }
            tokio::select! {
                biased;
                () = stop.cancelled(), if !stopping => {
                    stopping = true;
                    self.heed(&mut writer, WriteEvent::Stop);
                }
                Some(answer) = flight.next() => answered = Some(answer),
                Some(page) = pages.join_next() => match page {
                    Ok(answer) => answered = Some(answer),
                    // What panics there panics here, and so is seen and told.
                    Err(error) => {
                        if let Ok(panic) = error.try_into_panic() {
                            std::panic::resume_unwind(panic);
                        }
                    }
                },
                () = self.reader.changed(), if !stopping => {}
                () = self.operator.asked(), if !stopping => {}
                () = reached(work.wake), if !stopping => {}
            }
        }
    }

    /// Tells the writer what happened, and what it is to do about it.
    fn step(&mut self, writer: &mut Writer, event: Option<WriteEvent>) -> Work {
        if let Some(event) = event {
            self.heed(writer, event);
        }
        let asked = self.operator.take();
        if asked.sync {
            // The log has it already, with who wants it.
            debug!("an operator wants everything said and read again");
            self.heed(writer, WriteEvent::Sync);
        }
        if let Some(removals) = asked.release {
            self.heed(writer, WriteEvent::Release(removals));
        }
        if let Some(touched) = self.reader.take() {
            self.heed(writer, WriteEvent::Touched(touched));
        }
        let at = now();
        let work = self.reader.look(|view| writer.next(view, at));
        self.reporter.tell(writer.facts());
        if let Some(cause) = work.reopen {
            self.reader.wish(at.now, cause);
        }
        work
    }

    fn heed(&self, writer: &mut Writer, event: WriteEvent) {
        self.reader.look(|view| writer.heed(event, view, now()));
    }
}

async fn ask<S: RowStore>(store: S, request: TableRequest) -> Answered {
    let sent = Instant::now();
    let answer = store.ask(request).await;
    Answered {
        answer,
        sent,
        at: Instant::now(),
    }
}

//! What webhooks announced: taken from the control, settled by what the stream says, or by asking for everything.

use tokio::time::Instant;
use tracing::warn;

use super::Listener;
use crate::environment::Hint;
use crate::environment::hints::Settled;
use crate::environment::line::Line;
use crate::model::ReopenCause;
use crate::writer::PropagationStart;

impl Listener<'_> {
    /// Somebody wants something of us.
    pub(super) fn woken(&mut self) {
        let wakes = self.environment.control.take();
        for (hint, came) in wakes.hints {
            self.announced(&hint, came);
            let settled = self.hints.hint(hint, came);
            self.count_settled(&settled);
        }
        self.key_reset(wakes.key_resets);
    }

    fn announced(&self, hint: &Hint, came: Instant) {
        let Some(key) = &hint.item else { return };
        let stored = self.environment.control.announced(key, hint.happened, came);
        if let Some(took) = stored {
            let propagation = &self.environment.metrics.propagation;
            propagation
                .of(PropagationStart::WebhookDate)
                .record(took.as_secs_f64());
        }
    }

    /// When hints want to be looked at.
    pub(super) fn hints_due(&self) -> Option<Instant> {
        self.hints.due(self.asking())
    }

    /// The stream has had its time to deliver what was announced.
    pub(super) fn look_at_hints(&mut self) {
        let now = Instant::now();
        let (connected, asking) = (self.current.is_some(), self.asking());
        if self.hints.look(now, connected, asking) {
            self.reopen.wish(now, ReopenCause::Webhook);
        }
    }

    /// When the connection that is being opened asked for everything.
    fn asking(&self) -> Option<Instant> {
        self.opening.as_ref().map(Line::asked)
    }

    pub(super) fn count_settled(&self, settled: &Settled) {
        for (wake, count) in settled.wakes() {
            self.environment.metrics.wakes.of(wake).increment(count);
        }
        if settled.late > 0 {
            let item = settled.late_item.as_ref();
            warn!(
                kind = item.map(|item| item.kind.label()),
                key = item.map(|item| &*item.key),
                changes = settled.late,
                "LaunchDarkly's stream is lagging: it had not delivered in 5 s what a webhook announced"
            );
        }
    }
}

//! Follows auto-configuration: holds the stream that says which environments there are, and takes what it says to the
//! [`Roster`], which decides.

use std::time::Duration;

use secrecy::SecretString;
use tokio::time::{Instant, sleep_until};
use tracing::{debug, error, info, warn};

use super::enlisted::tell_renamed;
use crate::clock;
use crate::environment::Told;
use crate::launchdarkly::sse::Frame;
use crate::launchdarkly::{Client, EventStream, Refusal, StreamSignal};
use crate::listener::Backoff;
use crate::roster::{
    self, AutoConfigErrorKind, IgnoredMessage, Reconnection, Roster, RosterNews, RosterOrigin,
    RosterStep, Templates, WaitCurve,
};
use crate::secrets::Kept;
use crate::status::RosterStatus;

/// A connection that was good for so long ends both curves.
const HEALTHY_AFTER: Duration = Duration::from_mins(1);

/// See the module.
pub struct Follower {
    client: Client,
    key: Kept,
    used: Option<SecretString>,
    roster: Roster,
    status: RosterStatus,
    session: Option<EventStream>,
    good_since: Option<Instant>,
    /// For connections that fail. One that was good for long ends it.
    backoff: Backoff,
    /// For what they say and cannot be used. A good event ends it.
    unusable: Backoff,
    /// When a connection is opened, in the place of the one that there may be.
    open_at: Option<Instant>,
    told: Told,
    /// Why there is no connection, while that is so.
    trouble: Option<String>,
    is_rejected: bool,
}

impl Follower {
    /// Connects when it is first asked for the next step.
    pub fn new(client: Client, key: Kept, templates: Templates, status: RosterStatus) -> Self {
        Self {
            client,
            used: key.value(),
            key,
            roster: Roster::new(templates, milliseconds()),
            status,
            session: None,
            good_since: None,
            backoff: Backoff::default(),
            unusable: Backoff::default(),
            open_at: Some(Instant::now()),
            told: Told::default(),
            trouble: None,
            is_rejected: false,
        }
    }

    /// What environments there are, as far as is known.
    pub const fn roster(&self) -> &Roster {
        &self.roster
    }

    /// The same, to be told what others know of them.
    pub const fn roster_mut(&mut self) -> &mut Roster {
        &mut self.roster
    }

    /// Whether LaunchDarkly rejected the key when it was last asked.
    pub const fn is_rejected(&self) -> bool {
        self.is_rejected
    }

    /// What keeps LaunchDarkly from being heard: a sentence for people.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.clone()
    }

    /// Waits for what is to be done next; an empty step where something is known otherwise than before. May be dropped
    /// and called again without loss.
    pub async fn next(&mut self) -> RosterStep {
        loop {
            tokio::select! {
                biased;
                () = self.key.other_than(self.used.as_ref()) => self.rekeyed(),
                heard = next(&mut self.session) => {
                    if let Some(step) = self.heard(heard) {
                        return step;
                    }
                }
                () = reached(self.open_at) => self.open(),
            }
        }
    }

    /// What was decided outside of the stream counts as if the stream had said it.
    pub fn tell(&mut self, step: &RosterStep) {
        for news in &step.news {
            tell(news);
        }
        self.publish();
    }

    /// We close.
    pub fn close(&mut self) {
        self.session = None;
        self.roster.close(milliseconds());
        self.publish();
    }

    fn open(&mut self) {
        self.end();
        self.open_at = None;
        if let Some(key) = &self.used {
            self.session = Some(self.client.open_roster(key));
            return;
        }
        let why = self.key.trouble();
        let detail = why.as_deref().unwrap_or("it is being read");
        if self.told.is_news(detail, Instant::now()) {
            warn!(detail, "waiting for AUTO_CONFIG_KEY");
        }
        self.trouble = Some(detail.to_owned());
        self.publish();
    }

    /// Another key: what was refused until now says nothing of it, and what is known of environments stays.
    fn rekeyed(&mut self) {
        let had_one = self.used.is_some();
        self.used = self.key.value();
        self.backoff.healthy();
        self.is_rejected = false;
        self.open_at = Some(Instant::now());
        if had_one {
            info!("AUTO_CONFIG_KEY is another one");
        }
    }

    fn heard(&mut self, heard: Result<StreamSignal, Refusal>) -> Option<RosterStep> {
        match heard {
            Ok(StreamSignal::Connected(_)) => {
                self.roster.opened();
                (self.is_rejected, self.trouble) = (false, None);
                None
            }
            Ok(StreamSignal::Alive | StreamSignal::Frame(Frame::Comment, _)) => None,
            Ok(StreamSignal::Frame(Frame::Retry(delay), _)) => {
                self.backoff.server_wants(Duration::from_millis(delay));
                None
            }
            Ok(StreamSignal::Frame(Frame::Event { name, data }, received)) => {
                if let Some(session) = &mut self.session {
                    session.said_everything(received);
                }
                self.good_since.get_or_insert(received);
                let message = roster::read(&name, &data);
                if message.is_ok() && self.told.is_over() {
                    info!("auto-configuration is heard again");
                }
                if let Err(malformed) = &message {
                    self.trouble =
                        Some(format!("what LaunchDarkly says is malformed ({malformed})"));
                }
                let step = self.roster.heed(message, milliseconds());
                self.tell(&step);
                self.connect(step.connection);
                Some(step)
            }
            Err(refusal) => {
                self.failed(&refusal);
                Some(RosterStep::default())
            }
        }
    }

    fn connect(&mut self, order: Reconnection) {
        let wait = match order {
            Reconnection::Stay => return self.unusable.healthy(),
            Reconnection::AtOnce => Duration::ZERO,
            Reconnection::Close(curve) | Reconnection::Repeat(curve) => {
                wait(&mut self.unusable, curve)
            }
            Reconnection::RepeatAfter(wait) => wait,
        };
        let open_at = Instant::now() + wait;
        if matches!(order, Reconnection::AtOnce | Reconnection::Close(_)) {
            self.end();
            self.open_at = Some(open_at);
        } else {
            // What is due sooner stays so.
            self.open_at = Some(self.open_at.map_or(open_at, |before| before.min(open_at)));
        }
    }

    fn failed(&mut self, refusal: &Refusal) {
        self.end();
        let curve = if refusal.is_lasting() {
            WaitCurve::Extended
        } else {
            WaitCurve::Normal
        };
        let wait = wait(&mut self.backoff, curve).max(retry_after(refusal));
        self.open_at = Some(Instant::now() + wait);
        if refusal.is_of_the_key() {
            self.is_rejected = true;
            self.key.recheck();
        }
        let detail = sentence(refusal);
        let retry_in_milliseconds = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        if self.told.is_news(&detail, Instant::now()) {
            warn!(
                detail,
                retry_in_milliseconds, "the auto-configuration stream ended"
            );
        } else {
            debug!(
                detail,
                retry_in_milliseconds, "the auto-configuration stream ended"
            );
        }
        self.trouble = Some(detail);
        self.roster.failed(kind(refusal), milliseconds());
        self.publish();
    }

    /// There is no connection any more. One that was good for long ends both curves.
    fn end(&mut self) {
        self.session = None;
        let good = self.good_since.take();
        if good.is_some_and(|since| since.elapsed() >= HEALTHY_AFTER) {
            self.backoff.healthy();
        }
    }

    fn publish(&self) {
        let auto_config = self.roster.status();
        let refused: Vec<_> = self.roster.refused().collect();
        let origin = self.roster.origin();
        let known = origin == RosterOrigin::LaunchDarkly;
        let held_removals = self.roster.held_removals();
        let trouble = self.trouble.clone();
        self.status.update(|facts| {
            facts.known = known;
            facts.origin = origin;
            facts.auto_config = Some(auto_config);
            facts.trouble = trouble;
            facts.refused = refused;
            facts.held_removals = held_removals;
        });
    }
}

/// The next thing that the stream tells, or never where there is none.
async fn next(session: &mut Option<EventStream>) -> Result<StreamSignal, Refusal> {
    match session {
        Some(session) => session.next().await,
        None => std::future::pending().await,
    }
}

/// The next wait of one of the two.
fn wait(backoff: &mut Backoff, curve: WaitCurve) -> Duration {
    backoff.failed(curve == WaitCurve::Extended, rand::random())
}

async fn reached(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn milliseconds() -> u64 {
    clock::now().milliseconds()
}

fn tell(news: &RosterNews) {
    match news {
        RosterNews::Ignored(why @ (IgnoredMessage::Filter | IgnoredMessage::Path)) => {
            debug!(detail = %why, "ignored an auto-configuration event");
        }
        RosterNews::Ignored(why) => warn!(detail = %why, "ignored an auto-configuration event"),
        RosterNews::Malformed(why) => {
            warn!(detail = %why, "malformed auto-configuration event; reconnecting");
        }
        RosterNews::Refused(refused) => error!(
            environment = &*refused.id,
            detail = &*refused.reason,
            serving = refused.serving,
            "an environment cannot be used as LaunchDarkly describes it"
        ),
        RosterNews::NotMoved { id, elsewhere } => tell_renamed(id, elsewhere),
        RosterNews::Held { removals, of } => error!(
            removals,
            environments = of,
            detail = format!("to confirm it now: POST /roster?confirm=removals&count={removals}"),
            "the removal of most environments is held until LaunchDarkly says it again"
        ),
    }
}

fn retry_after(refusal: &Refusal) -> Duration {
    match refusal {
        Refusal::Status { retry_after, .. } => retry_after.unwrap_or_default(),
        _ => Duration::ZERO,
    }
}

/// What the refusal of an environment's stream says of its SDK key is said of another key here.
fn sentence(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Status {
            status: status @ (401 | 403),
            ..
        } => format!(
            "LaunchDarkly answered {status}: it does not accept AUTO_CONFIG_KEY, which has to be the key of a Relay Proxy \
             configuration (rel-...)"
        ),
        Refusal::Status { status: 404, .. } => {
            "LaunchDarkly answered 404: nothing is there for AUTO_CONFIG_KEY; check STREAM_URI"
                .to_owned()
        }
        other => other.to_string(),
    }
}

const fn kind(refusal: &Refusal) -> AutoConfigErrorKind {
    match refusal {
        Refusal::Status { status, .. } => AutoConfigErrorKind::Response(*status),
        Refusal::Network { .. }
        | Refusal::Proxy(_)
        | Refusal::Closed
        | Refusal::Silent(_)
        | Refusal::Incomplete(_) => AutoConfigErrorKind::Network,
        Refusal::Malformed(_)
        | Refusal::Broken(_)
        | Refusal::MalformedAnswer(_)
        | Refusal::TooLarge(_) => AutoConfigErrorKind::InvalidData,
        Refusal::NotAStream(_) | Refusal::NotJson(_) => AutoConfigErrorKind::Unknown,
    }
}

#[cfg(test)]
mod tests;

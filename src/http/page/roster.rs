//! Where environments come from, on the page: a list that LaunchDarkly keeps, or an archive. Nothing where the settings list
//! them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use maud::{Markup, html};

use super::condition::{Concern, Level, sentence};
use super::environment::{MAX_LISTED, icon, more, told};
use super::text::{Times, counted, grouped, shown, time, wall_time};
use crate::roster::{AutoConfigErrorKind, AutoConfigState, AutoConfigStatus, RefusedEnvironment};
use crate::status::{ArchiveFacts, RosterFacts};

/// What is shown of where environments come from.
pub(super) struct ShownRoster<'a> {
    facts: &'a RosterFacts,
    environments: usize,
    by: Option<ListedBy<'a>>,
    level: Level,
    concerns: Vec<Concern>,
    times: Times,
}

#[derive(Clone, Copy)]
enum ListedBy<'a> {
    AutoConfig(&'a AutoConfigStatus),
    Archive(&'a ArchiveFacts),
}

impl<'a> ShownRoster<'a> {
    /// With so many environments that run.
    pub(super) fn new(facts: &'a RosterFacts, environments: usize, times: Times) -> Self {
        let auto_config = facts.auto_config.as_ref().map(ListedBy::AutoConfig);
        let by = auto_config.or(facts.archive.as_ref().map(ListedBy::Archive));
        let source = match by {
            Some(ListedBy::AutoConfig(stream)) => list(facts, stream, environments),
            Some(ListedBy::Archive(archive)) => file(archive),
            None => None,
        };
        let concerns = [source, removals(facts), refused(facts)];
        let mut concerns: Vec<_> = concerns.into_iter().flatten().collect();
        concerns.sort_by_key(|it| it.level);
        Self {
            facts,
            environments,
            by,
            level: concerns.first().map_or(Level::Good, |it| it.level),
            concerns,
            times,
        }
    }

    pub(super) fn markup(&self) -> Markup {
        let Some(by) = self.by else {
            return html! {};
        };
        let (name, about) = match by {
            ListedBy::AutoConfig(_) => {
                ("Auto-configuration", "LaunchDarkly lists the environments")
            }
            ListedBy::Archive(_) => (
                "Archive",
                "a file lists the environments and has their data",
            ),
        };
        let (first, level) = (self.concerns.first(), self.level);
        let label = first.map_or("Up to date", |it| it.label);
        html! {
            section id="roster" data-level=(level.word()) data-label=(label) data-name=(name) {
                details open[level != Level::Good] {
                    summary id="roster-row" {
                        span.badge { (icon(level)) (label) }
                        span.who { h2 { (name) } span.meta { (about) } }
                        span.counts { (counted(self.environments, "environment")) }
                        span.confirmed { (self.since(by)) }
                        @if let Some(first) = first { span.why { (shown(&first.what)) } }
                    }
                    div.inside {
                        (told(&self.concerns))
                        (self.release())
                        div.halves { (self.source(by)) }
                        (self.refused())
                    }
                }
            }
        }
    }

    fn since(&self, by: ListedBy<'_>) -> Markup {
        html! {
            @match by {
                ListedBy::AutoConfig(stream) => { "since " (wall_time(milliseconds(stream.since_ms), self.times)) }
                ListedBy::Archive(ArchiveFacts { taken: Some(taken), .. }) => { "of " (wall_time(taken.modified, self.times)) }
                ListedBy::Archive(_) => "none was taken yet"
            }
        }
    }

    fn source(&self, by: ListedBy<'_>) -> Markup {
        html! {
            @match by {
                ListedBy::AutoConfig(stream) => dl {
                    dt { "LaunchDarkly's list" }
                    dd {
                        (state(stream.state)) " "
                        span.note { "since " (wall_time(milliseconds(stream.since_ms), self.times)) }
                    }
                    dt { "Last error" }
                    dd {
                        @match stream.last_error {
                            Some(error) => { (words(error.kind)) " " (wall_time(milliseconds(error.time_ms), self.times)) }
                            None => "none"
                        }
                    }
                },
                ListedBy::Archive(archive) => {
                    @if let Some(taken) = &archive.taken {
                        dl {
                            dt { "File of" } dd { (wall_time(taken.modified, self.times)) }
                            dt { "Size" } dd { (grouped(taken.bytes)) " bytes" }
                            dt { "Checksum" } dd { span.key { (hex::encode(taken.checksum)) } }
                        }
                    }
                    dl {
                        dt { "Last error" }
                        dd {
                            @match &archive.last_error {
                                Some((message, at)) => { (shown(message)) " " (time(*at, self.times)) }
                                None => "none"
                            }
                        }
                    }
                }
            }
        }
    }

    /// The environments whose removal is held, and the button that lets them go.
    fn release(&self) -> Markup {
        let held = self.facts.held_removals;
        if held == 0 {
            return html! {};
        }
        // Another number is another form: who is about to press one does not press the other.
        let id = format!("roster-release-{held}");
        html! {
            form.order.release id=(id) method="post" action=(format!("/roster?confirm=removals&count={held}")) {
                button type="submit" id=(format!("{id}-button")) {
                    "Confirm the removal of " (counted(held, "environment"))
                }
            }
        }
    }

    fn refused(&self) -> Markup {
        let mut refused: Vec<_> = self.facts.refused.iter().collect();
        if refused.is_empty() {
            return html! {};
        }
        // Those first that nobody keeps up to date.
        refused.sort_by_key(|it| it.serving);
        html! {
            table {
                caption { "Refused: " (counted(refused.len(), "environment")) }
                thead { tr { th scope="col" { "ID" } th scope="col" { "Why" } th scope="col" { "Meanwhile" } } }
                tbody { @for environment in refused.iter().take(MAX_LISTED) { (row(environment)) } }
            }
            (more(refused.len()))
        }
    }
}

fn row(environment: &RefusedEnvironment) -> Markup {
    let meanwhile = if environment.serving {
        "served as it was described before"
    } else {
        "not served"
    };
    html! {
        tr {
            td { bdi.key { (shown(&environment.id)) } }
            td { (shown(&environment.reason)) }
            td { (meanwhile) }
        }
    }
}

/// What is the matter with the stream that lists them.
fn list(facts: &RosterFacts, stream: &AutoConfigStatus, environments: usize) -> Option<Concern> {
    let is_rejected = matches!(
        stream.last_error.map(|it| it.kind),
        Some(AutoConfigErrorKind::Response(401 | 403))
    );
    let why = facts.trouble.clone().map(sentence);
    let (level, label, what) = match (stream.state, why) {
        (AutoConfigState::Valid | AutoConfigState::Off, _) => return None,
        // Those that are known go on.
        (_, Some(why)) if is_rejected && facts.known => (Level::Attention, "Key refused", why),
        (_, Some(why)) if is_rejected => (Level::Trouble, "Key refused", why),
        (AutoConfigState::Interrupted, why) => {
            let why = why.unwrap_or_else(|| "The stream is interrupted.".to_owned());
            (Level::Working, "Reconnecting", why)
        }
        (AutoConfigState::Initializing, Some(why)) => (Level::Trouble, "Not listed", why),
        (AutoConfigState::Initializing, None) => {
            let what = if environments == 0 {
                "LaunchDarkly has not listed any environment yet."
            } else {
                "LaunchDarkly has not listed the environments yet: these are known from before."
            };
            (Level::Working, "Connecting", what.to_owned())
        }
    };
    let to_do = if is_rejected {
        "Environments that are known go on. Give AUTO_CONFIG_KEY the key of the Relay Proxy configuration. One that is kept in \
         a file or in a secret store is read again by itself, any other one at the next start."
    } else {
        "It connects again by itself, and environments that are known go on meanwhile; new ones, new keys and removals wait. \
         If it lasts, check the network and LaunchDarkly's own status page."
    };
    Some(Concern {
        level,
        label,
        what,
        to_do: to_do.to_owned(),
    })
}

/// What is the matter with the file.
fn file(archive: &ArchiveFacts) -> Option<Concern> {
    let why = archive.last_error.as_ref();
    let why = why.map(|(message, _)| sentence(message.clone()));
    let (level, label, what) = match (why, &archive.taken) {
        (None, Some(_)) => return None,
        (None, None) => {
            let what = "The file is looked at, and has not stood still yet.";
            (Level::Working, "Reading", what.to_owned())
        }
        (Some(why), Some(_)) => (Level::Attention, "File not taken", why),
        (Some(why), None) => (Level::Trouble, "No archive", why),
    };
    Some(Concern {
        level,
        label,
        what,
        to_do: "The file is looked at again and again; until it can be used, everything stays as it was.".to_owned(),
    })
}

fn removals(facts: &RosterFacts) -> Option<Concern> {
    let held = facts.held_removals;
    (held > 0).then(|| Concern {
        level: Level::Attention,
        label: "Removals held",
        what: format!(
            "LaunchDarkly's list leaves out {}, all or most of those that there are: they go on as they are.",
            counted(held, "environment")
        ),
        to_do: "If that is a mistake, put it right at LaunchDarkly. If it is meant, confirm the number; it also goes on by \
                itself when LaunchDarkly says the same to a new connection, which is opened after 10 seconds. What is \
                stored stays in either case."
            .to_owned(),
    })
}

fn refused(facts: &RosterFacts) -> Option<Concern> {
    let count = facts.refused.len();
    (count > 0).then(|| Concern {
        level: Level::Attention,
        label: "Refused",
        what: format!(
            "{} cannot be used as {} described.",
            counted(count, "environment"),
            if count == 1 { "it is" } else { "they are" }
        ),
        to_do: "\u{201c}Refused\u{201d} below says why. Every other environment goes on."
            .to_owned(),
    })
}

const fn state(state: AutoConfigState) -> &'static str {
    match state {
        AutoConfigState::Initializing => "connecting: nothing has come since the start",
        AutoConfigState::Valid => "connected, and everything was listed",
        AutoConfigState::Interrupted => "interrupted: waiting to connect again",
        AutoConfigState::Off => "off: the relay stops",
    }
}

fn words(kind: AutoConfigErrorKind) -> String {
    match kind {
        AutoConfigErrorKind::Network => "the connection failed or broke off".to_owned(),
        AutoConfigErrorKind::Response(status) => format!("LaunchDarkly answered {status}"),
        AutoConfigErrorKind::InvalidData => "what came was malformed".to_owned(),
        AutoConfigErrorKind::Unknown => "what came was no stream of events".to_owned(),
    }
}

fn milliseconds(since_epoch: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(since_epoch)
}

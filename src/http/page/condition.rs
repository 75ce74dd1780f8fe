//! How an environment is, in words: what is the matter, and what to do about it.

use super::text::{counted, grouped};
use crate::http::document::Reading;
use crate::status::{HeldReason, SourcePhase, TablePhase};

/// How much it matters. The worst is first, on the page too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// Readers have old data or none.
    Trouble,
    /// Somebody has to decide something.
    Attention,
    /// It is being done.
    Working,
    /// Nothing is the matter.
    Good,
}

impl Level {
    /// As a class and an attribute.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Trouble => "trouble",
            Self::Attention => "attention",
            Self::Working => "working",
            Self::Good => "good",
        }
    }
}

/// One thing that is the matter.
#[derive(Debug)]
pub(super) struct Concern {
    pub(super) level: Level,
    /// Two or three words.
    pub(super) label: &'static str,
    /// What it is.
    pub(super) what: String,
    /// What to do.
    pub(super) to_do: String,
}

/// What is the matter, the worst first.
pub(super) fn reasons(reading: &Reading<'_>) -> Vec<Concern> {
    let mut reasons: Vec<_> = [
        key(reading),
        table(reading),
        source(reading),
        removals(reading),
        set_aside(reading),
        contested(reading),
    ]
    .into_iter()
    .flatten()
    .collect();
    // What is held says nothing of the rest.
    if reasons.iter().all(|reason| reason.level != Level::Trouble) {
        reasons.extend(at_work(reading));
    }
    reasons.sort_by_key(|reason| reason.level);
    reasons
}

fn key(reading: &Reading<'_>) -> Option<Concern> {
    let data = if reading.health.usable {
        "Readers keep the previous data"
    } else {
        "Readers have no data"
    };
    let last = reading.facts.last_error.as_ref();
    reading.health.refused.then(|| Concern {
        level: Level::Trouble,
        label: "Key refused",
        what: format!(
            "{}. {data}.",
            last.map_or("LaunchDarkly refuses the SDK key", |it| &it.message)
        ),
        to_do: "Give it the SDK key of this environment. One that is kept in a file or in a secret store is read again \
                by itself, any other one at the next start."
            .to_owned(),
    })
}

fn table(reading: &Reading<'_>) -> Option<Concern> {
    let facts = &reading.facts;
    let advice = facts.table_advice.clone();
    match facts.table.0 {
        TablePhase::Misconfigured => Some(Concern {
            level: Level::Trouble,
            label: "Table unusable",
            what: sentence(
                advice.unwrap_or_else(|| "the table cannot be used: see the log".into()),
            ),
            to_do: "Writing goes on by itself once that is done.".to_owned(),
        }),
        TablePhase::Unreachable => Some(Concern {
            level: Level::Trouble,
            label: "Table unreachable",
            what: sentence(advice.unwrap_or_else(|| "DynamoDB cannot be reached".into())),
            to_do: "It is tried again by itself; what LaunchDarkly says meanwhile is not lost."
                .to_owned(),
        }),
        TablePhase::Throttled => Some(Concern {
            level: Level::Working,
            label: "Throttled",
            what: sentence(advice.unwrap_or_else(|| "DynamoDB throttles".into())),
            to_do: "It goes on by itself, as fast as DynamoDB allows. If it lasts, give the table more read units, or switch \
                    it to on-demand capacity."
                .to_owned(),
        }),
        TablePhase::Reading | TablePhase::Settled | TablePhase::Writing => None,
    }
}

fn source(reading: &Reading<'_>) -> Option<Concern> {
    let facts = &reading.facts;
    let last = facts.last_error.as_ref().map(|it| it.message.clone());
    let (stale, phase) = (reading.health.stale, facts.source.0);
    let what = match phase {
        SourcePhase::Refused => return None,
        SourcePhase::Connected if facts.table.0 != TablePhase::Settled => return None,
        SourcePhase::Connected if !stale => return None,
        SourcePhase::Connected => missing(reading).to_owned(),
        SourcePhase::Connecting if !stale && last.is_none() => return None,
        SourcePhase::Connecting => {
            last.unwrap_or_else(|| "LaunchDarkly has not said everything yet".into())
        }
        SourcePhase::Interrupted => last.unwrap_or_else(|| "the stream is interrupted".into()),
    };
    Some(Concern {
        level: if stale { Level::Trouble } else { Level::Working },
        label: if stale { "Stale" } else { "Reconnecting" },
        what: sentence(what),
        to_do: "It connects again by itself; readers keep what is stored. If it lasts, check the network and \
                LaunchDarkly's own status page."
            .to_owned(),
    })
}

/// Why a stream that is open is not enough.
fn missing(reading: &Reading<'_>) -> &'static str {
    if reading.facts.owed.is_some() {
        "a change was announced that LaunchDarkly has not said yet"
    } else {
        "nothing has been heard from LaunchDarkly for too long"
    }
}

fn removals(reading: &Reading<'_>) -> Option<Concern> {
    let held = reading.facts.braked;
    (held > 0).then(|| Concern {
        level: Level::Attention,
        label: "Removals held",
        what: format!(
            "LaunchDarkly's data leaves out {}, more than half of what is stored: nothing is removed yet.",
            counted(held, "item")
        ),
        to_do: "If that is a mistake, put it right at LaunchDarkly. If it is meant, confirm the number; it also goes on \
                by itself when LaunchDarkly says the same again after 10 minutes."
            .to_owned(),
    })
}

fn set_aside(reading: &Reading<'_>) -> Option<Concern> {
    let of = |it: &&crate::status::Held| {
        matches!(
            it.reason,
            HeldReason::TooLarge | HeldReason::Malformed | HeldReason::Failing
        )
    };
    let count = reading.facts.held.values().filter(of).count();
    (count > 0).then(|| Concern {
        level: Level::Attention,
        label: "Items held",
        what: format!(
            "{} cannot be stored as LaunchDarkly has {}; the previous version stays readable.",
            counted(count, "item"),
            if count == 1 { "it" } else { "them" }
        ),
        to_do: "\u{201c}Held\u{201d} below says why. Failing items are tried again by themselves; change the others at \
                LaunchDarkly. Everything else goes on."
            .to_owned(),
    })
}

fn contested(reading: &Reading<'_>) -> Option<Concern> {
    let count = reading.facts.contested.len();
    (count > 0).then(|| Concern {
        level: Level::Attention,
        label: "Contested",
        what: format!(
            "Another writer may own this prefix: three consecutive verifications found {} altered.",
            counted(count, "item")
        ),
        to_do: "Stop the other writer: a Relay Proxy, or an SDK that is not in daemon mode, with this table and prefix."
            .to_owned(),
    })
}

/// What it is doing while nothing is wrong.
fn at_work(reading: &Reading<'_>) -> Option<Concern> {
    let facts = &reading.facts;
    let (label, what) = if !facts.initialized {
        let left = match (facts.table.0, facts.said_everything) {
            (TablePhase::Reading, _) => "the table is being read".to_owned(),
            (_, false) => "LaunchDarkly has not said everything yet".to_owned(),
            _ => format!("{} are left to write", grouped(facts.pending as u64)),
        };
        (
            "No data yet",
            format!("readers have no usable data yet: {left}"),
        )
    } else if reading.health.up_to_date {
        return None;
    } else if facts.table.0 == TablePhase::Reading {
        ("Reading", "the table is being read".to_owned())
    } else if facts.table.0 == TablePhase::Writing {
        (
            "Writing",
            format!("{} left to write", counted(facts.pending, "difference")),
        )
    } else {
        let what = match facts.source.0 {
            SourcePhase::Connecting => "LaunchDarkly has not said everything yet",
            SourcePhase::Connected => missing(reading),
            // Is told already.
            SourcePhase::Interrupted | SourcePhase::Refused => return None,
        };
        ("Connecting", what.to_owned())
    };
    let stale = reading.health.stale;
    Some(Concern {
        level: if stale {
            Level::Trouble
        } else {
            Level::Working
        },
        label: if stale && facts.initialized {
            "Stale"
        } else {
            label
        },
        what: sentence(what),
        to_do: "Nothing is to be done unless it lasts; then the log says why.".to_owned(),
    })
}

pub(super) fn sentence(mut text: String) -> String {
    if let Some(first) = text.get(..1) {
        let first = first.to_uppercase();
        text.replace_range(..1, &first);
    }
    if !text.ends_with('.') {
        text.push('.');
    }
    text
}

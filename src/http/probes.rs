//! Whether readers have usable data.

use crate::status::{Facts, RosterFacts, SourcePhase, TablePhase};

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Whoever reaches the port for load balancers: no names.
    Anyone,
    /// Operators.
    Operators,
}

/// Whether we are ready, and what keeps us from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// Every environment is usable, those aside whose key LaunchDarkly refuses, and one at least is.
    pub ready: bool,
    stopping: bool,
    /// Where there is no environment: what that means, and why it is so, which is for operators.
    none: Option<(&'static str, Option<String>)>,
    /// Environments without usable data, and what they wait for.
    waiting: Vec<(String, String)>,
    /// Environments whose key LaunchDarkly refuses, and whether readers have usable data all the same.
    refused: Vec<(String, bool)>,
}

/// Computes [`Readiness`]. That LaunchDarkly or DynamoDB cannot be reached takes nobody's data away, and a restart
/// would not mend it: who was ready stays ready, `was_ready` the process too. An environment that joins later does not
/// take webhooks and probes away from the others.
pub fn readiness(
    environments: &[(&str, Facts)],
    roster: &RosterFacts,
    was_ready: bool,
    stopping: bool,
) -> Readiness {
    let mut waiting = Vec::new();
    let mut refused = Vec::new();
    for (name, facts) in environments {
        if facts.source.0 == SourcePhase::Refused {
            refused.push(((*name).to_owned(), facts.initialized));
        } else if !facts.initialized {
            waiting.push(((*name).to_owned(), awaited(facts)));
        }
    }
    let usable = environments.iter().any(|(_, facts)| facts.initialized);
    Readiness {
        ready: usable && (waiting.is_empty() || was_ready) && !stopping,
        stopping,
        none: environments.is_empty().then(|| nobody(roster)),
        waiting,
        refused,
    }
}

/// What it means that there is no environment, and why, where that is known.
fn nobody(roster: &RosterFacts) -> (&'static str, Option<String>) {
    let what = match (&roster.auto_config, &roster.archive, roster.known) {
        (Some(_), _, false) => "no environment is known yet: LaunchDarkly has not listed any",
        (Some(_), _, true) => "LaunchDarkly lists no environment that can be used",
        (None, Some(_), false) => "no environment is known yet: no archive was taken",
        (None, Some(_), true) => "the archive has no environment that can be used",
        (None, None, _) => "no environment is configured",
    };
    let archive = roster.archive.as_ref();
    let archive = archive.and_then(|it| it.last_error.as_ref());
    let why = archive
        .map(|(message, _)| message)
        .or(roster.trouble.as_ref());
    (what, why.cloned())
}

/// What an environment without usable data waits for: the half that is behind, with its advice where there is one.
fn awaited(facts: &Facts) -> String {
    match (facts.table.0, facts.source.0) {
        (TablePhase::Misconfigured, _) => facts
            .table_advice
            .clone()
            .unwrap_or_else(|| "the table cannot be used: see the log".to_owned()),
        (TablePhase::Unreachable, _) => "DynamoDB cannot be reached".to_owned(),
        (TablePhase::Throttled, _) => "DynamoDB throttles the table".to_owned(),
        _ if facts.is_unheard() => "LaunchDarkly cannot be reached".to_owned(),
        (TablePhase::Reading, _) => "the table is being read".to_owned(),
        (_, SourcePhase::Connecting) => "LaunchDarkly has not said everything yet".to_owned(),
        _ => "the first write is not done".to_owned(),
    }
}

impl Readiness {
    /// A line for each reason, or for what stands aside.
    pub fn text(&self, audience: Audience) -> String {
        let mut lines = Vec::new();
        if self.ready {
            lines.push("ready".to_owned());
        }
        if self.stopping {
            lines.push("stopping".to_owned());
        }
        if let Some((what, _)) = self.none {
            lines.push(what.to_owned());
        }
        match audience {
            Audience::Anyone => {
                lines.extend(counted(self.waiting.len(), "without usable data yet"));
                lines.extend(counted(
                    self.refused.len(),
                    "aside: LaunchDarkly refuses the key or has no stream for it",
                ));
            }
            Audience::Operators => {
                lines.extend(self.none.iter().filter_map(|(_, why)| why.clone()));
                lines.extend(
                    self.waiting
                        .iter()
                        .map(|(name, why)| format!("{name}: {why}")),
                );
                lines.extend(self.refused.iter().map(|(name, usable)| {
                    let data = if *usable {
                        "the previous data is still in the table"
                    } else {
                        "there is no usable data"
                    };
                    format!("{name}: aside, LaunchDarkly refuses its key or has no stream for it; {data}")
                }));
            }
        }
        lines.push(String::new());
        lines.join("\n")
    }
}

fn counted(count: usize, what: &str) -> Option<String> {
    match count {
        0 => None,
        1 => Some(format!("1 environment {what}")),
        _ => Some(format!("{count} environments {what}")),
    }
}

//! From what was given to a configuration, or to everything that is wrong with it.

use secrecy::ExposeSecret;

use super::check::check;
use super::draft::Draft;
use super::given::{Given, gather};
use super::options::{self, Opt, Shape, Treatment};
use super::origin::{Findings, Origin, Problems};
use super::reference::is_reference;
use super::report::{Effect, Input, Loaded};
use super::secret::{self, Secrets};
use super::sources::Sources;
use super::{Secret, secret_check, shown, values};

/// Reads the file, then the variables, which win, and tells every problem at once. Nothing is connected or bound.
pub fn load(sources: &Sources<'_>) -> Loaded {
    let mut findings = Findings::default();
    let given = gather(sources, &mut findings);
    let secrets = secrets_among(&given);
    let mut loader = Loader {
        sources,
        findings,
        draft: with_defaults(),
        secrets,
    };
    let inputs = (0..given.len())
        .map(|index| loader.input(&given, index))
        .collect();
    let Loader {
        mut findings,
        draft,
        secrets,
        ..
    } = loader;
    let in_effect = InEffect::of(&given);
    let settings = shown::settings(&draft, &in_effect);
    let config = check(draft, &in_effect, sources, &mut findings);
    let config = match config {
        Some(config) if findings.problems.is_empty() => Ok(config),
        _ => Err(Problems(findings.problems)),
    };
    let result = Loaded {
        config,
        warnings: findings.warnings,
        settings,
        inputs,
    };
    shown::scrub(result, &secrets)
}

/// Of what was given, that which counts: the last of each.
pub(super) struct InEffect<'a>(Vec<&'a Given>);

impl<'a> InEffect<'a> {
    fn of(given: &'a [Given]) -> Self {
        let last = |index: &usize| !is_overridden(given, *index);
        Self((0..given.len()).filter(last).map(|it| &given[it]).collect())
    }

    /// What sets this variable of this name.
    pub(super) fn get(&self, variable: &str, name: Option<&str>) -> Option<&'a Given> {
        let wanted = |it: &&&Given| it.option.variable == variable && it.name.as_deref() == name;
        self.0.iter().find(wanted).copied()
    }

    /// What says something about the environment of this name.
    pub(super) fn of_environment(&self, name: &str) -> impl Iterator<Item = &'a Given> {
        let about =
            move |it: &&Given| it.option.is_of_environment() && it.name.as_deref() == Some(name);
        self.0.iter().copied().filter(about)
    }
}

fn is_overridden(given: &[Given], index: usize) -> bool {
    given[index + 1..]
        .iter()
        .any(|it| it.sets_the_same(&given[index]))
}

fn with_defaults() -> Draft {
    let mut draft = Draft::blank();
    for option in options::all().filter(|it| !it.default.is_empty()) {
        if let Treatment::Setting(apply) | Treatment::While { apply, .. } = option.treatment {
            // None fails: a test applies each.
            apply(&mut draft, option.default).unwrap_or_default();
        }
    }
    draft
}

/// What must not appear in any text, also if it was given in a wrong place too.
fn secrets_among(given: &[Given]) -> Secrets {
    let mut secrets = Secrets::default();
    let themselves = |it: &&str| !is_reference(it);
    for secret in given.iter().flat_map(Given::secrets).filter(themselves) {
        secrets.add(secret);
    }
    secrets
}

struct Loader<'a> {
    sources: &'a Sources<'a>,
    findings: Findings,
    draft: Draft,
    secrets: Secrets,
}

impl Loader<'_> {
    fn input(&mut self, given: &[Given], index: usize) -> Input {
        let it = &given[index];
        let (effect, sentence) = match it.option.treatment {
            Treatment::Setting(_)
            | Treatment::OfEnvironment(_)
            | Treatment::Kept(_)
            | Treatment::KeptOfEnvironment(_)
            | Treatment::Shown(..)
            | Treatment::While { .. }
                if is_overridden(given, index) =>
            {
                (Effect::Overridden, String::new())
            }
            Treatment::Setting(apply) => self.apply(it, apply),
            Treatment::While { switch, apply } => match self.apply(it, apply) {
                (Effect::Honoured, _) if !holds(given, switch) => {
                    self.no_effect(it, off(switch, ""))
                }
                other => other,
            },
            Treatment::OfEnvironment(apply) => self.apply_to_environment(it, apply),
            Treatment::Kept(keep) => self.keep(it, keep),
            Treatment::KeptOfEnvironment(keep) => {
                let name = self.environment(it);
                self.keep(it, |draft, secret| keep(draft.environment(&name), secret))
            }
            Treatment::Shown(apply, why) => {
                self.findings.warning([it.origin.clone()], why);
                match self.apply_to_environment(it, apply) {
                    (Effect::Honoured, _) => (Effect::Ignored, why.to_owned()),
                    other => other,
                }
            }
            Treatment::Elsewhere(by) => (Effect::Honoured, by.to_owned()),
            Treatment::NoEffect(why) => self.no_effect(it, why.to_owned()),
            Treatment::Refused { harmless, .. } if harmless(&it.value) => {
                (Effect::Honoured, "it is so anyway".to_owned())
            }
            Treatment::Refused { why, .. } => self.refused(it, why),
            Treatment::PartOf { switch, why, .. } if is_on(given, switch) => self.refused(it, why),
            Treatment::PartOf {
                switch, instead, ..
            } => self.no_effect(it, off(switch, instead)),
        };
        Input {
            origin: it.origin.clone(),
            effect,
            sentence,
        }
    }

    fn apply_to_environment(
        &mut self,
        given: &Given,
        apply: impl Fn(&mut super::draft::EnvironmentDraft, &str) -> Result<(), String>,
    ) -> (Effect, String) {
        let name = self.environment(given);
        self.apply(given, |draft, value| apply(draft.environment(&name), value))
    }

    /// The name of the environment that something is said about. It was mentioned, also if what was said is wrong.
    fn environment(&mut self, given: &Given) -> String {
        let name = given.name.clone().unwrap_or_default();
        self.draft.environment(&name);
        name
    }

    fn apply(
        &mut self,
        given: &Given,
        apply: impl Fn(&mut Draft, &str) -> Result<(), String>,
    ) -> (Effect, String) {
        let applied = if given.option.shape == Shape::Secret {
            secret::find_now(&given.value, self.sources).and_then(|value| {
                self.secrets.add(&value);
                apply(&mut self.draft, &value)
            })
        } else {
            apply(&mut self.draft, &given.value)
        };
        self.became(given, applied)
    }

    /// The same for secrets that may be kept elsewhere.
    fn keep(
        &mut self,
        given: &Given,
        keep: impl Fn(&mut Draft, Secret) -> Result<(), String>,
    ) -> (Effect, String) {
        let kept = given.secrets().try_for_each(|it| {
            if it.is_empty() {
                return Err(secret_check::EMPTY_PART.to_owned());
            }
            let secret = secret::find(it, self.sources)?;
            if let Some(value) = &secret.value {
                // A file may hold two of them.
                let values = value.expose_secret().split(',').map(str::trim);
                values.for_each(|it| self.secrets.add(it));
                self.secrets.add(value.expose_secret());
            }
            keep(&mut self.draft, secret)
        });
        self.became(given, kept)
    }

    fn became(&mut self, given: &Given, applied: Result<(), String>) -> (Effect, String) {
        match applied {
            Ok(()) => (Effect::Honoured, String::new()),
            Err(error) => {
                let value = match given.option.shape {
                    Shape::Secret | Shape::Secrets => "the value".to_owned(),
                    Shape::Text | Shape::Url | Shape::List => format!("`{}`", given.value),
                };
                let sentence = format!("{value} {error}");
                self.findings
                    .problem([given.origin.clone()], sentence.clone());
                (Effect::Invalid, sentence)
            }
        }
    }

    fn no_effect(&mut self, given: &Given, why: String) -> (Effect, String) {
        self.findings.warning([given.origin.clone()], why.clone());
        (Effect::Ignored, why)
    }

    fn refused(&mut self, given: &Given, why: &str) -> (Effect, String) {
        self.findings.problem([given.origin.clone()], why);
        (Effect::Refused, why.to_owned())
    }
}

/// Whether a switch is on: by itself, or because the file names what it switches.
fn is_on(given: &[Given], switch: &str) -> bool {
    let by_itself =
        |it: &Given| it.option.variable == switch && values::boolean(&it.value) != Ok(false);
    let by_part = |it: &Given| {
        matches!(it.origin, Origin::File { .. })
            && matches!(it.option.treatment, Treatment::PartOf { switch: of, switches_in_file: true, .. } if of == switch)
    };
    given.iter().any(|it| by_itself(it) || by_part(it))
}

/// Whether an honoured switch is on, as it was set last.
fn holds(given: &[Given], switch: &str) -> bool {
    let last = given.iter().rfind(|it| it.option.variable == switch);
    last.is_some_and(|it| values::boolean(&it.value) != Ok(false))
}

fn off(switch: &str, instead: &str) -> String {
    format!("no effect here: {switch} is off{instead}")
}

/// The options that hold for all environments, for those who show what nobody set.
pub(super) fn honoured_globally() -> impl Iterator<Item = &'static Opt> {
    let honoured = |it: &&Opt| {
        matches!(
            it.treatment,
            Treatment::Setting(_) | Treatment::Kept(_) | Treatment::While { .. }
        )
    };
    options::all().filter(move |it| honoured(it) && !it.toml.is_empty())
}

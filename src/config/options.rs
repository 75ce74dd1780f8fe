//! What an option is: its name in each of the three syntaxes, and what becomes of it.
//!
//! The rows are in `settings` (honoured), `accepted` (without effect here) and `refused`. To add an option, add a row.

use super::draft::{Draft, EnvironmentDraft};
use super::{Secret, accepted, refused, settings};

/// Parses a value and puts it where it belongs. An error completes the sentence "the value ...".
type Apply = fn(&mut Draft, &str) -> Result<(), String>;
type ApplyToEnvironment = fn(&mut EnvironmentDraft, &str) -> Result<(), String>;
/// Puts a secret where it belongs; once for each of several.
type Keep = fn(&mut Draft, Secret) -> Result<(), String>;
type KeepForEnvironment = fn(&mut EnvironmentDraft, Secret) -> Result<(), String>;

/// One option.
pub(super) struct Opt {
    /// The environment variable. One that ends with an underscore is a family: a name follows.
    pub(super) variable: &'static str,
    /// Its places in our file, `table.key`; empty for none.
    pub(super) toml: &'static str,
    /// Its places in the Relay Proxy's file, `Section.key`.
    pub(super) ini: &'static [&'static str],
    /// How its value is read and shown.
    pub(super) shape: Shape,
    /// What holds when nobody sets it, as one would write it; empty for nothing.
    pub(super) default: &'static str,
    /// What becomes of it.
    pub(super) treatment: Treatment,
}

/// How a value is read and shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Text,
    /// Shown as it is used: normalised.
    Url,
    /// Shown masked; may be kept elsewhere.
    Secret,
    /// Several of that sort, separated by commas.
    Secrets,
    /// Several, separated by commas in a variable.
    List,
}

/// What becomes of an option. Sentences follow the option's name and a colon.
#[derive(Clone, Copy)]
pub(super) enum Treatment {
    /// Honoured.
    Setting(Apply),
    /// Honoured, for one environment.
    OfEnvironment(ApplyToEnvironment),
    /// Honoured: a secret, which may change where it is kept.
    Kept(Keep),
    /// The same, for one environment.
    KeptOfEnvironment(KeepForEnvironment),
    /// Honoured, for one environment, with less effect than its name promises.
    Shown(ApplyToEnvironment, &'static str),
    /// Honoured while the switch is on, without effect while it is off.
    While { switch: &'static str, apply: Apply },
    /// Honoured by a library that reads it for itself.
    Elsewhere(&'static str),
    /// Accepted and warned about.
    NoEffect(&'static str),
    /// Refused, unless the value switches it off or is what holds anyway.
    Refused {
        harmless: fn(&str) -> bool,
        why: &'static str,
    },
    /// Belongs to a switch that is refused: refused with it, without effect while it is off.
    PartOf {
        switch: &'static str,
        /// The Relay Proxy's file has no such switch: giving this is switching it on.
        switches_in_file: bool,
        why: &'static str,
        /// What to do while it is off, with a semicolon before it; empty for nothing.
        instead: &'static str,
    },
}

impl Opt {
    /// An option of the Relay Proxy without a place in our file.
    pub(super) const fn foreign(
        variable: &'static str,
        ini: &'static [&'static str],
        treatment: Treatment,
    ) -> Self {
        Self {
            variable,
            toml: "",
            ini,
            shape: Shape::Text,
            default: "",
            treatment,
        }
    }

    /// The same, holding a secret.
    pub(super) const fn secret(mut self) -> Self {
        self.shape = Shape::Secret;
        self
    }

    /// Whether a name follows the variable.
    pub(super) fn is_family(&self) -> bool {
        self.variable.ends_with('_')
    }

    /// Whether it says something about one environment.
    pub(super) fn is_of_environment(&self) -> bool {
        matches!(
            self.treatment,
            Treatment::OfEnvironment(_) | Treatment::KeptOfEnvironment(_) | Treatment::Shown(..)
        )
    }
}

/// All options, in the order in which they are shown.
pub(super) fn all() -> impl Iterator<Item = &'static Opt> {
    settings::OPTIONS
        .iter()
        .chain(accepted::OPTIONS)
        .chain(refused::OPTIONS)
}

/// The option that this environment variable sets, and the name that follows it in a family.
pub(super) fn by_variable(variable: &str) -> Option<(&'static Opt, Option<&str>)> {
    let name_in = |option: &Opt| {
        let name = variable.strip_prefix(option.variable);
        name.filter(|it| option.is_family() && !it.is_empty())
    };
    if let Some(option) = all().find(|it| !it.is_family() && it.variable == variable) {
        return Some((option, None));
    }
    // `LD_TTL_MINUTES_x` is not the environment `MINUTES_x` of `LD_TTL_`.
    all()
        .filter(|it| name_in(it).is_some())
        .max_by_key(|it| it.variable.len())
        .map(|it| (it, name_in(it)))
}

/// The option at this place in our file.
pub(super) fn by_toml(path: &str) -> Option<&'static Opt> {
    all().find(|it| !path.is_empty() && it.toml == path)
}

/// The option at this place in the Relay Proxy's file, which knows no upper and lower case.
pub(super) fn by_ini(section: &str, key: &str) -> Option<&'static Opt> {
    all().find(|option| {
        option.ini.iter().any(|place| {
            place.split_once('.').is_some_and(|(its_section, its_key)| {
                its_section.eq_ignore_ascii_case(section)
                    && (its_key == "*" || its_key.eq_ignore_ascii_case(key))
            })
        })
    })
}

/// Whether our file has this table.
pub(super) fn is_toml_table(table: &str) -> bool {
    let mut places = all().filter_map(|it| it.toml.split_once('.'));
    places.any(|(its, _)| its == table)
}

/// Whether the Relay Proxy's file has this section.
pub(super) fn is_ini_section(section: &str) -> bool {
    let mut places = all()
        .flat_map(|it| it.ini)
        .filter_map(|it| it.split_once('.'));
    places.any(|(its, _)| its.eq_ignore_ascii_case(section))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_options_share_a_name() {
        let mut seen = HashSet::new();
        for option in all() {
            let places = option.ini.iter().map(|it| ("ini", it.to_ascii_lowercase()));
            let names = [
                ("variable", option.variable.to_owned()),
                ("toml", option.toml.to_owned()),
            ];
            for name in names.into_iter().chain(places) {
                assert!(name.1.is_empty() || seen.insert(name.clone()), "{name:?}");
            }
        }
    }

    #[test]
    fn every_default_is_a_value_of_its_option() {
        let mut draft = Draft::blank();
        for option in all().filter(|it| !it.default.is_empty()) {
            match option.treatment {
                Treatment::Setting(apply) | Treatment::While { apply, .. } => {
                    apply(&mut draft, option.default).unwrap();
                }
                _ => panic!("{} has a default and is no setting", option.variable),
            }
        }
    }

    #[test]
    fn the_longest_family_wins() {
        let found = |variable| by_variable(variable).map(|(it, name)| (it.variable, name));
        assert_eq!(found("LD_TTL_a"), Some(("LD_TTL_", Some("a"))));
        assert_eq!(
            found("LD_TTL_MINUTES_a"),
            Some(("LD_TTL_MINUTES_", Some("a")))
        );
        assert_eq!(found("LD_ENV_"), None);
        assert_eq!(found("LD_PREFIXX_a"), None);
        assert_eq!(found("PORT"), Some(("PORT", None)));
        assert_eq!(found("PORT_"), None);
    }
}

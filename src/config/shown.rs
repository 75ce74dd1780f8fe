//! The configuration as people are shown it: every setting with its origin, no secret.

use secrecy::SecretString;

use super::draft::Draft;
use super::given::Given;
use super::load::{InEffect, honoured_globally};
use super::options::{Opt, Shape};
use super::origin::{Origin, Remark};
use super::reference::is_reference;
use super::report::{Loaded, Setting};
use super::secret::{Secrets, mask};
use super::values;

/// Every setting with its value.
pub(super) fn settings(draft: &Draft, in_effect: &InEffect<'_>) -> Vec<Setting> {
    let mut settings = Vec::new();
    for environment in &draft.environments {
        let name = &environment.name;
        let own: Vec<&Given> = in_effect.of_environment(name).collect();
        settings.extend(own.iter().map(|it| of_environment(name, it)));
        let shared = in_effect.get("DYNAMODB_TABLE", None);
        if let Some(shared) = shared.filter(|_| environment.table.is_none()) {
            settings.push(Setting {
                name: format!("environment.{name}.table"),
                variable: format!("LD_TABLE_NAME_{name}"),
                ..of_environment(name, shared)
            });
        }
    }
    for option in honoured_globally() {
        let given = in_effect.get(option.variable, None);
        settings.push(Setting {
            name: option.toml.to_owned(),
            variable: option.variable.to_owned(),
            value: given.map_or_else(|| option.default.to_owned(), |it| shown(option, it)),
            origin: given.map_or(Origin::Default, |it| it.origin.clone()),
        });
    }
    settings
}

fn of_environment(name: &str, given: &Given) -> Setting {
    let key = given.option.toml.trim_start_matches("environment.");
    Setting {
        name: format!("environment.{name}.{key}"),
        variable: format!("{}{name}", given.option.variable),
        value: shown(given.option, given),
        origin: given.origin.clone(),
    }
}

fn shown(option: &Opt, given: &Given) -> String {
    let value = &given.value;
    match option.shape {
        Shape::Secret | Shape::Secrets => {
            // Where it is kept is no secret, and what an operator wants to see.
            let each = given.secrets().map(|it| match it {
                it if is_reference(it) => it.to_owned(),
                it => mask(&SecretString::from(it)),
            });
            each.collect::<Vec<_>>().join(",")
        }
        Shape::Url => values::base_url(value).unwrap_or_else(|_| value.clone()),
        Shape::Text | Shape::List => value.clone(),
    }
}

/// Takes out of every text what looks like a secret, should one have been put where a name belongs.
pub(super) fn scrub(mut loaded: Loaded, secrets: &Secrets) -> Loaded {
    let text = |it: &mut String| *it = secrets.scrub(it);
    let origin = |it: &mut Origin| match it {
        Origin::Default => {}
        Origin::File { key, .. } => text(key),
        Origin::Variable(name) => text(name),
    };
    let remark = |it: &mut Remark| {
        text(&mut it.text);
        it.about.iter_mut().for_each(origin);
    };
    if let Err(problems) = &mut loaded.config {
        problems.0.iter_mut().for_each(remark);
    }
    loaded.warnings.iter_mut().for_each(remark);
    for setting in &mut loaded.settings {
        text(&mut setting.name);
        text(&mut setting.variable);
        text(&mut setting.value);
        origin(&mut setting.origin);
    }
    for input in &mut loaded.inputs {
        text(&mut input.sentence);
        origin(&mut input.origin);
    }
    loaded
}

//! Where a value is: `connectionStatus.state`, `environments["my.env"].status`, `sdkKeys[0].value`,
//! `sdkKeys[key=mine].value`.

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;

use super::Problem;
use crate::http::document::Outline;

/// One step of a path.
pub(super) enum PathStep<'a> {
    /// To a member of an object.
    Member(&'a str),
    /// To an element of an array, by its position.
    Position(usize),
    /// To the first element that has this value in this member.
    With(&'a str, &'a str),
}

impl fmt::Display for PathStep<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(name) => write!(formatter, "{name:?}"),
            Self::Position(position) => write!(formatter, "[{position}]"),
            Self::With(member, value) => write!(formatter, "[{member}={value}]"),
        }
    }
}

/// The steps of a path. As lenient with dots as the Relay Proxy: they only part what would else be one name.
pub(super) fn steps(path: &str) -> Result<Vec<PathStep<'_>>, Problem> {
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        rest = if let Some(rest) = rest.strip_prefix('.') {
            rest
        } else if let Some(rest) = rest.strip_prefix('[') {
            let Some((inside, rest)) = rest.split_once(']') else {
                return unreadable("a [ has no ]".to_owned());
            };
            steps.push(bracket(inside)?);
            rest
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (name, rest) = rest.split_at(end);
            steps.push(PathStep::Member(name));
            rest
        };
    }
    if steps.is_empty() {
        return unreadable("the path is empty".to_owned());
    }
    Ok(steps)
}

fn bracket(inside: &str) -> Result<PathStep<'_>, Problem> {
    if let Some(name) = quoted(inside) {
        return Ok(PathStep::Member(name));
    }
    if let Some((member, value)) = inside.split_once('=') {
        if member.is_empty() {
            return unreadable(format!("[{inside}] names no field"));
        }
        return Ok(PathStep::With(member, quoted(value).unwrap_or(value)));
    }
    match inside.parse() {
        Ok(position) => Ok(PathStep::Position(position)),
        Err(_) => unreadable(format!(
            "[{inside}] is neither [\"name\"] nor [0] nor [field=value]"
        )),
    }
}

fn quoted(text: &str) -> Option<&str> {
    let between = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    between('"').or_else(|| between('\''))
}

fn unreadable<T>(problem: String) -> Result<T, Problem> {
    Err(Problem::Unreadable(problem))
}

/// That documents with this outline can have a single value there.
pub(super) fn checked(path: &[PathStep<'_>], outline: Outline) -> Result<(), Problem> {
    let end = path.iter().try_fold(outline, |at, step| next(at, step))?;
    if matches!(end, Outline::Value) {
        return Ok(());
    }
    let end = path.last().map(ToString::to_string).unwrap_or_default();
    impossible(format!(
        "{end} is not a single value, so it cannot be compared"
    ))
}

fn next(outline: Outline, step: &PathStep<'_>) -> Result<Outline, Problem> {
    match (outline, step) {
        (Outline::Object(members), PathStep::Member(name)) => member(members, name),
        (Outline::Numbers(names), PathStep::Member(name)) => {
            let names = names();
            if names.contains(name) {
                Ok(Outline::Value)
            } else {
                unknown(name, &names)
            }
        }
        (Outline::Map(each), PathStep::Member(_))
        | (Outline::Array(each), PathStep::Position(_)) => Ok(*each),
        (Outline::Array(each), PathStep::With(name, _)) => match each {
            Outline::Object(members) => member(members, name).map(|_| *each),
            _ => impossible(format!("{step} cannot be found: there are no objects")),
        },
        (Outline::Array(_), PathStep::Member(_)) => impossible(format!(
            "{step} is asked of an array: say of which element, as in [0] or [field=value]"
        )),
        (Outline::Value, _) => {
            impossible(format!("{step} is asked of a single value, which has none"))
        }
        (_, PathStep::Position(_) | PathStep::With(..)) => {
            impossible(format!("{step} is asked of what is not an array"))
        }
    }
}

fn member(members: &[(&'static str, Outline)], name: &str) -> Result<Outline, Problem> {
    let Some((_, outline)) = members.iter().find(|(it, _)| *it == name) else {
        let names: Vec<_> = members.iter().map(|(name, _)| *name).collect();
        return unknown(name, &names);
    };
    Ok(*outline)
}

fn unknown(name: &str, names: &[&str]) -> Result<Outline, Problem> {
    let names = names.join(", ");
    impossible(format!("unknown field {name:?}: there are {names}"))
}

fn impossible<T>(problem: String) -> Result<T, Problem> {
    Err(Problem::Impossible(problem))
}

/// What is there now.
pub(super) fn found<'a>(path: &[PathStep<'_>], document: &'a Value) -> Option<&'a Value> {
    path.iter().try_fold(document, |at, step| match step {
        PathStep::Member(name) => at.as_object()?.get(*name),
        PathStep::Position(position) => at.as_array()?.get(*position),
        PathStep::With(member, value) => at.as_array()?.iter().find(|it| {
            let found = it.get(*member).and_then(text);
            found.is_some_and(|found| found == *value)
        }),
    })
}

/// A single value as JSON shows it, texts without their quotation marks.
pub(super) fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Null => Some("null".into()),
        Value::Bool(it) => Some(it.to_string().into()),
        Value::Number(it) => Some(it.to_string().into()),
        Value::String(it) => Some(it.into()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

//! Our file: tables and keys that the options name, and `[[environment]]` once for each environment.

use std::collections::HashSet;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::given::{FileReader, Given};
use super::options::{self, Opt, Shape};

const ENVIRONMENT: &str = "environment";

/// Reads what the file says into `reader`. The parser's own words quote nothing of the file.
pub(super) fn read(text: &str, reader: &mut FileReader<'_>) {
    let (document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        for error in errors {
            let at = error.span().map_or(0, |it| it.start);
            reader.syntax_error(
                line_of(text, at),
                format!("this is not TOML: {}", error.message()),
            );
        }
        return;
    }
    let mut names = HashSet::new();
    for (table, value) in document.get_ref() {
        let (name, line) = (table.get_ref().as_ref(), line_of(text, table.span().start));
        match value.get_ref() {
            DeValue::Table(keys) if name != ENVIRONMENT && options::is_toml_table(name) => {
                keys_of(name, keys, None, text, reader);
            }
            DeValue::Array(tables) if name == ENVIRONMENT => {
                for table in tables {
                    environment(table, &mut names, text, reader);
                }
            }
            _ if name == ENVIRONMENT => {
                reader.problem(
                    line,
                    name,
                    "write [[environment]], once for each environment, with a `name` in it",
                );
            }
            _ => reader.problem(
                line,
                name,
                "is no table of this file; see relay.example.toml",
            ),
        }
    }
}

fn environment(
    table: &Spanned<DeValue<'_>>,
    names: &mut HashSet<String>,
    text: &str,
    reader: &mut FileReader<'_>,
) {
    let line = line_of(text, table.span().start);
    let DeValue::Table(keys) = table.get_ref() else {
        return reader.problem(
            line,
            ENVIRONMENT,
            "write [[environment]], once for each environment",
        );
    };
    let name = keys
        .get("name")
        .and_then(|it| it.get_ref().as_str())
        .unwrap_or_default();
    if name.is_empty() {
        return reader.problem(
            line,
            ENVIRONMENT,
            "this environment has no `name`; give it one, in quotes",
        );
    }
    if !names.insert(name.to_owned()) {
        return reader.problem(
            line,
            ENVIRONMENT,
            format!("there are two environments `{name}`; rename one"),
        );
    }
    keys_of(ENVIRONMENT, keys, Some(name), text, reader);
}

fn keys_of(
    table: &str,
    keys: &DeTable<'_>,
    name: Option<&str>,
    text: &str,
    reader: &mut FileReader<'_>,
) {
    for (key, value) in keys {
        let line = line_of(text, key.span().start);
        let path = format!("{table}.{}", key.get_ref());
        if name.is_some() && key.get_ref() == "name" {
            continue;
        }
        match options::by_toml(&path) {
            None => reader.problem(
                line,
                &path,
                "is no setting of this file; see relay.example.toml",
            ),
            Some(option) => match text_of(option, value.get_ref()) {
                Err(expected) => reader.problem(line, &path, expected),
                Ok(value) => reader.given(Given {
                    option,
                    name: name.map(str::to_owned),
                    value,
                    origin: reader.origin(line, &path),
                }),
            },
        }
    }
}

/// The value as one would write it in a variable.
fn text_of(option: &Opt, value: &DeValue<'_>) -> Result<String, &'static str> {
    match value {
        DeValue::String(text) => Ok(text.clone().into_owned()),
        DeValue::Boolean(it) => Ok(it.to_string()),
        DeValue::Integer(it) => i64::from_str_radix(it.as_str(), it.radix())
            .map(|it| it.to_string())
            .map_err(|_| "this number is too large"),
        DeValue::Array(list) if option.shape == Shape::List => {
            let texts: Option<Vec<&str>> = list.iter().map(|it| it.get_ref().as_str()).collect();
            texts
                .map(|it| it.join(","))
                .ok_or("write a list of texts, each in quotes")
        }
        _ => Err("write a text in quotes, a whole number, `true` or `false`"),
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|it| *it == b'\n').count()
}

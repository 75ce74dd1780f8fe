//! Loads settings from texts, without a process or a disk.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::Duration;

use ld_dynamodb_relay::commands;
use ld_dynamodb_relay::config::{Loaded, SourceKind, Sources, load};

/// With the first of `files` as the settings file, if there is any, and the others there to be read.
pub(crate) fn load_from(files: &[(&str, &str)], variables: &[(&str, &str)]) -> Loaded {
    let read = |path: &Path| match files.iter().find(|it| path == Path::new(it.0)) {
        Some((_, text)) => Ok((*text).to_owned()),
        None => Err(io::Error::from(io::ErrorKind::NotFound)),
    };
    let owned = |it: &(&str, &str)| (it.0.to_owned(), it.1.to_owned());
    load(&Sources {
        file: files.first().map(|it| it.0.into()),
        allow_missing_file: false,
        variables: variables.iter().map(owned).collect::<BTreeMap<_, _>>(),
        read: &read,
    })
}

/// A line for each problem.
pub(crate) fn problems(loaded: &Loaded) -> Vec<String> {
    let problems = loaded.config.as_ref().err().map_or(&[][..], |it| &it.0);
    problems.iter().map(ToString::to_string).collect()
}

/// What `config` prints.
pub(crate) fn printed(loaded: &Loaded, as_json: bool) -> String {
    let mut out = Vec::new();
    let valid = commands::config::print(loaded, as_json, &mut out).unwrap();
    assert_eq!(valid, loaded.config.is_ok());
    String::from_utf8(out).unwrap()
}

/// The least that starts, together with [`TABLE`].
pub(crate) const KEY: (&str, &str) = ("LD_ENV_a", "sdk-a");
/// A table for all.
pub(crate) const TABLE: (&str, &str) = ("DYNAMODB_TABLE", "flags");

#[test]
fn an_environment_says_for_itself_how_it_is_heard() {
    let both = [
        ("LD_ENV_a", "sdk-a"),
        ("LD_PREFIX_a", "a"),
        ("LD_ENV_b", "sdk-b"),
        ("LD_PREFIX_b", "b"),
        ("LD_UPSTREAM_b", "stream"),
        ("UPSTREAM", "poll"),
        TABLE,
    ];
    let config = load_from(&[], &both).config.unwrap();
    let sources: Vec<_> = config.environments.iter().map(|it| it.source).collect();
    assert_eq!(sources, [SourceKind::Poll, SourceKind::Stream]);
    assert_eq!(config.upstream.poll_interval, Duration::from_secs(30));
}

//! Which of our environments a subject is about.

use ld_dynamodb_relay::webhook::{About, Addressee, Which, matching};

use crate::words::{named, subject};

/// `name`, `name@project`, `name=key` or `name=key@project`, as the settings may have it.
fn addressee(text: &str) -> Addressee<'_> {
    let (text, project) = match text.split_once('@') {
        Some((text, project)) => (text, Some(project)),
        None => (text, None),
    };
    let (name, environment) = match text.split_once('=') {
        Some((name, key)) => (name, Some(key)),
        None => (text, None),
    };
    Addressee {
        name,
        project,
        environment,
    }
}

/// Whom `said`, as `environment@project` (`*` for all), is about. Each addressee that is meant is marked with a `!`.
#[track_caller]
fn check(said: &str, addressees: &[&str]) {
    let (environment, project) = match said.split_once('@') {
        Some((environment, project)) => (environment, Some(project)),
        None => (said, None),
    };
    let environment = match environment {
        "*" => Which::Every,
        "?" => Which::Unsaid,
        key => named(key),
    };
    let expected: Vec<usize> = (0..addressees.len())
        .filter(|at| addressees[*at].ends_with('!'))
        .collect();
    let ours: Vec<_> = addressees
        .iter()
        .map(|text| addressee(text.trim_end_matches('!')))
        .collect();
    let found = matching(&subject(project, environment, About::Everything), &ours);
    assert_eq!(found, expected, "{said}: {addressees:?}");
}

#[test]
fn a_key_in_the_settings_counts_first() {
    check("prod@p", &["Live=prod@p!", "Staging=stage@p"]);
    check("prod@p", &["Live=prod!", "Staging=stage"]);
    // Two that are fed from one, into two tables.
    check("prod@p", &["Live=prod!", "Copy=prod@p!", "Other=prod@q"]);
    // Though another one's name is that key.
    check("prod@p", &["prod", "Live=prod!"]);
    check("prod@p", &["prod@p", "Live=prod!"]);
    check("prod@p", &["prod=stage", "Live=prod!"]);
    // Of one project the key, of the other the name.
    check("prod@p", &["prod@p!", "Live=prod@q"]);
    check("prod@q", &["prod@p", "Live=prod@q!"]);
}

#[test]
fn a_name_counts_where_no_key_is_set() {
    check("prod@p", &["prod!", "stage"]);
    check("prod@p", &["prod@p!", "stage@p"]);
    check("prod@p", &["prod@q", "stage@p"]);
    check("prod@p", &["prod=live", "stage"]);
    // Names are compared as they are.
    check("prod@p", &["Prod", "stage"]);
}

#[test]
fn the_only_one_is_meant_unless_its_settings_say_otherwise() {
    check("prod@p", &["Anything!"]);
    check("prod@p", &["Anything@p!"]);
    check("prod@p", &["Anything@q"]);
    check("prod@p", &["Anything=prod!"]);
    check("prod@p", &["Anything=stage"]);
    check("prod@p", &["prod=stage"]);
    check("prod@p", &["Anything=stage@p"]);
    check("prod@p", &["Anything=prod@q"]);
    check("prod@p", &["prod@q"]);
    // It is the only one of all, not of its project.
    check("prod@p", &["One", "Other"]);
    check("prod@p", &["One@p", "Other@q"]);
    check("prod@p", &["One", "Other=stage"]);
    check("prod@p", &[]);
}

#[test]
fn every_environment_is_each_that_may_be_of_the_project() {
    check(
        "*@p",
        &["One@p!", "Two@q", "Three!", "Four=key@p!", "Five=key!"],
    );
    check("*@p", &["One@q"]);
    check("*@p", &["One=stage!"]);
    check("*", &["One@p!", "Two!", "Three=key@q!"]);
    check("*", &[]);
}

#[test]
fn a_project_that_is_not_said_contradicts_nobody() {
    check("prod", &["Live=prod@p!", "Other=prod@q!", "prod"]);
    check("prod", &["prod@p!", "prod@q!", "stage@p"]);
    check("prod", &["Anything@p!"]);
}

#[test]
fn where_no_place_is_said_nobody_is_meant() {
    check("?", &["One", "Two"]);
    check("?", &["One"]);
    check("?", &[]);
}

/// Keys of projects and environments are compared whole.
#[test]
fn what_begins_alike_is_something_else() {
    check("prod@p", &["prod-eu", "pro", "x=production"]);
    check("prod@p", &["x=prod@pp", "y=prod@"]);
}

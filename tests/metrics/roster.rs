//! What is told of where environments come from: nothing where the settings list them.

use std::time::SystemTime;

use ld_dynamodb_relay::metrics::Metrics;
use ld_dynamodb_relay::roster::{AutoConfigState, RefusedEnvironment};
use ld_dynamodb_relay::status::{EnvironmentStatus, RosterFacts, RosterStatus, TakenArchive};

use super::{PREFIX, now, render_of};

/// Environments, those refused, those whose removal is held, and whether it is up to date; `environments` run.
fn gauges(roster: &RosterFacts, environments: usize) -> Vec<u64> {
    let status = EnvironmentStatus::new(now());
    let known = vec![("production", &status); environments];
    let text = render_of(&Metrics::new(PREFIX), &known, roster, now());
    let value = |name: &&str| {
        let prefix = format!("{PREFIX}roster_{name} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&prefix));
        line.map(|value| value.parse().unwrap())
    };
    let names = ["environments", "refused", "held_removals", "up_to_date"];
    names.iter().filter_map(value).collect()
}

#[test]
fn there_is_nothing_to_tell_where_the_settings_list_them() {
    assert!(gauges(&RosterStatus::configured().facts(), 2).is_empty());
}

#[test]
fn the_stream_of_auto_configuration_is_up_to_date_while_it_is_heard() {
    let mut facts = RosterStatus::auto_configured(now()).facts();
    assert_eq!(gauges(&facts, 0), [0, 0, 0, 0]);
    for (state, up_to_date) in [
        (AutoConfigState::Valid, 1),
        (AutoConfigState::Interrupted, 0),
        (AutoConfigState::Off, 0),
    ] {
        facts.auto_config.as_mut().unwrap().state = state;
        assert_eq!(gauges(&facts, 2), [2, 0, 0, up_to_date], "{state:?}");
    }
    facts.held_removals = 7;
    facts.refused.push(RefusedEnvironment {
        id: "5f01".into(),
        reason: "its key is empty".to_owned(),
        serving: true,
    });
    assert_eq!(gauges(&facts, 2), [2, 1, 7, 0]);
}

#[test]
fn an_archive_is_up_to_date_while_the_file_that_is_there_was_taken() {
    let mut facts = RosterStatus::archived().facts();
    assert_eq!(gauges(&facts, 0), [0, 0, 0, 0]);
    let taken = TakenArchive {
        modified: SystemTime::UNIX_EPOCH,
        bytes: 1,
        checksum: [0; 16],
    };
    facts.archive.as_mut().unwrap().taken = Some(taken);
    assert_eq!(gauges(&facts, 2), [2, 0, 0, 1]);
    let error = ("it ends early".to_owned(), now());
    facts.archive.as_mut().unwrap().last_error = Some(error);
    assert_eq!(gauges(&facts, 2), [2, 0, 0, 0]);
}

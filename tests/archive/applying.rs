//! What holds after an archive, and what is otherwise than before it.

use ld_dynamodb_relay::archive::{AppliedArchive, ArchiveChange};
use ld_dynamodb_relay::model::ItemKey;
use secrecy::ExposeSecret as _;
use serde_json::json;

use crate::pack::{DEMO, PRODUCTION, Pack, STAGING, flags, read};

/// What was done with which environment.
fn told(changes: &[ArchiveChange]) -> Vec<(&'static str, &str)> {
    let told = changes.iter().map(|change| match change {
        ArchiveChange::Added(it) => ("added", &*it.id),
        ArchiveChange::NewData(it) => ("data", &*it.id),
        ArchiveChange::NewNames(it) => ("names", &*it.id),
        ArchiveChange::Removed(id) => ("removed", &**id),
    });
    told.collect()
}

/// Takes them one after the other; what the last one changed is asserted.
#[track_caller]
fn check(packs: impl IntoIterator<Item = Pack>, expected: &[(&str, &str)]) -> AppliedArchive {
    let (mut before, mut applied) = <(AppliedArchive, AppliedArchive)>::default();
    for pack in packs {
        before = applied.clone();
        applied.take(read(&pack.gzip()));
    }
    assert_eq!(told(&applied.changes_since(&before)), expected);
    applied
}

fn keys(applied: &AppliedArchive, id: &str) -> Vec<String> {
    let data = &applied.get(id).unwrap().data;
    let mut keys: Vec<_> = data.keys().map(|key| key.key.to_string()).collect();
    keys.sort();
    keys
}

fn refused(applied: &AppliedArchive) -> Vec<&str> {
    applied.refused().iter().map(|it| &*it.id).collect()
}

#[test]
fn the_first_archive_adds_everything() {
    let expected = [("added", PRODUCTION), ("added", STAGING)];
    check([Pack::official()], &expected);
}

#[test]
fn the_same_archive_changes_nothing() {
    check([Pack::official(), Pack::official()], &[]);
}

#[test]
fn another_data_id_is_a_new_set_also_at_a_lower_version_and_a_new_environment_is_added() {
    let expected = [("data", PRODUCTION), ("added", DEMO)];
    let applied = check([Pack::official(), Pack::second()], &expected);
    assert_eq!(applied.get(PRODUCTION).unwrap().entry.version, 9);
    assert_eq!(keys(&applied, PRODUCTION), ["new"]);
}

#[test]
fn removals_come_last() {
    let back = [("data", PRODUCTION), ("removed", DEMO)];
    check([Pack::second(), Pack::official()], &back);
    check([Pack::official(), Pack::removed()], &[("removed", STAGING)]);
    let renamed = Pack::dorkly();
    let expected = [
        ("added", "production"),
        ("removed", PRODUCTION),
        ("removed", STAGING),
    ];
    check([Pack::official(), renamed], &expected);
}

#[test]
fn with_the_same_data_id_the_data_are_as_they_were_whatever_is_there() {
    let pack = Pack::official().data(STAGING, &flags(&[("other", 1)]));
    let applied = check([Pack::official(), pack.clone()], &[]);
    assert_eq!(keys(&applied, STAGING), ["billing-v2"]);
    // Names are taken where the version is another one, up or down.
    for version in [3, 5] {
        let pack = pack.clone().about(STAGING, |it| {
            it["env"]["version"] = json!(version);
            it["env"]["envName"] = json!("Stage");
        });
        let applied = check([Pack::official(), pack], &[("names", STAGING)]);
        assert_eq!(keys(&applied, STAGING), ["billing-v2"]);
        let names = &applied.get(STAGING).unwrap().entry.names;
        assert_eq!(names.name, "Stage");
    }
}

#[test]
fn with_the_same_version_and_data_id_names_are_as_they_were() {
    let pack = Pack::official().about(STAGING, |it| it["env"]["envName"] = json!("Stage"));
    let applied = check([Pack::official(), pack], &[]);
    let names = &applied.get(STAGING).unwrap().entry.names;
    assert_eq!(names.name, "Staging");
}

/// A key that was rotated, with a version that says so.
fn rotated(to: &str, version: u64, expiring: Option<&str>) -> Pack {
    Pack::official().about(STAGING, |it| {
        it["env"]["version"] = json!(version);
        it["env"]["sdkKey"] = json!({"value": to});
        if let Some(old) = expiring {
            it["env"]["sdkKey"]["expiring"] =
                json!({"value": old, "timestamp": 1_788_220_800_000_u64});
        }
    })
}

fn key(applied: &AppliedArchive) -> &str {
    let environment = applied.get(STAGING).unwrap();
    environment.entry.credentials.anchor().expose_secret()
}

#[test]
fn a_key_that_was_rotated_before_the_start_is_the_new_one() {
    let applied = check(
        [rotated("sdk-new", 5, Some("sdk-old"))],
        &[("added", PRODUCTION), ("added", STAGING)],
    );
    assert_eq!(key(&applied), "sdk-new");
}

#[test]
fn a_key_that_is_rotated_later_with_or_without_grace_is_taken_with_the_names() {
    for expiring in [Some("sdk-00000000-0000-4000-8000-000000000022"), None] {
        let packs = [Pack::official(), rotated("sdk-new", 5, expiring)];
        let applied = check(packs, &[("names", STAGING)]);
        assert_eq!(key(&applied), "sdk-new");
    }
    let twice = [
        Pack::official(),
        rotated("sdk-new", 5, None),
        rotated("sdk-newer", 6, None),
    ];
    assert_eq!(key(&check(twice, &[("names", STAGING)])), "sdk-newer");
}

#[test]
fn a_bad_environment_keeps_what_it_had_and_is_named_while_others_go_on() {
    for bad in [Pack::bad_metadata(), Pack::bad_data()] {
        let applied = check([Pack::official(), bad.clone()], &[("added", DEMO)]);
        assert_eq!(refused(&applied), [PRODUCTION]);
        assert_eq!(applied.get(PRODUCTION).unwrap().entry.version, 10);
        assert!(keys(&applied, PRODUCTION).contains(&"banner-text".to_owned()));
        // It is taken once it is good, though its data ID is that of the bad one.
        let mended = [Pack::official(), bad, Pack::second()];
        let applied = check(mended, &[("data", PRODUCTION)]);
        assert_eq!(refused(&applied), Vec::<&str>::new());
    }
}

#[test]
fn a_bad_environment_that_had_nothing_is_not_there_until_it_is_good() {
    let expected = [("added", STAGING), ("added", DEMO)];
    let applied = check([Pack::bad_data()], &expected);
    assert!(applied.get(PRODUCTION).is_none());
    assert_eq!(refused(&applied), [PRODUCTION]);
    let mended = [Pack::bad_data(), Pack::second()];
    check(mended, &[("added", PRODUCTION)]);
}

#[test]
fn one_environment_in_the_files_of_another_touches_neither() {
    let pack = Pack::official().about(STAGING, |it| {
        it["env"]["envID"] = json!(PRODUCTION);
        it["dataId"] = json!("data-8");
    });
    let applied = check([Pack::official(), pack], &[]);
    assert_eq!(refused(&applied), [STAGING]);
    assert_eq!(keys(&applied, STAGING), ["billing-v2"]);
}

#[test]
fn who_missed_an_archive_is_told_what_is_otherwise_all_the_same() {
    let mut applied = AppliedArchive::default();
    applied.take(read(&Pack::official().gzip()));
    let before = applied.clone();
    applied.take(read(&Pack::second().gzip()));
    applied.take(read(&Pack::removed().gzip()));
    assert_eq!(
        told(&applied.changes_since(&before)),
        [("removed", STAGING)]
    );
    let production = applied.get(PRODUCTION).unwrap();
    assert!(production.data.contains_key(&ItemKey::flag("banner-text")));
}

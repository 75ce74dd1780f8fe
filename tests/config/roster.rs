//! Environments that are not listed: where they come from, and what that needs.

use std::path::Path;
use std::time::Duration;

use ld_dynamodb_relay::config::{DestinationTemplates, Loaded, RosterSettings};

use crate::settings::{load_from, problems};

const KEY: (&str, &str) = ("AUTO_CONFIG_KEY", "rel-01234567");
const ARCHIVE: (&str, &str) = ("FILE_DATA_SOURCE", "/data/archive.tar.gz");
const PREFIX: (&str, &str) = ("ENV_DATASTORE_PREFIX", "ld-$CID");
const TABLE: (&str, &str) = ("DYNAMODB_TABLE", "shared");

fn load(variables: &[(&str, &str)]) -> Loaded {
    load_from(&[], variables)
}

/// The one problem has this in it.
fn refused(variables: &[(&str, &str)], sentence: &str) {
    let loaded = load(variables);
    let problems = problems(&loaded);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains(sentence), "{problems:?}");
}

#[test]
fn auto_configuration_needs_a_place_for_each() {
    let loaded = load(&[KEY, PREFIX, TABLE]);
    let config = loaded.config.unwrap();
    let RosterSettings::AutoConfig(roster) = config.roster else {
        panic!("it is auto-configuration");
    };
    let destination = DestinationTemplates {
        prefix: "ld-$CID".to_owned(),
        table: "shared".to_owned(),
    };
    assert_eq!(roster.destination, destination);
    assert!(roster.cache.is_none() && config.environments.is_empty());
    assert_eq!(loaded.warnings, []);
    for prefix in ["$PROJ_KEY-$ENV_KEY", "$CID"] {
        assert_eq!(
            problems(&load(&[KEY, TABLE, ("ENV_DATASTORE_PREFIX", prefix)])),
            [""; 0]
        );
    }
    let one_each = [
        ("ENV_DATASTORE_PREFIX", "$PROJ_KEY"),
        ("ENV_DATASTORE_TABLE_NAME", "ld-$ENV_KEY"),
    ];
    assert_eq!(problems(&load(&[&[KEY][..], &one_each].concat())), [""; 0]);
    let apart = "needs a place of its own";
    refused(&[KEY, TABLE], apart);
    refused(&[KEY, TABLE, ("ENV_DATASTORE_PREFIX", "$ENV_KEY")], apart);
    refused(&[KEY, TABLE, ("ENV_DATASTORE_PREFIX", "fixed")], apart);
    let misspelt = ("ENV_DATASTORE_PREFIX", "$CID-$KEY");
    refused(&[KEY, TABLE, misspelt], "begins none of");
    refused(&[KEY, PREFIX], "there is no table");
    refused(
        &[KEY, PREFIX, TABLE, ("LD_ENV_x", "sdk-1")],
        "others are listed",
    );
    refused(&[PREFIX, TABLE, ("LD_ENV_x", "sdk-1")], "neither is set");
    refused(
        &[("AUTO_CONFIG_KEY", "sdk-1"), PREFIX, TABLE],
        "begins with rel-",
    );
    refused(
        &[KEY, PREFIX, TABLE, ("ENV_DATASTORE_TABLE_NAME", "no/table")],
        "is not a table's name",
    );
}

#[test]
fn the_cache_is_kept_in_the_table_of_all() {
    let cache = ("AUTO_CONFIG_CACHE_KEY", "roster");
    let loaded = load(&[KEY, PREFIX, TABLE, cache]);
    let RosterSettings::AutoConfig(roster) = loaded.config.unwrap().roster else {
        panic!("it is auto-configuration");
    };
    let kept = roster.cache.unwrap();
    assert_eq!((&*kept.table, &*kept.namespace), ("shared", "roster"));
    assert!(kept.encryption_key.is_none());
    for namespace in ["features", "x:segments", "$inited", "production:$identity"] {
        let taken = ("AUTO_CONFIG_CACHE_KEY", namespace);
        refused(&[KEY, PREFIX, TABLE, taken], "take another name");
    }
    let own_tables = [KEY, ("ENV_DATASTORE_TABLE_NAME", "ld-$CID"), cache];
    refused(&own_tables, "set DYNAMODB_TABLE");
    let encryption = ("AUTO_CONFIG_CACHE_ENCRYPTION_KEY", "0123456789abcdef");
    let without = load(&[KEY, PREFIX, TABLE, encryption]);
    assert_eq!(without.warnings.len(), 1, "{:?}", without.warnings);
    assert!(without.warnings[0].text.contains("not switched on"));
    assert!(!without.warnings[0].text.contains("0123456789abcdef"));
}

#[test]
fn an_archive_is_the_only_source() {
    let interval = ("FILE_DATA_SOURCE_MONITORING_INTERVAL", "250ms");
    let loaded = load(&[ARCHIVE, PREFIX, TABLE, interval]);
    assert_eq!(loaded.warnings, []);
    let RosterSettings::Archive(archive) = loaded.config.unwrap().roster else {
        panic!("it is an archive");
    };
    assert_eq!(archive.path, Path::new("/data/archive.tar.gz"));
    assert_eq!(archive.interval, Duration::from_millis(250));
    refused(&[ARCHIVE, KEY, PREFIX, TABLE], "remove one of them");
    refused(
        &[ARCHIVE, PREFIX, TABLE, ("LD_ENV_x", "sdk-1")],
        "others are listed",
    );
    let idle = load(&[
        ARCHIVE,
        PREFIX,
        TABLE,
        ("UPSTREAM", "poll"),
        ("STREAM_URI", "http://x"),
    ]);
    assert_eq!(idle.warnings.len(), 1, "{:?}", idle.warnings);
    assert_eq!(idle.warnings[0].about.len(), 2);
    refused(&[ARCHIVE, TABLE], "needs a place of its own");
    refused(
        &[
            ARCHIVE,
            PREFIX,
            TABLE,
            ("FILE_DATA_SOURCE_MONITORING_INTERVAL", "99ms"),
        ],
        "take 100ms to 24h",
    );
}

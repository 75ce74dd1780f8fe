//! What is read of an archive that is whole.

use ld_dynamodb_relay::archive::EnvironmentFault;
use ld_dynamodb_relay::model::{Content, ItemFault, ItemKey};
use secrecy::ExposeSecret as _;
use serde_json::json;

use crate::pack::{
    BAD_CHECKSUM, DEMO, OFFICIAL, PRODUCTION, Pack, STAGING, Tar, flags, gzip, ids, read, refused,
};

#[test]
fn a_launchdarkly_archive_is_read_with_names_keys_and_data() {
    let archive = read(OFFICIAL);
    assert_eq!(ids(&archive), (vec![PRODUCTION, STAGING], vec![]));
    assert_eq!(archive.warnings, Vec::<String>::new());
    let [production, staging] = &archive.environments[..] else {
        panic!("two environments");
    };
    assert_eq!(production.entry.version, 10);
    assert_eq!(&*production.data_id, "data-1");
    assert_eq!(production.entry.names.project_key, "harbor");
    assert_eq!(production.entry.names.project_name, "Harbor");
    assert_eq!(production.entry.names.key, "production");
    assert_eq!(production.entry.names.name, "Production");
    let anchor = production.entry.credentials.anchor();
    assert!(anchor.expose_secret().ends_with("-000000000001"));
    // Another key is being phased out: the anchor is the one that counts.
    assert!(
        staging
            .entry
            .credentials
            .anchor()
            .expose_secret()
            .ends_with("-000000000022")
    );
    assert_eq!(staging.data.len(), 1);
}

#[test]
fn items_are_taken_byte_for_byte() {
    let pack = Pack::official();
    let archive = read(OFFICIAL);
    let whole = &pack.0[&format!("{PRODUCTION}-data.json")];
    let whole = str::from_utf8(whole).unwrap();
    let data = &archive.environments[0].data;
    let text = &data[&ItemKey::flag("banner-text")].text;
    assert!(whole.contains(&**text), "{text}");
    assert!(text.contains("Bienvenue — ça va"), "{text}");
    let segments = data
        .keys()
        .filter(|it| it.kind == ItemKey::segment("").kind);
    assert!(segments.count() > 0);
}

#[test]
fn a_plain_tar_and_names_with_a_dot_and_a_slash_say_the_same() {
    let pack = Pack::official().sealed();
    let mut dotted = Tar::default();
    dotted.member("./", tar::EntryType::Directory, &[]);
    dotted.pack("./", &pack);
    for bytes in [pack.tar(), dotted.end(), gzip(&dotted.end())] {
        let archive = read(&bytes);
        assert_eq!(ids(&archive), (vec![PRODUCTION, STAGING], vec![]));
        assert_eq!(archive.warnings, Vec::<String>::new());
        assert_eq!(archive.checksum, read(OFFICIAL).checksum);
        assert_eq!(archive.bytes, dotted_or_plain(&bytes, &dotted.end()));
    }
}

fn dotted_or_plain(bytes: &[u8], dotted: &[u8]) -> u64 {
    let is_gzip = bytes[..2] == [0x1f, 0x8b];
    (if is_gzip { dotted } else { bytes }).len() as u64
}

#[test]
fn the_order_in_the_tar_does_not_matter() {
    let pack = Pack::official().sealed();
    let mut tar = Tar::default();
    for (name, bytes) in pack.0.iter().rev() {
        tar.file(name, bytes);
    }
    assert_eq!(ids(&read(&tar.end())).0, [PRODUCTION, STAGING]);
}

#[test]
fn a_third_partys_archive_needs_no_more_than_an_id_and_a_key() {
    let archive = read(&Pack::dorkly().gzip());
    let [environment] = &archive.environments[..] else {
        panic!("{:?}", archive.refused);
    };
    assert_eq!(&*environment.id, "production");
    assert_eq!(&*environment.data_id, "\"1\"");
    assert_eq!(environment.entry.version, 0);
    assert_eq!(environment.entry.names.key, "");
    assert_eq!(environment.data.len(), 1);
}

#[test]
fn a_data_id_is_compared_as_text_and_made_of_the_data_where_there_is_none() {
    let data_id = |id: serde_json::Value, data: &str| {
        let pack = Pack::dorkly()
            .about("production", |it| it["dataId"] = id)
            .data("production", data);
        read(&pack.gzip()).environments.remove(0).data_id
    };
    let (some, other) = (flags(&[("a", 1)]), flags(&[("a", 2)]));
    assert_eq!(&*data_id(json!("\"abc\""), &some), "\"abc\"");
    assert_ne!(
        data_id(json!("abc"), &some),
        data_id(json!("\"abc\""), &some)
    );
    assert_eq!(&*data_id(json!(7), &some), "7");
    assert_eq!(data_id(json!(null), &some), data_id(json!(null), &some));
    assert_ne!(data_id(json!(null), &some), data_id(json!(null), &other));
}

#[test]
fn parts_that_are_missing_or_null_are_empty() {
    for (data, items) in [
        ("{}", 0),
        (r#"{"flags":null,"segments":null}"#, 0),
        (r#"{"segments":{"s":{"key":"s","version":1}},"big":[]}"#, 1),
    ] {
        let archive = read(&Pack::dorkly().data("production", data).gzip());
        assert_eq!(archive.environments[0].data.len(), items, "{data}");
    }
}

#[test]
fn an_item_that_cannot_be_stored_is_set_aside_alone() {
    let data = r#"{"flags":{"a":{"key":"a"},"b":{"key":"b","version":2},"c":null}}"#;
    let archive = read(&Pack::dorkly().data("production", data).gzip());
    let data = &archive.environments[0].data;
    let content = |key| data[&ItemKey::flag(key)].content;
    assert_eq!(content("a"), Content::Malformed(ItemFault::NoVersion));
    assert_eq!(content("b"), Content::Live { version: 2 });
    assert_eq!(data.len(), 2);
}

#[test]
fn bad_metadata_refuse_one_environment() {
    let archive = read(&Pack::bad_metadata().gzip());
    assert_eq!(ids(&archive), (vec![STAGING, DEMO], vec![PRODUCTION]));
    assert!(matches!(
        archive.refused[0].fault,
        EnvironmentFault::NotJson { line: 1, .. }
    ));
}

#[test]
fn bad_data_refuse_one_environment() {
    let archive = read(&Pack::bad_data().gzip());
    assert_eq!(ids(&archive), (vec![STAGING, DEMO], vec![PRODUCTION]));
    assert!(matches!(
        archive.refused[0].fault,
        EnvironmentFault::Data(_)
    ));
}

#[test]
fn what_is_wrong_with_an_environment_is_told_without_its_contents() {
    let wrong = |pack: Pack| {
        let archive = read(&pack.gzip());
        assert_eq!(ids(&archive), (vec![], vec!["production"]));
        archive.refused[0].to_string()
    };
    let about = |text: &str| wrong(Pack::dorkly().with("production.json", text));
    assert_eq!(
        about(r#"{"env":{"envID":"staging","sdkKey":{"value":"sdk-secret"}}}"#),
        "production: its metadata say that its `envID` is staging: its files have to be called after that"
    );
    for text in [
        r#"{"env":{"envID":"production","sdkKey":{"value":""}}}"#,
        r#"{"env":{"envID":"production"}}"#,
    ] {
        assert_eq!(
            about(text),
            "production: its SDK key (`sdkKey.value`) is missing or empty"
        );
    }
    let shape = "production: its metadata have no `env` with an `envID`, or a member of it is of the wrong type";
    for text in [
        "[]",
        "{}",
        r#"{"env":{"sdkKey":{"value":"sdk-secret"}}}"#,
        r#"{"env":{"envID":"production","sdkKey":"sdk-secret"}}"#,
        r#"{"env":{"envID":"production","sdkKey":{"value":"x"},"envName":["sdk-secret"]}}"#,
    ] {
        assert_eq!(about(text), shape, "{text}");
    }
    assert_eq!(
        about("sdk-secret"),
        "production: its metadata are not JSON (line 1, column 1)"
    );
    let data = |text: &str| wrong(Pack::dorkly().data("production", text));
    assert_eq!(data("sdk-secret"), "production: its data: not JSON");
    assert_eq!(
        data(r#"{"flags":"sdk-secret"}"#),
        "production: its data: flags or segments are not an object"
    );
    let mut missing = Pack::dorkly();
    missing.0.remove("production-data.json");
    assert_eq!(wrong(missing), "production: its data are missing");
}

#[test]
fn no_key_and_no_data_are_in_what_is_shown_for_debugging() {
    let shown = format!("{:?}", read(OFFICIAL));
    for secret in ["sdk-", "0000-4000", "Bienvenue"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains("harbor"), "{shown}");
}

#[test]
fn data_without_an_environment_count_for_nothing() {
    let sealed = Pack::official().sealed();
    let stray = sealed.data(DEMO, "not even JSON");
    let archive = read(&stray.tar());
    assert_eq!(ids(&archive), (vec![PRODUCTION, STAGING], vec![]));
}

#[test]
fn a_checksum_that_is_no_md5_says_so() {
    let error = refused(BAD_CHECKSUM).to_string();
    assert!(error.contains("32 bytes instead of the 16"), "{error}");
}

//! TLS on the work port: what has to be there, and what is said of the rest.

use std::path::Path;

use ld_dynamodb_relay::config::{Effect, TlsSettings, TlsVersion};

use crate::settings::{KEY, TABLE, load_from, problems};

const ON: (&str, &str) = ("TLS_ENABLED", "true");
const CERTIFICATE: (&str, &str) = ("TLS_CERT", "/tls.crt");
const PRIVATE_KEY: (&str, &str) = ("TLS_KEY", "/tls.key");
const FILES: &[(&str, &str)] = &[("relay.toml", ""), ("/tls.crt", "PEM"), ("/tls.key", "PEM")];

fn given<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [&[KEY, TABLE][..], more].concat()
}

/// What comes of these variables, and the warnings.
fn tls(more: &[(&str, &str)]) -> (Option<TlsSettings>, Vec<String>) {
    let loaded = load_from(FILES, &given(more));
    let config = loaded.config.unwrap_or_else(|error| panic!("{error}"));
    let warnings = loaded.warnings.iter().map(ToString::to_string).collect();
    (config.http.tls, warnings)
}

#[test]
fn what_is_missing_is_named_with_the_switch_that_needs_it() {
    for (more, missing) in [
        (&[ON, PRIVATE_KEY][..], &["TLS_CERT"][..]),
        (&[ON, CERTIFICATE], &["TLS_KEY"]),
        (&[ON], &["TLS_CERT", "TLS_KEY"]),
        (&[ON, PRIVATE_KEY, ("TLS_CERT", "")], &["TLS_CERT"]),
    ] {
        let found = problems(&load_from(FILES, &given(more)));
        assert_eq!(found.len(), missing.len(), "{found:?}");
        for (found, missing) in found.iter().zip(missing) {
            let start = format!("TLS_ENABLED: {missing} is missing: set it to the PEM file");
            assert!(found.starts_with(&start), "{found}");
        }
    }
}

#[test]
fn files_that_cannot_be_read_are_told_before_anything_starts() {
    let found = problems(&load_from(&[], &given(&[ON, CERTIFICATE, PRIVATE_KEY])));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("TLS_CERT: the file /tls.crt cannot be read"));
    assert!(found[1].starts_with("TLS_KEY: the file /tls.key cannot be read"));
}

#[test]
fn without_the_switch_the_rest_has_no_effect_and_that_is_said() {
    let all = [CERTIFICATE, PRIVATE_KEY, ("TLS_MIN_VERSION", "1.3")];
    let expected = vec!["TLS_CERT, TLS_KEY, TLS_MIN_VERSION: no effect here: TLS_ENABLED is off"];
    for off in ["false", ""] {
        let more = [&all[..], &[("TLS_ENABLED", off)]].concat();
        let (tls, mut warnings) = tls(&more);
        assert_eq!(tls, None);
        warnings.sort();
        assert_eq!(warnings, expected);
    }
    let loaded = load_from(FILES, &given(&all));
    let ignored = loaded
        .inputs
        .iter()
        .filter(|it| it.effect == Effect::Ignored);
    assert_eq!(ignored.count(), 3);
}

#[test]
fn a_variable_switches_off_what_the_file_switches_on() {
    let file = "[tls]\nenabled = true\ncertificate = \"/tls.crt\"\nkey = \"/tls.key\"\n";
    let files = [&[("relay.toml", file)], &FILES[1..]].concat();
    let config = load_from(&files, &given(&[])).config.unwrap();
    let tls = config.http.tls.unwrap();
    assert_eq!(tls.certificate, Path::new("/tls.crt"));
    let loaded = load_from(&files, &given(&[("TLS_ENABLED", "false")]));
    assert_eq!(loaded.warnings.len(), 1, "{:?}", loaded.warnings);
    assert_eq!(loaded.config.unwrap().http.tls, None);
}

#[test]
fn the_lowest_version_is_one_of_four_and_raised_where_it_has_to_be() {
    for (version, expected) in [
        ("1.0", TlsVersion::Tls12),
        ("1.1", TlsVersion::Tls12),
        ("1.2", TlsVersion::Tls12),
        ("", TlsVersion::Tls12),
        ("1.3", TlsVersion::Tls13),
    ] {
        let more = [ON, CERTIFICATE, PRIVATE_KEY, ("TLS_MIN_VERSION", version)];
        let (tls, warnings) = tls(&more);
        assert_eq!(tls.unwrap().min_version, expected, "{version}");
        let raised = matches!(version, "1.0" | "1.1");
        assert_eq!(warnings.len(), usize::from(raised), "{warnings:?}");
        if raised {
            let start = format!("TLS_MIN_VERSION: TLS {version} is raised to 1.2");
            assert!(warnings[0].starts_with(&start), "{warnings:?}");
        }
    }
    for wrong in ["1.4", "1", "TLS1.2", "1.2 "] {
        // Also where it has no effect.
        let found = problems(&load_from(FILES, &given(&[("TLS_MIN_VERSION", wrong)])));
        assert_eq!(found.len(), 1, "{wrong}: {found:?}");
        assert!(found[0].contains("is no version of TLS"), "{found:?}");
    }
}

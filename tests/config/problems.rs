//! Every problem of the settings is told at once, with its place and what to do.

use ld_dynamodb_relay::config::Origin;

use crate::settings::{KEY, TABLE, load_from, problems};

/// Exactly one problem, and these words in it.
fn check(variables: &[(&str, &str)], words: &[&str]) {
    let problems = problems(&load_from(&[], variables));
    assert_eq!(problems.len(), 1, "{variables:?}: {problems:#?}");
    for word in words {
        assert!(problems[0].contains(word), "{word} is not in {problems:?}");
    }
}

#[test]
fn all_problems_are_told_at_once_with_their_places() {
    let file = "[[environment]]\nname = \"a\"\nsdk_key = \"mob-1\"\n\n[http]\nport = 70000\ncolour = \"red\"\n\n[dynamo]\ntable = \"x\"\n";
    let found = problems(&load_from(
        &[("relay.toml", file)],
        &[("VERIFY_INTERVAL", "15"), ("STREAM_URI", "stream.test")],
    ));
    let starts = [
        "relay.toml:7 http.colour: ",
        "relay.toml:9 dynamo: ",
        "relay.toml:6 http.port: `70000` is not a port",
        "STREAM_URI: `stream.test` is not an absolute URL",
        "VERIFY_INTERVAL: `15` is not a duration",
        "relay.toml:3 environment.sdk_key: the SDK key is a mobile key",
        "relay.toml:3 environment.sdk_key: there is no table for the environment `a`",
    ];
    assert_eq!(found.len(), starts.len(), "{found:#?}");
    for start in starts {
        assert!(
            found.iter().any(|it| it.starts_with(start)),
            "{start} is not in {found:#?}"
        );
    }
}

#[test]
fn what_is_missing_is_named() {
    check(&[TABLE], &["there is no environment", "LD_ENV_<name>"]);
    check(
        &[KEY],
        &[
            "LD_ENV_a: ",
            "no table",
            "DYNAMODB_TABLE",
            "LD_TABLE_NAME_a",
        ],
    );
    check(
        &[KEY, TABLE, ("LD_PREFIX_b", "b")],
        &["LD_PREFIX_b: ", "LD_ENV_b"],
    );
    check(&[TABLE, ("LD_ENV_a", "")], &["there is no environment"]);
}

#[test]
fn two_environments_never_share_a_place() {
    let a = ("LD_ENV_b", "sdk-b");
    let same = [KEY, a, TABLE, ("LD_PREFIX_a", "p"), ("LD_PREFIX_b", "p")];
    check(
        &same,
        &["LD_PREFIX_a, LD_PREFIX_b: ", "`a` and `b`", "flags", "`p`"],
    );
    check(
        &[
            KEY,
            a,
            TABLE,
            ("LD_PREFIX_a", "p"),
            ("LD_PREFIX_b", "p"),
            ("LD_TABLE_NAME_b", "flags"),
        ],
        &["`a` and `b`", "LD_TABLE_NAME_b"],
    );
    check(
        &[KEY, a, TABLE, ("LD_PREFIX_a", "p")],
        &["LD_ENV_b: ", "prefix or a table of its own", "LD_PREFIX_b"],
    );
    for apart in [
        [("LD_PREFIX_a", "p"), ("LD_PREFIX_b", "q")],
        [("LD_PREFIX_a", "p"), ("LD_TABLE_NAME_b", "other")],
    ] {
        let given = [&[KEY, a, TABLE][..], &apart].concat();
        assert_eq!(problems(&load_from(&[], &given)), [""; 0]);
    }
    let arn = [
        ("LD_PREFIX_a", "p"),
        ("LD_PREFIX_b", "p"),
        (
            "LD_TABLE_NAME_b",
            "arn:aws:dynamodb:eu-west-1:1:table/flags",
        ),
    ];
    let loaded = load_from(&[], &[&[KEY, a, TABLE][..], &arn].concat());
    assert_eq!(problems(&loaded), [""; 0]);
    assert!(
        loaded.warnings[0].text.contains("are one table"),
        "{:?}",
        loaded.warnings
    );
}

#[test]
fn values_out_of_range_are_refused() {
    for (variable, value) in [
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("PORT", "8031"),
        ("PROMETHEUS_PORT", "8030"),
        ("STREAM_READ_TIMEOUT", "0"),
        ("POLL_INTERVAL", "29s"),
        ("POLL_INTERVAL", "2h"),
        ("UPSTREAM", "v2"),
        ("LD_UPSTREAM_a", "pull"),
        ("VERIFY_INTERVAL", "25h"),
        ("INIT_TIMEOUT", "10"),
        ("WRITE_CONCURRENCY", "0"),
        ("MAX_EVENT_BYTES", "128"),
        ("REPAIR", "yes please"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
        ("DYNAMODB_URL", "localhost:8000"),
        ("BASE_URI", "ftp://h"),
        ("LD_TABLE_NAME_a", "no table"),
        ("PROXY_CA_CERTS", "/missing.pem"),
        ("PROXY_URL", "proxy:3128"),
        ("LD_ENV_a", "sdk-a\n"),
        ("LD_ENV_a", "ssm:"),
        ("LD_ENV_a", "secretsmanager:"),
        ("LD_ENV_a", "secretsmanager:key#"),
        ("LD_ENV_a", "file:"),
        ("LD_ENV_a", "file:/missing"),
        ("LD_ENVIRONMENT_KEY_a", "my environment"),
        ("LD_PROJ_KEY_a", "a/b"),
        ("LD_CLIENT_SIDE_ID_a", "<id>"),
        ("WEBHOOK_SECRET", "1234567"),
        ("WEBHOOK_SECRET", "whsec-one,whsec-two,whsec-three"),
        ("WEBHOOK_SECRET", "ssm:/one,ssm:/two,ssm:/three"),
        ("WEBHOOK_SECRET", "whsec-one,"),
        ("WEBHOOK_SECRET", "ssm:,whsec-one"),
        ("WEBHOOK_SECRET_a", "1234567"),
        ("WEBHOOK_MAX_AGE", "9s"),
        ("WEBHOOK_MAX_AGE", "25h"),
        ("ADMIN_TOKEN", "a-token"),
        ("ADMIN_TOKEN", "a token of mine"),
        ("PROXY_URL", "ssm:/proxy"),
    ] {
        let mut given = vec![TABLE, (variable, value)];
        if variable != KEY.0 {
            given.push(KEY);
        }
        check(&given, &[variable]);
    }
    let free = [KEY, TABLE, ("PORT", "0"), ("PROMETHEUS_PORT", "0")];
    assert_eq!(problems(&load_from(&[], &free)), [""; 0]);
}

#[test]
fn another_upstream_may_have_keys_of_its_own() {
    let given = [TABLE, ("LD_ENV_a", "my-project")];
    check(&given, &["LD_ENV_a: the SDK key does not begin with sdk-"]);
    let loaded = load_from(
        &[],
        &[&given[..], &[("STREAM_URI", "http://localhost:8765")]].concat(),
    );
    assert_eq!(problems(&loaded), [""; 0]);
    assert_eq!(loaded.warnings.len(), 1);
    check(
        &[
            TABLE,
            ("LD_ENV_a", "mob-1"),
            ("STREAM_URI", "http://localhost:8765"),
        ],
        &["mobile key"],
    );
}

#[test]
fn a_prefix_with_a_dollar_is_warned_about() {
    let loaded = load_from(&[], &[KEY, TABLE, ("LD_PREFIX_a", "ld-$CID")]);
    assert_eq!(problems(&loaded), [""; 0]);
    assert_eq!(
        loaded.warnings[0].about,
        [Origin::Variable("LD_PREFIX_a".to_owned())]
    );
}

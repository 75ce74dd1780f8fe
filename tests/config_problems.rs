//! Every problem is told at once, with its place and what to do; what is right is understood; no secret is told at all.

use std::time::Duration;

use ld_dynamodb_relay::commands;
use ld_dynamodb_relay::config::{Loaded, Origin};
use proptest::prelude::*;
use secrecy::ExposeSecret;

#[path = "support/settings.rs"]
mod settings;
use settings::{load_from, problems};

const EXAMPLE: &str = include_str!("../relay.example.toml");

/// A Relay Proxy's file as one would find it, with nothing that it could not do without a database of another kind.
const RELAY_CONF: &str = r#"
# Relay Proxy
[main]
exitOnError = false
port = 8030
heartbeatInterval = 15s   ; for the load balancer
baseUri = "https://app.launchdarkly.com"
logLevel = "warn"
tlsEnabled = false

[Events]
sendEvents = true
flushInterval = 5s

[DynamoDB]
enabled = true
tableName = "flags-table"
localTtl = 30s

[Environment "Web Production"]
sdkKey = "sdk-web"
mobileKey = "mob-web"
prefix = "web"
allowedOrigin = "https://one.example"
allowedOrigin = "https://two.example"

[environment "Checkout"]
SDKKey = sdk-checkout
PREFIX = checkout

[Prometheus]
enabled = true
port = 9100
"#;

fn printed(loaded: &Loaded, as_json: bool) -> String {
    let mut out = Vec::new();
    let valid = commands::config::print(loaded, as_json, &mut out).unwrap();
    assert_eq!(valid, loaded.config.is_ok());
    String::from_utf8(out).unwrap()
}

/// Exactly one problem, and these words in it.
fn check(variables: &[(&str, &str)], words: &[&str]) {
    let problems = problems(&load_from(&[], variables));
    assert_eq!(problems.len(), 1, "{variables:?}: {problems:#?}");
    for word in words {
        assert!(problems[0].contains(word), "{word} is not in {problems:?}");
    }
}

const KEY: (&str, &str) = ("LD_ENV_a", "sdk-a");
const TABLE: (&str, &str) = ("DYNAMODB_TABLE", "flags");

#[test]
fn a_relay_proxys_file_starts_this_unchanged() {
    let loaded = load_from(&[("/ldr/ld-relay.conf", RELAY_CONF)], &[]);
    let config = loaded.config.unwrap_or_else(|error| panic!("{error}"));
    let places: Vec<_> = config
        .environments
        .iter()
        .map(|it| {
            (
                &*it.name,
                it.table.as_str(),
                it.prefix.as_str(),
                it.sdk_key.expose_secret(),
            )
        })
        .collect();
    assert_eq!(
        places,
        [
            ("Web Production", "flags-table", "web", "sdk-web"),
            ("Checkout", "flags-table", "checkout", "sdk-checkout")
        ]
    );
    assert_eq!(config.upstream.base_uri, "https://sdk.launchdarkly.com");
    assert_eq!(config.http.admin_port, 9100);
    let warned: usize = loaded.warnings.iter().map(|it| it.about.len()).sum();
    assert_eq!(warned, 7, "{:#?}", loaded.warnings);
}

#[test]
fn variables_win_over_the_file() {
    let variables = [("LD_PREFIX_Checkout", "other"), ("PORT", "9000")];
    let loaded = load_from(&[("relay.conf", RELAY_CONF)], &variables);
    let config = loaded
        .config
        .as_ref()
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(config.environments[1].prefix, "other");
    assert_eq!(config.http.port, 9000);
    let port = loaded
        .settings
        .iter()
        .find(|it| it.variable == "PORT")
        .unwrap();
    assert_eq!(
        (port.value.as_str(), &port.origin),
        ("9000", &Origin::Variable("PORT".to_owned()))
    );
    let text = printed(&loaded, false);
    assert!(text.contains("relay.conf:5 [main] port"), "{text}");
    assert!(text.contains("overridden"), "{text}");
}

#[test]
fn the_example_is_valid_and_shows_the_defaults() {
    // What has a default is commented: a line that begins with `#` and a name.
    let is_setting = |line: &str| {
        line.strip_prefix('#')
            .is_some_and(|it| it.starts_with(|it: char| it.is_ascii_lowercase()))
    };
    let no_default = [
        "table",
        "log_level",
        "project",
        "client_side_id",
        "mobile_key",
        "proxy_url",
        "endpoint",
        "format",
    ];
    let uncommented: String = EXAMPLE
        .lines()
        .map(|line| if is_setting(line) { &line[1..] } else { line })
        .filter(|line| {
            !no_default.contains(&line.split(' ').next().unwrap())
                || line.starts_with("table = \"l")
        })
        .map(|line| format!("{line}\n"))
        .collect();
    let shipped = load_from(&[("relay.toml", EXAMPLE)], &[]);
    let all = load_from(&[("relay.toml", &uncommented)], &[]);
    assert_eq!(problems(&shipped), [""; 0]);
    assert_eq!(problems(&all), [""; 0]);
    assert_eq!(shipped.warnings, []);
    let values = |it: &Loaded| -> Vec<_> {
        it.settings
            .iter()
            .map(|it| (it.name.clone(), it.value.clone()))
            .collect()
    };
    assert_eq!(values(&shipped), values(&all));
    for setting in shipped
        .settings
        .iter()
        .filter(|it| !it.name.starts_with("environment."))
    {
        let key = setting.name.rsplit('.').next().unwrap();
        let names_both = |line: &str| {
            line.trim_start_matches('#')
                .starts_with(&format!("{key} ="))
                && line.contains(&setting.variable)
        };
        assert!(
            EXAMPLE.lines().any(names_both),
            "{key} is not in the example with {}",
            setting.variable
        );
    }
    let everything: String = EXAMPLE
        .lines()
        .map(|line| format!("{}\n", if is_setting(line) { &line[1..] } else { line }))
        .collect();
    assert_eq!(
        problems(&load_from(&[("relay.toml", &everything)], &[])),
        [""; 0]
    );
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
        ("LD_ENV_a", "ssm:/key"),
        ("LD_ENV_a", "secretsmanager:key"),
        ("LD_ENV_a", "file:/missing"),
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
fn secrets_may_be_kept_in_files() {
    let given = [TABLE, ("LD_ENV_a", "file:/run/key")];
    let loaded = load_from(
        &[("relay.toml", ""), ("/run/key", " sdk-from-file\n")],
        &given,
    );
    let config = loaded
        .config
        .as_ref()
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        config.environments[0].sdk_key.expose_secret(),
        "sdk-from-file"
    );
    assert!(printed(&loaded, false).contains("file:/run/key"));
    let empty = load_from(&[("relay.toml", ""), ("/run/key", "\n")], &given);
    assert!(problems(&empty)[0].contains("/run/key, which is empty"));
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

#[test]
fn files_with_unknown_names_or_broken_lines_are_refused() {
    for (name, text, place) in [
        (
            "relay.toml",
            "[http]\nport = 1\nport = 2\n",
            "relay.toml:3: this is not TOML",
        ),
        ("relay.toml", "\n[http\n", "relay.toml:2: this is not TOML"),
        (
            "relay.toml",
            "[environment]\nname = \"a\"\n",
            "relay.toml:1 environment: write [[environment]]",
        ),
        (
            "relay.toml",
            "[[environment]]\nsdk_key = \"x\"\n",
            "relay.toml:1 environment: this environment has no `name`",
        ),
        ("relay.toml", "port = 1\n", "relay.toml:1 port: is no table"),
        (
            "relay.toml",
            "[http]\nport = 1.5\n",
            "relay.toml:2 http.port: write",
        ),
        (
            "relay.conf",
            "[Main]\nprot = 1\n",
            "relay.conf:2 [Main] prot: is no setting",
        ),
        (
            "relay.conf",
            "[Man]\nport = 1\n",
            "relay.conf:1 [Man]: is no section",
        ),
        (
            "relay.conf",
            "port = 1\n",
            "relay.conf:1: a key stands before the first [Section]",
        ),
        (
            "relay.conf",
            "[Environment]\nsdkKey = 1\n",
            "relay.conf:2 [Environment] sdkKey: this section needs a name",
        ),
        (
            "relay.conf",
            "[Main \"a\"]\nport = 1\n",
            "relay.conf:2 [Main \"a\"] port: this section takes no name",
        ),
    ] {
        let found = problems(&load_from(&[(name, text)], &[KEY, TABLE]));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with(place), "{found:?}");
    }
    let twice = "[[environment]]\nname = \"a\"\n[[environment]]\nname = \"a\"\n";
    assert!(
        problems(&load_from(&[("relay.toml", twice)], &[KEY, TABLE]))[0]
            .contains("two environments `a`")
    );
}

#[test]
fn a_missing_file_is_a_problem_only_if_it_was_named() {
    use ld_dynamodb_relay::config::{Sources, load};
    let missing = |file: Option<&str>, allow_missing_file| {
        let loaded = load(&Sources {
            file: file.map(Into::into),
            allow_missing_file,
            variables: [KEY, TABLE]
                .map(|it| (it.0.to_owned(), it.1.to_owned()))
                .into(),
            read: &|_| Err(std::io::ErrorKind::NotFound.into()),
        });
        problems(&loaded)
    };
    assert_eq!(missing(None, false), [""; 0]);
    assert_eq!(missing(Some("a.toml"), true), [""; 0]);
    let named = missing(Some("a.toml"), false);
    assert!(
        named.len() == 1 && named[0].contains("--allow-missing-file"),
        "{named:?}"
    );
}

#[test]
fn nothing_set_but_the_least_means_the_documented_defaults() {
    let config = load_from(&[], &[KEY, TABLE])
        .config
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        config.upstream.stream_uri,
        "https://stream.launchdarkly.com"
    );
    assert_eq!(config.upstream.read_timeout, Duration::from_secs(300));
    assert_eq!(config.upstream.max_event_bytes, 128 << 20);
    assert_eq!(config.store.write_concurrency, 32);
    assert_eq!(config.upkeep.verify_interval, Duration::from_secs(900));
    assert_eq!(config.upkeep.marker_check_interval, Duration::from_secs(30));
    assert!(config.upkeep.repair && config.http.metrics);
    assert_eq!((config.http.port, config.http.admin_port), (8030, 8031));
    assert_eq!(config.http.metrics_prefix, "ld_dynamodb_");
    assert_eq!(config.lifecycle.init_timeout, Duration::from_secs(10));
    assert_eq!(config.lifecycle.shutdown_timeout, Duration::from_secs(20));
    assert_eq!(
        config.lifecycle.disconnected_status_time,
        Duration::from_secs(60)
    );
    assert_eq!(config.environments[0].prefix, "");
}

#[test]
fn the_configuration_is_printed_for_people_and_machines() {
    let loaded = load_from(
        &[("relay.conf", RELAY_CONF)],
        &[("ADMIN_TOKEN", "a-token-of-mine")],
    );
    let text = printed(&loaded, false);
    for part in [
        "environment.Checkout.prefix",
        "relay.conf:29 [environment \"Checkout\"] PREFIX",
        "default (VERIFY_INTERVAL)",
        "no effect  it is about SDKs",
        "ADMIN_TOKEN: nothing takes a token yet",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let json: serde_json::Value = serde_json::from_str(&printed(&loaded, true)).unwrap();
    assert_eq!(json["valid"], false);
    assert_eq!(json["problems"][0]["about"][0], "ADMIN_TOKEN");
    let settings = json["settings"].as_array().unwrap();
    assert!(
        settings
            .iter()
            .any(|it| it["variable"] == "PORT" && it["value"] == "8030")
    );
    assert!(
        settings
            .iter()
            .any(|it| it["name"] == "launchdarkly.proxy_url" && it["value"].is_null())
    );
}

#[test]
fn the_documentation_names_every_setting() {
    let documentation = include_str!("../docs/configuration.md");
    let loaded = load_from(&[], &[KEY, TABLE]);
    for setting in loaded
        .settings
        .iter()
        .filter(|it| !it.name.starts_with("environment."))
    {
        let default = if setting.origin == Origin::Default {
            &setting.value
        } else {
            ""
        };
        for name in [&setting.variable, &setting.name, default] {
            assert!(
                name.is_empty() || documentation.contains(&format!("`{name}`")),
                "`{name}` is not documented"
            );
        }
    }
}

/// Secrets: as LaunchDarkly makes them, and as people think of them.
fn secret() -> impl Strategy<Value = String> {
    prop_oneof![
        "(sdk|mob|rel|api)-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        "(sdk-)?[A-Z0-9!/+=]{12,40}",
        "[A-Z0-9]{12,20}[ \u{7}\u{e9}][A-Z0-9]{4,9}",
        "http://user:[A-Z0-9]{12,20}@proxy.test:3128",
    ]
}

/// A variable, and the same in our file and in the Relay Proxy's.
type Place = (&'static str, &'static str, &'static str);

/// Where a secret belongs.
const PLACES: &[Place] = &[
    (
        "LD_ENV_a",
        "environment.sdk_key",
        "Environment \"a\".sdkKey",
    ),
    (
        "LD_MOBILE_KEY_a",
        "environment.mobile_key",
        "Environment \"a\".mobileKey",
    ),
    ("PROXY_URL", "launchdarkly.proxy_url", "Proxy.url"),
    ("REDIS_PASSWORD", "", "Redis.password"),
    ("ADMIN_TOKEN", "", ""),
    ("WEBHOOK_SECRET", "", ""),
    ("AUTO_CONFIG_KEY", "", "AutoConfig.key"),
];
/// Where it lands by mistake.
const MISTAKES: &[Place] = &[
    (
        "LD_PREFIX_a",
        "environment.prefix",
        "Environment \"a\".prefix",
    ),
    (
        "LD_TABLE_NAME_a",
        "environment.table",
        "Environment \"a\".tableName",
    ),
    ("STREAM_URI", "launchdarkly.stream_uri", "Main.streamUri"),
    ("PORT", "http.port", "Main.port"),
    ("LOG_LEVEL", "log.level", "Main.logLevel"),
    (
        "LD_PROJ_KEY_a",
        "environment.project",
        "Environment \"a\".projKey",
    ),
    (
        "PROXY_CA_CERTS",
        "launchdarkly.ca_certificates",
        "Proxy.caCertFiles",
    ),
];

/// The settings as a file, and as variables what has no place there.
fn as_file<'a>(given: &[(&Place, &'a str)], toml: bool) -> (String, Vec<(&'static str, &'a str)>) {
    let (mut text, mut variables) = (String::new(), vec![TABLE]);
    for ((variable, in_toml, in_ini), value) in given {
        let place = if toml { in_toml } else { in_ini };
        let Some((section, key)) = place.rsplit_once('.') else {
            variables.push((variable, value));
            continue;
        };
        let head = match section {
            "environment" => "[[environment]]\nname = \"a\"".to_owned(),
            _ => format!("[{section}]"),
        };
        text += &format!("{head}\n{key} = \"{value}\"\n");
    }
    (text, variables)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_holds_a_secret(
        secret in secret(),
        place in 0..PLACES.len(),
        mistake in 0..MISTAKES.len(),
        how in 0..5,
    ) {
        let given = [(&PLACES[place], secret.as_str()), (&MISTAKES[mistake], secret.as_str())];
        let loaded = match how {
            0 => load_from(&[], &given.map(|it| (it.0.0, it.1))),
            1 | 2 => {
                let (text, variables) = as_file(&given, how == 1);
                load_from(&[(if how == 1 { "relay.toml" } else { "relay.conf" }, &text)], &variables)
            }
            3 => {
                let files = [("relay.toml", ""), ("/run/key", secret.as_str())];
                load_from(&files, &[TABLE, ("LD_ENV_a", "file:/run/key"), (given[1].0.0, given[1].1)])
            }
            // A line that was broken by hand.
            _ => load_from(&[("relay.conf", &format!("[Main]\n{secret}\n[Environment \"a\"]\nsdkKey = {secret}\n"))], &[]),
        };
        let mut texts = vec![printed(&loaded, false), printed(&loaded, true)];
        texts.extend(problems(&loaded));
        texts.extend(loaded.warnings.iter().map(ToString::to_string));
        for text in texts {
            prop_assert!(!text.contains(&secret), "{text}");
            let password = secret.strip_prefix("http://user:").and_then(|it| it.split('@').next());
            prop_assert!(!password.is_some_and(|it| text.contains(it)), "{text}");
        }
    }
}

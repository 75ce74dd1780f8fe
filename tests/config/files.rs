//! What files, variables and defaults come to, and how it is printed.

use std::time::Duration;

use ld_dynamodb_relay::config::{Loaded, Origin};
use secrecy::ExposeSecret;

use crate::settings::{KEY, TABLE, load_from, printed, problems};

const EXAMPLE: &str = include_str!("../../relay.example.toml");

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
                it.sdk_key.value.as_ref().unwrap().expose_secret(),
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
    // A line that begins with `#` and a name is a setting at its default, or an example of one that has none.
    let is_setting = |line: &&str| {
        line.strip_prefix('#')
            .is_some_and(|it| it.starts_with(|it: char| it.is_ascii_lowercase()))
    };
    let with_all = |wanted: &dyn Fn(&str) -> bool| -> String {
        let uncommented = EXAMPLE.lines().map(|line| match line {
            it if is_setting(&it) && wanted(it.split([' ', '#']).nth(1).unwrap_or_default()) => {
                &it[1..]
            }
            it => it,
        });
        uncommented.collect::<Vec<_>>().join("\n")
    };
    let no_default = [
        "table",
        "log_level",
        "upstream",
        "project",
        "environment_key",
        "webhook_secret",
        "admin_token",
        "client_side_id",
        "mobile_key",
        "proxy_url",
        "endpoint",
        "certificate",
        "key",
        "format",
        "key",
        "cache_key",
        "cache_encryption_key",
        "file",
        "prefix_template",
        "table_template",
    ];
    let uncommented = with_all(&|key| !no_default.contains(&key));
    // Environments are listed, or come from one of two other places.
    let destination = ["prefix_template", "table_template"];
    let auto_config = ["key", "cache_key", "cache_encryption_key"];
    let archive = ["file"];
    let valid = |text: &str, others: &[&[&str]]| {
        let others = others.concat();
        let lines = text
            .lines()
            .filter(|line| !others.contains(&line.split([' ', '#']).next().unwrap_or_default()));
        let text = lines.collect::<Vec<_>>().join("\n");
        assert_eq!(
            problems(&load_from(&[("relay.toml", &text)], &[])),
            [""; 0],
            "{text}"
        );
    };
    let all = with_all(&|_| true);
    valid(&all, &[&auto_config, &archive, &destination]);
    let (_, unlisted) = all.split_once("[auto_config]").unwrap();
    valid(&format!("[auto_config]{unlisted}"), &[&archive]);
    valid(&format!("[auto_config]{unlisted}"), &[&auto_config]);
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
        config.environments[0]
            .sdk_key
            .value
            .as_ref()
            .unwrap()
            .expose_secret(),
        "sdk-from-file"
    );
    assert!(printed(&loaded, false).contains("file:/run/key"));
    let empty = load_from(&[("relay.toml", ""), ("/run/key", "\n")], &given);
    assert!(problems(&empty)[0].contains("/run/key, which is empty"));
    let mobile = load_from(&[("relay.toml", ""), ("/run/key", "mob-1")], &given);
    assert!(problems(&mobile)[0].contains("is a mobile key"));
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
            "relay.conf:1 [Man]: is no section of the Relay Proxy's file, as release 8.21 ",
        ),
        (
            "relay.conf",
            "[Main]\ninitMaxQueued = 1\n",
            "relay.conf:2 [Main] initMaxQueued: is no setting",
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
    assert_eq!(config.upstream.read_timeout, Duration::from_mins(5));
    assert_eq!(config.upstream.max_event_bytes, 128 << 20);
    assert_eq!(config.store.write_concurrency, 32);
    assert_eq!(config.upkeep.verify_interval, Duration::from_mins(15));
    assert_eq!(config.upkeep.marker_check_interval, Duration::from_secs(30));
    assert!(config.upkeep.repair && config.http.metrics);
    assert_eq!((config.http.port, config.http.admin_port), (8030, 8031));
    assert_eq!(config.http.metrics_prefix, "ld_dynamodb_");
    assert_eq!(config.lifecycle.init_timeout, Duration::from_secs(10));
    assert_eq!(config.lifecycle.shutdown_timeout, Duration::from_secs(20));
    assert_eq!(
        config.lifecycle.disconnected_status_time,
        Duration::from_mins(1)
    );
    assert_eq!(config.environments[0].prefix, "");
    assert!(config.http.admin_token.is_none() && config.http.webhook.secrets.is_empty());
    assert_eq!(config.http.webhook.max_age, Duration::from_mins(5));
}

#[test]
fn the_configuration_is_printed_for_people_and_machines() {
    let loaded = load_from(
        &[("relay.conf", RELAY_CONF)],
        &[("AUTO_CONFIG_KEY", "rel-of-mine")],
    );
    let text = printed(&loaded, false);
    for part in [
        "environment.Checkout.prefix",
        "relay.conf:29 [environment \"Checkout\"] PREFIX",
        "default (VERIFY_INTERVAL)",
        "no effect  it is about SDKs",
        "AUTO_CONFIG_KEY: this says which environments there are",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let json: serde_json::Value = serde_json::from_str(&printed(&loaded, true)).unwrap();
    assert_eq!(json["valid"], false);
    assert_eq!(json["problems"][0]["about"][0], "AUTO_CONFIG_KEY");
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
    let documentation = include_str!("../../docs/configuration.md");
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

//! No secret is told, wherever it was put.

use proptest::prelude::*;

use crate::settings::{KEY, TABLE, load_from, printed, problems};

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
    ("ADMIN_TOKEN", "http.admin_token", ""),
    ("WEBHOOK_SECRET", "http.webhook_secret", ""),
    ("WEBHOOK_SECRET_a", "environment.webhook_secret", ""),
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
    ("LD_ENVIRONMENT_KEY_a", "environment.environment_key", ""),
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
        text = format!("{text}{head}\n{key} = \"{value}\"\n");
    }
    (text, variables)
}

#[test]
fn no_password_of_a_url_is_told() {
    for variable in ["STREAM_URI", "DYNAMODB_URL", "PROXY_URL", "LD_PREFIX_a"] {
        for url in [
            "http://user:OPENSESAME@h",
            "http://user:OPEN/SESAME@h",
            "http://OPENSESAME@",
        ] {
            let loaded = load_from(&[], &[KEY, TABLE, (variable, url)]);
            let texts = [printed(&loaded, false), printed(&loaded, true)].concat();
            assert!(
                !texts.contains("OPEN") && !texts.contains("SESAME"),
                "{texts}"
            );
        }
    }
}

#[test]
fn of_several_secrets_each_is_masked_and_references_are_shown() {
    let given = [
        ("WEBHOOK_SECRET", "file:/run/two,OPENSESAME,OPENSESAME"),
        ("LD_PREFIX_a", "OPENSESAME"),
        ("LD_TABLE_NAME_a", "KEPTINAFILE"),
    ];
    let files = [("relay.toml", ""), ("/run/two", "KEPTINAFILE,12345678\n")];
    let loaded = load_from(&files, &[&[KEY, TABLE][..], &given].concat());
    assert!(problems(&loaded)[0].contains("more than two secrets"));
    let text = printed(&loaded, false);
    assert!(text.contains("file:/run/two,****,****"), "{text}");
    assert!(
        !text.contains("SESAME") && !text.contains("INAFILE"),
        "{text}"
    );
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

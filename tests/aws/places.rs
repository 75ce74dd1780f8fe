//! Each place where a secret may be kept at AWS is read, and read again when it is said to have changed.

use std::collections::BTreeMap;
use std::time::Duration;

use ld_dynamodb_relay::config::{self, Config, Sources, secret_check};
use ld_dynamodb_relay::secrets::{Keeper, Kept};
use secrecy::ExposeSecret as _;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::moto::Moto;

/// A secret is not read twice within 5 s.
const SOON: Duration = Duration::from_secs(15);

/// As the settings are loaded by the program.
fn load(given: &[(&str, &str)]) -> Config {
    let mut variables: BTreeMap<String, String> = given
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    variables.insert("DYNAMODB_TABLE".to_owned(), "flags".to_owned());
    let sources = Sources {
        file: None,
        allow_missing_file: true,
        variables,
        read: &|_| Err(std::io::ErrorKind::NotFound.into()),
    };
    config::load(&sources)
        .config
        .unwrap_or_else(|problems| panic!("{problems}"))
}

/// The environments' SDK keys, by the names of the environments.
fn keep(config: &Config, keeper: &mut Keeper) -> BTreeMap<String, Kept> {
    let check = secret_check::sdk_key(&config.upstream.stream_uri);
    let kept = config
        .environments
        .iter()
        .map(|it| (it.name.to_string(), keeper.keep(&it.sdk_key, check)));
    kept.collect()
}

fn value(kept: &Kept) -> Option<String> {
    kept.value().map(|it| it.expose_secret().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_are_read_from_where_they_are_kept() {
    let moto = Moto::start().await;
    let parameter = "/launchdarkly/production/sdkkey";
    moto.put_parameter(parameter, "sdk-in-a-parameter").await;
    let webhook = "/launchdarkly/production/webhooksecret";
    moto.put_parameter(webhook, "a-webhook-secret").await;
    moto.create_secret("plain", "sdk-in-a-secret\n").await;
    let object = r#"{"staging": "sdk-in-a-member", "port": 1}"#;
    moto.create_secret("launchdarkly/keys", object).await;

    let config = load(&[
        ("LD_ENV_parameter", "ssm:/launchdarkly/production/sdkkey"),
        ("LD_PREFIX_parameter", "a"),
        (
            "WEBHOOK_SECRET",
            "ssm:/launchdarkly/production/webhooksecret",
        ),
        ("LD_ENV_secret", "secretsmanager:plain"),
        ("LD_PREFIX_secret", "b"),
        ("LD_ENV_member", "secretsmanager:launchdarkly/keys#staging"),
        ("LD_PREFIX_member", "c"),
        ("LD_ENV_no_parameter", "ssm:/launchdarkly/nobody/sdkkey"),
        ("LD_PREFIX_no_parameter", "d"),
        ("LD_ENV_no_secret", "secretsmanager:nothing"),
        ("LD_PREFIX_no_secret", "e"),
        ("LD_ENV_no_member", "secretsmanager:launchdarkly/keys#port"),
        ("LD_PREFIX_no_member", "f"),
        ("LD_ENV_no_object", "secretsmanager:plain#staging"),
        ("LD_PREFIX_no_object", "g"),
        (
            "LD_ENV_no_key",
            "ssm:/launchdarkly/production/webhooksecret",
        ),
        ("LD_PREFIX_no_key", "h"),
    ]);
    let mut keeper = Keeper::new(Some(moto.settings.clone()));
    let keys = keep(&config, &mut keeper);
    let webhook = &config.http.webhook.secrets[0];
    let webhook = keeper.keep(webhook, secret_check::webhook_secret);
    keeper.read().await;

    for (environment, expected) in [
        ("parameter", "sdk-in-a-parameter"),
        ("secret", "sdk-in-a-secret"),
        ("member", "sdk-in-a-member"),
    ] {
        let key = &keys[environment];
        assert_eq!(key.trouble(), None);
        assert_eq!(value(key).as_deref(), Some(expected), "{environment}");
    }
    assert_eq!(value(&webhook).as_deref(), Some("a-webhook-secret"));
    for (environment, sentence) in [
        (
            "no_parameter",
            "ssm:/launchdarkly/nobody/sdkkey does not exist in Parameter Store of the region us-east-1",
        ),
        (
            "no_secret",
            "secretsmanager:nothing does not exist in Secrets Manager of the region us-east-1",
        ),
        (
            "no_member",
            "secretsmanager:launchdarkly/keys#port names a member that",
        ),
        (
            "no_object",
            "secretsmanager:plain#staging names a member of what is no JSON object",
        ),
        (
            "no_key",
            "ssm:/launchdarkly/production/webhooksecret holds a value that does not begin with sdk-",
        ),
    ] {
        let key = &keys[environment];
        let trouble = key.trouble().unwrap_or_default();
        assert_eq!(value(key), None, "{environment}");
        assert!(trouble.starts_with(sentence), "{environment}: {trouble}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_is_followed_when_it_is_said_to_be_one() {
    let moto = Moto::start().await;
    moto.put_parameter("/key", "sdk-old-parameter").await;
    moto.create_secret("keys", r#"{"b": "sdk-old-member"}"#)
        .await;
    let config = load(&[
        ("LD_ENV_a", "ssm:/key"),
        ("LD_PREFIX_a", "a"),
        ("LD_ENV_b", "secretsmanager:keys#b"),
        ("LD_PREFIX_b", "b"),
        ("LD_ENV_c", "ssm:/late"),
        ("LD_PREFIX_c", "c"),
    ]);
    let mut keeper = Keeper::new(Some(moto.settings.clone()));
    let keys = keep(&config, &mut keeper);
    keeper.read().await;
    let stop = CancellationToken::new();
    let mut running = JoinSet::new();
    running.spawn(keeper.run(stop.clone()));
    let old = [&keys["a"], &keys["b"], &keys["c"]].map(Kept::value);

    moto.put_parameter("/key", "sdk-new-parameter").await;
    moto.put_secret("keys", r#"{"b": "sdk-new-member"}"#).await;
    moto.put_parameter("/late", "sdk-that-came-late").await;
    keys["a"].recheck();
    keys["b"].recheck();
    // What failed is tried again without being asked for.
    for ((name, old), expected) in ["a", "b", "c"].into_iter().zip(&old).zip([
        "sdk-new-parameter",
        "sdk-new-member",
        "sdk-that-came-late",
    ]) {
        let other = keys[name].other_than(old.as_ref());
        timeout(SOON, other).await.unwrap();
        assert_eq!(value(&keys[name]).as_deref(), Some(expected));
        assert_eq!(keys[name].trouble(), None);
    }
    stop.cancel();
    timeout(SOON, running.join_next()).await.unwrap();
}

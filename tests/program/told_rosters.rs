//! Days of environments that LaunchDarkly or an archive lists, for [`crate::told`].

use ld_dynamodb_relay::simulator::store::{Fault, Row, StoreRefusal};
use ld_dynamodb_relay::simulator::{Behaviour, OfflineEnvironment};

use crate::ask;
use crate::pack::{Pack, Tar, gzip};
use crate::process::{Output, Program};
use crate::rostered::{
    AUTO_CONFIG_KEY, KEYLESS, PRODUCTION, Rostered, STAGING, offline, put_archive, put_bytes,
    sdk_key,
};
use crate::world::TABLE;

const OTHER_KEY: &str = "rel-c0ffee00-0000-4000-8000-00000000f00d";
const CACHE: &str = "roster";
/// Milliseconds since 1970, in some thousand years.
const NEVER: u64 = 100_000_000_000_000;

fn verbose(program: Program) -> Program {
    program
        .set("LOG_LEVEL", "debug")
        .set("ENV_DATASTORE_PREFIX", "$PROJ_KEY-$ENV_KEY")
}

/// Environments come, change and go, and what is said of them is not always good.
pub(crate) async fn roster() -> Output {
    let it = Rostered::new().await;
    it.roster
        .rotate_key(STAGING, &sdk_key("rotated"), Some(NEVER));
    it.roster.environment(STAGING).next(Behaviour::status(401));
    let other = it.world.launchdarkly.auto_configuration(OTHER_KEY);
    let relay = verbose(it.program(&["run"]))
        .with_file("key", AUTO_CONFIG_KEY)
        .set("AUTO_CONFIG_KEY", "file:key")
        .start();
    relay.event("environment joined the roster").await;
    let (_, admin) = relay.ports().await;
    let path = format!("/log-level/{PRODUCTION}?level=debug");
    assert_eq!(ask::post(admin, &path, &[], b"").await.status, 200);
    relay
        .event("LaunchDarkly refuses the environment's key; using another one that it accepts")
        .await;
    it.roster.send_event("surprise", "{}");
    relay.event("ignored an auto-configuration event").await;
    it.roster.change(STAGING, |members| {
        members.insert("envKey".into(), "stage".into());
    });
    relay
        .event("an environment was renamed, and stays where it is until the next start")
        .await;
    it.roster.close_all();
    relay.event("auto-configuration is heard again").await;
    it.roster.send_event("patch", KEYLESS);
    relay
        .event("an environment cannot be used as LaunchDarkly describes it")
        .await;
    it.roster.send_event("put", "{");
    relay
        .event("malformed auto-configuration event; reconnecting")
        .await;
    it.roster.remove(PRODUCTION);
    relay
        .event("environment left the roster; its rows stay")
        .await;
    std::fs::write(relay.folder().join("key"), OTHER_KEY).unwrap();
    relay.event("AUTO_CONFIG_KEY is another one").await;
    // It lists nobody.
    relay
        .event("the removal of most environments is held until LaunchDarkly says it again")
        .await;
    other.always(Behaviour::silence());
    let path = "/roster?confirm=removals&count=1";
    assert_eq!(ask::post(admin, path, &[], b"").await.status, 202);
    relay
        .event("the environments are removed, as an operator confirmed")
        .await;
    relay.stop().await
}

/// The cache cannot be written for a while, and has a row that is not its own.
pub(crate) async fn cache() -> Output {
    let it = Rostered::new().await;
    let row = Row::new(CACHE, "env:foreign").holding("no sealed description");
    it.world.store.put_row(TABLE, row).unwrap();
    let denied = Fault::refuse(StoreRefusal::AccessDenied).on_writes();
    let denied = it.world.store.inject(denied.in_namespace(CACHE));
    let relay = verbose(it.program(&["run"]))
        .set("AUTO_CONFIG_CACHE_KEY", CACHE)
        .start();
    relay.event("read the auto-configuration cache").await;
    relay
        .event("skipped rows of the auto-configuration cache")
        .await;
    relay
        .event("the auto-configuration cache cannot be written")
        .await;
    denied.withdraw();
    relay
        .event("the auto-configuration cache is written again")
        .await;
    relay
        .event("stored an environment in the auto-configuration cache")
        .await;
    relay.stop().await
}

/// Starts that know nothing.
pub(crate) async fn unknown() -> Vec<Output> {
    let it = Rostered::new().await;
    it.roster.always(Behaviour::status(401));
    let mut ends = vec![];
    let rejected = verbose(it.program(&["run"])).set("EXIT_ON_ERROR", "true");
    ends.push(rejected.output().await);
    let once = verbose(it.program(&["run"])).set("EXIT_ALWAYS", "true");
    ends.push(once.set("INIT_TIMEOUT", "100ms").output().await);
    let denied = Fault::refuse(StoreRefusal::AccessDenied).on_reads();
    it.world.store.inject(denied.in_namespace(CACHE));
    let relay = verbose(it.program(&["run"]))
        .set("AUTO_CONFIG_KEY", "ssm:/launchdarkly/relay/key")
        .set("AWS_ENDPOINT_URL_SSM", "http://127.0.0.1:1")
        .set("AUTO_CONFIG_CACHE_KEY", CACHE)
        .set(
            "AUTO_CONFIG_CACHE_ENCRYPTION_KEY",
            "0123456789abcdef0123456789abcdef",
        )
        .set("INIT_TIMEOUT", "100ms")
        .start();
    for told in [
        "waiting for AUTO_CONFIG_KEY",
        "the auto-configuration cache cannot be read; waiting for LaunchDarkly",
        "it is not known within INIT_TIMEOUT which environments there are",
    ] {
        relay.event(told).await;
    }
    ends.push(relay.stop().await);
    ends
}

/// An archive that is not there, and then is not as it should be.
pub(crate) async fn archive() -> Output {
    let it = Rostered::empty().await;
    let relay = verbose(it.archived(&["run"])).start();
    relay
        .event("the archive cannot be used, and everything stays as it was")
        .await;
    let mut tar = Tar::default();
    tar.pack("", &Pack::bad_metadata().sealed())
        .file("folder/a.json", b"{}");
    put_bytes(relay.folder(), &gzip(&tar.end()));
    for told in [
        "read the archive",
        "parts of the archive were skipped",
        "environments of the archive cannot be used, and stay as they were",
        "the archive can be used again",
    ] {
        relay.event(told).await;
    }
    let namesakes = [PRODUCTION, STAGING].map(|id| OfflineEnvironment {
        name: "namesake".to_owned(),
        ..offline(id, &["first"], 30)
    });
    put_archive(relay.folder(), &namesakes);
    relay
        .event("an environment of the archive has no place of its own")
        .await;
    relay.stop().await
}

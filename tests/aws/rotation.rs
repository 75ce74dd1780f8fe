//! An SDK key that is rotated in Parameter Store: the program goes on, without a restart and without writing a row again.

use std::time::Duration;

use ld_dynamodb_relay::simulator::store::Counts;
use tokio::time::timeout;

use crate::moto::Moto;
use crate::world::{KEY, World, flag};

const NEW_KEY: &str = "sdk-c0ffee00-0000-4000-8000-00000000f00d";
const PLACE: &str = "/launchdarkly/production/sdkkey";
const PATIENCE: Duration = Duration::from_secs(40);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_401_the_key_is_read_again_and_the_environment_goes_on() {
    let moto = Moto::start().await;
    moto.put_parameter(PLACE, KEY).await;
    let world = World::with_flags(3).await;
    let relay = world
        .program(&["run"])
        .set("LD_ENV_production", &format!("ssm:{PLACE}"))
        .set("AWS_ENDPOINT_URL_SSM", &moto.endpoint)
        .set("AWS_EC2_METADATA_DISABLED", "true")
        .start();
    relay.first_write().await;
    world.assert_equal();
    world.store.reset_counts();

    moto.put_parameter(PLACE, NEW_KEY).await;
    world.launchdarkly.replace_key(KEY, NEW_KEY);
    relay.event("a secret changed").await;
    world.production.put_flag(&flag("flag-0001", 7));
    // A row is there a moment before the write is counted.
    let written = |counts: &Counts| {
        let row = world.row("flag-0001");
        counts.writes() > 0 && row.is_some_and(|it| it.version() == Some(7))
    };
    let wait = world.store.wait_until("the change", written);
    timeout(PATIENCE, wait).await.unwrap();

    world.assert_equal();
    assert_eq!(
        world.store.counts().writes(),
        1,
        "what is equal stays as it is"
    );
    let lines = relay.lines();
    let starts = lines.iter().filter(|line| line.contains("\"started\""));
    assert_eq!(starts.count(), 1);
    for key in [KEY, NEW_KEY] {
        let told = lines.iter().find(|line| line.contains(key));
        assert_eq!(told, None, "no key is logged");
    }
    assert_eq!(relay.stop().await.code, Some(0));
}

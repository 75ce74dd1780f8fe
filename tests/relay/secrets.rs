//! Neither a key nor an item's contents reach a log, a metric or the status, whatever goes wrong.

use ld_dynamodb_relay::model::ItemKey;
use ld_dynamodb_relay::simulator::Behaviour;
use ld_dynamodb_relay::simulator::store::{Fault, Operation, StoreRefusal};

use crate::support::several::{Several, key};
use crate::support::{flag, flag_with, log};

const NAME: &str = "hush-5e1b";
/// Stands in every item's text, and in what is malformed.
const CONTENTS: &str = "contents-7c2f";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_key_and_no_contents_in_what_is_told() {
    let several = Several::new([NAME, "other-5e1b"]).await;
    let environment = &several.environments[0];
    let telling = |key: &str, version| flag_with(key, version, &format!(r#","name":"{CONTENTS}""#));
    let large = telling("large", 1).replace(
        "\"salt\":\"s\"",
        &format!("\"salt\":\"{}\"", "x".repeat(410_000)),
    );
    environment.quietly(|items| {
        items.insert_as(ItemKey::flag("large"), large);
        items.insert_as(ItemKey::flag("odd"), format!("\"{CONTENTS}\""));
        items.insert_as(ItemKey::flag("plain"), telling("plain", 3));
        items.insert_as(ItemKey::flag("refused"), telling("refused", 1));
    });
    // Everything that goes wrong says something.
    environment.next(Behaviour::redirect(302, "http://localhost:1/all"));
    let faults = [
        Fault::refuse(StoreRefusal::Validation).for_key("refused"),
        Fault::refuse(StoreRefusal::InternalServerError)
            .on(Operation::PutItem)
            .after(2)
            .times(4),
        Fault::refuse(StoreRefusal::Other(
            418,
            "com.amazon#Odd".into(),
            CONTENTS.into(),
        ))
        .on(Operation::Query)
        .times(1),
    ];
    for fault in faults {
        let ours = fault.in_namespace(format!("{NAME}:features"));
        several.store.inject(ours);
    }
    let relay = several.relay().await;
    relay.all_settled().await;
    environment.put_flag(&telling("plain", 4));
    environment.send_patch(&ItemKey::flag("plain"), &telling("plain", 2));
    environment
        .wait_until("asked again", |seen| {
            seen.connections == 2 && seen.open == 1
        })
        .await;
    environment.send_event(
        "patch",
        &format!(r#"{{"path":"/flags/plain","data":{{"{CONTENTS}"#),
    );
    environment.wait_for_connections(3).await;
    environment.put_flag(&flag("sentinel", 1));
    relay.all_settled().await;
    several.launchdarkly.revoke(&key(NAME));
    relay
        .until("refused", |facts| {
            facts
                .last_error
                .as_ref()
                .is_some_and(|error| error.status_code == Some(401))
        })
        .await;
    let facts = format!("{:?}", relay.facts());
    let metrics = relay.metrics.render([], None);
    relay.stop().await;

    let about = log::lines(NAME);
    for told in [
        "ended",
        "stored",
        "held",
        "DynamoDB refused it as invalid",
        "could not be read or written",
    ] {
        assert!(
            about.iter().any(|line| line.contains(told)),
            "{told} was told"
        );
    }
    for secret in [key(NAME), CONTENTS.to_owned()] {
        assert_eq!(log::lines(&secret), Vec::<String>::new());
        assert!(!facts.contains(&secret), "{facts}");
        assert!(!metrics.contains(&secret));
    }
}

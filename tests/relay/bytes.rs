//! However the bytes come, what is stored is what was sent. Rows of the table of faults: 6, 8, 18, 20.

use ld_dynamodb_relay::model::{ItemKey, Kind};
use ld_dynamodb_relay::simulator::{Behaviour, LineEnd, huge};

use crate::support::several::Several;
use crate::support::{TABLE, World, flag, flag_with};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_06_a_put_of_twenty_megabytes_in_one_line_is_accepted() {
    let world = World::new().await;
    world.production.replace(huge(20 << 20));
    let relay = world.relay().await;
    relay.settled().await;
    assert_eq!(world.production.seen().attempts, 1);
    world.assert_equal();
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_08_of_a_member_that_occurs_twice_the_last_one_counts_and_the_text_stays() {
    let world = World::with_flags(1).await;
    let relay = world.relay().await;
    relay.settled().await;
    let text = flag_with("twice", 3, r#","key":"twice","version":7"#);
    world.production.put(&ItemKey::flag("twice"), &text);
    relay.written(2).await;
    let row = world
        .store
        .row(TABLE, "features", "twice")
        .unwrap()
        .unwrap();
    assert_eq!((row.version(), row.item()), (Some(7), Some(&*text)));
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_18_a_stream_in_chunks_of_one_byte_says_the_same() {
    let several = Several::new(["row-18-lf", "row-18-crlf"]).await;
    let ends = [LineEnd::Lf, LineEnd::CrLf];
    for (end, environment) in ends.into_iter().zip(&several.environments) {
        environment.quietly(|items| {
            items.insert(
                Kind::Flag,
                flag_with("rocket", 2, r#","name":"🚀 ü \ud83d\ude80""#),
            );
        });
        environment.always(Behaviour::normal().line_end(end).in_chunks_of(1));
    }
    let relay = several.relay().await;
    relay.all_settled().await;
    for (index, environment) in several.environments.iter().enumerate() {
        environment.put_flag(&flag_with("rocket", 3, r#","name":"é🚀""#));
        relay
            .until_of(index, "the patch", |facts| facts.written >= 3)
            .await;
        assert_eq!(environment.seen().attempts, 1);
    }
    several.assert_all_equal();
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_20_every_form_of_event_stream_is_read() {
    let several = Several::new(["row-20-cr", "row-20-crlf", "row-20-bom", "row-20-tight"]).await;
    let tight = format!(
        ":\n:comment\nid:1\nevent:put\ndata:{}\n\n",
        several.environments[3].items().to_put()
    );
    let behaviours = [
        Behaviour::normal().line_end(LineEnd::Cr),
        Behaviour::normal().line_end(LineEnd::CrLf),
        Behaviour::normal().with_bom().in_chunks_of(2),
        Behaviour::bytes(tight),
    ];
    for (behaviour, environment) in behaviours.into_iter().zip(&several.environments) {
        environment.always(behaviour);
    }
    let relay = several.relay().await;
    relay.all_settled().await;
    several.assert_all_equal();
    // Data of several lines: the line ends are white space between members.
    let lines = format!(
        "{{\"path\":\"/flags/first\",\n\"data\":\n{}}}",
        flag("first", 2)
    );
    for (index, environment) in several.environments.iter().enumerate() {
        environment.send_event("patch", &lines);
        relay
            .until_of(index, "the patch", |facts| facts.written >= 2)
            .await;
        assert_eq!(several.stored(index, "first"), Some(flag("first", 2)));
        assert_eq!(environment.seen().attempts, 1);
    }
    relay.stop().await;
}

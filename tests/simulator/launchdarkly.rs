//! The simulated LaunchDarkly, asked as SDKs ask it, byte by byte.

use std::time::Duration;

use ld_dynamodb_relay::model::ItemKey;
use ld_dynamodb_relay::simulator::launchdarkly::Key;
use ld_dynamodb_relay::simulator::{
    ANY_PORT, Behaviour, Items, LaunchDarkly, LineEnd, SimulatedEnvironment,
};
use reqwest::{Response, StatusCode};
use tokio::time::Instant;

use crate::asking::{Asking, ask, client};

const KEY: &str = "sdk-0001";
const PUT: &str = include_str!("../fixtures/fdv1-put.json");
const FLAG: &str = r#"{"key":"a","version":1,"x":1E2, "note":"\ud83d\ude80 🚀"}"#;

async fn launchdarkly() -> (LaunchDarkly, SimulatedEnvironment) {
    let launchdarkly = LaunchDarkly::start(ANY_PORT).await.unwrap();
    let environment = launchdarkly.environment(KEY);
    (launchdarkly, environment)
}

async fn get(launchdarkly: &LaunchDarkly, path: &str) -> Response {
    ask(launchdarkly, path, KEY).await.unwrap()
}

async fn listening(launchdarkly: &LaunchDarkly) -> Asking {
    Asking::of(launchdarkly, "/all", KEY).await
}

#[tokio::test]
async fn a_stream_begins_with_everything_and_goes_on_with_changes() {
    let (launchdarkly, environment) = launchdarkly().await;
    environment.put_flag(FLAG);
    let mut listener = listening(&launchdarkly).await;
    assert_eq!(
        listener.response.headers()["content-type"],
        "text/event-stream"
    );

    let put = format!(
        "event: put\ndata: {{\"path\":\"/\",\"data\":{{\"flags\":{{\"a\":{FLAG}}},\"segments\":{{}}}}}}\n\n"
    );
    listener.hears(&put).await;
    environment.put_segment(r#"{"key":"s","version":4}"#);
    listener
        .hears("event: patch\ndata: {\"path\":\"/segments/s\",\"data\":{\"key\":\"s\",\"version\":4}}\n\n")
        .await;
    environment.delete_flag("a", 2);
    listener
        .hears("event: delete\ndata: {\"path\":\"/flags/a\",\"version\":2}\n\n")
        .await;
    assert_eq!(environment.items().len(), 1);
    environment.send_heartbeat();
    listener.hears("\n:\n").await;
}

#[tokio::test]
async fn headers_come_before_anything_is_said() {
    let (launchdarkly, environment) = launchdarkly().await;
    environment.set_id("env-7");
    environment.next(Behaviour::silence());

    let response = get(&launchdarkly, "/all").await;

    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["x-ld-envid"], "env-7");
}

#[tokio::test]
async fn text_of_several_lines_takes_several_data_lines() {
    let (launchdarkly, environment) = launchdarkly().await;
    environment.put_flag("{\"key\":\"a\",\r\n\"version\":1}");

    let mut listener = listening(&launchdarkly).await;

    listener
        .hears("{\"a\":{\"key\":\"a\",\ndata: \"version\":1}},")
        .await;
}

#[tokio::test]
async fn a_poll_is_answered_once_and_then_unchanged() {
    let (launchdarkly, environment) = launchdarkly().await;
    environment.load_put(PUT).unwrap();
    let first = get(&launchdarkly, "/sdk/latest-all").await;
    let tag = first.headers()["etag"].clone();
    let polled = first.text().await.unwrap();
    assert_eq!(Items::from_put(&polled).unwrap(), environment.items());
    assert_eq!(Items::from_put(PUT).unwrap(), environment.items());

    let ask_again = || {
        client()
            .get(launchdarkly.uri() + "/sdk/latest-all")
            .header("Authorization", format!("api_key {KEY}"))
            .header("If-None-Match", &tag)
            .send()
    };
    assert_eq!(
        ask_again().await.unwrap().status(),
        StatusCode::NOT_MODIFIED
    );
    environment.quietly(|items| items.insert_as(ItemKey::flag("a"), "{}"));
    assert_eq!(ask_again().await.unwrap().status(), StatusCode::OK);
    assert_eq!(environment.seen().polls, 3);
}

#[tokio::test]
async fn an_unknown_key_is_refused_and_another_path_is_not_found() {
    let (launchdarkly, _) = launchdarkly().await;

    let refused = ask(&launchdarkly, "/all", "sdk-other").await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    let nowhere = get(&launchdarkly, "/flags").await;
    assert_eq!(nowhere.status(), StatusCode::NOT_FOUND);
    let events = client()
        .post(launchdarkly.uri() + "/bulk")
        .header("Authorization", KEY)
        .body("[]");
    assert_eq!(events.send().await.unwrap().status(), StatusCode::ACCEPTED);

    let keys: Vec<_> = launchdarkly
        .requests()
        .into_iter()
        .map(|it| it.key)
        .collect();
    let known = Key::EndingIn("0001".into());
    assert_eq!(keys, [Key::Unknown, known.clone(), known]);
    assert!(
        launchdarkly
            .requests()
            .iter()
            .all(|it| !it.headers.contains_key("authorization"))
    );
}

#[tokio::test]
async fn a_replaced_key_ends_the_streams_of_the_old_one() {
    let (launchdarkly, environment) = launchdarkly().await;
    let mut listener = listening(&launchdarkly).await;
    listener.hears("put").await;

    launchdarkly.replace_key(KEY, "sdk-0002");

    assert!(listener.ends().await.is_err());
    let old = get(&launchdarkly, "/all").await;
    assert_eq!(old.status(), StatusCode::UNAUTHORIZED);
    let new = ask(&launchdarkly, "/all", "sdk-0002").await.unwrap();
    assert_eq!(new.status(), StatusCode::OK);
    environment.wait_for_connections(2).await;
}

#[tokio::test]
async fn attempts_are_answered_as_they_were_told_and_then_as_usual() {
    let (launchdarkly, environment) = launchdarkly().await;
    environment.next(Behaviour::status(503).header("Retry-After", "7"));
    environment.next(Behaviour::html());
    environment.next(Behaviour::status(204));
    environment.next(Behaviour::redirect(307, "/elsewhere"));
    environment.next(Behaviour::cut());

    let busy = get(&launchdarkly, "/all").await;
    assert_eq!(
        (busy.status().as_u16(), &busy.headers()["retry-after"]),
        (503, &"7".parse().unwrap())
    );
    let page = get(&launchdarkly, "/all").await;
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(get(&launchdarkly, "/all").await.status().as_u16(), 204);
    let elsewhere = get(&launchdarkly, "/all").await;
    assert_eq!(elsewhere.headers()["location"], "/elsewhere");
    assert!(ask(&launchdarkly, "/all", KEY).await.is_err());
    listening(&launchdarkly).await.hears("event: put").await;

    let seen = environment.seen();
    assert_eq!((seen.attempts, seen.connections), (6, 1));
}

#[tokio::test]
async fn a_stream_is_cut_at_the_byte() {
    let (launchdarkly, environment) = launchdarkly().await;
    environment.next(Behaviour::normal().cut_after(20));
    let mut listener = listening(&launchdarkly).await;
    assert!(listener.ends().await.is_err());
    assert_eq!(listener.received.len(), 20);

    environment.put_flag(FLAG);
    environment.next(Behaviour::normal().with_bom().cut_inside_a_character());
    let mut listener = listening(&launchdarkly).await;
    assert!(listener.ends().await.is_err());
    assert!(
        listener
            .received
            .starts_with("\u{feff}event: put".as_bytes())
    );
    let cut = std::str::from_utf8(&listener.received).unwrap_err();
    assert_eq!(cut.error_len(), None, "it ends within a character");
    environment.wait_for_nobody().await;
}

#[tokio::test]
async fn a_large_put_arrives_whole_before_it_is_cut() {
    let (launchdarkly, environment) = launchdarkly().await;
    let large = format!(
        r#"{{"key":"a","version":1,"x":"{}"}}"#,
        "x".repeat(5_000_000)
    );
    environment.put_flag(&large);
    environment.next(Behaviour::normal().then_cut());
    let mut listener = listening(&launchdarkly).await;

    assert!(listener.ends().await.is_err());

    assert!(listener.text().ends_with("}}}\n\n"));
}

#[tokio::test]
async fn bytes_come_one_by_one_with_any_line_end() {
    let (launchdarkly, environment) = launchdarkly().await;
    for (line_end, text) in [(LineEnd::Cr, "\r"), (LineEnd::CrLf, "\r\n")] {
        environment.next(Behaviour::normal().line_end(line_end).in_chunks_of(1));
        let mut listener = listening(&launchdarkly).await;
        listener.hears(&format!("}}}}{text}{text}")).await;
        assert!(
            listener
                .text()
                .starts_with(&format!("event: put{text}data: "))
        );
        assert!(listener.chunks > 40, "{} chunks", listener.chunks);
    }
}

#[tokio::test]
async fn a_slow_stream_takes_its_time() {
    let (launchdarkly, environment) = launchdarkly().await;
    environment.next(
        Behaviour::bytes("x".repeat(100))
            .bytes_per_second(500)
            .then_close(),
    );
    let begun = Instant::now();

    listening(&launchdarkly).await.ends().await.unwrap();

    assert!(
        begun.elapsed() >= Duration::from_millis(180),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn a_stalled_stream_says_nothing_more_until_it_is_closed() {
    let (launchdarkly, environment) = launchdarkly().await;
    environment.next(Behaviour::normal().then_stall());
    let mut listener = listening(&launchdarkly).await;
    listener.hears("put").await;

    environment.put_flag(FLAG);
    environment.send_heartbeat();
    environment.close_all();

    listener.ends().await.unwrap();
    assert!(!listener.text().contains("patch"));
}

#[tokio::test]
async fn comments_come_as_often_as_they_are_told() {
    let (launchdarkly, environment) = launchdarkly().await;
    environment.always(Behaviour::normal().heartbeat(Some(Duration::from_millis(5))));

    listening(&launchdarkly).await.hears("\n\n:\n:\n:\n").await;
}

#[tokio::test]
async fn a_replica_that_lags_behind_says_what_was() {
    let (launchdarkly, environment) = launchdarkly().await;
    let before = environment.items();
    environment.put_flag(FLAG);
    environment.stale_answers(1, &before);

    listening(&launchdarkly).await.hears("\"flags\":{}").await;
    listening(&launchdarkly)
        .await
        .hears("\"flags\":{\"a\"")
        .await;
}

#[tokio::test]
async fn a_new_data_set_is_announced_or_not() {
    let (launchdarkly, environment) = launchdarkly().await;
    let mut listener = listening(&launchdarkly).await;
    listener.hears("put").await;
    let mut items = Items::default();
    items.insert_as(ItemKey::flag("a"), FLAG);

    environment.replace(items.clone());
    environment.send_event("later", "");
    listener.hears("event: later\ndata: \n\n").await;
    assert!(!listener.text().contains("ud83d"));
    environment.replace_and_announce(items);
    listener.hears("ud83d").await;
}

#[tokio::test]
async fn who_is_connected_can_be_cut_off_and_refused() {
    let (launchdarkly, environment) = launchdarkly().await;
    let mut listener = listening(&launchdarkly).await;
    listener.hears("put").await;

    environment.disconnect_all();
    assert!(listener.ends().await.is_err());
    environment.wait_for_nobody().await;
    let mut listener = listening(&launchdarkly).await;
    launchdarkly.stop().await;
    assert!(listener.ends().await.is_err());
    let refused = ask(&launchdarkly, "/all", KEY).await.unwrap_err();
    assert!(refused.is_connect());

    launchdarkly.restart().await.unwrap();
    listening(&launchdarkly).await.hears("put").await;
}

#[tokio::test]
async fn a_gzip_bomb_is_small_on_the_wire() {
    let (launchdarkly, environment) = launchdarkly().await;
    environment.next_poll(Behaviour::gzip_bomb(10_000_000));

    let plain = reqwest::Client::builder()
        .no_gzip()
        .no_proxy()
        .build()
        .unwrap();
    let bomb = plain.get(launchdarkly.uri() + "/sdk/latest-all");
    let bomb = bomb.header("Authorization", KEY).send().await.unwrap();

    assert_eq!(bomb.headers()["content-encoding"], "gzip");
    assert!(bomb.bytes().await.unwrap().len() < 100_000);
}

//! The webhook over sockets: what is signed is taken, and nobody else holds up anything.

use std::time::{Duration, UNIX_EPOCH};

use futures_util::StreamExt as _;
use ld_dynamodb_relay::clock;
use ld_dynamodb_relay::webhook::sign;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::ask::{self, Answer};
use crate::process::{Program, Running};
use crate::world::World;

const SECRET: &str = "wh-secret-7d0f4c";
const MIB: usize = 1024 * 1024;
const TOO_LARGE: &str = "the body is larger than 1 MiB; or it is larger than 64 KiB and signed with none of the secrets that \
    are tried for such a body: have it sent to /webhook/<environment>";

async fn start(program: Program) -> (Running, u16, u16) {
    let relay = program.start();
    relay.first_write().await;
    let (work, admin) = relay.ports().await;
    (relay, work, admin)
}

async fn started(world: &World) -> (Running, u16, u16) {
    start(world.program(&["run"]).set("WEBHOOK_SECRET", SECRET)).await
}

/// A flag changed so long ago.
fn body(id: &str, environment: &str, ago: Duration) -> String {
    let date = (clock::now().wall - ago).duration_since(UNIX_EPOCH);
    let date = date.unwrap().as_millis();
    format!(
        r#"{{"_id":"{id}","date":{date},"kind":"flag","accesses":[{{"action":"updateOn","resource":"proj/shop:env/{environment}:flag/flag-0000;tag"}}]}}"#
    )
}

fn now(id: &str) -> String {
    body(id, "production", Duration::ZERO)
}

async fn send(port: u16, path: &str, body: &str, signature: &str) -> (u16, String) {
    let header = format!("X-LD-Signature: {signature}");
    let Answer { status, body } = ask::post(port, path, &[&header], body.as_bytes()).await;
    (status, body.trim_end().to_owned())
}

async fn signed(port: u16, path: &str, body: &str, secret: &str) -> (u16, String) {
    let signature = sign(body.as_bytes(), &secret.into());
    send(port, path, body, &signature).await
}

fn taken(how: &str) -> (u16, String) {
    (202, how.to_owned())
}

fn count(metrics: &Answer, result: &str) -> f64 {
    metrics.metric(&format!(
        r#"ld_dynamodb_webhooks_total{{result="{result}"}}"#
    ))
}

async fn until_counted(admin: u16, result: &str, count_wanted: f64) {
    let is_there = |it: &Answer| (count(it, result) - count_wanted).abs() < 0.1;
    ask::until(admin, "/metrics", is_there).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_signed_is_taken_and_what_is_forged_is_not() {
    let world = World::with_flags(2).await;
    let (relay, work, admin) = started(&world).await;
    relay.event("the webhook is on").await;
    let minimal = include_str!("../fixtures/webhook-minimal.json");
    let vector = "964232dfc916da4aaea4bc6eb704091f117504ed20b4c1081ddca37b6512e5c7";
    for forged in [
        "",
        &vector[1..],
        &vector[..62],
        &format!("{vector}00"),
        "964232dfc916da4aaea4bc6eb704091f117504ed20b4c1081ddca37b6512e5c6",
        // With a line feed behind the body, and with blanks in it.
        "64472d8810b8bf73908cc86d0af5aeeb6e6c9764c11dccfb1256d1688ea04425",
        "2f1585cc39d22494b7ab308afee66f9c8d75c7a7504a0b70d8f9cfe02b09585b",
    ] {
        for path in ["/webhook", "/webhook/production", "/webhook/elsewhere"] {
            let (code, text) = send(work, path, minimal, forged).await;
            assert_eq!(code, 401, "{forged} {text}");
            assert!(!text.contains("environment"), "{text}");
        }
    }
    let unsigned = ask::post(work, "/webhook", &[], minimal.as_bytes()).await;
    assert_eq!(unsigned.status, 401);
    let (code, _) = signed(work, "/webhook/elsewhere", minimal, SECRET).await;
    assert_eq!(code, 404);
    // Its project is nobody's, but there is one environment of this name. In upper case, too.
    let upper = vector.to_uppercase();
    let answer = send(work, "/webhook", minimal, &upper).await;
    assert!(
        ["woken", "late"].contains(&&*answer.1) && answer.0 == 202,
        "{answer:?}"
    );
    assert_eq!(
        send(work, "/webhook", minimal, vector).await,
        taken("duplicate")
    );

    // LaunchDarkly repeats itself and keeps no order.
    let minute = Duration::from_mins(1);
    let cases = [
        ("b", Duration::ZERO, "woken"),
        ("a", minute, "woken"),
        ("b", Duration::ZERO, "duplicate"),
        ("c", 6 * minute, "late"),
    ];
    for (id, ago, expect) in cases {
        let body = body(id, "production", ago);
        let answer = signed(work, "/webhook", &body, SECRET).await;
        assert_eq!(answer, taken(expect), "{id}");
    }
    let unknown = now("d").replace(r#""flag","accesses"#, r#""experiment","accesses"#);
    assert_eq!(
        signed(work, "/webhook", &unknown, SECRET).await,
        taken("ignored")
    );
    let unreadable = signed(work, "/webhook", "{", SECRET).await;
    assert_eq!(unreadable, taken("unreadable"));
    let path = "/webhook/production";
    assert_eq!(signed(work, path, &now("e"), SECRET).await, taken("woken"));

    let metrics = ask::get(admin, "/metrics").await;
    for (result, expect) in [
        ("unsigned", 22.0),
        ("unknown_environment", 1.0),
        ("duplicate", 2.0),
    ] {
        let count = count(&metrics, result);
        assert!((count - expect).abs() < 0.1, "{result} {count}");
    }
    assert_eq!(ask::get(admin, "/webhook").await.status, 404);
    let end = relay.stop().await;
    assert_eq!(end.code, Some(0));
    assert!(!end.stdout.contains(SECRET) && !end.stderr.contains(SECRET));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_environment_is_woken_with_its_own_secrets() {
    let world = World::with_flags(2).await;
    let other = "sdk-c0ffee00-0000-4000-8000-00000000cafe";
    world.launchdarkly.environment(other);
    let program = world
        .program(&["run"])
        .set("LD_ENV_bank", other)
        .set("LD_PREFIX_bank", "bank")
        .set("LD_PROJ_KEY_bank", "bank")
        .set("LD_ENVIRONMENT_KEY_bank", "live")
        .set("WEBHOOK_SECRET", "old-secret,new-secret")
        .set("WEBHOOK_SECRET_bank", "bank-secret");
    let (_relay, work, _) = start(program).await;
    for secret in ["old-secret", "new-secret"] {
        let answer = signed(work, "/webhook", &now(secret), secret).await;
        assert_eq!(answer, taken("woken"));
        let bank = signed(work, "/webhook/bank", &now("x"), secret).await;
        assert_eq!(bank.0, 401);
    }
    let live = body("1", "live", Duration::ZERO).replace("proj/shop", "proj/bank");
    let cases = [
        ("/webhook", live.clone(), "woken"),
        (
            "/webhook",
            live.replace("proj/bank", "proj/shop")
                .replace(r#""1""#, r#""2""#),
            "unmatched",
        ),
        ("/webhook", now("3"), "unmatched"),
        ("/webhook/bank", now("4"), "woken"),
    ];
    for (path, body, expect) in cases {
        let answer = signed(work, path, &body, "bank-secret").await;
        assert_eq!(answer, taken(expect), "{path} {body}");
    }
    assert_eq!(
        signed(work, "/webhook/production", &now("5"), "bank-secret")
            .await
            .0,
        401
    );
    assert_eq!(
        signed(work, "/webhook/elsewhere", &now("6"), "bank-secret")
            .await
            .0,
        404
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_secret_there_is_none_and_the_log_says_how_to_get_one() {
    let world = World::with_flags(1).await;
    let (relay, work, _) = start(world.program(&["run"])).await;
    relay
        .line("the webhook is off: to have it on, set WEBHOOK_SECRET")
        .await;
    for path in ["/webhook", "/webhook/production"] {
        for secret in ["", SECRET] {
            let answer = signed(work, path, &now("1"), secret).await;
            assert_eq!(answer, (404, "not found".to_owned()));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_sends_too_much_reads_why_it_is_not_taken() {
    let world = World::with_flags(1).await;
    let (_relay, work, admin) = started(&world).await;
    let fits = format!(r#"{{"kind":"team","comment":"{}"}}"#, "x".repeat(MIB - 28));
    assert_eq!(fits.len(), MIB);
    assert_eq!(
        signed(work, "/webhook", &fits, SECRET).await,
        taken("ignored")
    );
    for bytes in [MIB + 1, 5 * MIB] {
        let larger = "x".repeat(bytes);
        let answer = signed(work, "/webhook", &larger, SECRET).await;
        assert_eq!(answer, (413, TOO_LARGE.to_owned()));
    }
    until_counted(admin, "too_large", 2.0).await;
    assert_eq!(ask::get(work, "/livez").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_many_bodies_hang_others_are_taken_and_probes_answered() {
    let world = World::with_flags(1).await;
    let (_relay, work, admin) = started(&world).await;
    let mut slow = Vec::new();
    for _ in 0..40 {
        let mut connection = TcpStream::connect(("127.0.0.1", work)).await.unwrap();
        let begin = b"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{";
        connection.write_all(begin).await.unwrap();
        slow.push(connection);
    }
    for path in ["/livez", "/readyz", "/status"] {
        assert_eq!(ask::get(work, path).await.status, 200, "{path}");
    }
    let flood = (0..1_000).map(|number| {
        let body = now(&format!("flood-{number}"));
        async move { signed(work, "/webhook", &body, SECRET).await }
    });
    // As many as the port has connections for; the others wait for theirs.
    let mut flood = futures_util::stream::iter(flood).buffer_unordered(300);
    while let Some(answer) = flood.next().await {
        assert_eq!(answer, taken("woken"));
    }
    drop(slow);
    until_counted(admin, "too_slow", 40.0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_http_is_refused_and_harms_nobody() {
    let world = World::with_flags(1).await;
    let (relay, work, admin) = started(&world).await;
    let long = "x".repeat(64 * 1_024);
    let post = "POST /webhook HTTP/1.1\r\nHost: x\r\n";
    let broken = [
        "nonsense\r\n\r\n".to_owned(),
        "POST webhook HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
        "POST /webhook HTTP/9.9\r\nHost: x\r\n\r\n".to_owned(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        "\u{0}\u{1}\u{2}\r\n\r\n".to_owned(),
        format!("POST /webhook?{long} HTTP/1.1\r\nHost: x\r\n\r\n"),
        format!("{post}X-LD-Signature: {long}\r\n\r\n"),
        format!("{post}X-LD-Signature\r\n\r\n"),
        format!("{post}Content-Length: -1\r\n\r\n"),
        format!("{post}Content-Length: 99999999999999999999999999\r\n\r\n"),
        format!("{post}Content-Length: 5\r\nContent-Length: 6\r\n\r\n123456"),
        format!("{post}Transfer-Encoding: chunked\r\n\r\nnonsense\r\n"),
        format!("{post}Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n"),
        format!("{post}Transfer-Encoding: gzip\r\n\r\n12345"),
    ];
    for request in broken {
        let shown = &request[..request.len().min(90)];
        let answer = ask::raw(work, request.as_bytes()).await;
        let refused = answer.is_empty() || answer.starts_with("HTTP/1.1 4");
        assert!(refused, "{shown} {answer}");
        assert_eq!(ask::get(work, "/livez").await.status, 200, "{shown}");
    }
    for begun in [
        "Content-Length: 100\r\n\r\n12345",
        "Transfer-Encoding: chunked\r\n\r\n5\r\n12",
    ] {
        ask::break_off(work, format!("{post}{begun}").as_bytes()).await;
    }
    let body = now("1");
    let signature = sign(body.as_bytes(), &SECRET.into());
    let (one, other) = body.split_at(10);
    let chunked = format!(
        "{post}X-LD-Signature: {signature}\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n\
         {:x}\r\n{one}\r\n{:x}\r\n{other}\r\n0\r\n\r\n",
        one.len(),
        other.len(),
    );
    let answer = ask::raw(work, chunked.as_bytes()).await;
    assert!(
        answer.contains("HTTP/1.1 202") && answer.ends_with("woken\n"),
        "{answer}"
    );
    let panics = ask::get(admin, "/metrics")
        .await
        .metric("ld_dynamodb_panics_total");
    assert!(panics < 0.5);
    assert_eq!(relay.stop().await.code, Some(0));
}

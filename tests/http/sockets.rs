//! Over sockets: what our own `health` asks, and clients that behave badly.

use std::time::Duration;

use ld_dynamodb_relay::commands::health::{Question, ask};
use ld_dynamodb_relay::http::{self, WorkPort};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::world::{World, fresh, good};

/// Both listeners on free ports of loopback.
pub(crate) struct Sockets {
    pub(crate) work: u16,
    pub(crate) admin: u16,
    pub(crate) stop: CancellationToken,
    pub(crate) server: tokio::task::JoinHandle<()>,
}

async fn serve_plain(world: &World) -> Sockets {
    let work = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = work.local_addr().unwrap().port();
    serve(world, work, port).await
}

/// Serves the work port as it is given, and the admin port.
pub(crate) async fn serve(
    world: &World,
    work: impl Into<WorkPort> + Send + 'static,
    port: u16,
) -> Sockets {
    let admin = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let admin_port = admin.local_addr().unwrap().port();
    let stop = CancellationToken::new();
    let server = http::serve(work, admin, world.app.clone(), stop.clone());
    #[expect(clippy::disallowed_methods, reason = "the test awaits it")]
    let server = tokio::spawn(server);
    Sockets {
        work: port,
        admin: admin_port,
        stop,
        server,
    }
}

pub(crate) async fn raw(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn both_ports_answer_over_sockets_and_health_asks_them() {
    let world = World::new(&[("a", fresh)]);
    let served = serve_plain(&world).await;
    let question = "/status/a?expect=connectionStatus['state']=VALID";
    let question = format!("GET {question} HTTP/1.1\r\nhost: x\r\n\r\n");
    let answer = raw(served.admin, &question).await;
    assert!(answer.starts_with("HTTP/1.1 412"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    assert!(
        raw(served.work, "nonsense\r\n\r\n")
            .await
            .starts_with("HTTP/1.1 400")
    );

    assert!(ask(served.work, Question::Alive).await.is_good());
    let said = async |as_json| {
        let answer = ask(served.work, Question::Ready).await;
        let mut text = Vec::new();
        answer.write(&mut text, as_json).unwrap();
        (answer.is_good(), String::from_utf8(text).unwrap())
    };
    let reason = "1 environment without usable data yet";
    assert_eq!(said(false).await, (false, format!("{reason}\n")));
    let (_, text) = said(true).await;
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        answer,
        json!({"ok": false, "status": 503, "answer": [reason]})
    );

    world.at(0).status.update(good);
    assert_eq!(said(false).await, (true, "ready\n".to_owned()));

    served.stop.cancel();
    served.server.await.unwrap();
    let gone = ask(served.work, Question::Alive).await;
    assert!(!gone.is_good());
    let mut text = Vec::new();
    gone.write(&mut text, false).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains(&format!("port {}", served.work)), "{text}");
}

#[tokio::test]
async fn a_stop_ends_connections_that_ask_for_nothing() {
    let world = World::new(&[("a", good)]);
    let served = serve_plain(&world).await;
    let mut idle = TcpStream::connect(("127.0.0.1", served.work))
        .await
        .unwrap();
    // An answer on a later connection: the idle one was accepted before it.
    assert!(ask(served.work, Question::Alive).await.is_good());
    served.stop.cancel();
    served.server.await.unwrap();
    assert_eq!(idle.read(&mut [0; 8]).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn who_never_ends_its_request_is_cut_off() {
    let world = World::new(&[("a", good)]);
    let served = serve_plain(&world).await;
    let start = Instant::now();
    let mut slow = TcpStream::connect(("127.0.0.1", served.work))
        .await
        .unwrap();
    slow.write_all(b"GET /livez HTTP/1.1\r\nx-slow: ")
        .await
        .unwrap();
    let mut answer = Vec::new();
    // Cut off with or without a word.
    slow.read_to_end(&mut answer).await.ok();
    assert!(!answer.starts_with(b"HTTP/1.1 200"));
    assert!(start.elapsed() >= Duration::from_secs(10));
    assert!(
        start.elapsed() < Duration::from_secs(12),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn who_never_ends_its_webhook_reads_that_it_was_too_slow() {
    let world = World::new(&[("a", good)]).with_secrets(&["a-secret"]);
    let served = serve_plain(&world).await;
    let start = Instant::now();
    let begin = "POST /webhook HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{";
    let answer = raw(served.work, begin).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert_eq!(start.elapsed().as_secs(), 10);
    assert!(ask(served.work, Question::Alive).await.is_good());
}

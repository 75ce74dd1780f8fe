//! TLS on the work port: who is let in, what is served, and how it is exchanged.

mod files;

use std::io::ErrorKind;
use std::time::Duration;

use ld_dynamodb_relay::commands::health::{self, Question, ask};
use ld_dynamodb_relay::config::{Sources, TlsVersion, load};
use ld_dynamodb_relay::http::{Tls, WorkPort};
use rustls::ALL_VERSIONS;
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use crate::certificates::FAR;
use crate::sockets::{raw, serve};
use crate::world::{World, good};
use files::{Files, Logged, der};

#[tokio::test]
async fn the_work_port_speaks_tls_and_the_admin_port_stays_plain() {
    let files = Files::new();
    files.issue(FAR);
    let sockets = files.serve(TlsVersion::Tls12).await;
    for version in [&TLS12, &TLS13] {
        let stream = files
            .connect(sockets.work, &[version], &["h2", "http/1.1"])
            .await;
        let mut stream = stream.unwrap();
        let protocol = stream.get_ref().1.alpn_protocol();
        assert_eq!(protocol, Some(&b"http/1.1"[..]));
        stream
            .write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .unwrap();
        let mut answer = String::new();
        // To the end, which TLS announces.
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.ends_with("\r\n\r\nalive\n"), "{answer}");
    }
    let plain = raw(sockets.admin, "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(plain.starts_with("HTTP/1.1 200 OK"), "{plain}");
}

#[tokio::test]
async fn health_asks_the_admin_port_where_the_work_port_speaks_tls() {
    let files = Files::new();
    files.issue(FAR);
    let sockets = files.serve(TlsVersion::Tls12).await;
    let ports = [("PORT", sockets.work), ("PROMETHEUS_PORT", sockets.admin)];
    // Nothing else is set, so the settings could not be used: `health` asks all the same.
    let port = |tls: &str| {
        let ports = ports.map(|(name, port)| (name.to_owned(), port.to_string()));
        let tls = ("TLS_ENABLED".to_owned(), tls.to_owned());
        health::port(&load(&Sources {
            file: None,
            allow_missing_file: false,
            variables: ports.into_iter().chain([tls]).collect(),
            read: &|_| Err(ErrorKind::NotFound.into()),
        }))
    };
    for off in ["false", "0", ""] {
        assert_eq!(port(off), sockets.work, "{off}");
    }
    for on in ["true", "1", "True"] {
        assert_eq!(port(on), sockets.admin, "{on}");
    }
    assert!(ask(port("true"), Question::Ready).await.is_good());
    assert!(!ask(sockets.work, Question::Alive).await.is_good());
}

#[tokio::test]
async fn a_plain_request_on_the_tls_port_is_closed() {
    let files = Files::new();
    files.issue(FAR);
    let sockets = files.serve(TlsVersion::Tls12).await;
    let mut stream = TcpStream::connect(("127.0.0.1", sockets.work))
        .await
        .unwrap();
    stream
        .write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok();
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    assert!(answer.len() < 16, "no more than an alert: {answer:?}");
    files.served(sockets.work).await;
}

/// What a client says first that speaks no later version than this: 2 is TLS 1.1, 3 is TLS 1.2.
fn hello(version: u8) -> Vec<u8> {
    let framed = |head: &[u8], bytes: &[u8]| {
        let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
        [head, &length, bytes].concat()
    };
    let extensions = [
        framed(&[0, 10], &[0, 2, 0, 0x17]), // secp256r1
        framed(&[0, 11], &[1, 0]),          // its points are not compressed
        framed(&[0, 13], &[0, 2, 4, 3]),    // ECDSA with SHA-256
    ];
    let body = [
        &[3, version][..],
        &[7; 32],               // random
        &[0, 0, 2, 0xc0, 0x2b], // no session, one cipher suite
        &[1, 0],                // no compression
        &framed(&[], &extensions.concat()),
    ];
    framed(&[22, 3, 1], &framed(&[1, 0], &body.concat()))
}

#[tokio::test]
async fn a_client_of_tls_1_1_is_refused() {
    let files = Files::new();
    files.issue(FAR);
    let sockets = files.serve(TlsVersion::Tls12).await;
    let answer = async |version| {
        let mut stream = TcpStream::connect(("127.0.0.1", sockets.work))
            .await
            .unwrap();
        stream.write_all(&hello(version)).await.unwrap();
        let mut answer = [0; 7];
        stream.read_exact(&mut answer).await.unwrap();
        answer
    };
    assert_eq!(answer(3).await[0], 22, "a client of 1.2 is answered");
    let refused = answer(2).await;
    assert_eq!(refused[0], 21, "an alert: {refused:?}");
    assert_eq!(refused[5..], [2, 70], "fatal, protocol version");
}

#[tokio::test]
async fn the_lowest_version_and_the_protocol_are_insisted_on() {
    let files = Files::new();
    files.issue(FAR);
    let sockets = files.serve(TlsVersion::Tls13).await;
    let refused = files.connect(sockets.work, &[&TLS12], &[]).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("ProtocolVersion"), "{refused}");
    assert!(files.connect(sockets.work, &[&TLS13], &[]).await.is_ok());
    let refused = files.connect(sockets.work, &[&TLS13], &["h2"]).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("NoApplicationProtocol"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_handshake_takes_ten_seconds_at_most() {
    let files = Files::new();
    files.issue(FAR);
    let sockets = files.serve(TlsVersion::Tls12).await;
    let start = Instant::now();
    let mut slow = TcpStream::connect(("127.0.0.1", sockets.work))
        .await
        .unwrap();
    slow.write_all(&[22, 3, 1]).await.unwrap();
    assert_eq!(slow.read(&mut [0; 8]).await.unwrap_or(0), 0);
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test]
async fn a_stop_ends_handshakes() {
    let files = Files::new();
    files.issue(FAR);
    let sockets = files.serve(TlsVersion::Tls12).await;
    let mut idle = TcpStream::connect(("127.0.0.1", sockets.work))
        .await
        .unwrap();
    // The idle one was accepted before this one.
    files.served(sockets.work).await;
    sockets.stop.cancel();
    sockets.server.await.unwrap();
    assert_eq!(idle.read(&mut [0; 8]).await.unwrap_or(0), 0);
}

#[tokio::test(start_paused = true)]
async fn a_certificate_is_exchanged_while_running() {
    let (logged, _guard) = Logged::start();
    let files = Files::new();
    let first = files.issue(FAR);
    let sockets = files.serve(TlsVersion::Tls12).await;
    assert_eq!(files.served(sockets.work).await, der(&first));
    let second = files.issue(FAR);
    let start = Instant::now();
    logged.until("the TLS certificate was exchanged", 1).await;
    assert!(start.elapsed() <= Duration::from_secs(70));
    assert_eq!(files.served(sockets.work).await, der(&second));
    assert!(!logged.text().contains("PRIVATE"), "{}", logged.text());
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_is_not_taken_and_told() {
    const KEPT: &str = "the TLS certificate cannot be exchanged; the one before is still served";
    let (logged, _guard) = Logged::start();
    let files = Files::new();
    let first = files.issue(FAR);
    let sockets = files.serve(TlsVersion::Tls12).await;
    let second = files.authority.issue(FAR);
    let cases = [
        (&*second.certificate, &*first.key, "is not the key of"),
        ("", &first.key, "holds no certificate"),
        (&second.certificate, "", "holds no private key"),
    ];
    for (count, (certificate, key, detail)) in (1..).zip(cases) {
        files.put(certificate, key);
        logged.until(KEPT, count).await;
        assert!(logged.text().contains(detail), "{detail}");
        assert_eq!(files.served(sockets.work).await, der(&first));
    }
    std::fs::remove_file(files.settings(TlsVersion::Tls12).key).unwrap();
    logged.until("tls.key cannot be read", 1).await;
    // The same trouble is told again ten minutes later, and not each minute.
    let start = Instant::now();
    logged.until("tls.key cannot be read", 2).await;
    assert!(start.elapsed() >= Duration::from_mins(10));
    files.put(&first.certificate, &first.key);
    logged
        .until("the TLS certificate is in order again", 1)
        .await;
    assert!(!logged.text().contains("exchanged\""), "nothing was");
}

#[tokio::test(start_paused = true)]
async fn an_expired_certificate_is_served_and_warned_about() {
    let (logged, _guard) = Logged::start();
    let files = Files::new();
    files.issue(2_020);
    let sockets = files.serve(TlsVersion::Tls12).await;
    logged
        .until("the TLS certificate is not valid at this time", 1)
        .await;
    let text = logged.text();
    assert!(text.contains("expired on Thu, 31 Dec 2020"), "{text}");
    let refused = files.connect(sockets.work, ALL_VERSIONS, &[]).await;
    let refused = refused.unwrap_err().to_string();
    assert!(
        refused.contains("expired") || refused.contains("Expired"),
        "{refused}"
    );
    let new = files.issue(FAR);
    logged.until("the TLS certificate was exchanged", 1).await;
    logged
        .until("the TLS certificate is in order again", 1)
        .await;
    assert_eq!(files.served(sockets.work).await, der(&new));
}

#[tokio::test]
async fn a_certificate_that_is_not_valid_yet_is_served_and_warned_about() {
    let (logged, _guard) = Logged::start();
    let files = Files::new();
    files.issue(FAR);
    let tls = Tls::load(&files.settings(TlsVersion::Tls12)).await.unwrap();
    // It is 1970 in this world.
    let world = World::new(&[("a", good)]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let sockets = serve(&world, WorkPort::new(listener, Some(tls)), port).await;
    files.served(sockets.work).await;
    let text = logged.text();
    assert!(text.contains("valid from Sat, 01 Jan 2000"), "{text}");
}

#[tokio::test]
async fn what_cannot_be_served_is_told_at_the_start() {
    let files = Files::new();
    let settings = files.settings(TlsVersion::Tls12);
    let check = async |certificate: &str, key: &str, expected: &str| {
        files.put(certificate, key);
        let error = Tls::load(&settings).await.err().unwrap().to_string();
        assert!(error.contains(expected), "{expected}: {error}");
        assert!(!error.contains("PRIVATE KEY--"), "{error}");
    };
    let (one, other) = (files.authority.issue(FAR), files.authority.issue(FAR));
    let (certificate, key) = (&*one.certificate, &*one.key);
    check(certificate, &other.key, "TLS_KEY is not the key of").await;
    check("", key, "TLS_CERT holds no certificate").await;
    check(key, key, "TLS_CERT holds no certificate").await;
    check(certificate, certificate, "TLS_KEY holds no private key").await;
    let encrypted = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    check(certificate, &encrypted, "not encrypted").await;
    let cut = certificate.replace("-----END CERTIFICATE-----", "");
    check(&cut, key, "TLS_CERT holds no certificate").await;
    let nonsense = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    check(nonsense, key, "cannot be used").await;
    check(&"x".repeat(1_048_577), key, "larger than 1 MiB").await;
    std::fs::remove_file(&settings.certificate).unwrap();
    let error = Tls::load(&settings).await.err().unwrap().to_string();
    assert!(error.starts_with("TLS_CERT: the file "), "{error}");
    // The chain may follow, and so may anything else that is not PEM.
    let chain = format!("mine\n{certificate}{}", files.authority.pem());
    files.put(&chain, key);
    assert!(Tls::load(&settings).await.is_ok());
}

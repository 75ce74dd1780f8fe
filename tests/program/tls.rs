//! The daemon with TLS on its work port, as a process.

use crate::ask;
use crate::certificates::{Authority, FAR, Issued};
use crate::process::Program;
use crate::world::World;

/// The daemon with these files.
fn run(world: &World, certificate: &str, key: &str) -> Program {
    world
        .program(&["run"])
        .with_file("tls.crt", certificate)
        .with_file("tls.key", key)
        .set("TLS_ENABLED", "true")
        .set("TLS_CERT", "tls.crt")
        .set("TLS_KEY", "tls.key")
}

async fn is_refused(program: Program, expected: &str) {
    let ended = program.output().await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains(expected), "{ended:?}");
    assert!(!ended.stderr.contains("PRIVATE KEY-"), "{ended:?}");
    assert_eq!(ended.stdout, "", "nothing was begun");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pair_that_cannot_be_used_ends_with_2_before_anything_starts() {
    let world = World::new().await;
    let authority = Authority::new();
    let (one, other) = (authority.issue(FAR), authority.issue(FAR));
    let mismatch = run(&world, &one.certificate, &other.key);
    is_refused(mismatch, "TLS_KEY is not the key of the first certificate").await;
    let empty = run(&world, "", &one.key);
    is_refused(empty, "TLS_CERT holds no certificate").await;
    let missing = run(&world, &one.certificate, &one.key).set("TLS_KEY", "missing");
    is_refused(missing, "TLS_KEY: the file missing cannot be read").await;
    let unnamed = run(&world, &one.certificate, &one.key).unset("TLS_CERT");
    is_refused(unnamed, "TLS_ENABLED: TLS_CERT is missing").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_certificate_is_warned_about_and_served() {
    let world = World::with_flags(1).await;
    let authority = Authority::new();
    let Issued { certificate, key } = authority.issue(2_020);
    let chain = [certificate, authority.pem()].concat();
    let relay = run(&world, &chain, &key).start();
    let warned = relay
        .event("the TLS certificate is not valid at this time; clients may refuse it")
        .await;
    let detail = warned["detail"].as_str().unwrap();
    assert!(detail.contains("expired on Thu, 31 Dec 2020"), "{detail}");
    relay.first_write().await;
    let (work, admin) = relay.ports().await;
    assert_eq!(ask::get(admin, "/livez").await.status, 200);
    let health = |admin: &str| {
        let program = world.program(&["health", "--ready"]);
        let program = program
            .set("TLS_ENABLED", "true")
            .set("PORT", &work.to_string());
        program.set("PROMETHEUS_PORT", admin)
    };
    let asked = health(&admin.to_string()).output().await;
    assert_eq!(asked.code, Some(0), "{asked:?}");
    let nobody = health("1").output().await;
    assert_eq!(nobody.code, Some(1), "{nobody:?}");
    let ended = relay.stop().await;
    assert_eq!(ended.code, Some(0));
    let line = key.lines().nth(1).unwrap();
    assert!(!ended.stdout.contains(line) && !ended.stderr.contains(line));
}

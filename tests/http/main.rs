//! Probes, the status document and `/metrics`: asked through the routers, and over sockets.

#![expect(clippy::unwrap_used, reason = "helpers of tests may")]

mod alone;
mod bodies;
#[path = "../tls/certificates.rs"]
mod certificates;
mod documented;
mod expect;
mod keys;
mod large;
mod page;
mod page_roster;
mod probes;
mod roster;
mod sockets;
mod status;
mod sync;
mod tls;
mod webhook;
mod world;

use axum::body::{self, Body};
use axum::http::{Method, Request, StatusCode};
use ld_dynamodb_relay::http;
use tower::ServiceExt as _;

use world::{World, good};

#[tokio::test]
async fn metrics_answer_on_the_admin_port_unless_switched_off() {
    let mut world = World::new(&[("production", good)]);
    let router = http::admin(world.app.clone());
    let request = Request::get("/metrics").body(Body::empty()).unwrap();
    let response = router.oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(
        response.headers()["content-type"],
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let (_, text) = world.admin("/metrics").await;
    let line = r#"ld_dynamodb_items{environment="production",kind="flag"} 7"#;
    assert!(text.lines().any(|it| it == line), "{text}");

    world.app.metrics_enabled = false;
    assert_eq!(world.admin("/metrics").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_not_there_or_not_allowed_is_said_shortly_and_with_safe_headers() {
    let world = World::new(&[("a", good)]);
    let cases = [
        (Method::GET, "/nothing", 404, "not found\n"),
        (Method::GET, "/livez/", 404, "not found\n"),
        (Method::POST, "/readyz", 405, "method not allowed\n"),
        (Method::GET, "/livez", 200, "alive\n"),
        (Method::HEAD, "/livez", 200, ""),
    ];
    for router in [
        http::work(world.app.clone()),
        http::admin(world.app.clone()),
    ] {
        for (method, path, code, text) in cases.clone() {
            let request = Request::builder()
                .method(method)
                .uri(path)
                .body(Body::empty())
                .unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status().as_u16(), code, "{path}");
            let headers = response.headers().clone();
            assert_eq!(headers["cache-control"], "no-store");
            assert_eq!(headers["x-content-type-options"], "nosniff");
            assert!(!headers.contains_key("server"));
            let bytes = body::to_bytes(response.into_body(), 1_024).await.unwrap();
            assert_eq!(bytes, text, "{path}");
        }
    }
}

#[tokio::test]
async fn a_body_that_nobody_asked_for_is_refused() {
    let world = World::new(&[("a", good)]);
    let request = Request::get("/livez").header("content-length", "5000");
    let request = request.body(Body::from(vec![b'x'; 5_000])).unwrap();
    let response = http::work(world.app).oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

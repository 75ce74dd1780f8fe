//! Orders of operators on the admin port.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use axum::http::request::Builder;
use ld_dynamodb_relay::http;

use crate::world::{World, ask, good, kept};

const TOKEN: &str = "a-token-of-some-length";

fn world() -> World {
    let mut world = World::new(&[("production", good), ("a b", good)]);
    world.app.admin_token = Some(kept(TOKEN));
    let braked = &world.at(0).status;
    braked.update(|facts| facts.braked = 30);
    world
}

async fn order(
    world: &World,
    path: &str,
    peer: &str,
    with: fn(Builder) -> Builder,
) -> (u16, String) {
    let request = with(Request::post(path).header("host", "localhost:8031"));
    let mut request = request.body(Body::empty()).unwrap();
    let peer: SocketAddr = peer.parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(peer));
    let (code, text) = ask(http::admin(world.app.clone()), request).await;
    (code.as_u16(), text)
}

async fn local(world: &World, path: &str) -> (u16, String) {
    order(world, path, "127.0.0.1:5000", |it| it).await
}

#[tokio::test]
async fn an_operator_orders_from_this_machine_or_with_the_token() {
    let world = world();
    assert_eq!(local(&world, "/sync/production").await.0, 202);
    assert_eq!(local(&world, "/sync/a%20b").await.0, 202);
    let far = "10.0.0.1:5000";
    let with_token = |it: Builder| it.header("authorization", format!("Bearer {TOKEN}"));
    assert_eq!(
        order(&world, "/sync/production", far, with_token).await.0,
        202
    );

    // Whoever may not order does not learn which environments there are.
    let (code, text) = order(&world, "/sync/production", far, |it| it).await;
    assert_eq!(code, 403);
    assert!(text.contains("ADMIN_TOKEN"), "{text}");
    for path in [
        "/sync/elsewhere",
        "/sync/production?nonsense",
        "/sync/production?confirm=removals&count=30",
    ] {
        assert_eq!(order(&world, path, far, |it| it).await, (403, text.clone()));
    }
    let wrong = |it: Builder| it.header("authorization", "Bearer guess");
    for peer in [far, "127.0.0.1:5000"] {
        assert_eq!(order(&world, "/sync/production", peer, wrong).await.0, 403);
    }
    let proxied = |it: Builder| it.header("x-forwarded-for", "127.0.0.1");
    assert_eq!(
        order(&world, "/sync/production", "127.0.0.1:5000", proxied)
            .await
            .0,
        403
    );
    let page = |it: Builder| it.header("origin", "http://relay.example");
    assert_eq!(
        order(&world, "/sync/production", "127.0.0.1:5000", page)
            .await
            .0,
        403
    );

    // Where nobody knows who asks.
    let request = Request::post("/sync/production").header("host", "localhost");
    let request = request.body(Body::empty()).unwrap();
    let (code, _) = ask(http::admin(world.app.clone()), request).await;
    assert_eq!(code.as_u16(), 403);
}

#[tokio::test]
async fn an_order_is_clear_or_refused() {
    let world = world();
    let unknown = (404, "no such environment\n".to_owned());
    assert_eq!(local(&world, "/sync/elsewhere").await, unknown);
    assert_eq!(local(&world, "/sync/elsewhere?nonsense").await, unknown);
    for query in [
        "",
        "?",
        "?confirm=removals&count=30",
        "?count=30&confirm=removals",
    ] {
        let path = format!("/sync/production{query}");
        assert_eq!(local(&world, &path).await.0, 202, "{query}");
    }
    for query in [
        "?confirm",
        "?confirm=removals",
        "?count=30",
        "?confirm=all&count=30",
        "?confirm=removals&count=",
        "?confirm=removals&count=many",
        "?confirm=removals&count=-30",
        "?confirm=removals&count=30.0",
        "?confirm=removals&count=99999999999999999999999",
        "?confirm=removals&count=30&count=30",
        "?confirm=removals&confirm=removals&count=30",
        "?confirm=removals&count=30&force=true",
        "?force=true",
        "?confirm=%ff&count=30",
    ] {
        let (code, text) = local(&world, &format!("/sync/production{query}")).await;
        assert_eq!(code, 400, "{query}");
        assert!(text.contains("?confirm=removals&count=N"), "{text}");
    }
}

#[tokio::test]
async fn only_the_number_that_is_held_is_released() {
    let world = world();
    for count in ["0", "29", "31"] {
        let path = format!("/sync/production?confirm=removals&count={count}");
        let (code, text) = local(&world, &path).await;
        assert_eq!(code, 409);
        assert!(text.starts_with("30 removals are held now"), "{text}");
    }
    for count in ["0", "30"] {
        let path = format!("/sync/a%20b?confirm=removals&count={count}");
        let nothing = (409, "no removals are held now\n".to_owned());
        assert_eq!(local(&world, &path).await, nothing);
    }
}

#[tokio::test]
async fn orders_are_taken_on_the_admin_port_alone() {
    let world = world().with_secrets(&["a-secret"]);
    let request = Request::post("/sync/production").header("host", "localhost");
    let mut request = request.body(Body::empty()).unwrap();
    let peer: SocketAddr = "127.0.0.1:5000".parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(peer));
    let (code, _) = ask(http::work(world.app.clone()), request).await;
    assert_eq!(code.as_u16(), 404);
    assert_eq!(world.admin("/sync/production").await.0.as_u16(), 405);
}

#[tokio::test]
async fn an_operator_changes_what_is_logged_of_an_environment() {
    let world = world();
    for level in ["debug", "NONE", "default"] {
        let path = format!("/log-level/production?level={level}");
        assert_eq!(local(&world, &path).await.0, 200, "{level}");
    }
    for path in [
        "/log-level/production",
        "/log-level/production?level=loud",
        "/log-level/production?level=debug&level=info",
        "/log-level/production?other=debug",
    ] {
        let (code, text) = local(&world, path).await;
        assert_eq!(code, 400, "{path}");
        assert!(text.contains("default"), "{text}");
    }
    assert_eq!(
        local(&world, "/log-level/elsewhere?level=debug").await.0,
        404
    );
    let far = order(
        &world,
        "/log-level/production?level=debug",
        "10.0.0.1:5000",
        |it| it,
    );
    assert_eq!(far.await.0, 403);
}

#[tokio::test]
async fn an_operator_confirms_the_removal_of_environments() {
    let world = world();
    assert_eq!(
        local(&world, "/roster?confirm=removals&count=3").await.0,
        409
    );
    world.app.roster.update(|facts| facts.held_removals = 7);
    let (code, text) = local(&world, "/roster?confirm=removals&count=3").await;
    assert_eq!(code, 409);
    assert!(text.contains('7'), "{text}");
    assert_eq!(local(&world, "/roster").await.0, 400);
    let path = "/roster?confirm=removals&count=7";
    assert_eq!(order(&world, path, "10.0.0.1:5000", |it| it).await.0, 403);
    assert_eq!(local(&world, path).await.0, 202);
    assert_eq!(world.app.roster_orders.confirmed().await, 7);
}

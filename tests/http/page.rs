//! The status page without a browser: what it shows, what it lets others do, and how what tells it of changes ends.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{self, Body, BodyDataStream};
use axum::extract::ConnectInfo;
use axum::http::request::Builder;
use axum::http::{HeaderMap, Request, StatusCode};
use futures_util::StreamExt as _;
use ld_dynamodb_relay::http;
use ld_dynamodb_relay::model::ItemKey;
use ld_dynamodb_relay::status::{ErrorKind, Facts, LastError, RowChange, TablePhase, Written};
use tokio::time::Instant;
use tower::ServiceExt as _;

use crate::world::{World, busy, clock, good, held, kept, member, refused};

pub(crate) const HOSTILE: &str = "<img src=x onerror=\"alert(1)\">'&\u{202e}</script>";

fn hostile(facts: &mut Facts) {
    good(facts);
    facts.last_error = Some(LastError {
        kind: ErrorKind::Response,
        status_code: None,
        message: HOSTILE.to_owned(),
        at: clock(),
    });
    facts.table_advice = Some(HOSTILE.to_owned());
    wrote(facts, HOSTILE);
    facts.contested.insert(ItemKey::flag(HOSTILE));
}

fn stored(facts: &mut Facts) {
    wrote(facts, "dark-mode");
}

fn wrote(facts: &mut Facts, key: &str) {
    Arc::make_mut(&mut facts.recent).wrote(Written {
        key: ItemKey::flag(key),
        done: RowChange::Stored,
        from: Some(1),
        to: Some(2),
        at: clock(),
        propagation: None,
        repair: false,
    });
}

pub(crate) fn request_with(request: Builder, peer: &str) -> Request<Body> {
    let mut request = request.body(Body::empty()).unwrap();
    let peer: SocketAddr = peer.parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}

pub(crate) async fn request(
    world: &World,
    request: Builder,
    peer: &str,
) -> (StatusCode, HeaderMap, Body) {
    let router = http::admin(world.app.clone());
    let response = router.oneshot(request_with(request, peer)).await.unwrap();
    let (parts, body) = response.into_parts();
    (parts.status, parts.headers, body)
}

pub(crate) async fn text(body: Body) -> String {
    let bytes = body::to_bytes(body, 1 << 22).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The page, as a browser on this machine gets it.
pub(crate) async fn page(world: &World, path: &str) -> String {
    let asked = Request::get(path).header("host", "localhost:8031");
    let (code, _, body) = request(world, asked, "127.0.0.1:5000").await;
    assert_eq!(code, StatusCode::OK);
    text(body).await
}

pub(crate) fn live(host: &str) -> Builder {
    Request::get("/live").header("host", host)
}

#[tokio::test]
async fn the_page_says_of_each_environment_what_the_status_says() {
    let world = World::new(&[("quiet", good), ("busy", busy), ("out", refused)]);
    let page = page(&world, "/").await;
    for what in [
        "3 environments, 2 up to date",
        "dark-mode",
        "staff",
        "12.3 ms",
        "4.5",
        "Confirm 2 removals",
        "action=\"/sync/busy?confirm=removals&amp;count=2\"",
        "Key refused",
        "LaunchDarkly refuses the SDK key",
        "gone-too",
    ] {
        assert!(page.contains(what), "{what} is not on {page}");
    }
    let place = |what: &str| page.find(what).unwrap();
    assert!(place(">out<") < place(">busy<"), "the worst is first");
    assert!(place(">busy<") < place(">quiet<"));
}

#[tokio::test]
async fn names_and_messages_of_others_are_text() {
    let world = World::new(&[(HOSTILE, hostile)]);
    let path = "/?q=%3Cimg%20src%3Dx%20onerror%3D%22alert(1)%22%3E&reload=%3Cb%3E";
    let whole = page(&world, path).await;
    assert!(whole.contains("&lt;img src=x onerror="), "{whole}");
    for what in ["<img", "alert(1)\">", "\u{202e}", "<b>"] {
        assert!(!whole.contains(what), "{what} in {whole}");
    }
    assert_eq!(whole.matches("</script>").count(), 1, "ours alone");
    // Nothing of its own in the page that the policy would refuse.
    for what in ["style=", "onclick=", "<style", "javascript:"] {
        assert!(!whole.contains(what), "{what}");
    }
}

#[tokio::test]
async fn neither_keys_nor_tokens_are_on_the_page() {
    let mut world = World::new(&[("a", held), ("b", refused)]).with_secrets(&["a-webhook-secret"]);
    world.app.admin_token = Some(kept("an-admin-token-of-some-length"));
    let asked = Request::get("/").header("host", "relay.example");
    let (code, _, body) = request(&world, asked, "10.0.0.1:5000").await;
    assert_eq!(code, StatusCode::OK);
    let whole = text(body).await;
    assert!(whole.contains("type=\"password\""), "asks for the token");
    for secret in ["sdk-", "mob-", "a-webhook-secret", "an-admin-token"] {
        assert!(!whole.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn many_held_items_are_counted_and_some_are_shown() {
    let whole = page(&World::new(&[("a", held)]), "/").await;
    assert!(whole.contains("Held: 150 items"), "{whole}");
    assert_eq!(whole.matches("unconfirmed</").count(), 19, "{whole}");
    assert!(whole.contains("and 130 more"), "{whole}");
}

#[tokio::test]
async fn what_is_sought_is_found_without_a_script() {
    let names: Vec<_> = (0..12).map(|number| format!("team-{number}")).collect();
    let described: Vec<_> = names
        .iter()
        .map(|name| (&**name, good as fn(&mut Facts)))
        .collect();
    let whole = page(&World::new(&described), "/?q=TEAM-1").await;
    assert!(whole.contains("3 of 12 environments"), "{whole}");
    assert_eq!(whole.matches(" hidden").count(), 9, "{whole}");
}

#[tokio::test]
async fn the_page_loads_nothing_from_elsewhere_and_is_framed_by_nobody() {
    let world = World::new(&[("a", good)]);
    for path in ["/", "/page.js", "/page.css", "/icon.svg"] {
        let asked = Request::get(path).header("host", "localhost");
        let (code, headers, _) = request(&world, asked, "127.0.0.1:5000").await;
        assert_eq!(code, StatusCode::OK, "{path}");
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("http"));
        assert_eq!(headers["x-frame-options"], "DENY");
        assert_eq!(headers["cache-control"], "no-store");
        assert_eq!(headers["x-content-type-options"], "nosniff");
    }
    let (code, _) = world.work("/").await;
    assert_eq!(code, StatusCode::NOT_FOUND, "the other port names nobody");
}

#[tokio::test]
async fn a_name_made_to_lead_here_shows_nothing() {
    let world = World::new(&[("production", good)]);
    for path in ["/", "/live"] {
        let asked = Request::get(path).header("host", "relay.example:8031");
        let (code, _, body) = request(&world, asked, "127.0.0.1:5000").await;
        assert_eq!(code, StatusCode::FORBIDDEN, "{path}");
        assert!(!text(body).await.contains("production"));
    }
    for site in ["cross-site", "same-site"] {
        let asked = live("localhost:8031").header("sec-fetch-site", site);
        let (code, _, _) = request(&world, asked, "127.0.0.1:5000").await;
        assert_eq!(code, StatusCode::FORBIDDEN, "{site}");
    }
}

#[tokio::test]
async fn an_order_from_a_form_is_answered_with_a_page() {
    let world = World::new(&[("busy", busy)]);
    for (path, code, title) in [
        ("/sync/busy", 202, "Accepted"),
        ("/sync/busy?confirm=removals&count=3", 409, "Not done"),
        ("/sync/nobody", 404, "Not done"),
    ] {
        let order = Request::post(path)
            .header("host", "localhost:8031")
            .header("origin", "http://localhost:8031")
            .header("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
        let (answered, headers, body) = request(&world, order, "127.0.0.1:5000").await;
        assert_eq!(answered.as_u16(), code, "{path}");
        assert_eq!(headers["content-type"], "text/html; charset=utf-8");
        let whole = text(body).await;
        assert!(whole.contains(title), "{whole}");
        assert!(whole.contains("href=\"/\""), "the way back: {whole}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_is_told_what_changed_and_nothing_else() {
    let world = World::new(&[("a", good), ("b", good)]);
    let router = http::admin(world.app.clone());
    let asked = request_with(live("localhost"), "127.0.0.1:1");
    let response = router.clone().oneshot(asked).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut body = response.into_body().into_data_stream();
    let next = async |body: &mut BodyDataStream| {
        let bytes = body.next().await?.unwrap();
        Some(String::from_utf8(bytes.to_vec()).unwrap())
    };
    let first = next(&mut body).await.unwrap();
    assert!(first.contains("event: now\n"), "{first}");
    assert!(first.contains("env-a") && first.contains("env-b"));

    let start = Instant::now();
    world.at(1).status.update(stored);
    let second = next(&mut body).await.unwrap();
    assert!(start.elapsed() <= Duration::from_secs(2));
    assert!(second.contains("dark-mode"), "{second}");
    assert!(!second.contains("id=\"env-a\""), "{second}");

    // It ends by itself.
    assert_eq!(next(&mut body).await, None);
    assert!(start.elapsed() <= Duration::from_secs(30));
    let (_, seen) = second.split_once("id: ").unwrap();
    let (seen, _) = seen.split_once('\n').unwrap();

    // Whoever comes again is told what it has missed, or everything if it was somebody else who told it before.
    world.at(0).status.update(stored);
    for (last, told) in [(seen, false), ("1.1", true), ("nonsense", true)] {
        let again = live("localhost").header("last-event-id", last);
        let request = request_with(again, "127.0.0.1:1");
        let response = router.clone().oneshot(request).await.unwrap();
        let first = next(&mut response.into_body().into_data_stream()).await;
        let first = first.unwrap();
        assert!(first.contains("id=\"env-a\""), "{last}: {first}");
        assert_eq!(first.contains("id=\"env-b\""), told, "{last}: {first}");
    }
}

/// Each is what changed before it is looked at, and which environments the page is told of then.
#[tokio::test(start_paused = true)]
async fn a_page_is_told_who_comes_and_who_goes() {
    let world = World::new(&[("a", good), ("b", good)]);
    let router = http::admin(world.app.clone());
    let asked = request_with(live("localhost"), "127.0.0.1:1");
    let response = router.clone().oneshot(asked).await.unwrap();
    let mut body = response.into_body().into_data_stream();
    let mut told = async || {
        let bytes = body.next().await.unwrap().unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        ["a", "b", "c"].map(|name| text.contains(&format!("id=\"env-{name}\"")))
    };
    assert_eq!(told().await, [true, true, false]);
    world.app.environments.put(member("c", good));
    assert_eq!(told().await, [true; 3], "the list, in its order");
    world.app.environments.remove("a");
    assert_eq!(told().await, [false, true, true]);
    // The places are others now, and the environments are not.
    world
        .app
        .environments
        .named("c")
        .unwrap()
        .status
        .update(stored);
    assert_eq!(told().await, [false, false, true]);
}

#[tokio::test]
async fn trouble_is_not_hidden_by_what_is_held() {
    fn held_and_empty(facts: &mut Facts) {
        held(facts);
        facts.initialized = false;
        facts.table.0 = TablePhase::Writing;
    }
    let whole = page(&World::new(&[("a", held_and_empty)]), "/").await;
    assert!(whole.contains("Readers have no usable data yet"), "{whole}");
    assert!(whole.contains("Items held"), "{whole}");
}

#[tokio::test]
async fn a_few_whole_answers_are_read_at_a_time() {
    let world = World::new(&[("a", good)]);
    let router = http::admin(world.app.clone());
    let ask = async |path: &str| {
        let asked = Request::get(path).header("host", "localhost");
        let response = router.clone().oneshot(request_with(asked, "127.0.0.1:1"));
        response.await.unwrap()
    };
    let mut answers = Vec::new();
    for path in [
        "/", "/status", "/metrics", "/", "/status", "/metrics", "/", "/",
    ] {
        let answer = ask(path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answers.push(answer);
    }
    for path in ["/", "/status", "/metrics"] {
        assert_eq!(ask(path).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
    assert_eq!(ask("/readyz").await.status(), StatusCode::OK);
    let length = answers[0].headers()["content-length"].clone();
    let read = text(answers.remove(0).into_body()).await;
    assert!(read.ends_with("</html>"), "{read}");
    assert_eq!(length, read.len().to_string(), "it is known before");
    assert_eq!(ask("/").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn so_many_pages_are_told_and_no_more_until_one_goes() {
    let world = World::new(&[("a", good)]);
    let router = http::admin(world.app.clone());
    let open = async || {
        let asked = request_with(live("localhost"), "127.0.0.1:5000");
        router.clone().oneshot(asked).await.unwrap()
    };
    let mut pages = Vec::new();
    for _ in 0..16 {
        let answer = open().await;
        assert_eq!(answer.status(), StatusCode::OK);
        pages.push(answer);
    }
    assert_eq!(open().await.status(), StatusCode::SERVICE_UNAVAILABLE);
    drop(pages.pop());
    assert_eq!(open().await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_stop_ends_what_pages_are_told() {
    let world = World::new(&[("a", good)]);
    let (_, _, body) = request(&world, live("localhost"), "127.0.0.1:1").await;
    let mut body = body.into_data_stream();
    assert!(body.next().await.is_some());
    let start = Instant::now();
    world.app.stopping.cancel();
    assert!(body.next().await.is_none());
    assert!(start.elapsed() < Duration::from_millis(500));
    let (code, _, _) = request(&world, live("localhost"), "127.0.0.1:1").await;
    assert_eq!(code, StatusCode::SERVICE_UNAVAILABLE);
}

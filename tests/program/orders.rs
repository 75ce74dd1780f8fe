//! What operators order from the running daemon.

use ld_dynamodb_relay::model::ItemKey;

use crate::ask::{self, Answer};
use crate::world::World;

const TOKEN: &str = "a-token-of-some-length";

async fn order(port: u16, query: &str, headers: &[&str]) -> Answer {
    ask::post(port, &format!("/sync/{query}"), headers, b"").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_order_on_the_admin_port() {
    let world = World::with_flags(2).await;
    let relay = world.program(&["run"]).set("ADMIN_TOKEN", TOKEN).start();
    relay.first_write().await;
    let (work, admin) = relay.ports().await;
    assert_eq!(order(admin, "production", &[]).await.status, 202);
    let line = relay
        .event("an operator wants everything compared again")
        .await;
    assert_eq!(line["environment"], "production", "{line}");
    assert_eq!(line["by"], "somebody on this machine", "{line}");
    assert_eq!(order(work, "production", &[]).await.status, 404);
    assert_eq!(ask::get(admin, "/sync/production").await.status, 405);

    let proxied = "X-Forwarded-For: 192.0.2.1";
    let refused = order(admin, "production", &[proxied]).await;
    assert_eq!(refused.status, 403);
    assert!(refused.body.contains("ADMIN_TOKEN"), "{}", refused.body);
    let page = "Origin: http://page.example";
    for headers in [
        &[page][..],
        &["Host: page.example"],
        &[proxied, "Authorization: Bearer guess"],
    ] {
        let elsewhere = order(admin, "elsewhere", headers).await;
        assert_eq!(elsewhere, refused, "{headers:?}");
    }
    let token = format!("Authorization: Bearer {TOKEN}");
    assert_eq!(
        order(admin, "production", &[proxied, &token]).await.status,
        202
    );
    assert_eq!(order(admin, "elsewhere", &[]).await.status, 404);
    assert_eq!(order(admin, "production?force", &[]).await.status, 400);
    let nothing = order(admin, "production?confirm=removals&count=25", &[]).await;
    assert_eq!(
        (nothing.status, &*nothing.body),
        (409, "no removals are held now\n")
    );
    let end = relay.stop().await;
    assert_eq!(end.code, Some(0));
    assert!(!end.stdout.contains(TOKEN) && !end.stderr.contains(TOKEN));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn removals_that_are_held_are_confirmed_by_their_number() {
    let world = World::filled(30).await;
    world.production.quietly(|items| {
        for number in 5..30 {
            items.remove(&ItemKey::flag(format!("flag-{number:04}")));
        }
    });
    let relay = world.program(&["run"]).start();
    let (_, admin) = relay.ports().await;
    ask::until(admin, "/status/production", |it| {
        it.json()["sync"]["brakedRemovals"] == 25
    })
    .await;
    let wrong = order(admin, "production?confirm=removals&count=24", &[]).await;
    assert_eq!(wrong.status, 409);
    assert!(
        wrong.body.starts_with("25 removals are held now"),
        "{}",
        wrong.body
    );
    assert_eq!(world.live_flags(), 30);
    let right = order(admin, "production?confirm=removals&count=25", &[]).await;
    assert_eq!(right.status, 202, "{}", right.body);
    let line = relay
        .event("an operator confirms removals that are held")
        .await;
    assert_eq!(line["removals"], 25, "{line}");
}

//! The daemon whose environments LaunchDarkly lists: how it starts, what it shows, what operators order.

use ld_dynamodb_relay::simulator::Behaviour;
use serde_json::json;

use crate::ask::{self, Answer};
use crate::process::Running;
use crate::rostered::{KEYLESS, PRODUCTION, Rostered, STAGING, assert_ended, assert_without_keys};
use crate::world::{TABLE, flag};

/// Follows the roster; the environments of [`Rostered::new`] are stored.
async fn started(it: &Rostered) -> (Running, u16, u16) {
    let relay = it.program(&["run"]).start();
    let (work, admin) = relay.ports().await;
    ask::until(admin, "/status", |it| {
        let status = it.json();
        let of = |id: &str| status["environments"][id]["sync"]["upToDate"] == true;
        of(PRODUCTION) && of(STAGING)
    })
    .await;
    (relay, work, admin)
}

/// Everything that is shown, and there is no key in it.
async fn assert_shows_no_keys(work: u16, admin: u16) {
    let paths = ["/", "/status", "/metrics", "/readyz", "/livez"];
    for path in paths {
        assert_without_keys(&ask::get(admin, path).await.body);
    }
    for path in ["/status", "/readyz"] {
        let shown = ask::get(work, path).await.body;
        assert_without_keys(&shown);
        for name in [PRODUCTION, STAGING, "harbor", "staging"] {
            assert!(!shown.contains(name), "{shown}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_is_shown_on_both_ports_and_its_keys_nowhere() {
    let it = Rostered::new().await;
    let (relay, work, admin) = started(&it).await;
    for id in [PRODUCTION, STAGING] {
        assert_eq!(it.stored(id, "first"), Some(flag("first", 2)));
    }
    for port in [work, admin] {
        let ready = ask::get(port, "/readyz").await;
        assert_eq!((ready.status, &*ready.body), (200, "ready\n"));
    }
    let status = ask::get(admin, "/status").await.json();
    assert_eq!(status["status"], "healthy");
    assert_eq!(status["autoConfigStatus"]["state"], "VALID");
    let of = &status["environments"][STAGING];
    assert_eq!(
        json!([
            of["envId"],
            of["projKey"],
            of["envKey"],
            of["dataStoreStatus"]["dbPrefix"]
        ]),
        json!([STAGING, "harbor", "staging", STAGING])
    );
    assert_eq!(of["dataStoreStatus"]["dbTable"], TABLE);
    for path in [
        "/status/harbor/staging",
        &format!("/status/{STAGING}?expect=sync.upToDate=true"),
    ] {
        let one = ask::get(admin, path).await;
        assert_eq!(one.status, 200, "{path}");
    }
    let one = ask::get(admin, "/status/harbor/staging").await.json();
    assert_eq!(one["envId"], STAGING);
    assert_eq!(
        ask::get(admin, "/status/harbor/elsewhere").await.status,
        404
    );
    assert_eq!(ask::get(work, "/status/harbor/staging").await.status, 404);
    assert_shows_no_keys(work, admin).await;
    assert_ended(&relay.stop().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_is_counted_and_shown_no_more() {
    let it = Rostered::new().await;
    let (relay, work, admin) = started(&it).await;
    let up = |id: &str| format!(r#"ld_dynamodb_up_to_date{{environment="{id}"}}"#);
    let metrics = ask::get(admin, "/metrics").await;
    for id in [PRODUCTION, STAGING] {
        assert!(metrics.metric(&up(id)) > 0.5);
    }
    it.add("added", "added");
    ask::until(admin, "/metrics", |it| it.body.contains(&up("added"))).await;
    it.roster.remove(STAGING);
    let label = format!(r#"environment="{STAGING}""#);
    ask::until(admin, "/metrics", |it| !it.body.contains(&label)).await;
    let status = ask::get(admin, "/status").await.json();
    assert_eq!(status["environments"].get(STAGING), None);
    for path in ["/status/harbor/staging", &format!("/status/{STAGING}")] {
        assert_eq!(ask::get(admin, path).await.status, 404, "{path}");
    }
    assert_eq!(ask::get(admin, "/status/harbor/added").await.status, 200);
    let sync = ask::post(admin, &format!("/sync/{STAGING}"), &[], b"").await;
    assert_eq!(sync.status, 404);
    assert_eq!(it.stored(STAGING, "first"), Some(flag("first", 2)));
    // Who stays is none the worse.
    it.roster
        .environment(PRODUCTION)
        .put_flag(&flag("first", 3));
    let stored = |_: &_| it.stored(PRODUCTION, "first") == Some(flag("first", 3));
    it.world.store.wait_until("the change", stored).await;
    assert_shows_no_keys(work, admin).await;
    assert_ended(&relay.stop().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_that_cannot_be_used_is_named_and_harms_nobody() {
    let it = Rostered::new().await;
    let (relay, work, admin) = started(&it).await;
    it.roster.send_event("patch", KEYLESS);
    let told = relay
        .event("an environment cannot be used as LaunchDarkly describes it")
        .await;
    assert_eq!(told["environment"], "keyless", "{told}");
    let refused = ask::until(admin, "/status", |it| {
        it.json()["refusedEnvironments"].is_array()
    })
    .await
    .json();
    assert_eq!(refused["status"], "healthy");
    let refused = &refused["refusedEnvironments"][0];
    assert_eq!(
        (&refused["envId"], &refused["serving"]),
        (&json!("keyless"), &json!(false))
    );
    assert_eq!(ask::get(work, "/readyz").await.status, 200);
    assert_shows_no_keys(work, admin).await;
    assert_ended(&relay.stop().await, 0);
}

async fn order(port: u16, query: &str, headers: &[&str]) -> Answer {
    ask::post(port, &format!("/roster{query}"), headers, b"").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn removals_that_are_held_are_confirmed_by_their_number() {
    let it = Rostered::new().await;
    let (relay, work, admin) = started(&it).await;
    let right = "?confirm=removals&count=2";
    let none = order(admin, right, &[]).await;
    assert_eq!(
        (none.status, &*none.body),
        (409, "no removals are held now\n")
    );
    for id in [PRODUCTION, STAGING] {
        it.roster.leave_out(id);
    }
    // What is asked again is not answered, so it stays held.
    it.roster.always(Behaviour::silence());
    it.roster.announce();
    let held = relay
        .event("the removal of most environments is held until LaunchDarkly says it again")
        .await;
    assert_eq!(
        (&held["removals"], &held["environments"]),
        (&json!(2), &json!(2))
    );
    let elsewhere = order(admin, right, &["X-Forwarded-For: 192.0.2.1"]).await;
    assert_eq!(elsewhere.status, 403);
    for unclear in ["", "?confirm=removals", "?confirm=removals&count=two"] {
        let answer = order(admin, unclear, &[]).await;
        assert_eq!(answer.status, 400, "{unclear}");
        assert!(answer.body.contains("count=N"), "{answer:?}");
    }
    let wrong = order(admin, "?confirm=removals&count=1", &[]).await;
    assert_eq!(wrong.status, 409);
    assert!(
        wrong.body.starts_with("2 removals are held now"),
        "{wrong:?}"
    );
    assert_eq!(order(work, right, &[]).await.status, 404);
    let status = ask::get(admin, "/status").await.json();
    assert_eq!(status["environments"].as_object().unwrap().len(), 2);

    assert_eq!(order(admin, right, &[]).await.status, 202);
    ask::until(admin, "/status", |it| {
        it.json()["environments"].as_object().unwrap().is_empty()
    })
    .await;
    assert_eq!(it.stored(PRODUCTION, "first"), Some(flag("first", 2)));
    assert_ended(&relay.stop().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rejected_key_ends_it_only_where_it_is_told_to() {
    let it = Rostered::new().await;
    it.roster.always(Behaviour::status(401));
    let end = it.program(&["run"]).set("EXIT_ON_ERROR", "true");
    let end = end.output().await;
    assert_ended(&end, 3);
    for told in [
        "it does not accept AUTO_CONFIG_KEY",
        "exiting: LaunchDarkly rejects AUTO_CONFIG_KEY, and no environment is known",
    ] {
        assert!(end.stdout.contains(told), "{end:?}");
    }

    let relay = it.program(&["run"]).set("INIT_TIMEOUT", "500ms").start();
    let late = "it is not known within INIT_TIMEOUT which environments there are";
    let late = relay.event(late).await;
    assert_eq!(late["exits"], false, "{late}");
    assert!(
        late["detail"].as_str().unwrap().contains("AUTO_CONFIG_KEY"),
        "{late}"
    );
    let (work, admin) = relay.ports().await;
    let why = "no environment is known yet: LaunchDarkly has not listed any\n";
    let ready = ask::get(work, "/readyz").await;
    assert_eq!((ready.status, &*ready.body), (503, why));
    let ready = ask::get(admin, "/readyz").await;
    assert_eq!(ready.status, 503);
    let detail = ready.body.strip_prefix(why).unwrap();
    assert!(!detail.is_empty(), "operators are told more");
    assert_eq!(ask::get(admin, "/status/harbor/staging").await.status, 503);
    let status = ask::get(admin, "/status").await.json();
    assert_eq!(status["status"], "degraded");
    let error = &status["autoConfigStatus"]["lastError"];
    assert_eq!(error["statusCode"], 401, "{status}");
    assert_shows_no_keys(work, admin).await;
    assert_ended(&relay.stop().await, 0);
}

//! What the status page shows of where environments come from, and what it lets operators do about it.

use std::time::{Duration, SystemTime};

use axum::http::{Request, StatusCode};
use futures_util::{FutureExt as _, StreamExt as _};
use ld_dynamodb_relay::http;
use ld_dynamodb_relay::roster::{
    AutoConfigError, AutoConfigErrorKind, AutoConfigState, RefusedEnvironment,
};
use ld_dynamodb_relay::status::{RosterFacts, RosterStatus, TakenArchive};
use tower::ServiceExt as _;

use crate::page::{HOSTILE, live, page, request, request_with, text};
use crate::world::{Described, World, clock, good, info, kept, member};

/// As the wall's clock of these tests has it.
const NOW_MS: u64 = 5_000_000;

/// Whose environments LaunchDarkly lists, with what is done to what is known of that.
fn listed(environments: &[Described<'_>], set: impl FnOnce(&mut RosterFacts)) -> World {
    let mut world = World::new(environments);
    world.app.roster = RosterStatus::auto_configured(clock());
    world.app.roster.update(set);
    world
}

fn valid(facts: &mut RosterFacts) {
    facts.known = true;
    facts.auto_config.as_mut().unwrap().state = AutoConfigState::Valid;
}

fn failed(facts: &mut RosterFacts, kind: AutoConfigErrorKind, why: &str) {
    let stream = facts.auto_config.as_mut().unwrap();
    stream.last_error = Some(AutoConfigError {
        kind,
        time_ms: NOW_MS - 120_000,
    });
    facts.trouble = Some(why.to_owned());
}

fn refused(id: &str, reason: &str, serving: bool) -> RefusedEnvironment {
    RefusedEnvironment {
        id: id.into(),
        reason: reason.to_owned(),
        serving,
    }
}

#[track_caller]
fn check(page: &str, shown: &[&str]) {
    for what in shown {
        assert!(page.contains(what), "{what} is not on {page}");
    }
}

#[tokio::test]
async fn where_the_settings_list_them_the_page_says_nothing_of_a_list() {
    let whole = page(&World::new(&[("a", good)]), "/").await;
    assert!(!whole.contains("id=\"roster\""), "{whole}");
}

#[tokio::test]
async fn the_stream_that_lists_environments_is_told_of_in_words() {
    let world = listed(&[], |_| {});
    let connecting = [
        "Auto-configuration",
        "LaunchDarkly has not listed any environment yet.",
        "No environment is known.",
    ];
    check(&page(&world, "/").await, &connecting);
    let mut world = listed(&[("kept", good)], |_| {});
    check(&page(&world, "/").await, &["these are known from before"]);

    world.app.roster.update(valid);
    let whole = page(&world, "/").await;
    check(
        &whole,
        &[
            "connected, and everything was listed",
            "1 environment<",
            "<dd>none</dd>",
        ],
    );
    assert!(whole.contains(r#"<section id="roster" data-level="good""#));

    world.app.roster.update(|facts| {
        facts.auto_config.as_mut().unwrap().state = AutoConfigState::Interrupted;
        failed(
            facts,
            AutoConfigErrorKind::Response(503),
            "LaunchDarkly answered 503",
        );
    });
    let interrupted = [
        "interrupted: waiting to connect again",
        "data-label=\"Reconnecting\"",
        "<strong>LaunchDarkly answered 503.</strong>",
        "2 min ago",
    ];
    check(&page(&world, "/").await, &interrupted);

    world.app.roster.update(|facts| {
        let kind = AutoConfigErrorKind::Response(401);
        failed(facts, kind, "it does not accept AUTO_CONFIG_KEY");
    });
    let rejected = [
        "data-level=\"attention\" data-label=\"Key refused\"",
        "It does not accept AUTO_CONFIG_KEY.",
    ];
    check(&page(&world, "/").await, &rejected);

    let unknown = RosterStatus::auto_configured(clock());
    unknown.update(|facts| failed(facts, AutoConfigErrorKind::Response(401), "it does not"));
    let listed = std::mem::replace(&mut world.app.roster, unknown);
    let rejected = ["data-level=\"trouble\" data-label=\"Key refused\""];
    check(&page(&world, "/").await, &rejected);
    world.app.roster = listed;

    // It is over, and is still told of.
    world.app.roster.update(|facts| {
        valid(facts);
        facts.trouble = None;
    });
    let whole = page(&world, "/").await;
    check(&whole, &["LaunchDarkly answered 401 <time"]);
    assert!(!whole.contains("Key refused"), "{whole}");
}

#[tokio::test]
async fn environments_that_cannot_be_used_are_named_and_those_first_that_nobody_serves() {
    let world = listed(&[("a", good)], |facts| {
        valid(facts);
        facts
            .refused
            .push(refused("5f01", "its key is empty", true));
        for number in 0..24 {
            let id = format!("6f{number:02}");
            facts.refused.push(refused(&id, "it has no place", false));
        }
    });
    let whole = page(&world, "/").await;
    let shown = [
        "25 environments cannot be used as they are described.",
        "Refused: 25 environments",
        "it has no place",
        "and 5 more",
    ];
    check(&whole, &shown);
    assert_eq!(whole.matches("<td>not served</td>").count(), 20);
    world.app.roster.update(|facts| facts.refused.truncate(2));
    let whole = page(&world, "/").await;
    check(
        &whole,
        &["its key is empty", "served as it was described before"],
    );
    let place = |what: &str| whole.find(what).unwrap();
    assert!(place(">6f00<") < place(">5f01<"));
}

#[tokio::test]
async fn removals_that_are_held_are_confirmed_from_the_page() {
    let world = listed(&[("a", good)], |facts| {
        valid(facts);
        facts.held_removals = 3;
    });
    let shown = [
        "leaves out 3 environments",
        "Confirm the removal of 3 environments",
        "action=\"/roster?confirm=removals&amp;count=3\"",
    ];
    check(&page(&world, "/").await, &shown);
    let order = |path: &str, origin: &str| {
        Request::post(path)
            .header("host", "localhost")
            .header("origin", origin)
            .header("accept", "text/html,application/xhtml+xml,*/*;q=0.8")
    };
    for (count, peer, code, title) in [
        (2, "127.0.0.1:5000", 409, "Not done"),
        (3, "10.0.0.1:5000", 403, "Not done"),
        (3, "127.0.0.1:5000", 202, "Accepted"),
    ] {
        let path = format!("/roster?confirm=removals&count={count}");
        let (answered, headers, body) =
            request(&world, order(&path, "http://localhost"), peer).await;
        assert_eq!(answered.as_u16(), code, "{count} from {peer}");
        assert_eq!(headers["content-type"], "text/html; charset=utf-8");
        check(&text(body).await, &[title, "href=\"/\""]);
        let confirmed = world.app.roster_orders.confirmed().now_or_never();
        assert_eq!(confirmed, (code == 202).then_some(3));
    }
    // Another site's form.
    let foreign = order("/roster?confirm=removals&count=3", "http://relay.example");
    let (code, _, _) = request(&world, foreign, "127.0.0.1:5000").await;
    assert_eq!(code, StatusCode::FORBIDDEN);
    // Programs get a line.
    let plain = Request::post("/roster?confirm=removals&count=3").header("host", "localhost");
    let (_, _, body) = request(&world, plain, "127.0.0.1:5000").await;
    assert!(text(body).await.starts_with("accepted"));
}

#[tokio::test]
async fn an_archive_is_shown_with_its_time_size_checksum_and_error() {
    let mut world = World::new(&[]);
    world.app.roster = RosterStatus::archived();
    check(&page(&world, "/").await, &["none was taken yet"]);
    world.app.roster.update(|facts| {
        let archive = facts.archive.as_mut().unwrap();
        archive.last_error = Some(("/a/b.tar.gz: it ends early".to_owned(), clock()));
    });
    let none = ["data-label=\"No archive\"", "/a/b.tar.gz: it ends early."];
    check(&page(&world, "/").await, &none);
    world.app.roster.update(|facts| {
        facts.known = true;
        facts.archive.as_mut().unwrap().taken = Some(TakenArchive {
            modified: SystemTime::UNIX_EPOCH + Duration::from_secs(4_000),
            bytes: 1_234_567,
            checksum: [0xa7; 16],
        });
    });
    let checksum = "a7".repeat(16);
    let shown = [
        "data-label=\"File not taken\"",
        "datetime=\"1970-01-01T01:06:40Z\"",
        "1,234,567 bytes",
        &checksum,
    ];
    check(&page(&world, "/").await, &shown);
    world.app.roster.update(|facts| {
        facts.archive.as_mut().unwrap().last_error = None;
    });
    let well = [r#"<section id="roster" data-level="good""#, "of <time"];
    check(&page(&world, "/").await, &well);
}

#[tokio::test]
async fn environments_are_shown_and_found_by_what_people_call_them() {
    let called = |id: &str, project: &str, environment: &str| {
        let (project, environment) = (project.to_owned(), environment.to_owned());
        info(id, kept("sdk-key")).titled(Some(project), Some(environment))
    };
    let world = World::new(&[("5f01", good), ("5f02", good)]).with_infos(&[
        called("5f01", "Harbor", "Production"),
        called("5f02", "Harbor", "Test"),
    ]);
    let whole = page(&world, "/?q=harbor%20PROD").await;
    let title =
        r#"<bdi>5f01</bdi> <span class="title"><bdi>Harbor</bdi> / <bdi>Production</bdi></span>"#;
    check(&whole, &[title, "1 of 2 environments"]);
    assert_eq!(whole.matches(" hidden").count(), 1, "{whole}");
    // The ID at LaunchDarkly, where the name is another one.
    let whole = page(&world, "/?q=5F00C0FFEE").await;
    check(&whole, &["2 of 2 environments"]);
}

#[tokio::test]
async fn what_others_call_things_is_text() {
    let hostile = |facts: &mut RosterFacts| {
        failed(facts, AutoConfigErrorKind::Network, HOSTILE);
        facts.refused.push(refused(HOSTILE, HOSTILE, false));
    };
    let mut world = listed(&[("a", good)], hostile);
    let titled = info("a", kept("sdk-key")).titled(Some(HOSTILE.into()), Some(HOSTILE.into()));
    world = world.with_infos(&[titled]);
    let listed = page(&world, "/").await;
    world.app.roster = RosterStatus::archived();
    world.app.roster.update(|facts| {
        let archive = facts.archive.as_mut().unwrap();
        archive.last_error = Some((HOSTILE.to_owned(), clock()));
    });
    for (whole, times) in [(listed, 8), (page(&world, "/").await, 7)] {
        let shown = whole.matches("&lt;img src=x onerror=").count();
        assert_eq!(shown, times, "{whole}");
        for what in ["<img", "alert(1)\">", "\u{202e}"] {
            assert!(!whole.contains(what), "{what} in {whole}");
        }
        assert_eq!(whole.matches("</script>").count(), 1, "ours alone");
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_is_told_what_becomes_of_the_list() {
    let world = listed(&[("a", good)], valid);
    let router = http::admin(world.app.clone());
    let asked = request_with(live("localhost"), "127.0.0.1:1");
    let response = router.oneshot(asked).await.unwrap();
    let mut body = response.into_body().into_data_stream();
    let mut told = async || {
        let bytes = body.next().await.unwrap().unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    };
    let first = told().await;
    assert!(first.contains("id=\"roster\"") && first.contains("id=\"env-a\""));

    world.app.roster.update(|facts| facts.held_removals = 1);
    let second = told().await;
    check(&second, &["Confirm the removal of 1 environment"]);
    assert!(!second.contains("id=\"env-a\""), "{second}");

    // Who was there is gone, and who comes takes the place of what was said instead.
    world.app.environments.remove("a");
    check(&told().await, &["<p>No environment is known.</p>"]);
    world.app.environments.put(member("b", good));
    let last = told().await;
    check(&last, &["id=\"env-b\"", "1 environment<"]);
    assert!(!last.contains("No environment"), "{last}");
}

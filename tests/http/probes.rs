//! Alive and ready, and what the port for load balancers tells.

use axum::http::StatusCode;
use ld_dynamodb_relay::status::{Facts, RosterStatus};
use serde_json::{Value, json};

use crate::world::{World, clock, fresh, good, member, misconfigured, refused, unreachable};

/// Whoever joins later takes nothing from the others: their webhooks come through the same probe.
#[tokio::test]
async fn who_was_ready_stays_ready_while_another_environment_joins() {
    let world = World::new(&[("a", good)]);
    assert_eq!(world.work("/readyz").await.0, StatusCode::OK);
    world.app.environments.put(member("b", fresh));
    let (code, text) = world.admin("/readyz").await;
    assert_eq!(code, StatusCode::OK);
    assert_eq!(text, "ready\nb: the table is being read\n");
    world.app.stopping.cancel();
    assert_eq!(
        world.work("/readyz").await.0,
        StatusCode::SERVICE_UNAVAILABLE
    );
}

#[tokio::test]
async fn readiness_is_whether_readers_have_usable_data() {
    type Case = (
        &'static [(&'static str, fn(&mut Facts))],
        u16,
        &'static str,
        &'static str,
    );
    let cases: [Case; 8] = [
        (
            &[],
            503,
            "no environment is configured\n",
            "no environment is configured\n",
        ),
        (&[("a", good), ("b", good)], 200, "ready\n", "ready\n"),
        (
            &[("a", good), ("b", fresh), ("c", fresh)],
            503,
            "2 environments without usable data yet\n",
            "b: the table is being read\nc: the table is being read\n",
        ),
        (&[("a", unreachable)], 200, "ready\n", "ready\n"),
        (
            &[("a", good), ("b", refused)],
            200,
            "ready\n1 environment aside: LaunchDarkly refuses the key or has no stream for it\n",
            "ready\nb: aside, LaunchDarkly refuses its key or has no stream for it; there is no usable data\n",
        ),
        (
            &[("a", refused), ("b", refused)],
            503,
            "2 environments aside: LaunchDarkly refuses the key or has no stream for it\n",
            "a: aside, LaunchDarkly refuses its key or has no stream for it; there is no usable data\n\
             b: aside, LaunchDarkly refuses its key or has no stream for it; there is no usable data\n",
        ),
        (
            &[("a", |facts| {
                good(facts);
                refused(facts);
            })],
            200,
            "ready\n1 environment aside: LaunchDarkly refuses the key or has no stream for it\n",
            "ready\na: aside, LaunchDarkly refuses its key or has no stream for it; the previous data is still in the table\n",
        ),
        (
            &[("a", misconfigured)],
            503,
            "1 environment without usable data yet\n",
            "a: create the table flags\n",
        ),
    ];
    for (environments, code, anyone, operators) in cases {
        let world = World::new(environments);
        let code = StatusCode::from_u16(code).unwrap();
        assert_eq!(world.work("/readyz").await, (code, anyone.to_owned()));
        assert_eq!(world.admin("/readyz").await, (code, operators.to_owned()));
        assert_eq!(world.work("/livez").await.0, StatusCode::OK);
    }
}

/// The work port tells nobody why: that names files and addresses.
#[tokio::test]
async fn where_no_environment_is_known_it_is_said_who_has_not_listed_any() {
    let check = async |roster: &RosterStatus, anyone: &str, why: &str| {
        let mut world = World::new(&[]);
        world.app.roster = roster.clone();
        let code = StatusCode::SERVICE_UNAVAILABLE;
        let (anyone, operators) = (format!("{anyone}\n"), format!("{anyone}\n{why}"));
        assert_eq!(world.work("/readyz").await, (code, anyone));
        assert_eq!(world.admin("/readyz").await, (code, operators));
    };
    let listed = RosterStatus::auto_configured(clock());
    let unknown = "no environment is known yet: LaunchDarkly has not listed any";
    check(&listed, unknown, "").await;
    listed.update(|facts| facts.trouble = Some("LaunchDarkly answered 503".to_owned()));
    check(&listed, unknown, "LaunchDarkly answered 503\n").await;
    listed.update(|facts| (facts.known, facts.trouble) = (true, None));
    let none = "LaunchDarkly lists no environment that can be used";
    check(&listed, none, "").await;

    let archived = RosterStatus::archived();
    let unknown = "no environment is known yet: no archive was taken";
    check(&archived, unknown, "").await;
    archived.update(|facts| {
        let archive = facts.archive.as_mut().unwrap();
        archive.last_error = Some(("/a.tar.gz: it ends early".to_owned(), clock()));
    });
    check(&archived, unknown, "/a.tar.gz: it ends early\n").await;
    archived.update(|facts| {
        facts.known = true;
        facts.archive.as_mut().unwrap().last_error = None;
    });
    let none = "the archive has no environment that can be used";
    check(&archived, none, "").await;
}

#[tokio::test]
async fn who_is_known_of_an_earlier_run_serves_readers_before_the_list_comes() {
    let mut world = World::new(&[("a", good)]);
    world.app.roster = RosterStatus::auto_configured(clock());
    assert_eq!(
        world.work("/readyz").await,
        (StatusCode::OK, "ready\n".to_owned())
    );
}

#[tokio::test]
async fn who_is_asked_to_stop_is_alive_but_not_ready() {
    let world = World::new(&[("a", good)]);
    world.app.stopping.cancel();
    let stopping = (StatusCode::SERVICE_UNAVAILABLE, "stopping\n".to_owned());
    assert_eq!(world.work("/readyz").await, stopping);
    assert_eq!(world.work("/livez").await.0, StatusCode::OK);
}

#[tokio::test]
async fn the_port_for_load_balancers_names_no_environment() {
    let world = World::new(&[
        ("secretive", misconfigured),
        ("quiet", refused),
        ("open", good),
    ]);
    for path in [
        "/livez",
        "/readyz",
        "/status",
        "/status/secretive",
        "/metrics",
        "/",
        "/nothing",
    ] {
        let (_, text) = world.work(path).await;
        for name in ["secretive", "quiet", "open", "flags", "prefix", "abcdef"] {
            assert!(!text.contains(name), "{path}: {text}");
        }
    }
    let (_, text) = world.work("/status").await;
    let status: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        status,
        json!({"status": "degraded", "version": env!("CARGO_PKG_VERSION")})
    );
    assert_eq!(world.work("/status/open").await.0, StatusCode::NOT_FOUND);
    assert_eq!(world.work("/metrics").await.0, StatusCode::NOT_FOUND);
}

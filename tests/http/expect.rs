//! What probes expect of the status, asked as they ask it. What becomes of each kind of clause is tested beside the code.

use axum::http::StatusCode;
use ld_dynamodb_relay::roster::{
    AcceptedKey, AutoConfigError, AutoConfigErrorKind, AutoConfigState, RefusedEnvironment,
    RosterOrigin,
};
use ld_dynamodb_relay::status::{ArchiveFacts, RosterFacts, RosterStatus, TakenArchive};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::world::{
    World, busy, clock, contested, fresh, good, held, info_with, misconfigured, refused,
    unreachable,
};

async fn check(world: &World, path: &str, code: u16) -> Value {
    let (answered, text) = world.admin(path).await;
    assert_eq!(answered.as_u16(), code, "{path}: {text}");
    let verdict: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(verdict["satisfied"], code == 200, "{path}: {text}");
    verdict
}

#[tokio::test]
async fn a_probe_needs_the_code_alone() {
    let world = World::new(&[("my env", good), ("b.c", refused)]);
    for (query, code) in [
        ("expect=status=degraded", 200),
        ("expect=status=healthy", 412),
        (
            "expect=status!=healthy&expect=environments.my%20env.status=connected",
            200,
        ),
        (
            "expect=status!=healthy&expect=environments.my+env.status=disconnected",
            412,
        ),
        (
            "expect=environments[%22b.c%22].connectionStatus.lastError.statusCode=401",
            200,
        ),
        (
            "expect=environments[%22my+env%22].connectionStatus.lastError.statusCode=401",
            412,
        ),
        (
            "expect=environments[%22my+env%22].sdkKeys[0].value=sdk-********-****-****-****-********cdef",
            200,
        ),
        ("expect=environments.nobody.status=connected", 412),
        ("expect=autoConfigStatus.state=VALID", 412),
        ("expect=environments.my%20env.sync.verified=null", 200),
        ("expect=environments.my%20env.sync.items.flag=7", 200),
        ("expect=environments.my%20env.sync.items.flags=7", 422),
        ("expect=environments.my%20env.expiringSdkKey=x", 422),
        ("expect=connexionStatus.state=VALID", 422),
        ("expect=status%3E=healthy", 422),
        ("expect=", 400),
        ("expect", 400),
        ("expect=status=degraded;x", 400),
        ("expect=status=degraded&junk=%", 400),
        ("expect=status=degraded&expect=statuss=x&expect=status", 400),
    ] {
        check(&world, &format!("/status?{query}"), code).await;
    }
    let whole = world.status().await;
    for query in ["", "junk=%", "junk=1;2", "expected=status=healthy"] {
        let (code, text) = world.admin(&format!("/status?{query}")).await;
        assert_eq!(code, StatusCode::OK);
        let whole_again: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            whole_again["environments"]["b.c"]["sdkKeys"],
            whole["environments"]["b.c"]["sdkKeys"]
        );
    }
}

#[tokio::test]
async fn the_verdict_says_what_there_was() {
    let world = World::new(&[("a", good)]);
    let query = "expect=status=degraded&expect=status%3E=x&expect=environments.b.status=x";
    assert_eq!(
        check(&world, &format!("/status?{query}"), 422).await,
        json!({"satisfied": false, "results": [
            {"expr": "status=degraded", "expected": "degraded", "actual": "healthy", "ok": false},
            {"expr": "status>=x", "problem": "operator \">=\" is not supported: use = or !=", "ok": false},
            {"expr": "environments.b.status=x", "expected": "x", "ok": false},
        ]})
    );
    let verdict = check(&world, "/status?expect=status=%", 400).await;
    assert!(
        verdict["error"].as_str().unwrap().contains("%25"),
        "{verdict}"
    );
    assert_eq!(verdict.get("results"), None);
    check(
        &world,
        &format!("/status?{}", "expect=status=healthy&".repeat(65)),
        400,
    )
    .await;
}

#[tokio::test]
async fn one_environment_is_found_before_anything_is_expected_of_it() {
    let keys = info_with("a", Some("harbor"), Some("production"), Some("5f00"));
    let world = World::new(&[("a", fresh)]).with_infos(&[keys]);
    for path in ["/status/a", "/status/5f00", "/status/harbor/production"] {
        for (query, code) in [
            (
                "expect=status=disconnected&expect=sync.initialized=false",
                200,
            ),
            ("expect=connectionStatus.state=VALID", 412),
            ("expect=environments.a.status=disconnected", 422),
            ("expect=autoConfigStatus.state=VALID", 422),
            ("expect=status", 400),
        ] {
            check(&world, &format!("{path}?{query}"), code).await;
        }
    }
    for path in ["/status/nobody?expect=status", "/status/no/body?expect=%"] {
        assert_eq!(world.admin(path).await.0, StatusCode::NOT_FOUND, "{path}");
    }
}

/// Health checks that were made for the Relay Proxy ask the port for load balancers; it still names nobody.
#[tokio::test]
async fn the_short_status_can_be_asked_what_it_has() {
    let world = World::new(&[("a", good)]);
    for (query, code) in [
        ("expect=status=healthy", 200),
        ("expect=status=degraded", 412),
        ("expect=status!=degraded&expect=version!=0", 200),
        ("expect=environments.a.status=connected", 422),
        ("expect=environments.nobody.status=connected", 422),
        ("expect=status", 400),
    ] {
        let (answered, text) = world.work(&format!("/status?{query}")).await;
        assert_eq!(answered.as_u16(), code, "{query}: {text}");
    }
    let (_, text) = world.work("/status?expect=environments.a.status=x").await;
    assert!(text.contains("there are status, version"), "{text}");
    assert_eq!(
        world.work("/status/a?expect=status=connected").await.0,
        StatusCode::NOT_FOUND
    );
}

/// Each single value below `at`, as clauses that expect it.
fn clauses(at: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                clauses(&format!("{at}[\"{name}\"]"), value, found);
            }
        }
        Value::Array(elements) => {
            for (position, value) in elements.iter().enumerate() {
                clauses(&format!("{at}[{position}]"), value, found);
            }
        }
        Value::String(text) => found.push(format!("{at}={text}")),
        value => found.push(format!("{at}={value}")),
    }
}

fn everything(facts: &mut RosterFacts) {
    let last_error = AutoConfigError {
        kind: AutoConfigErrorKind::Response(401),
        time_ms: 5_000_000,
    };
    let stream = facts.auto_config.as_mut().unwrap();
    stream.state = AutoConfigState::Interrupted;
    facts.origin = RosterOrigin::LaunchDarkly;
    stream.last_error = Some(last_error);
    let taken = TakenArchive {
        modified: clock().wall,
        bytes: 17,
        checksum: [1; 16],
    };
    facts.archive = Some(ArchiveFacts {
        taken: Some(taken),
        last_error: Some(("why".to_owned(), clock())),
    });
    facts.refused = vec![RefusedEnvironment {
        id: "5f02".into(),
        reason: "why".to_owned(),
        serving: true,
    }];
}

/// What differs from one answer to the next here, where the wall's clock stands still; and an object that is not there.
const NOT_ASKED: [&str; 3] = [
    "[\"since\"]=4",
    "[\"brakedSince\"]=4",
    "[\"propagation\"]=null",
];

/// Worlds that show together whatever the status can show, of an environment `a.b`.
pub(crate) fn full() -> Vec<World> {
    let conditions = [
        fresh,
        good,
        refused,
        unreachable,
        misconfigured,
        held,
        contested,
        busy,
    ];
    let world = |condition| {
        let key = |value: &str| AcceptedKey {
            identifier: Some("mine".to_owned()),
            value: SecretString::from(value),
            expiry_ms: Some(clock().milliseconds() + 60_000),
        };
        let info = info_with("a.b", Some("harbor"), Some("production"), Some("5f00"))
            .titled(Some("Harbor".to_owned()), Some("Production".to_owned()))
            .accepting(vec![key("sdk-other")], vec![key("mob-other")]);
        let mut world = World::new(&[("a.b", condition)]).with_infos(&[info]);
        world.app.roster = RosterStatus::auto_configured(clock());
        world.app.roster.update(everything);
        world
    };
    conditions.map(world).into()
}

/// Whatever the document shows can be expected: what is told of its form keeps up with it.
#[tokio::test]
async fn what_is_shown_can_be_expected() {
    for world in full() {
        let mut whole = world.status().await;
        // They have many items of the same form.
        for list in ["held", "contested"] {
            let items = &mut whole["environments"]["a.b"]["sync"][list]["items"];
            items.as_array_mut().unwrap().truncate(1);
        }
        let mut expected = Vec::new();
        clauses("", &whole, &mut expected);
        assert!(expected.len() > 50, "{expected:?}");
        for clause in expected {
            if NOT_ASKED.iter().any(|it| clause.contains(it)) {
                continue;
            }
            let encoded: Vec<_> = clause.bytes().map(|it| format!("%{it:02x}")).collect();
            let encoded = encoded.concat();
            check(&world, &format!("/status?expect={encoded}"), 200).await;
        }
    }
}

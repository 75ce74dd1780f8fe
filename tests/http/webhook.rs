//! The webhook: who is let in, and what each body comes to.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use ld_dynamodb_relay::http;
use ld_dynamodb_relay::webhook::{WebhookResult, sign};
use proptest::prelude::{ProptestConfig, prop_assert, prop_assert_eq, proptest};
use serde_json::Value;

use crate::world::{World, ask, clock, good};

pub(crate) const SECRET: &str = "wh-secret-7d0f4c";

pub(crate) async fn post(
    world: &World,
    path: &str,
    body: impl Into<Body>,
    signature: &str,
) -> (u16, String) {
    let request = Request::post(path).header("X-LD-Signature", signature);
    let request = request.body(body.into()).unwrap();
    let (code, text) = ask(http::work(world.app.clone()), request).await;
    (code.as_u16(), text)
}

pub(crate) async fn signed(world: &World, path: &str, body: &str, secret: &str) -> (u16, String) {
    let signature = sign(body.as_bytes(), &secret.into());
    post(world, path, body.to_owned(), &signature).await
}

/// A flag changed in this environment, just now.
pub(crate) fn flag_in(environment: &str, id: &str) -> String {
    dated(environment, id, 0)
}

fn dated(environment: &str, id: &str, seconds_ago: u64) -> String {
    let now = clock().wall.duration_since(std::time::UNIX_EPOCH).unwrap();
    let date = 1_000 * (now.as_secs() - seconds_ago);
    format!(
        r#"{{"_id":"{id}","date":{date},"kind":"flag","accesses":[{{"action":"updateOn","resource":"proj/harbor:env/{environment}:flag/a"}}]}}"#
    )
}

fn accepted(result: WebhookResult) -> (u16, String) {
    (202, format!("{}\n", result.label()))
}

/// Every count, so that none is counted twice or under another name.
fn counts(world: &World) -> Vec<(&'static str, u64)> {
    let counts = WebhookResult::ALL.iter();
    let counts = counts.map(|it| (it.label(), world.webhooks(*it)));
    counts.filter(|(_, count)| *count > 0).collect()
}

#[tokio::test]
async fn what_launchdarkly_signed_is_let_in_and_nothing_else() {
    let vectors: Value =
        serde_json::from_str(include_str!("../fixtures/webhook-signatures.json")).unwrap();
    let files = [
        (
            "webhook-flag.json",
            include_str!("../fixtures/webhook-flag.json"),
        ),
        (
            "webhook-segment.json",
            include_str!("../fixtures/webhook-segment.json"),
        ),
        (
            "webhook-env-sdk-key-reset.json",
            include_str!("../fixtures/webhook-env-sdk-key-reset.json"),
        ),
        (
            "webhook-minimal.json",
            include_str!("../fixtures/webhook-minimal.json"),
        ),
    ];
    let secret = vectors["secret"].as_str().unwrap();
    for (name, body) in files {
        let world = World::new(&[("production", good)]).with_secrets(&[secret]);
        let signature = vectors["files"][name]["signature"].as_str().unwrap();
        for forged in [
            String::new(),
            signature[1..].to_owned(),
            signature[2..].to_owned(),
            format!("{signature}00"),
            format!("sha256={signature}"),
            signature.replacen(|it: char| it.is_ascii_digit(), "g", 1),
            "0".repeat(64),
            sign(body.as_bytes(), &"another-secret".into()),
            sign(format!("{body}\n").as_bytes(), &secret.into()),
        ] {
            assert_eq!(
                post(&world, "/webhook", body, &forged).await.0,
                401,
                "{forged}"
            );
        }
        let mut flipped = body.as_bytes().to_vec();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 1;
        assert_eq!(post(&world, "/webhook", flipped, signature).await.0, 401);
        let request = |count| {
            let request = Request::post("/webhook");
            let signed =
                |it: axum::http::request::Builder, _| it.header("X-LD-Signature", signature);
            (0..count)
                .fold(request, signed)
                .body(Body::from(body))
                .unwrap()
        };
        for count in [0, 2] {
            let (code, _) = ask(http::work(world.app.clone()), request(count)).await;
            assert_eq!(code, StatusCode::UNAUTHORIZED);
        }
        assert_eq!(counts(&world), [("unsigned", 12)]);

        let woken = accepted(WebhookResult::Woken);
        let upper = signature.to_uppercase();
        assert_eq!(
            post(&world, "/webhook", body, &upper).await,
            woken,
            "{name}"
        );
        let again = accepted(WebhookResult::Duplicate);
        assert_eq!(post(&world, "/webhook", body, signature).await, again);
        assert_eq!(
            counts(&world),
            [("woken", 1), ("duplicate", 1), ("unsigned", 12)]
        );
    }
}

#[tokio::test]
async fn each_body_comes_to_one_thing() {
    let world = World::new(&[("production", good), ("staging", good)]).with_secrets(&[SECRET]);
    let cosmetic = flag_in("production", "name").replace("updateOn", "updateName");
    let unknown = flag_in("production", "kind").replace(r#""flag""#, r#""experiment""#);
    let cases = [
        (flag_in("production", "1"), WebhookResult::Woken),
        (flag_in("production", "1"), WebhookResult::Duplicate),
        // The same change told again in another body.
        (dated("production", "1", 3), WebhookResult::Duplicate),
        // LaunchDarkly keeps no order.
        (dated("production", "0", 60), WebhookResult::Woken),
        (dated("staging", "2", 300), WebhookResult::Woken),
        (dated("staging", "3", 301), WebhookResult::Late),
        (dated("staging", "3", 301), WebhookResult::Duplicate),
        (flag_in("*", "4"), WebhookResult::Woken),
        (flag_in("elsewhere", "5"), WebhookResult::Unmatched),
        (cosmetic, WebhookResult::Ignored),
        (unknown, WebhookResult::Ignored),
        (String::new(), WebhookResult::Unreadable),
        (String::new(), WebhookResult::Duplicate),
        ("nonsense".to_owned(), WebhookResult::Unreadable),
        ("[]".to_owned(), WebhookResult::Unreadable),
    ];
    for (body, result) in &cases {
        let before = world.webhooks(*result);
        let answer = signed(&world, "/webhook", body, SECRET).await;
        assert_eq!(answer, accepted(*result), "{body}");
        assert_eq!(world.webhooks(*result), before + 1, "{body}");
    }
    let all: u64 = counts(&world).iter().map(|(_, count)| count).sum();
    assert_eq!(all, cases.len() as u64, "once a request");
}

#[tokio::test]
async fn without_a_secret_there_is_no_webhook() {
    let off = World::new(&[("production", good)]);
    let body = flag_in("production", "1");
    let not_found = (404, "not found\n".to_owned());
    for path in ["/webhook", "/webhook/production", "/webhook/elsewhere"] {
        assert_eq!(signed(&off, path, &body, "").await, not_found);
        assert_eq!(signed(&off, path, &body, SECRET).await, not_found);
        let (code, text) = off.work(path).await;
        assert_eq!((code.as_u16(), text), not_found, "with GET");
    }
    assert_eq!(counts(&off), []);

    let world = World::new(&[("production", good)]).with_secrets(&[SECRET]);
    assert_eq!(
        world.work("/webhook").await.0,
        StatusCode::METHOD_NOT_ALLOWED
    );
    assert_eq!(world.admin("/webhook").await.0, StatusCode::NOT_FOUND);
    // A secret that could not be read yet signs nothing, and neither does an empty one.
    for unread in ["", " ", ",", " , "] {
        let world = World::new(&[("production", good)]).with_secrets(&[unread]);
        for guess in ["", unread] {
            assert_eq!(signed(&world, "/webhook", &body, guess).await.0, 401);
        }
    }
}

#[tokio::test]
async fn only_the_signed_learn_which_environments_there_are() {
    let world = World::new(&[("production", good), ("staging", good)])
        .with_secrets(&[SECRET])
        .with_own_secrets("staging", &["staging-secret"]);
    let body = flag_in("production", "1");
    let unsigned = post(&world, "/webhook/production", body.clone(), "00").await;
    assert_eq!(unsigned.0, 401);
    for path in [
        "/webhook",
        "/webhook/staging",
        "/webhook/elsewhere",
        "/webhook/%ff",
    ] {
        assert_eq!(post(&world, path, body.clone(), "00").await, unsigned);
        assert_eq!(signed(&world, path, &body, "wrong").await, unsigned);
    }
    for secret in [SECRET, "staging-secret"] {
        let unknown = (404, "no such environment\n".to_owned());
        assert_eq!(
            signed(&world, "/webhook/elsewhere", &body, secret).await,
            unknown
        );
        assert_eq!(signed(&world, "/webhook/%ff", &body, secret).await, unknown);
    }
    // An environment with secrets of its own accepts no other, and its own are good for it alone.
    assert_eq!(
        signed(&world, "/webhook/staging", &body, SECRET).await,
        unsigned
    );
    assert_eq!(
        signed(&world, "/webhook/production", &body, "staging-secret").await,
        unsigned
    );
    assert_eq!(
        counts(&world),
        [("unsigned", 11), ("unknown_environment", 4)]
    );
}

#[tokio::test]
async fn a_secret_wakes_only_the_environments_that_it_is_for() {
    let world = World::new(&[("production", good), ("staging", good)])
        .with_secrets(&[SECRET])
        .with_own_secrets("staging", &["staging-secret"]);
    let cases = [
        ("/webhook", "production", SECRET, WebhookResult::Woken),
        ("/webhook", "staging", SECRET, WebhookResult::Unmatched),
        (
            "/webhook",
            "staging",
            "staging-secret",
            WebhookResult::Woken,
        ),
        (
            "/webhook",
            "production",
            "staging-secret",
            WebhookResult::Unmatched,
        ),
        ("/webhook", "*", "staging-secret", WebhookResult::Woken),
        (
            "/webhook/staging",
            "staging",
            "staging-secret",
            WebhookResult::Woken,
        ),
        // The path says whom, whatever the body says.
        (
            "/webhook/staging",
            "production",
            "staging-secret",
            WebhookResult::Woken,
        ),
        (
            "/webhook/production",
            "elsewhere",
            SECRET,
            WebhookResult::Woken,
        ),
    ];
    for (number, (path, environment, secret, result)) in cases.into_iter().enumerate() {
        let body = flag_in(environment, &format!("id-{number}"));
        let answer = signed(&world, path, &body, secret).await;
        assert_eq!(answer, accepted(result), "{path} {environment} {secret}");
    }
    // One change, announced by two webhooks, to each environment by its own.
    let every = flag_in("*", "one-id");
    let woken = accepted(WebhookResult::Woken);
    assert_eq!(signed(&world, "/webhook", &every, SECRET).await, woken);
    assert_eq!(
        signed(&world, "/webhook", &every, "staging-secret").await,
        woken
    );
    let again = signed(&world, "/webhook", &every, SECRET).await;
    assert_eq!(again, accepted(WebhookResult::Duplicate));
}

#[tokio::test]
async fn while_a_secret_is_changed_both_hold() {
    for secrets in [
        &["old-secret", "new-secret"][..],
        &["old-secret , new-secret"],
    ] {
        let shared = World::new(&[("production", good)]).with_secrets(secrets);
        let own = World::new(&[("production", good)]).with_own_secrets("production", secrets);
        for world in [shared, own] {
            for secret in ["old-secret", "new-secret"] {
                let body = flag_in("production", secret);
                for path in ["/webhook", "/webhook/production"] {
                    assert_eq!(signed(&world, path, &body, secret).await.0, 202);
                }
            }
            let body = flag_in("production", "3");
            for wrong in ["old-secret , new-secret", " new-secret", "old-secret,", ""] {
                assert_eq!(signed(&world, "/webhook", &body, wrong).await.0, 401);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_are_answered(body: Vec<u8>, signature: Vec<u8>, path in "(/[a-z%0-9*.]{0,9})?", sign_it: bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let world = World::new(&[("production", good)]).with_secrets(&[SECRET]);
        let signature = if sign_it {
            sign(&body, &SECRET.into()).into_bytes()
        } else {
            signature
        };
        let Ok(request) = Request::post(format!("/webhook{path}"))
            .header("X-LD-Signature", signature)
            .body(Body::from(body))
        else {
            return Ok(());
        };
        let (code, _) = runtime.block_on(ask(http::work(world.app), request));
        let expect: &[u16] = match (&*path, sign_it) {
            ("/", _) => &[404],
            (_, false) => &[401],
            ("", true) => &[202],
            (_, true) => &[404],
        };
        prop_assert!(expect.contains(&code.as_u16()), "{path} {code}");
    }

    #[test]
    fn one_flipped_bit_is_a_forgery(body: Vec<u8>, at: proptest::sample::Index, bit in 0..8_u8, upper: bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let world = World::new(&[("production", good)]).with_secrets(&[SECRET]);
        let signature = sign(&body, &SECRET.into());
        let mut forged = hex::decode(&signature).unwrap();
        forged[at.index(32)] ^= 1 << bit;
        let forged = hex::encode(forged);
        let forged = if upper { forged.to_uppercase() } else { forged };
        let asked = runtime.block_on(post(&world, "/webhook", body.clone(), &forged));
        prop_assert_eq!(asked.0, 401);
        let asked = runtime.block_on(post(&world, "/webhook", body, &signature));
        prop_assert_eq!(asked.0, 202);
    }
}

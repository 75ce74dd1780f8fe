//! Webhooks above 64 KiB, where there are more secrets than are tried for one.

use ld_dynamodb_relay::webhook::WebhookResult;

use crate::webhook::{SECRET, flag_in, signed};
use crate::world::{Described, World, good};

/// Environments with a secret of their own.
const OWN: usize = 40;

fn name(number: usize) -> String {
    format!("env-{number:02}")
}

fn secret(number: usize) -> String {
    format!("secret-of-{number:02}")
}

/// Forty with secrets of their own, and one without.
fn world() -> World {
    let names: Vec<_> = (0..OWN).map(name).collect();
    let mut environments: Vec<Described<'_>> =
        names.iter().map(|it| (&**it, good as fn(&mut _))).collect();
    environments.push(("plain", good));
    let world = World::new(&environments).with_secrets(&[SECRET]);
    (0..OWN).fold(world, |world, number| {
        world.with_own_secrets(&name(number), &[&secret(number)])
    })
}

/// The same news in more bytes.
fn large(environment: &str, id: &str) -> String {
    flag_in(environment, id) + &" ".repeat(64 * 1_024)
}

#[tokio::test]
async fn an_environment_that_is_named_is_woken_wherever_it_stands() {
    let world = world();
    for number in [0, 17, OWN - 1] {
        let body = large(&name(number), &format!("by-body-{number}"));
        let answer = signed(&world, "/webhook", &body, &secret(number)).await;
        assert_eq!(answer, (202, "woken\n".to_owned()), "{number}");
        let body = large("*", &format!("by-path-{number}"));
        let path = format!("/webhook/{}", name(number));
        let answer = signed(&world, &path, &body, &secret(number)).await;
        assert_eq!(answer, (202, "woken\n".to_owned()), "{number}");
    }
    for body in [large("plain", "1"), large("*", "2")] {
        assert_eq!(signed(&world, "/webhook", &body, SECRET).await.0, 202);
    }
    let body = large("elsewhere", "3");
    assert_eq!(signed(&world, "/webhook/plain", &body, SECRET).await.0, 202);
}

/// Small ones are tried with every secret.
#[tokio::test]
async fn what_is_signed_with_a_secret_beyond_those_that_are_tried_is_not_lost_in_silence() {
    let world = world();
    let last = secret(OWN - 1);
    for body in [large("*", "1"), large("elsewhere", "2")] {
        let (code, text) = signed(&world, "/webhook", &body, &last).await;
        assert_eq!(code, 413);
        assert!(
            text.contains("have it sent to /webhook/<environment>"),
            "{text}"
        );
    }
    assert_eq!(world.webhooks(WebhookResult::TooLarge), 2);
    let small = flag_in("*", "3");
    assert_eq!(signed(&world, "/webhook", &small, &last).await.0, 202);
}

/// What is answered tells nobody which environments there are.
#[tokio::test]
async fn a_forgery_is_answered_alike_whomever_it_names() {
    let world = world();
    let mut answers = Vec::new();
    for environment in ["*", "env-03", "plain", "elsewhere"] {
        answers.push(signed(&world, "/webhook", &large(environment, "1"), "wrong").await);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(answers[0].0, 413, "not every secret was tried");
    for path in [
        "/webhook/env-03",
        "/webhook/env-39",
        "/webhook/plain",
        "/webhook/elsewhere",
    ] {
        assert_eq!(signed(&world, path, &large("*", "1"), "wrong").await.0, 401);
    }
    // A secret of another environment's is no better.
    let body = large("*", "2");
    for path in ["/webhook/plain", "/webhook/env-39"] {
        assert_eq!(signed(&world, path, &body, &secret(3)).await.0, 401);
    }
    // Where every secret is tried there is no doubt.
    let few = World::new(&[("production", good)]).with_secrets(&[SECRET]);
    assert_eq!(signed(&few, "/webhook", &body, "wrong").await.0, 401);
}

//! Each fault that an operator may meet, and the one sentence with which `doctor` names it and its mending.

use std::time::Duration;

use ld_dynamodb_relay::clock;
use ld_dynamodb_relay::model::{ItemKey, Kind};
use ld_dynamodb_relay::simulator::Behaviour;
use ld_dynamodb_relay::simulator::store::{Fault, Operation, StoreRefusal};

use crate::process::{Output, Program};
use crate::world::{KEY, PREFIX, World, flag, large_flag};

/// Nobody answers there.
const NOWHERE: &str = "http://127.0.0.1:1";

fn doctor(world: &World) -> Program {
    world
        .program(&["doctor"])
        .set("AWS_EC2_METADATA_DISABLED", "true")
        .set("INIT_TIMEOUT", "5s")
}

/// Asserts that exactly this fails, each with one line that begins with one of these.
async fn fails(program: Program, expected: &[&str]) -> Output {
    let end = program.output().await;
    let told = end.stdout.lines().chain(end.stderr.lines());
    let failed: Vec<_> = told
        .filter_map(|line| line.strip_prefix("failed   "))
        .collect();
    assert_eq!(failed.len(), expected.len(), "{end:#?}");
    for (line, begin) in failed.iter().zip(expected) {
        assert!(line.starts_with(begin), "{line}\nbegins not with\n{begin}");
        assert!(line.contains(": ") && !line.contains("Attempted"), "{line}");
    }
    assert_eq!(end.code, Some(1), "{end:#?}");
    end
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_permission_that_the_daemon_uses() {
    let world = World::filled(1).await;
    for (operation, name, namespaces) in [
        (Operation::Query, "Query", &["features", "segments"][..]),
        (
            Operation::GetItem,
            "GetItem",
            &["features", "segments", "$inited", "$identity"],
        ),
        (Operation::PutItem, "PutItem", &["features", "$identity"]),
        (Operation::DeleteItem, "DeleteItem", &["segments"]),
    ] {
        let grant = format!(
            "production: permissions: not allowed to {name} on table flags (AccessDeniedException): grant \
             dynamodb:{name} on it to this role"
        );
        let denied = Fault::refuse(StoreRefusal::AccessDenied).on(operation);
        let fault = world.store.inject(denied.clone());
        fails(doctor(&world), &[&grant]).await;
        fault.withdraw();
        for namespace in namespaces {
            let partition = format!("{PREFIX}:{namespace}");
            let fault = world.store.inject(denied.clone().in_namespace(&*partition));
            let end = fails(doctor(&world), &[&grant]).await;
            let must = format!("leading keys, they must include {partition}\n");
            assert!(end.stdout.contains(&must), "{end:#?}");
            fault.withdraw();
        }
    }
    let all = world
        .store
        .inject(Fault::refuse(StoreRefusal::AccessDenied).when(|_| true));
    let each = ["Query", "GetItem", "PutItem", "DeleteItem"];
    let each = each.map(|it| format!("production: permissions: not allowed to {it} "));
    fails(doctor(&world), &each.each_ref().map(|it| &**it)).await;
    all.withdraw();
    assert_eq!(world.store.counts().writes_accepted(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_and_the_clock() {
    let world = World::filled(1).await;
    for (kind, message, sentence) in [
        (
            "ExpiredTokenException",
            "The security token included in the request is expired",
            "the credentials have expired; renew them",
        ),
        (
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
            "it does not know the access key; correct AWS_ACCESS_KEY_ID",
        ),
        (
            "InvalidSignatureException",
            "The request signature we calculated does not match",
            "the secret does not belong to the access key; correct AWS_SECRET_ACCESS_KEY",
        ),
        (
            "InvalidSignatureException",
            "Signature expired: 20240101T000000Z is now earlier than 20240101T001000Z",
            "this machine's clock is more than 5 minutes off; synchronise it",
        ),
        (
            "KMSAccessDeniedException",
            "The ciphertext refers to a key",
            "grant kms:Decrypt and kms:GenerateDataKey",
        ),
    ] {
        let refusal = StoreRefusal::Other(
            400,
            format!("com.amazon.coral.service#{kind}"),
            message.into(),
        );
        let fault = world.store.inject(Fault::refuse(refusal));
        let told = format!("production: table: AWS refuses GetItem ({kind}): {sentence}");
        fails(doctor(&world), &[&told]).await;
        fault.withdraw();
    }
    let without = |program: Program| {
        program
            .unset("AWS_ACCESS_KEY_ID")
            .unset("AWS_SECRET_ACCESS_KEY")
    };
    let none = "production: table: no AWS credentials for GetItem (no credentials found in chain): give the task a role";
    fails(without(doctor(&world)), &[none]).await;

    let off = |date: String| {
        world
            .production
            .next(Behaviour::normal().header("date", date));
    };
    let ago = |seconds| {
        let then = clock::now().wall - Duration::from_secs(seconds);
        httpdate::fmt_http_date(then)
    };
    off(ago(400));
    fails(doctor(&world), &["production: clock: 40"]).await;
    off(ago(100));
    let end = doctor(&world).output().await;
    assert_eq!(end.code, Some(0), "{end:#?}");
    assert!(
        end.stdout.contains("warning  production: clock: 10"),
        "{end:#?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn regions_endpoints_and_names() {
    let world = World::filled(1).await;
    let no_region = "production: table: no AWS region for GetItem: set AWS_REGION";
    let program = doctor(&world).unset("AWS_REGION").unset("DYNAMODB_URL");
    fails(program, &[no_region]).await;
    let elsewhere = "production: table: table elsewhere does not exist: create it with partition key namespace (S) and \
                     sort key key (S), or correct its name, or AWS_REGION";
    fails(
        doctor(&world).set("DYNAMODB_TABLE", "elsewhere"),
        &[elsewhere],
    )
    .await;
    for url in [NOWHERE, "http://no-such-host.invalid"] {
        let told = "production: table: DynamoDB cannot be reached for GetItem (";
        let end = fails(doctor(&world).set("DYNAMODB_URL", url), &[told]).await;
        assert!(
            end.stdout
                .contains("check the endpoint, the region and the network"),
            "{end:#?}"
        );
        let told = "production: key: no connection to LaunchDarkly: ";
        let end = fails(doctor(&world).set("STREAM_URI", url), &[told]).await;
        assert!(
            end.stdout
                .contains("check STREAM_URI, PROXY_URL and the network"),
            "{end:#?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_and_secrets() {
    let world = World::filled(1).await;
    for (key, what) in [
        ("mob-c0ffee00-0000-4000-8000-00000000beef", "a mobile key"),
        ("5f0a1b2c3d4e5f6a7b8c9d0e", "a client-side ID"),
    ] {
        let program = doctor(&world)
            .set("LD_ENV_production", key)
            .set("STREAM_URI", "https://stream.launchdarkly.com");
        let end = program.output().await;
        let told = format!(
            "LD_ENV_production: the SDK key is {what}; take the server-side SDK key (sdk-...)"
        );
        assert!(end.stderr.starts_with(&told), "{end:#?}");
        assert_eq!(end.code, Some(1), "{end:#?}");
    }
    let refused = "production: key: LaunchDarkly answered 401: it does not accept the SDK key; check LD_ENV_<name>";
    let wrong = KEY.replace("beef", "dead");
    fails(doctor(&world).set("LD_ENV_production", &wrong), &[refused]).await;

    let end = doctor(&world)
        .set("WEBHOOK_SECRET", "file:nowhere")
        .output()
        .await;
    assert_eq!(end.code, Some(1), "{end:#?}");
    assert!(
        end.stderr
            .contains("the value names the file nowhere, which cannot be read"),
        "{end:#?}"
    );
    for (place, service, variable) in [
        (
            "ssm:/launchdarkly/production/webhooksecret",
            "Parameter Store",
            "AWS_ENDPOINT_URL_SSM",
        ),
        (
            "secretsmanager:webhook",
            "Secrets Manager",
            "AWS_ENDPOINT_URL_SECRETS_MANAGER",
        ),
    ] {
        let told = format!(
            "all environments: secrets: {place} cannot be read, for {service} did not answer"
        );
        let program = doctor(&world)
            .set("WEBHOOK_SECRET", place)
            .set(variable, NOWHERE);
        fails(program, &[&told]).await;
    }
    let end = doctor(&world).output().await;
    assert!(
        end.stdout.contains(
            "warning  all environments: webhook: no webhook can wake production: set WEBHOOK_SECRET"
        ),
        "{end:#?}"
    );
    let end = doctor(&world)
        .set("WEBHOOK_SECRET", "long-enough")
        .output()
        .await;
    assert!(
        end.stdout
            .contains("ok       all environments: webhook: on"),
        "{end:#?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn items_and_whose_they_are() {
    let world = World::with_flags(1).await;
    world.production.set_id("ours");
    assert_eq!(world.program(&["sync"]).output().await.code, Some(0));
    world.production.quietly(|items| {
        items.insert(Kind::Flag, large_flag("large", 1));
        items.insert(Kind::Flag, flag("fine", 1));
        items.insert_as(ItemKey::flag("odd"), r#"{"key":"odd"}"#);
    });
    world.production.set_id("theirs");
    fails(
        doctor(&world),
        &[
            "production: identity: the SDK key of `production` belongs to LaunchDarkly's environment theirs",
            "production: sizes: flag large would make a row of ",
            "production: items: flag odd cannot be stored: ",
        ],
    )
    .await;
}

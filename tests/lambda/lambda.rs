//! The Lambdas of `examples/lambda`, each run against a table that the relay wrote. Rust's and Go's programs are driven through
//! Lambda's runtime interface, Python's and Node's handlers are called. Those that need more than Rust have the feature
//! `interop`; `make lambda` installs what they need.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests may"
)]

mod blocks;
mod expected;
mod function;
mod process;
mod recorder;
mod runtime;
mod world;

use function::Language;
use recorder::Recorder;
use serde_json::{Value, json};
use world::{PREFIX, TABLE, World};

/// A test for each language. Rust's need Rust and nothing else.
macro_rules! in_each_language {
    ($($test:ident)+) => {
        mod rust {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(super::Language::Rust).await;
            })+
        }
        #[cfg(feature = "interop")]
        mod python {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(super::Language::Python).await;
            })+
        }
        #[cfg(feature = "interop")]
        mod node {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(super::Language::Node).await;
            })+
        }
        #[cfg(feature = "interop")]
        mod go {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(super::Language::Go).await;
            })+
        }
    };
}

in_each_language! {
    flags_have_the_values_that_launchdarkly_serves
    a_flag_that_is_not_there_reads_as_the_default
    an_event_that_is_wrong_is_told_what_to_change
    a_table_that_nobody_filled_is_told
    a_table_that_cannot_be_read_is_told
    nobody_is_reached_but_the_table
    the_cache_keeps_a_flag_as_long_as_it_is_told
    some_keep_that_a_flag_was_not_there
    a_setting_that_is_missing_or_wrong_is_told
}

async fn flags_have_the_values_that_launchdarkly_serves(language: Language) {
    let world = World::filled().await;
    let mut function = language.function(&world).start().await;
    for (context, flags) in expected::by_context() {
        for (flag, expected) in &flags {
            let answer = function
                .ask(&json!({"flag": flag, "context": context}))
                .await;
            expected::assert_one(&answer, flag, expected);
        }
        let all = function.ask(&json!({ "context": context })).await;
        expected::assert_all(&all, &flags);
    }
}

async fn a_flag_that_is_not_there_reads_as_the_default(language: Language) {
    let world = World::filled().await;
    let mut function = language.function(&world).start().await;
    for default in [json!("as before"), json!({"size": 3}), Value::Null] {
        let event = json!({"flag": "no-such-flag", "context": expected::user("user-1"), "default": default});
        let answer = function.ask(&event).await;
        assert_eq!(answer["value"], default, "{answer}");
        assert_eq!(answer["variation"], Value::Null, "{answer}");
        assert_eq!(answer["reason"]["errorKind"], "FLAG_NOT_FOUND", "{answer}");
    }
}

async fn an_event_that_is_wrong_is_told_what_to_change(language: Language) {
    let world = World::filled().await;
    let mut function = language.function(&world).start().await;
    let user = expected::user("user-1");
    let wrong = [
        (json!({}), "\"context\" is missing"),
        (json!([]), "\"context\" is missing"),
        (json!("new-checkout"), "\"context\" is missing"),
        (Value::Null, "\"context\" is missing"),
        (json!({"flag": "new-checkout"}), "\"context\" is missing"),
        (json!({"context": null}), "\"context\" is missing"),
        (json!({"context": "user-1"}), "\"context\" is not one"),
        (
            json!({"context": {"kind": "user"}}),
            "\"context\" is not one",
        ),
        (
            json!({"context": {"kind": "user", "key": ""}}),
            "\"context\" is not one",
        ),
        (
            json!({"context": {"kind": "no kind", "key": "a"}, "flag": "new-checkout"}),
            "\"context\" is not one",
        ),
        (
            json!({"context": user, "flag": 7}),
            "\"flag\" must be the key of a flag",
        ),
        (
            json!({"context": user, "flag": ""}),
            "\"flag\" must be the key of a flag",
        ),
    ];
    for (event, why) in wrong {
        let answer = function.ask(&event).await;
        let error = answer["error"].as_str().unwrap_or_default();
        assert!(error.contains(why), "{event}: {answer}");
    }
    // It goes on as before.
    let answer = function
        .ask(&json!({"context": user, "flag": "new-checkout"}))
        .await;
    assert_eq!(answer["value"], true, "{answer}");
}

async fn a_table_that_nobody_filled_is_told(language: Language) {
    let world = World::empty().await;
    let mut function = language.function(&world).start().await;
    let context = expected::user("user-1");
    let all = function.ask(&json!({ "context": context })).await;
    let error = all["error"].as_str().unwrap_or_default();
    let told = format!("no flags in the table \"{TABLE}\" with the prefix \"{PREFIX}\"");
    assert!(error.starts_with(&told), "{all}");
    let event = json!({"context": context, "flag": "new-checkout", "default": "old"});
    let one = function.ask(&event).await;
    assert_eq!(one["value"], "old", "{one}");
    assert_eq!(one["reason"]["errorKind"], "FLAG_NOT_FOUND", "{one}");
}

async fn a_table_that_cannot_be_read_is_told(language: Language) {
    let world = World::filled().await;
    let function = language.function(&world).set("DYNAMODB_TABLE", "misspelt");
    let mut function = function.start().await;
    let context = expected::user("user-1");
    let event = json!({"context": context, "flag": "new-checkout", "default": "old"});
    let one = function.ask(&event).await;
    assert_eq!(one["value"], "old", "{one}");
    // As docs/reading.md says.
    let reason = match language {
        Language::Python | Language::Go => "EXCEPTION",
        Language::Rust | Language::Node => "FLAG_NOT_FOUND",
    };
    assert_eq!(one["reason"]["errorKind"], reason, "{one}");
    let all = function.ask(&json!({ "context": context })).await;
    let error = all["error"].as_str().unwrap_or_default();
    assert!(
        error.starts_with("no flags in the table \"misspelt\""),
        "{all}"
    );
    assert!(
        function.said().contains("ResourceNotFoundException"),
        "{}",
        function.said()
    );
}

async fn nobody_is_reached_but_the_table(language: Language) {
    let world = World::filled().await;
    let mut recorder = Recorder::start().await;
    // Whoever speaks to LaunchDarkly by HTTPS, and listens to these variables, comes here first.
    let mut function = language
        .function(&world)
        .set("HTTPS_PROXY", &recorder.uri())
        .set("https_proxy", &recorder.uri())
        .set("NO_PROXY", "127.0.0.1")
        .set("CACHE_SECONDS", "0")
        .start()
        .await;
    for (context, flags) in expected::by_context() {
        for flag in flags.keys() {
            function
                .ask(&json!({"flag": flag, "context": context}))
                .await;
        }
        function.ask(&json!({ "context": context })).await;
    }
    let reached = function.reached();
    let strangers = reached.strangers(&world, &function);
    assert!(strangers.is_empty(), "{strangers:?}");
    assert_eq!(recorder.visitors(), 0);
    // What the reader's policy allows, and no more.
    let allowed = ["features", "segments", "$inited"].map(|it| format!("{PREFIX}:{it}"));
    let log = world.store.log();
    assert!(!log.is_empty());
    for record in log {
        let request = &record.request;
        assert!(
            ["GetItem", "Query"].contains(&request.operation.name()),
            "{request:?}"
        );
        let namespace = request.namespace.as_ref();
        assert!(
            namespace.is_some_and(|it| allowed.contains(it)),
            "{request:?}"
        );
    }
}

async fn the_cache_keeps_a_flag_as_long_as_it_is_told(language: Language) {
    let world = World::filled().await;
    let event = json!({"flag": "new-checkout", "context": expected::user("user-1")});
    let mut kept = language
        .function(&world)
        .set("CACHE_SECONDS", "600")
        .start()
        .await;
    let mut fresh = language
        .function(&world)
        .set("CACHE_SECONDS", "0")
        .start()
        .await;
    for function in [&mut kept, &mut fresh] {
        assert_eq!(function.ask(&event).await["value"], true);
    }
    world.switch_off("new-checkout").await;
    assert_eq!(fresh.ask(&event).await["value"], false);
    // The version tells which it was.
    let all = fresh.ask(&json!({"context": event["context"]})).await;
    assert_eq!(all["flags"]["new-checkout"]["version"], 2, "{all}");
    world.store.reset_counts();
    assert_eq!(kept.ask(&event).await["value"], true);
    assert_eq!(world.store.counts().arrived, 0, "it asked nobody");
}

/// As docs/reading.md says which.
async fn some_keep_that_a_flag_was_not_there(language: Language) {
    let world = World::filled().await;
    let function = language.function(&world).set("CACHE_SECONDS", "600");
    let mut function = function.start().await;
    let event = json!({"flag": "new-flag", "context": expected::user("user-1"), "default": "none"});
    assert_eq!(function.ask(&event).await["value"], "none");
    world.copy("new-checkout", "new-flag").await;
    let expected = match language {
        Language::Rust => json!(true),
        Language::Python | Language::Node | Language::Go => json!("none"),
    };
    assert_eq!(function.ask(&event).await["value"], expected);
}

async fn a_setting_that_is_missing_or_wrong_is_told(language: Language) {
    let world = World::empty().await;
    let wrong = [
        ("DYNAMODB_TABLE", "", "DYNAMODB_TABLE must name the table"),
        (
            "CACHE_SECONDS",
            "half a minute",
            "CACHE_SECONDS must be a whole number of seconds, not ",
        ),
        (
            "CACHE_SECONDS",
            "-1",
            "CACHE_SECONDS must be a whole number of seconds, not ",
        ),
    ];
    for (name, value, why) in wrong {
        let said = language.function(&world).set(name, value).refused().await;
        assert!(said.contains(why), "{name}={value}: {said}");
    }
}

//! `config`: what was understood, secrets masked; and what the command line says.

use crate::process::Program;
use crate::world::KEY;

fn program(arguments: &[&str]) -> Program {
    Program::new(arguments)
        .set("DYNAMODB_TABLE", "flags")
        .set("LD_ENV_production", KEY)
        .set("PROXY_URL", "http://user:hunter22@proxy.example:3128")
}

#[tokio::test]
async fn what_was_understood_is_printed_with_its_origin_and_without_secrets() {
    let text = program(&["config"]).set("LD_MOBILE_KEY_production", "mob-12345678-secret");
    let text = text.output().await;
    let json = program(&["config", "--json"]).output().await;
    for end in [&text, &json] {
        assert_eq!(end.code, Some(0), "{end:?}");
        for secret in [&KEY[..12], "hunter22", "mob-12345678"] {
            assert!(!end.stdout.contains(secret), "{secret} in {end:?}");
        }
        assert!(
            end.stdout.contains("beef"),
            "the key's last four characters"
        );
    }
    let document = json.json();
    assert_eq!(document["valid"], true);
    let settings = document["settings"].as_array().unwrap();
    let table = settings
        .iter()
        .find(|it| it["variable"] == "DYNAMODB_TABLE");
    assert_eq!(table.unwrap()["value"], "flags");
    assert!(text.stdout.contains("LD_MOBILE_KEY_production"), "{text:?}");
}

#[tokio::test]
async fn what_is_wrong_is_printed_too() {
    let end = program(&["config"])
        .set("INIT_TIMEOUT", "soon")
        .output()
        .await;
    assert_eq!(end.code, Some(2), "{end:?}");
    assert!(
        end.stdout.contains("Problems") && end.stdout.contains("INIT_TIMEOUT"),
        "{end:?}"
    );
    let end = program(&["config", "--json"])
        .unset("DYNAMODB_TABLE")
        .output()
        .await;
    assert_eq!(end.code, Some(2), "{end:?}");
    assert_eq!(end.json()["valid"], false);
}

#[tokio::test]
async fn a_file_that_is_named_must_be_there_unless_it_may_be_missing() {
    let named = ["config", "--config", "nowhere.toml"];
    let end = program(&named).output().await;
    assert_eq!(end.code, Some(2), "{end:?}");
    assert!(end.stdout.contains("nowhere.toml"), "{end:?}");
    let end = program(&[&named[..], &["--allow-missing-file"]].concat());
    assert_eq!(end.output().await.code, Some(0));
    let file = "[dynamodb]\ntable = 'other'\n";
    let end = program(&["config", "--json"]).with_file("relay.toml", file);
    let end = end.unset("DYNAMODB_TABLE").output().await;
    assert!(end.stdout.contains("\"other\""), "{end:?}");
}

#[tokio::test]
async fn a_command_line_that_is_not_understood_is_told() {
    let end = program(&["synchronise"]).output().await;
    assert_eq!(end.code, Some(2), "{end:?}");
    assert!(end.stderr.contains("Usage"), "{end:?}");
    let end = program(&["--help"]).output().await;
    assert_eq!(end.code, Some(0), "{end:?}");
    for command in [
        "run", "sync", "verify", "doctor", "config", "health", "demo",
    ] {
        assert!(end.stdout.contains(command), "{command} in {end:?}");
    }
    assert!(!end.stdout.contains("\n  simulate"), "hidden");
    let end = program(&["--version"]).output().await;
    assert!(end.stdout.contains(env!("CARGO_PKG_VERSION")), "{end:?}");
}

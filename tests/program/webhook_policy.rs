//! The policy that LaunchDarkly's webhook is given.

use serde_json::json;

use crate::process::{Output, Program};

async fn policy(project: &str, environment: &str) -> Output {
    let arguments = ["webhook-policy", "--project", project, "--env", environment];
    Program::new(&arguments).output().await
}

#[tokio::test]
async fn flags_segments_and_the_environment_itself_are_sent() {
    for environment in ["production", "*", "a.b_c-D1"] {
        let printed = policy("shop", environment).await;
        assert_eq!(printed.code, Some(0), "{printed:?}");
        assert_eq!(printed.stderr, "");
        assert!(printed.stdout.lines().count() > 3, "{}", printed.stdout);
        let resource = format!("proj/shop:env/{environment}");
        let allow = |resource: String| json!({"effect": "allow", "resources": [resource], "actions": ["*"]});
        let expected = json!([
            allow(resource.clone()),
            allow(format!("{resource}:flag/*")),
            allow(format!("{resource}:segment/*")),
        ]);
        assert_eq!(printed.json(), expected);
    }
}

#[tokio::test]
async fn what_is_shown_is_what_is_printed() {
    let printed = policy("shop", "production").await.json();
    let document = include_str!("../../docs/webhooks.md");
    let (_, rest) = document.split_once("```json\n").unwrap();
    let (shown, _) = rest.split_once("```").unwrap();
    let shown: serde_json::Value = serde_json::from_str(shown).unwrap();
    assert_eq!(printed, shown);
}

#[tokio::test]
async fn what_is_no_key_is_refused_with_a_sentence() {
    for (project, environment) in [
        ("", "production"),
        ("*", "production"),
        ("shop:env/other", "production"),
        ("shop", ""),
        ("shop", "prod*"),
        ("shop", "production;critical"),
        ("shop", "a b"),
    ] {
        let refused = policy(project, environment).await;
        assert_eq!(refused.code, Some(2), "{project} {environment}");
        assert_eq!(refused.stdout, "");
        assert!(
            refused.stderr.contains("LaunchDarkly shows"),
            "{}",
            refused.stderr
        );
    }
    let missing = Program::new(&["webhook-policy"]).output().await;
    assert_eq!(missing.code, Some(2));
    assert!(missing.stderr.contains("--project"), "{}", missing.stderr);
}

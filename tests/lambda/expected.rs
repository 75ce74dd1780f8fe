//! What LaunchDarkly serves of the flags of `demo` and three more, worked out by hand.

use std::collections::BTreeMap;

use ld_dynamodb_relay::model::Kind;
use ld_dynamodb_relay::simulator::{Items, example};
use serde_json::{Value, json};

/// A flag's value, variation and reason, at version 1.
pub(crate) type Expected = (Value, u64, Value);

/// The flags of `demo`, and one of each type that it has none of.
pub(crate) fn items() -> Items {
    let mut items = example().unwrap();
    for (key, on, value) in [
        ("page-size", true, "20"),
        (
            "theme",
            false,
            r#"{"dark":{"contrast":1.5},"fonts":["a","é"]}"#,
        ),
    ] {
        let text = format!(
            r#"{{"key":"{key}","version":1,"on":{on},"prerequisites":[],"targets":[],"rules":[],"fallthrough":{{"variation":0}},"offVariation":1,"variations":[{value},{value}],"salt":"{key}","deleted":false}}"#
        );
        items.insert(Kind::Flag, text).unwrap();
    }
    items
}

pub(crate) fn user(key: &str) -> Value {
    json!({"kind": "user", "key": key})
}

/// For each context what each flag is. `faster-search` is rolled out by SHA-1 to the lower quarter: user-1 is at 0.07, the others
/// at 0.34 (user-élise), 0.57 (user-3) and 0.76 (user-9).
pub(crate) fn by_context() -> Vec<(Value, BTreeMap<&'static str, Expected>)> {
    let fallthrough = || json!({"kind": "FALLTHROUGH"});
    let common = || {
        BTreeMap::from([
            ("new-checkout", (json!(true), 0, fallthrough())),
            ("banner-text", (json!("Welcome!"), 0, fallthrough())),
            ("beta-menu", (json!(false), 1, fallthrough())),
            ("one-click-buy", (json!(true), 0, fallthrough())),
            ("faster-search", (json!(false), 1, fallthrough())),
            ("page-size", (json!(20), 0, fallthrough())),
            (
                "theme",
                (
                    json!({"dark": {"contrast": 1.5}, "fonts": ["a", "é"]}),
                    1,
                    json!({"kind": "OFF"}),
                ),
            ),
        ])
    };
    let with = |flags: &[(&'static str, Expected)]| {
        let mut all = common();
        all.extend(flags.iter().cloned());
        all
    };
    let beta = || {
        let reason = json!({"kind": "RULE_MATCH", "ruleIndex": 0, "ruleId": "beta-testers"});
        ("beta-menu", (json!(true), 0, reason))
    };
    let fast = || ("faster-search", (json!(true), 0, fallthrough()));
    let targeted = (json!("Bienvenue ! 🚀"), 2, json!({"kind": "TARGET_MATCH"}));
    let staff =
        json!({"kind": "user", "key": "user-1", "email": "pat@example.test", "name": "Pat"});
    let several = json!({"kind": "multi", "user": {"key": "user-9"}, "org": {"key": "org-1"}});
    vec![
        (user("user-1"), with(&[fast()])),
        (user("user-élise"), with(&[("banner-text", targeted)])),
        (user("user-3"), with(&[beta()])),
        (staff, with(&[beta(), fast()])),
        (several, with(&[beta()])),
    ]
}

#[track_caller]
pub(crate) fn assert_one(answer: &Value, flag: &str, (value, variation, reason): &Expected) {
    assert_eq!(answer["flag"], flag, "{answer}");
    assert_same(&answer["value"], value, answer);
    assert_eq!(answer["variation"], *variation, "{answer}");
    assert_reason(&answer["reason"], reason, answer);
}

#[track_caller]
pub(crate) fn assert_all(answer: &Value, expected: &BTreeMap<&str, Expected>) {
    let flags = answer["flags"]
        .as_object()
        .unwrap_or_else(|| panic!("{answer}"));
    assert!(flags.keys().eq(expected.keys()), "{answer}");
    for (flag, (value, variation, reason)) in expected {
        let told = &flags[*flag];
        assert_same(&told["value"], value, told);
        assert_eq!(told["variation"], *variation, "{flag}: {told}");
        assert_eq!(told["version"], 1, "{flag}: {told}");
        assert_reason(&told["reason"], reason, told);
    }
}

/// Numbers as numbers: Rust's SDK writes 20 as 20.0.
#[track_caller]
fn assert_same(told: &Value, expected: &Value, answer: &Value) {
    match expected.as_f64() {
        Some(number) => assert_eq!(told.as_f64(), Some(number), "{answer}"),
        None => assert_eq!(told, expected, "{answer}"),
    }
}

/// What is expected of it; some SDKs say `"inExperiment": false` besides.
#[track_caller]
fn assert_reason(told: &Value, expected: &Value, answer: &Value) {
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(told[name], *value, "{answer}");
    }
}

//! What a body says.

use std::fs;
use std::time::{Duration, SystemTime};

use ld_dynamodb_relay::webhook::{About, Hook, Subject, Unreadable, Which, read};
use serde_json::json;

use crate::words::{flag, named, segment, subject, within};

fn says(body: &serde_json::Value) -> Vec<Subject> {
    read(body.to_string().as_bytes()).unwrap().subjects
}

fn at(milliseconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds)
}

#[track_caller]
fn check_file(name: &str, id: &str, date: u64, expected: Subject) {
    let body = fs::read(format!("tests/fixtures/{name}")).unwrap();
    let hook = Hook {
        id: Some(id.to_owned()),
        date: Some(at(date)),
        subjects: vec![expected],
    };
    assert_eq!(read(&body), Ok(hook), "{name}");
}

#[test]
fn bodies_as_launchdarkly_sends_them() {
    let production = |about| within("harbor", named("production"), about);
    check_file(
        "webhook-flag.json",
        "67c1000000000000000000a1",
        1_788_170_400_123,
        production(flag("checkout-redesign")),
    );
    check_file(
        "webhook-segment.json",
        "67c1000000000000000000b2",
        1_788_170_461_007,
        production(segment("beta-testers")),
    );
    check_file(
        "webhook-env-sdk-key-reset.json",
        "67c1000000000000000000c3",
        1_788_170_600_555,
        production(About::Key),
    );
    check_file(
        "webhook-minimal.json",
        "67c1000000000000000000d4",
        1_788_170_700_000,
        production(flag("billing-v2")),
    );
}

#[track_caller]
fn check_resource(resource: &str, expected: Subject) {
    let body = json!({"kind": "flag", "accesses": [{"action": "updateOn", "resource": resource}]});
    assert_eq!(says(&body), [expected], "{resource}");
}

#[test]
fn a_resource_names_a_place_and_an_item() {
    use About::Everything;
    use Which::{Every, Unsaid};

    let e = || named("e");
    check_resource("proj/p:env/e:flag/f", within("p", e(), flag("f")));
    check_resource("proj/p:env/e:segment/s", within("p", e(), segment("s")));
    check_resource("proj/p:env/e:flag/f;a,b;c", within("p", e(), flag("f")));
    check_resource("proj/p;t:env/e;u:flag/f", within("p", e(), flag("f")));
    check_resource(
        "proj/a.b-C_1:env/0_:flag/..",
        within("a.b-C_1", named("0_"), flag("..")),
    );
    // Several environments, or none said: all of the project.
    check_resource("proj/p:env/*:flag/f", within("p", Every, flag("f")));
    check_resource("proj/p:flag/f", within("p", Every, flag("f")));
    check_resource("proj/p", within("p", Every, Everything));
    check_resource("proj/p:env/prod-*", within("p", Every, Everything));
    check_resource(
        "proj/p:env/*;{critical:true}:flag/f",
        within("p", Every, flag("f")),
    );
    // No item, or several.
    check_resource("proj/p:env/e", within("p", e(), Everything));
    check_resource("proj/p:env/e:flag/*", within("p", e(), Everything));
    check_resource("proj/p:env/e:segment/*", within("p", e(), Everything));
    check_resource("proj/p:env/e:flag/*;view:KEY", within("p", e(), Everything));
    check_resource("proj/p:env/e:flag/a*", within("p", e(), Everything));
    check_resource("proj/p:env/e:metric/m", within("p", e(), Everything));
    // Any project.
    check_resource("proj/*:env/e:flag/f", subject(None, e(), flag("f")));
    check_resource("env/e:flag/f", subject(None, e(), flag("f")));
    check_resource("proj/*", subject(None, Every, Everything));
    // What is no key is not cut down to one.
    check_resource("proj/p:env/é:flag/f", within("p", Every, flag("f")));
    check_resource("proj/p:env/e:flag/f g", within("p", e(), Everything));
    check_resource("proj/p:env/:flag/", within("p", Every, Everything));
    // What stands within a word is none.
    check_resource("xproj/p:myenv/e:flag/f", subject(None, Unsaid, flag("f")));
    // No place.
    check_resource("flag/f", subject(None, Unsaid, flag("f")));
    check_resource("", subject(None, Unsaid, Everything));
    check_resource(":::", subject(None, Unsaid, Everything));
    check_resource("member/m", subject(None, Unsaid, Everything));
}

#[test]
fn what_was_accessed_says_more_than_the_target() {
    let target = json!({"resources": ["proj/p:env/e:flag/target"]});
    let check = |accesses: serde_json::Value, expected: &[&str]| {
        let body = json!({"kind": "flag", "target": target, "accesses": accesses});
        let expected: Vec<_> = expected
            .iter()
            .map(|key| within("p", named("e"), flag(key)))
            .collect();
        assert_eq!(says(&body), expected, "{body}");
    };
    let resource = "proj/p:env/e:flag/accessed";
    check(
        json!([{"action": "updateOn", "resource": resource}]),
        &["accessed"],
    );
    check(json!([{"resource": resource}]), &["accessed"]);
    check(json!([{"action": "updateOn"}]), &["target"]);
    check(json!([]), &["target"]);
    check(json!(null), &["target"]);
    check(
        json!([{"action": "updateName"}, {"action": "updateOn"}]),
        &["target"],
    );
    check(json!([{"action": "updateName"}]), &[]);
}

#[test]
fn a_body_that_names_no_place_still_says_that_something_changed() {
    let nowhere = |about| [subject(None, Which::Unsaid, about)];
    assert_eq!(says(&json!({"kind": "flag"})), nowhere(About::Everything));
    assert_eq!(
        says(&json!({"kind": "segment", "target": {"resources": []}})),
        nowhere(About::Everything)
    );
    assert_eq!(says(&json!({"kind": "environment"})), nowhere(About::Key));
}

/// The list is written out once more: whoever makes it longer has to think twice.
#[test]
fn names_descriptions_tags_and_maintainers_change_nothing_for_sdks() {
    let cosmetic = [
        "updateName",
        "updateDescription",
        "updateTags",
        "updateMaintainer",
    ];
    let others = [
        "createFlag",
        "cloneFlag",
        "deleteFlag",
        "toggleFlag",
        "updateOn",
        "updateRules",
        "updateTargets",
        "updateExpiringTargets",
        "updateFallthrough",
        "updateOffVariation",
        "updatePrerequisites",
        "updateFlagVariations",
        "updateFlagSalt",
        "updateGlobalArchived",
        "copyFlagConfigTo",
        "updateScheduledChanges",
        "updateFallthroughWithMeasuredRollout",
        "createSegment",
        "deleteSegment",
        "updateIncluded",
        "updateExcluded",
        "createEnvironment",
        "deleteEnvironment",
        "updateApiKey",
        "updateMobileKey",
        "updatename",
        "",
        "*",
        "new",
    ];
    let of = |kind: &str, actions: &[&str]| {
        let access = |action: &&str| json!({"action": action, "resource": "proj/p:env/e:flag/f"});
        let accesses: Vec<_> = actions.iter().map(access).collect();
        says(&json!({"kind": kind, "accesses": accesses})).len()
    };
    for kind in ["flag", "segment", "environment"] {
        for action in cosmetic {
            assert_eq!(of(kind, &[action]), 0, "{kind} {action}");
        }
        assert_eq!(of(kind, &cosmetic), 0);
        for action in others {
            assert_eq!(of(kind, &[action]), 1, "{kind} {action}");
            assert_eq!(
                of(kind, &["updateName", action, "updateTags"]),
                1,
                "{kind} {action}"
            );
        }
    }
}

/// A change of a name beside another change is not another place to look at.
#[test]
fn what_only_got_another_name_is_not_looked_at() {
    let body = json!({"kind": "flag", "accesses": [
        {"action": "updateName", "resource": "proj/p:env/e:flag/renamed"},
        {"action": "updateOn", "resource": "proj/p:env/e:flag/changed"},
    ]});
    assert_eq!(says(&body), [within("p", named("e"), flag("changed"))]);
}

#[test]
fn other_kinds_say_nothing() {
    for kind in [
        "project",
        "metric",
        "member",
        "webhook",
        "release-pipeline",
        "Flag",
        "flags",
        "",
    ] {
        let body = json!({"kind": kind, "_id": "7", "accesses": [
            {"action": "updateOn", "resource": "proj/p:env/e:flag/f"}
        ]});
        let hook = read(body.to_string().as_bytes()).unwrap();
        assert_eq!(
            (hook.id.as_deref(), hook.subjects),
            (Some("7"), vec![]),
            "{kind}"
        );
    }
}

#[test]
fn a_date_is_a_moment_and_an_id_is_one() {
    let date = |date: &str| {
        read(format!(r#"{{"kind":"flag","date":{date}}}"#).as_bytes()).map(|hook| hook.date)
    };
    assert_eq!(date("null"), Ok(None));
    assert_eq!(date("0"), Ok(Some(at(0))));
    assert_eq!(date("1788170700000.0"), Ok(Some(at(1_788_170_700_000))));
    assert_eq!(date("1.7881707e12"), Ok(Some(at(1_788_170_700_000))));
    for no_date in ["-1", "1e30", "1e999", "\"1788170700000\"", "[]", "true"] {
        assert_eq!(date(no_date), Err(Unreadable), "{no_date}");
    }
    assert!(date("18446744073709551615").is_ok());

    let id = |id: &str| {
        read(json!({"kind": "flag", "_id": id}).to_string().as_bytes())
            .unwrap()
            .id
    };
    let longest = "7".repeat(128);
    assert_eq!(id(&longest), Some(longest.clone()));
    // Two without a usable id are not duplicates of each other.
    assert_eq!((id(""), id(&(longest + "7"))), (None, None));
}

#[test]
fn what_is_no_entry_of_an_audit_log_is_unreadable() {
    let unreadable = [
        "",
        " ",
        "null",
        "7",
        "\"flag\"",
        "[]",
        r#"["7",0,"flag",null,null]"#,
        "{}",
        r#"{"kind":null}"#,
        r#"{"kind":7}"#,
        r#"{"kind":["flag"]}"#,
        r#"{"Kind":"flag"}"#,
        r#"{"kind":"flag"} x"#,
        r#"{"kind":"flag"}{"kind":"flag"}"#,
        r#"{"kind":"flag""#,
        r#"{"kind":"flag","kind":"flag"}"#,
        r#"{"kind":"flag","_id":7}"#,
        r#"{"kind":"flag","accesses":{}}"#,
        r#"{"kind":"flag","accesses":"all"}"#,
        r#"{"kind":"flag","accesses":[7]}"#,
        r#"{"kind":"flag","accesses":[["updateOn","proj/p"]]}"#,
        r#"{"kind":"flag","accesses":[{"action":7}]}"#,
        r#"{"kind":"flag","accesses":[{"resource":[]}]}"#,
        r#"{"kind":"flag","target":[["proj/p"]]}"#,
        r#"{"kind":"flag","target":{"resources":"proj/p"}}"#,
        r#"{"kind":"flag","target":{"resources":[7]}}"#,
        r#"{"kind":"member","date":"today"}"#,
        "\u{feff}{\"kind\":\"flag\"}",
    ];
    for body in unreadable {
        assert_eq!(read(body.as_bytes()), Err(Unreadable), "{body}");
    }
    assert_eq!(read(b"{\"kind\":\"fl\xFFag\"}"), Err(Unreadable));
}

/// Whoever sends such a thing has the secret, but a bug of theirs shall be none of ours.
#[test]
fn deep_and_large_bodies_are_read() {
    let deep = "[".repeat(100_000);
    assert_eq!(read(deep.as_bytes()), Err(Unreadable));
    let balanced = format!("{deep}{}", "]".repeat(100_000));
    let within_it = |member: &str| {
        let body = format!(r#"{{"kind":"flag","{member}":{balanced}}}"#);
        read(body.as_bytes()).map(|hook| hook.subjects.len())
    };
    // Skipped, as is everything that we do not know.
    assert_eq!(within_it("currentVersion"), Ok(1));
    for member in ["accesses", "target", "date", "_id"] {
        assert_eq!(within_it(member), Err(Unreadable), "{member}");
    }
    let huge = format!(
        r#"{{"kind":"flag","delta":1e{},"x":{}}}"#,
        "9".repeat(1_000),
        "9".repeat(1_000)
    );
    assert!(read(huge.as_bytes()).is_ok());
}

#[test]
fn an_error_says_nothing_of_the_body() {
    let error = read(br#"{"kind":7,"secret":"hush"}"#).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hush"));
}

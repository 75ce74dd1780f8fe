//! Which keys of an environment are accepted, until when, and which of them may be used.

use ld_dynamodb_relay::roster::{AcceptedKey, CredentialFault, Credentials};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::world::{entry, environment, with};

const NOW: u64 = 1_000;

/// The keys of an environment `a` with these members.
fn credentials(members: &Value) -> Credentials {
    entry(&with(environment("a", 1), members)).credentials
}

fn texts<'a>(keys: impl IntoIterator<Item = &'a AcceptedKey>) -> Vec<String> {
    let keys = keys.into_iter();
    keys.map(|it| match it.expiry_ms {
        None => it.value.expose_secret().to_owned(),
        Some(expiry) => format!("{} until {expiry}", it.value.expose_secret()),
    })
    .collect()
}

#[track_caller]
fn check(members: &Value, sdk_keys: &[&str], mobile_keys: &[&str]) {
    let it = credentials(members);
    assert_eq!(it.fault(), None, "{members}");
    assert_eq!(texts(it.sdk_keys(NOW)), sdk_keys, "{members}");
    assert_eq!(texts(it.mobile_keys(NOW)), mobile_keys, "{members}");
}

#[track_caller]
fn check_fault(members: &Value, expected: CredentialFault) {
    let fault = credentials(members).fault();
    assert_eq!(fault, Some(expected), "{members}");
}

#[test]
fn without_arrays_the_singular_members_make_the_sets() {
    let expiring = |value: &str, timestamp| json!({"sdkKey": {"value": "sdk-a", "expiring": {"value": value, "timestamp": timestamp}}});
    check(&json!({}), &["sdk-a"], &["mob-a"]);
    check(
        &json!({"sdkKeys": [], "mobileKeys": []}),
        &["sdk-a"],
        &["mob-a"],
    );
    check(
        &expiring("sdk-old", 2_000),
        &["sdk-a", "sdk-old until 2000"],
        &["mob-a"],
    );
    check(&expiring("sdk-old", 1_000), &["sdk-a"], &["mob-a"]);
    check(&expiring("sdk-old", 0), &["sdk-a", "sdk-old"], &["mob-a"]);
    check(&expiring("", 2_000), &["sdk-a"], &["mob-a"]);
}

#[test]
fn an_environment_without_mobile_key_is_usable() {
    check(&json!({"mobKey": null}), &["sdk-a"], &[]);
    check(&json!({"mobKey": ""}), &["sdk-a"], &[]);
}

#[test]
fn beside_a_non_empty_array_the_expiring_slot_is_not_looked_at() {
    let members = json!({
        "sdkKey": {"value": "sdk-a", "expiring": {"value": "sdk-old", "timestamp": 2_000}},
        "sdkKeys": [{"value": "sdk-a"}, {"value": "sdk-b", "expiry": 3_000}],
        "mobileKeys": [{"value": "mob-a"}, {"value": "mob-b", "expiry": 500}],
    });
    check(&members, &["sdk-a", "sdk-b until 3000"], &["mob-a"]);
}

#[test]
fn a_value_that_any_entry_marks_for_views_is_not_accepted_unless_it_is_the_anchor() {
    let listed = |views: [bool; 2]| {
        json!({"sdkKeys": [
            {"value": "sdk-a", "hasViews": true},
            {"value": "sdk-b", "hasViews": views[0]},
            {"value": "sdk-b", "hasViews": views[1]},
        ]})
    };
    check(&listed([false, false]), &["sdk-a", "sdk-b"], &["mob-a"]);
    for views in [[true, false], [false, true], [true, true]] {
        check(&listed(views), &["sdk-a"], &["mob-a"]);
        assert!(credentials(&listed(views)).usable_instead(NOW).is_empty());
    }
}

#[test]
fn an_expiry_of_the_anchor_is_ignored() {
    let members = json!({"sdkKeys": [{"value": "sdk-a", "expiry": 500}]});
    check(&members, &["sdk-a"], &["mob-a"]);
}

#[test]
fn an_expiry_in_the_past_is_not_accepted_and_zero_is_none() {
    let members = json!({"sdkKeys": [
        {"value": "sdk-a"}, {"value": "sdk-past", "expiry": 999}, {"value": "sdk-zero", "expiry": 0},
    ]});
    check(&members, &["sdk-a", "sdk-zero"], &["mob-a"]);
}

#[test]
fn of_two_entries_of_a_value_the_longer_lasting_counts() {
    let twice = |a: Value, b: Value| {
        json!({"sdkKeys": [
            {"value": "sdk-a"}, {"value": "sdk-b", "expiry": a}, {"value": "sdk-b", "expiry": b},
        ]})
    };
    check(
        &twice(json!(3_000), json!(2_000)),
        &["sdk-a", "sdk-b until 3000"],
        &["mob-a"],
    );
    check(
        &twice(json!(3_000), json!(null)),
        &["sdk-a", "sdk-b"],
        &["mob-a"],
    );
}

#[test]
fn what_cannot_be_used_says_why() {
    use CredentialFault::{AnchorNotListed, EmptyKey, MobileKeyNotListed, NoAnchor, UnusableKey};
    let key = |value: &str| json!({"sdkKey": {"value": value}});
    check_fault(&json!({"sdkKey": null}), NoAnchor);
    check_fault(&json!({"sdkKey": {}}), NoAnchor);
    check_fault(&key(""), NoAnchor);
    for odd in ["sdk\n", "sdk\u{7f}", "sdk\u{e9}", "\tsdk"] {
        check_fault(&key(odd), UnusableKey);
    }
    check_fault(&json!({"mobKey": "mob\r\n"}), UnusableKey);
    check_fault(&json!({"sdkKeys": [{"value": "sdk-b"}]}), AnchorNotListed);
    check_fault(
        &json!({"sdkKeys": [{"value": "sdk-a"}, {"value": ""}]}),
        EmptyKey,
    );
    check_fault(
        &json!({"sdkKeys": [{"value": "sdk-a"}, {"key": "b"}]}),
        EmptyKey,
    );
    check_fault(
        &json!({"sdkKeys": [{"value": "sdk-a"}, {"value": "b\u{0}"}]}),
        UnusableKey,
    );
    check_fault(
        &json!({"mobileKeys": [{"value": "mob-b"}]}),
        MobileKeyNotListed,
    );
    check_fault(
        &json!({"mobKey": "", "mobileKeys": [{"value": "mob-b"}]}),
        MobileKeyNotListed,
    );
}

#[test]
fn the_keys_to_use_instead_are_those_that_last_longest_first() {
    let it = credentials(&json!({"sdkKeys": [
        {"value": "sdk-soon", "expiry": 2_000},
        {"value": "sdk-past", "expiry": 1_000},
        {"value": "sdk-a"},
        {"value": "sdk-late", "expiry": 3_000},
        {"value": "sdk-view", "hasViews": true},
        {"value": "sdk-ever"},
    ]}));
    assert_eq!(
        texts(it.usable_instead(NOW)),
        ["sdk-ever", "sdk-late until 3000", "sdk-soon until 2000"]
    );
    assert_eq!(
        texts(it.usable_instead(2_500)),
        ["sdk-ever", "sdk-late until 3000"]
    );
}

#[test]
fn a_description_shows_no_key() {
    let entry = entry(&environment("a", 1));
    let shown = format!("{entry:?}");
    assert_eq!(shown, r#"EnvironmentEntry { id: "a", version: 1, .. }"#);
}

//! Bodies generated with what they mean.

use std::collections::BTreeSet;

use ld_dynamodb_relay::webhook::{About, Addressee, Subject, Which, matching, read};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::words::{flag, named, segment, subject};

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Za-z0-9._-]{1,12}",
        // Keys that look like labels.
        prop::sample::select(vec!["env", "proj", "flag"]).prop_map(ToOwned::to_owned),
    ]
}

/// Tags and whatever newer policies have behind a `;`.
fn qualifiers() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => Just(String::new()),
        2 => "(;[a-z,]{0,8}){1,2}",
        1 => prop::sample::select(vec![";{critical:true}", ";view:KEY", ";:", ";é"]).prop_map(ToOwned::to_owned),
    ]
}

fn about() -> impl Strategy<Value = (String, About)> {
    prop_oneof![
        4 => key().prop_map(|key| (format!(":flag/{key}"), flag(&key))),
        2 => key().prop_map(|key| (format!(":segment/{key}"), segment(&key))),
        1 => Just((String::new(), About::Everything)),
        1 => Just((":flag/*".to_owned(), About::Everything)),
        1 => Just((":metric/m".to_owned(), About::Everything)),
    ]
}

fn environment() -> impl Strategy<Value = (String, Which)> {
    prop_oneof![
        6 => key().prop_map(|key| (format!(":env/{key}"), named(&key))),
        1 => Just((":env/*".to_owned(), Which::Every)),
        1 => Just((String::new(), Which::Every)),
    ]
}

/// A resource and what it means.
fn resource() -> impl Strategy<Value = (String, Subject)> {
    let project = prop_oneof![
        6 => key().prop_map(Some),
        1 => Just(None),
    ];
    (
        project,
        environment(),
        about(),
        prop::array::uniform3(qualifiers()),
    )
        .prop_map(
            |(project, (environment, which), (item, about), [a, b, c])| {
                let name = project.as_deref().unwrap_or("*");
                (
                    format!("proj/{name}{a}{environment}{b}{item}{c}"),
                    subject(project.as_deref(), which, about),
                )
            },
        )
}

/// Members that tell us nothing, whatever they hold.
fn chaff() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<f64>().prop_map(|number| json!(number)),
        "[ -~é]{0,12}".prop_map(Value::from),
        Just(Value::from("proj/other:env/other:flag/other")),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            (inner.clone(), inner).prop_map(
                |(kind, accesses)| json!({"kind": kind, "accesses": accesses, "resources": []})
            ),
        ]
    })
}

fn place_key() -> impl Strategy<Value = Option<&'static str>> {
    prop::option::of(prop::sample::select(vec!["a", "b", "c"]))
}

proptest! {
    #[test]
    fn what_was_put_in_is_what_is_said(
        accesses in prop::collection::vec((resource(), prop::sample::select(vec!["updateOn", "updateName", "new"])), 1..12),
        target in prop::collection::vec(resource(), 0..4),
        kind in prop::sample::select(vec!["flag", "segment", "environment", "metric"]),
        chaff in chaff(),
    ) {
        let listed: Vec<_> = accesses
            .iter()
            .map(|((resource, _), action)| json!({"action": action, "resource": resource, "more": chaff}))
            .collect();
        let resources: Vec<_> = target.iter().map(|(resource, _)| resource).collect();
        let body = json!({
            "_id": "7", "kind": kind, "accesses": listed, "target": {"resources": resources, "name": chaff},
            "currentVersion": chaff, "name": chaff, "parent": {"resource": "proj/parent"}, "date": 1,
        });
        let expected: BTreeSet<Subject> = accesses
            .into_iter()
            .filter(|(_, action)| *action != "updateName" && kind != "metric")
            .map(|((_, subject), _)| subject)
            .map(|subject| match kind {
                "environment" => Subject { about: About::Key, ..subject },
                _ => subject,
            })
            .collect();
        let said = read(body.to_string().as_bytes()).unwrap().subjects;
        prop_assert_eq!(said.iter().cloned().collect::<BTreeSet<_>>(), expected);
        prop_assert_eq!(said.iter().collect::<BTreeSet<_>>().len(), said.len(), "each once");
    }

    #[test]
    fn any_bytes_are_read_or_refused(
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            prop::collection::vec(
                prop::sample::select(vec![
                    "{", "}", "[", "]", ":", ",", "\"kind\":", "\"flag\"", "\"accesses\":", "\"resource\":",
                    "\"proj/p:env/e\"", "\"target\":", "\"resources\":", "\"date\":", "1e308", "-0", "9e99999", "null",
                    "\"_id\":", "\"\\ud800\"", "\u{0}",
                ]),
                0..20,
            ).prop_map(|words| words.concat().into_bytes()),
        ],
    ) {
        if let Ok(hook) = read(&body) {
            prop_assert_eq!(body.trim_ascii_start().first(), Some(&b'{'));
            // Numbers beyond the range of `Value` may stand where we do not look.
            let value: Value = serde_json::from_slice(&body).unwrap_or_else(|_| json!({"kind": ""}));
            prop_assert!(value["kind"].is_string());
            prop_assert!(hook.subjects.len() <= 100);
        }
    }

    /// However the settings are: those that are found exist, are found once, and are contradicted by nothing.
    #[test]
    fn nobody_is_woken_against_the_settings(
        addressees in prop::collection::vec((prop::sample::select(vec!["a", "b", "c"]), place_key(), place_key()), 0..5),
        project in place_key(),
        environment in prop_oneof![Just(None), place_key()],
    ) {
        let addressees: Vec<_> = addressees
            .into_iter()
            .map(|(name, project, environment)| Addressee { name, project, environment })
            .collect();
        let which = environment.map_or(Which::Every, named);
        let found = matching(&subject(project, which, About::Everything), &addressees);
        prop_assert!(found.is_sorted_by(|one, next| one < next));
        for at in &found {
            let addressee = &addressees[*at];
            prop_assert!(project.is_none() || addressee.project.is_none() || addressee.project == project);
            let says_key = addressee.environment.is_some();
            let by_key = addressee.environment == environment;
            let by_name = !says_key && (Some(addressee.name) == environment || addressees.len() == 1);
            prop_assert!(environment.is_none() || by_key || by_name);
        }
        // Whoever has the key in its settings, in no other project, is always among them.
        for (at, addressee) in addressees.iter().enumerate() {
            let same_project = project.is_none() || addressee.project.is_none() || addressee.project == project;
            if environment.is_some() && addressee.environment == environment && same_project {
                prop_assert!(found.contains(&at));
            }
        }
    }
}

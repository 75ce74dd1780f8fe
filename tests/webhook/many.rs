//! Bodies that name a lot: the most that one says is bounded, and nothing is forgotten for it.

use ld_dynamodb_relay::webhook::{About, Addressee, MAX_SUBJECTS, Subject, Which, matching, read};
use serde_json::json;

use crate::words::{flag, named, subject, within};

fn says(kind: &str, resources: &[String]) -> Vec<Subject> {
    let body = json!({"kind": kind, "target": {"resources": resources}});
    read(body.to_string().as_bytes()).unwrap().subjects
}

fn flags(environment: &str, count: usize) -> Vec<String> {
    let flag = |at| format!("proj/p:env/{environment}:flag/f{at}");
    (0..count).map(flag).collect()
}

#[test]
fn one_thing_said_often_is_said_once() {
    let often = vec!["proj/p:env/e:flag/f;tag".to_owned(); 1_000];
    assert_eq!(says("flag", &often), [within("p", named("e"), flag("f"))]);
}

#[test]
fn many_items_of_an_environment_are_everything_in_it() {
    assert_eq!(says("flag", &flags("e", MAX_SUBJECTS)).len(), MAX_SUBJECTS);
    let mut resources = flags("e", MAX_SUBJECTS);
    resources.push("proj/p:env/other:flag/f".to_owned());
    assert_eq!(
        says("flag", &resources),
        [
            within("p", named("e"), About::Everything),
            within("p", named("other"), About::Everything)
        ]
    );
}

#[test]
fn many_environments_are_all_of_them() {
    let environments = |count| -> Vec<String> {
        (0..count)
            .map(|at| format!("proj/p:env/e{at}:flag/f"))
            .collect()
    };
    let at_most = says("flag", &environments(MAX_SUBJECTS));
    assert_eq!(at_most.len(), MAX_SUBJECTS);
    assert!(at_most.iter().all(|it| it.about == flag("f")));
    let more = environments(MAX_SUBJECTS + 1);
    let everywhere = |about| [subject(None, Which::Every, about)];
    assert_eq!(says("flag", &more), everywhere(About::Everything));
    assert_eq!(says("environment", &more), everywhere(About::Key));
}

/// What wakes the few wakes them as well when a thousand others are named beside them.
#[test]
fn whoever_is_named_is_woken_however_many_others_are() {
    let addressees = ["e", "other"].map(|name| Addressee {
        name,
        project: None,
        environment: None,
    });
    for count in [1, MAX_SUBJECTS, MAX_SUBJECTS + 1, 40_000] {
        let woken = says("flag", &flags("e", count))
            .iter()
            .any(|subject| matching(subject, &addressees).contains(&0));
        assert!(woken, "{count}");
    }
}

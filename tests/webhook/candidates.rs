//! Each secret costs one HMAC over the body: which are tried, and how many.

use std::collections::BTreeSet;

use ld_dynamodb_relay::webhook::{Candidate, MOST_FOR_A_LARGE_BODY, candidates, for_a_large_body};
use proptest::prelude::*;
use secrecy::{ExposeSecret as _, SecretString};

type Own = Option<Vec<SecretString>>;

fn secrets(texts: &[&str]) -> Vec<SecretString> {
    texts.iter().map(|text| SecretString::from(*text)).collect()
}

/// Each secret, and whom it may wake.
fn seen(all: &[Candidate]) -> Vec<(&str, &[usize])> {
    let seen = all.iter();
    seen.map(|it| (it.secret.expose_secret(), &*it.environments))
        .collect()
}

/// So many environments, each with a secret of its own, and two that have none.
fn each_its_own(count: usize) -> Vec<Candidate> {
    let mut own: Vec<Own> = (0..count)
        .map(|at| Some(secrets(&[&format!("own-{at}")])))
        .collect();
    own.extend([None, None]);
    candidates(secrets(&["common", "next"]), own)
}

fn tried(count: usize, meant: &[usize]) -> Vec<String> {
    let meant = meant.iter().copied().collect();
    let tried = for_a_large_body(each_its_own(count), &meant).into_iter();
    tried
        .map(|it| it.secret.expose_secret().to_owned())
        .collect()
}

#[test]
fn each_value_is_tried_once_however_many_environments_hold_it() {
    let same = vec![Some(secrets(&["the-same"])); 1_000];
    let all = candidates(secrets(&["the-same", "common"]), same);
    let everyone: Vec<_> = (0..1_000).collect();
    assert_eq!(seen(&all), [("the-same", &*everyone), ("common", &[])]);
}

#[test]
fn a_secret_is_for_those_who_hold_it() {
    let own = vec![
        None,
        Some(secrets(&["a", "b", "a"])),
        None,
        Some(Vec::new()), // not read yet
        Some(secrets(&["b", "common"])),
    ];
    assert_eq!(
        seen(&candidates(secrets(&["common"]), own)),
        [("common", &[0, 2, 4][..]), ("a", &[1]), ("b", &[1, 4]),]
    );
    assert!(candidates(Vec::new(), vec![None, Some(Vec::new())]).is_empty());
}

#[test]
fn for_a_large_body_those_that_matter_are_tried_first() {
    assert_eq!(MOST_FOR_A_LARGE_BODY, 16);
    let named = tried(1_000, &[700, 3]);
    assert_eq!(named[..4], ["common", "next", "own-3", "own-700"]);
    let everyone: Vec<_> = (0..1_002).collect();
    assert_eq!(tried(1_000, &everyone)[..3], ["common", "next", "own-0"]);
    let few = tried(10, &[7]);
    assert_eq!(few[..3], ["common", "next", "own-7"]);
    assert_eq!(few.len(), 12, "all of them");
}

proptest! {
    #[test]
    fn as_many_are_tried_whoever_is_meant(count in 0..40_usize, meant: BTreeSet<u8>) {
        let meant: Vec<_> = meant.into_iter().map(usize::from).collect();
        prop_assert_eq!(tried(count, &meant).len(), (count + 2).min(16));
    }
}

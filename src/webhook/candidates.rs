//! Which secrets are tried for a body. Each costs one HMAC over all of it.

use std::collections::{BTreeSet, HashMap};

use secrecy::{ExposeSecret, SecretString};

/// So many are tried for a large body. The common ones and an environment's own are fewer.
pub const MOST_FOR_A_LARGE_BODY: usize = 16;

/// A secret that may have signed a body.
#[derive(Clone)]
pub struct Candidate {
    /// Its value.
    pub secret: SecretString,
    /// The environments that it may wake, by their position, in order.
    pub environments: Vec<usize>,
    is_common: bool,
}

/// Every secret that there is, each value once however many hold it: the common ones, which count for every environment
/// without its own, and those. An environment whose own are not read yet has an empty list of them.
pub fn candidates(
    common: Vec<SecretString>,
    own: Vec<Option<Vec<SecretString>>>,
) -> Vec<Candidate> {
    let without = own.iter().enumerate();
    let without = without.filter_map(|(at, own)| own.is_none().then_some(at));
    let without: Vec<_> = without.collect();
    let common = common.into_iter().map(|secret| Candidate {
        secret,
        environments: without.clone(),
        is_common: true,
    });
    let own = own.into_iter().enumerate().flat_map(|(at, own)| {
        let own = own.unwrap_or_default().into_iter();
        own.map(move |secret| Candidate {
            secret,
            environments: vec![at],
            is_common: false,
        })
    });
    each_once(common.chain(own))
}

fn each_once(all: impl Iterator<Item = Candidate>) -> Vec<Candidate> {
    let mut once: Vec<Candidate> = Vec::new();
    let all: Vec<_> = all.collect();
    let mut positions: HashMap<&str, usize> = HashMap::new();
    for one in &all {
        let next = once.len();
        let position = *positions.entry(one.secret.expose_secret()).or_insert(next);
        match once.get_mut(position) {
            Some(before) => before.environments.extend(&one.environments),
            None => once.push(one.clone()),
        }
    }
    for one in &mut once {
        one.environments.sort_unstable();
        one.environments.dedup();
    }
    once
}

/// Those that are tried for a large body, by the environments that may be meant: the common ones, theirs, and others until
/// there are as many as for any other body. So how long an answer takes tells nobody whether somebody is meant.
pub fn for_a_large_body(mut all: Vec<Candidate>, meant: &BTreeSet<usize>) -> Vec<Candidate> {
    let is_meant = |one: &Candidate| one.environments.iter().any(|at| meant.contains(at));
    all.sort_by_key(|one| match one.is_common {
        true => 0,
        false if is_meant(one) => 1,
        false => 2,
    });
    all.truncate(MOST_FOR_A_LARGE_BODY);
    all
}

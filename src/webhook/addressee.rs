//! Which of our environments a subject is about.

use super::{Subject, Which};

/// One of our environments, by what a webhook may call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addressee<'a> {
    /// Its name.
    pub name: &'a str,
    /// The key of its project, where that is set.
    pub project: Option<&'a str>,
    /// Its key at LaunchDarkly, where that is set.
    pub environment: Option<&'a str>,
}

/// The environments that the subject is about, by their position, each once. Where the settings give keys, these count;
/// else names; else, where there is one environment only, it is meant. What is not said contradicts nobody.
pub fn matching(subject: &Subject, addressees: &[Addressee<'_>]) -> Vec<usize> {
    let in_project = |addressee: &Addressee<'_>| match (addressee.project, &subject.project) {
        (Some(ours), Some(theirs)) => ours == theirs,
        _ => true,
    };
    let those = |is_meant: &dyn Fn(&Addressee<'_>) -> bool| -> Vec<usize> {
        let meant = |(at, addressee)| (in_project(addressee) && is_meant(addressee)).then_some(at);
        addressees.iter().enumerate().filter_map(meant).collect()
    };
    let key = match &subject.environment {
        Which::Named(key) => key.as_str(),
        Which::Every => return those(&|_| true),
        Which::Unsaid => return Vec::new(),
    };
    let by_key = those(&|addressee| addressee.environment == Some(key));
    if !by_key.is_empty() {
        return by_key;
    }
    let unnamed = |addressee: &Addressee<'_>| addressee.environment.is_none();
    let by_name = those(&|addressee| unnamed(addressee) && addressee.name == key);
    if !by_name.is_empty() || addressees.len() != 1 {
        return by_name;
    }
    those(&unnamed)
}

//! Which of our environments a subject is about.

use super::{Subject, Which};

/// One of our environments, as the settings have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// Its name.
    pub name: &'a str,
    /// The key of its project, where that is set.
    pub project: Option<&'a str>,
    /// Its key at LaunchDarkly, where that is set.
    pub environment: Option<&'a str>,
}

/// The environments that the subject is about, by their position, each once. Where the settings give keys, these count;
/// else names; else, where there is one environment only, it is meant. What is not said contradicts nobody.
pub fn matching(subject: &Subject, places: &[Place<'_>]) -> Vec<usize> {
    let in_project = |place: &Place<'_>| match (place.project, &subject.project) {
        (Some(ours), Some(theirs)) => ours == theirs,
        _ => true,
    };
    let those = |is_meant: &dyn Fn(&Place<'_>) -> bool| -> Vec<usize> {
        let meant = |(at, place)| (in_project(place) && is_meant(place)).then_some(at);
        places.iter().enumerate().filter_map(meant).collect()
    };
    let key = match &subject.environment {
        Which::Named(key) => key.as_str(),
        Which::Every => return those(&|_| true),
        Which::Unsaid => return Vec::new(),
    };
    let by_key = those(&|place| place.environment == Some(key));
    if !by_key.is_empty() {
        return by_key;
    }
    let unnamed = |place: &Place<'_>| place.environment.is_none();
    let by_name = those(&|place| unnamed(place) && place.name == key);
    if !by_name.is_empty() || places.len() != 1 {
        return by_name;
    }
    those(&unnamed)
}

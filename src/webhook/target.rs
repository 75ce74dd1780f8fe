//! Which of our environments a subject is about.

use super::{Subject, Which};

/// One of our environments, as the settings have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// Its name.
    pub name: &'a str,
    /// The key of its project, where that is set.
    pub project: Option<&'a str>,
    /// Its key at LaunchDarkly, where that is set.
    pub environment: Option<&'a str>,
}

/// The environments that the subject is about, by their position, each once. Where the settings give keys, these count;
/// else names; else, where there is one environment only, it is meant. What is not said contradicts nobody.
pub fn matching(subject: &Subject, targets: &[Target<'_>]) -> Vec<usize> {
    let in_project = |target: &Target<'_>| match (target.project, &subject.project) {
        (Some(ours), Some(theirs)) => ours == theirs,
        _ => true,
    };
    let those = |is_meant: &dyn Fn(&Target<'_>) -> bool| -> Vec<usize> {
        let meant = |(at, target)| (in_project(target) && is_meant(target)).then_some(at);
        targets.iter().enumerate().filter_map(meant).collect()
    };
    let key = match &subject.environment {
        Which::Named(key) => key.as_str(),
        Which::Every => return those(&|_| true),
        Which::Unsaid => return Vec::new(),
    };
    let by_key = those(&|target| target.environment == Some(key));
    if !by_key.is_empty() {
        return by_key;
    }
    let unnamed = |target: &Target<'_>| target.environment.is_none();
    let by_name = those(&|target| unnamed(target) && target.name == key);
    if !by_name.is_empty() || targets.len() != 1 {
        return by_name;
    }
    those(&unnamed)
}

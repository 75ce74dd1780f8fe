//! Short words for what is said and for who is meant.

use ld_dynamodb_relay::model::ItemKey;
use ld_dynamodb_relay::webhook::{About, Subject, Which};

pub(crate) fn named(key: &str) -> Which {
    Which::Named(key.to_owned())
}

pub(crate) fn flag(key: &str) -> About {
    About::Item(ItemKey::flag(key))
}

pub(crate) fn segment(key: &str) -> About {
    About::Item(ItemKey::segment(key))
}

pub(crate) fn subject(project: Option<&str>, environment: Which, about: About) -> Subject {
    Subject {
        project: project.map(ToOwned::to_owned),
        environment,
        about,
    }
}

/// In a project whose key is said.
pub(crate) fn within(project: &str, environment: Which, about: About) -> Subject {
    subject(Some(project), environment, about)
}

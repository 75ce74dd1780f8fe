//! Resource specifiers, such as `proj/harbor:env/production:flag/checkout;checkout,web`.

use super::{About, Subject, Which};
use crate::model::ItemKey;

/// A name in a resource.
enum Name<'a> {
    Exactly(&'a str),
    /// `*`, a pattern, or what we cannot read: to wake too many is cheap.
    Any,
}

/// What a resource names.
pub(super) fn subject(resource: &str) -> Subject {
    let (project, environment) = (name(resource, "proj/"), name(resource, "env/"));
    let environment = match (&project, environment) {
        (_, Some(Name::Exactly(key))) => Which::Named(key.to_owned()),
        (None, None) => Which::Unsaid,
        (_, Some(Name::Any) | None) => Which::Every,
    };
    let project = match project {
        Some(Name::Exactly(key)) => Some(key.to_owned()),
        Some(Name::Any) | None => None,
    };
    let about = match (name(resource, "flag/"), name(resource, "segment/")) {
        (Some(Name::Exactly(key)), _) => About::Item(ItemKey::flag(key)),
        (None, Some(Name::Exactly(key))) => About::Item(ItemKey::segment(key)),
        _ => About::Everything,
    };
    Subject {
        project,
        environment,
        about,
    }
}

/// The first name behind `label`, at the start or behind a colon. Where a part stands tells nothing: what follows a `;`,
/// up to the next part that we know, may contain colons (`flag/*;view:KEY`, `env/*;{critical:true}`).
fn name<'a>(resource: &'a str, label: &str) -> Option<Name<'a>> {
    let part = resource
        .split(':')
        .find_map(|part| part.strip_prefix(label))?;
    let key = part.split_once(';').map_or(part, |(key, _)| key);
    let is_key = !key.is_empty()
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    Some(if is_key {
        Name::Exactly(key)
    } else {
        Name::Any
    })
}

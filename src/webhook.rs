//! LaunchDarkly's webhooks: whether it is LaunchDarkly that speaks, what changed, and which of our environments that is.
//! Pure.
//!
//! A body is only a hint whom to wake. Nothing in it is ever written: its items have another form, and it may come late,
//! twice, out of order or never.

use std::time::SystemTime;

use crate::model::ItemKey;

mod addressee;
mod body;
mod candidates;
mod resource;
mod signature;
mod vocabulary;

pub use addressee::{Addressee, matching};
pub use body::{MAX_SUBJECTS, Unreadable, read};
pub use candidates::{Candidate, MOST_FOR_A_LARGE_BODY, candidates, for_a_large_body};
pub use signature::{is_signed, sign};
pub use vocabulary::WebhookResult;

/// What a body says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// By which a duplicate is known. None where it is missing, empty or too long to be remembered.
    pub id: Option<String>,
    /// When the change was made.
    pub date: Option<SystemTime>,
    /// What changed, each once, [`MAX_SUBJECTS`] at most; empty where SDKs would see no difference.
    pub subjects: Vec<Subject>,
}

/// One thing that changed, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// The project's key; none where any may be meant.
    pub project: Option<String>,
    /// The environment in it.
    pub environment: Which,
    /// What changed there.
    pub about: About,
}

/// Which environments of a project.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Which {
    /// The one with this key.
    Named(String),
    /// All of them.
    Every,
    /// The body says nothing of a place: it matches none of ours, but whoever is named by other means is meant.
    Unsaid,
}

/// What changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// This item.
    Item(ItemKey),
    /// Anything.
    Everything,
    /// The environment itself; its SDK key was reset, perhaps.
    Key,
}

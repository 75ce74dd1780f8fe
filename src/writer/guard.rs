//! Whether anything may be written: an SDK key that came to belong to another environment of LaunchDarkly's writes nothing
//! here, and what an operator confirms holds for the very set that he saw. Pure.

use std::sync::Arc;

use tokio::time::Instant;

use crate::plan::identity::{Admission, Known, admit};

/// Removals that an operator confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Confirmed {
    /// How many.
    removals: usize,
    /// Of this full set, by when it was asked for: of another one's he knows nothing.
    set: Option<Instant>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Guard {
    /// The ID that the settings name.
    configured: Option<Arc<str>>,
    /// The ID that was last seen beside the data: who empties a table does not give it away.
    last: Option<Arc<str>>,
    /// The settings' ID was there.
    obeyed: bool,
    /// An ID stands in the table that was not read yet.
    unread: bool,
    /// Until the brake has been judged with it.
    confirmed: Option<Confirmed>,
    /// Removals that were confirmed when the process was started, of whatever set.
    standing: Option<usize>,
}

impl Guard {
    /// With what the settings say.
    pub(super) fn new(configured: Option<Arc<str>>, standing: Option<usize>) -> Self {
        Self {
            configured,
            standing,
            ..Self::default()
        }
    }

    /// Whether what LaunchDarkly says, of the environment with this ID, may be written beside what is `remembered`.
    pub(super) fn admit<'a>(
        &'a self,
        said: Option<&'a str>,
        remembered: Option<&'a str>,
    ) -> Admission<'a> {
        let known = Known {
            remembered,
            last: self.last.as_deref(),
            configured: self.configured.as_deref(),
            obeyed: self.obeyed,
        };
        admit(said, &known)
    }

    /// This ID was seen or stored beside the data.
    pub(super) fn saw(&mut self, id: Option<&Arc<str>>) {
        if let Some(id) = id {
            self.obeyed |= self.configured.as_ref() == Some(id);
            self.last = Some(Arc::clone(id));
            self.unread = false;
        }
    }

    /// Somebody stored an ID where none was: whose it is has to be read.
    pub(super) fn contradicted(&mut self) {
        self.unread = true;
    }

    /// Whether it was ever seen.
    pub(super) const fn knows(&self) -> bool {
        self.last.is_some()
    }

    /// Whether there is an ID to be read beside the marker.
    pub(super) const fn reads_id(&self) -> bool {
        self.knows() || self.unread
    }

    /// An operator confirmed so many removals, of the full set that was asked for then.
    pub(super) fn confirm(&mut self, removals: usize, set: Option<Instant>) {
        self.confirmed = Some(Confirmed { removals, set });
    }

    /// The removals that are confirmed of the full set that was asked for then.
    pub(super) fn confirmed(&self, set: Instant) -> Option<usize> {
        let now = self.confirmed.filter(|it| it.set == Some(set));
        now.map(|it| it.removals).or(self.standing)
    }

    /// The brake was judged, or could not be: what was confirmed is used up.
    pub(super) fn use_up(&mut self) -> Option<usize> {
        self.confirmed.take().map(|it| it.removals)
    }
}

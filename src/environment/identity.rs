//! The guard: an SDK key that came to belong to another environment of LaunchDarkly's writes nothing here.
//!
//! While it is refused nothing is planned: no item, no removal, no repair, no marker. What is stored stays as it is. Each
//! full set and each verify is judged anew, so that everything goes on by itself once the key is right.

use std::sync::Arc;

use tracing::{error, info};

use super::write::Writer;
use crate::plan::identity::{Admission, Expects, Known, Mismatch, admit};
use crate::table::{Op, Outcome, Trouble};
use crate::writer::Purpose;

/// What a term has seen of whose data it is, besides what is there now.
#[derive(Debug, Default)]
pub(super) struct Seen {
    last: Option<Arc<str>>,
    /// The settings' ID was there.
    configured: bool,
}

impl Writer<'_> {
    pub(super) fn known(&self) -> Known<'_> {
        Known {
            remembered: self.observed.environment_id.as_deref(),
            last: self.whose.last.as_deref(),
            configured: self.environment.environment_id.as_deref(),
            obeyed: self.whose.configured,
        }
    }

    /// This is remembered beside the data now.
    pub(super) fn remembered(&mut self, id: Option<Arc<str>>) {
        if let Some(id) = &id {
            self.whose.configured |= self.environment.environment_id.as_ref() == Some(id);
            self.whose.last = Some(Arc::clone(id));
        }
        self.observed.environment_id = id;
    }

    /// Judges whose data the last full set is; true if its ID is yet to be remembered.
    pub(super) fn judge_identity(&mut self) -> bool {
        let name = &self.environment.name;
        let (remember, refused) =
            self.cell
                .look_at_whose(|_, said| match admit(said, &self.known()) {
                    Admission::Fine => (false, None),
                    Admission::Remember(_) => (true, None),
                    Admission::Refused(mismatch) => (false, Some(tell(name, &mismatch))),
                });
        match refused {
            Some(why) => self.refuse(why),
            None => self.admit(),
        }
        remember
    }

    /// Nothing of this environment is written from now on.
    pub(super) fn refuse(&mut self, why: String) {
        // What was to be compared comes with everything else, once there is something to compare it with.
        self.everything = true;
        self.backlog.clear();
        self.urgent.clear();
        self.expired.clear();
        self.unremembered = false;
        // What was confirmed, was confirmed of other data.
        self.used_confirmation(None);
        if self.refused.as_deref() != Some(&*why) {
            error!(
                detail = why,
                "nothing is written: the SDK key belongs to another environment"
            );
            self.refused = Some(why.into());
        }
        self.report_refused();
    }

    fn admit(&mut self) {
        if self.refused.take().is_some() {
            info!(
                "the SDK key belongs to the environment whose data is stored here: writing goes on"
            );
        }
    }

    /// Remembers beside the data whose it is. Where somebody else did, what they wrote is known afterwards.
    pub(super) async fn remember_identity(&mut self, id: Arc<str>) -> Result<(), Trouble> {
        let environment = self.environment;
        let table = &environment.table;
        let before = self.observed.environment_id.clone();
        let (outcome, units) = table.remember_identity(&id, before.as_deref()).await;
        self.report_spent(Purpose::Identity, units);
        let now = match outcome {
            Outcome::Applied => {
                info!(
                    environment_id = &*id,
                    old_environment_id = before.as_deref(),
                    "remembered LaunchDarkly's environment ID"
                );
                // A look that began before has not seen it.
                self.look_again();
                Some(id)
            }
            Outcome::Superseded(_) => {
                let read = table.identity().await?;
                environment
                    .metrics
                    .spent(Op::Read, Purpose::Identity, read.units);
                read.value
            }
            Outcome::Unknown(trouble) | Outcome::Failed(trouble) => return Err(trouble),
            Outcome::Refused => return Err(Trouble::Throttled("PutItem")),
            Outcome::Invalid => return Err(Trouble::Invalid("PutItem")),
        };
        self.remembered(now);
        Ok(())
    }
}

/// What is wrong with the key, and what its reader is to do.
pub(super) fn tell(name: &str, mismatch: &Mismatch<'_>) -> String {
    let Mismatch { said, expected, by } = mismatch;
    match by {
        Expects::Setting => format!(
            "the SDK key of `{name}` belongs to LaunchDarkly's environment {said}, but LD_CLIENT_SIDE_ID_{name} says {expected}; nothing is written. Check LD_ENV_{name}"
        ),
        Expects::Successor => format!(
            "the SDK key of `{name}` belongs to LaunchDarkly's environment {said}, but somebody whose settings name {expected} has taken the prefix over; nothing is written. Give one of both another LD_PREFIX, and start again whoever is to keep this one"
        ),
        Expects::Table => format!(
            "the SDK key of `{name}` belongs to LaunchDarkly's environment {said}, but this prefix holds the data of {expected}; nothing is written. Check LD_ENV_{name}; if {said} is meant, set LD_CLIENT_SIDE_ID_{name}={said}"
        ),
    }
}

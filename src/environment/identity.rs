//! The guard: an SDK key that came to belong to another environment of LaunchDarkly's writes nothing here.
//!
//! While it is refused nothing is planned: no item, no removal, no repair, no marker. What is stored stays as it is. Each
//! full set and each verify is judged anew, so that everything goes on by itself once the key is right.

use std::sync::Arc;

use tracing::{error, info};

use super::write::Writer;
use crate::metrics::{Op, Purpose};
use crate::plan::identity::{Expects, Mismatch, Verdict, judge};
use crate::table::{Outcome, Trouble};

impl Writer<'_> {
    /// Judges whose data the last full set is; true if its ID is yet to be remembered.
    pub(super) fn judge_identity(&mut self) -> bool {
        let environment = self.environment;
        let (remember, refused) = self.cell.look_at_whose(|_, said| {
            let remembered = self.observed.environment_id.as_deref();
            match judge(said, remembered, environment.environment_id.as_deref()) {
                Verdict::Fine => (false, None),
                Verdict::Remember(_) => (true, None),
                Verdict::Refused(mismatch) => (false, Some(tell(&environment.name, &mismatch))),
            }
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
        let before = self.observed.environment_id.take();
        let (outcome, units) = table.remember_identity(&id, before.as_deref()).await;
        self.report_spent(Purpose::Identity, units);
        self.observed.environment_id = match outcome {
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
            failed => {
                self.observed.environment_id = before;
                return Err(match failed {
                    Outcome::Unknown(trouble) | Outcome::Failed(trouble) => trouble,
                    Outcome::Refused => Trouble::Throttled("PutItem"),
                    _ => Trouble::Invalid("PutItem"),
                });
            }
        };
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
        Expects::Table => format!(
            "the SDK key of `{name}` belongs to LaunchDarkly's environment {said}, but this prefix holds the data of {expected}; nothing is written. Check LD_ENV_{name}; if {said} is meant, set LD_CLIENT_SIDE_ID_{name}={said}"
        ),
    }
}

//! Which environments there are, and how we know: what the status tells of where they come from.

use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::watch;

use crate::clock::Moment;
use crate::roster::{AutoConfigState, AutoConfigStatus, RefusedEnvironment, RosterOrigin};

/// What is known of the roster, the list of environments.
#[derive(Clone, Debug)]
pub struct RosterFacts {
    /// Whether it is known which environments there are: the settings say it, or the roster came once.
    pub known: bool,
    /// Who said what is known now, with auto-configuration.
    pub origin: RosterOrigin,
    /// The stream of auto-configuration, where environments come from there.
    pub auto_config: Option<AutoConfigStatus>,
    /// Why that stream is not heard, while it is not: a sentence for people without secrets.
    pub trouble: Option<String>,
    /// The archive, where environments come from there.
    pub archive: Option<ArchiveFacts>,
    /// Environments whose entry in the roster cannot be used.
    pub refused: Vec<RefusedEnvironment>,
    /// Environments whose removal is held until it is said again.
    pub held_removals: usize,
}

impl RosterFacts {
    /// Whether LaunchDarkly or an archive lists the environments, and not the settings.
    pub const fn is_followed(&self) -> bool {
        self.auto_config.is_some() || self.archive.is_some()
    }

    /// Whether whoever lists the environments is heard: the last thing that the stream brought was an event, or the file that
    /// is there now was taken. Settings are.
    pub fn is_up_to_date(&self) -> bool {
        let stream = self.auto_config.as_ref();
        let archive = self.archive.as_ref();
        stream.is_none_or(|it| it.state == AutoConfigState::Valid)
            && archive.is_none_or(|it| it.taken.is_some() && it.last_error.is_none())
    }
}

/// The archive that environments and their data come from.
#[derive(Clone, Debug, Default)]
pub struct ArchiveFacts {
    /// The file that was last taken.
    pub taken: Option<TakenArchive>,
    /// Why the file that is there now was not taken, a sentence for people without secrets, and when that was last tried. None
    /// once one was taken.
    pub last_error: Option<(String, Moment)>,
}

/// An archive that was read and found good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenArchive {
    /// When the file was last modified.
    pub modified: SystemTime,
    /// Its size.
    pub bytes: u64,
    /// The MD5 of its environments' files, as the archive says it.
    pub checksum: [u8; 16],
}

/// The cell in which the roster's facts are. Cheap to clone.
#[derive(Clone)]
pub struct RosterStatus(Arc<watch::Sender<RosterFacts>>);

impl RosterStatus {
    /// Of environments that the settings name.
    pub fn configured() -> Self {
        Self::new(true, None, None)
    }

    /// Of environments that LaunchDarkly names, by a stream that is about to be opened.
    pub fn auto_configured(now: Moment) -> Self {
        Self::new(false, Some(AutoConfigStatus::new(now.milliseconds())), None)
    }

    /// Of environments that an archive names, which is about to be read.
    pub fn archived() -> Self {
        Self::new(false, None, Some(ArchiveFacts::default()))
    }

    fn new(
        known: bool,
        auto_config: Option<AutoConfigStatus>,
        archive: Option<ArchiveFacts>,
    ) -> Self {
        Self(Arc::new(watch::Sender::new(RosterFacts {
            known,
            origin: RosterOrigin::Nowhere,
            auto_config,
            trouble: None,
            archive,
            refused: Vec::new(),
            held_removals: 0,
        })))
    }

    /// A copy of what is known.
    pub fn facts(&self) -> RosterFacts {
        self.0.borrow().clone()
    }

    /// Waits until this holds of what is known.
    pub async fn wait_until(&self, holds: impl FnMut(&RosterFacts) -> bool) {
        if self.0.subscribe().wait_for(holds).await.is_err() {
            // Only a sender that is gone ends the wait, and it is ours.
            std::future::pending::<()>().await;
        }
    }

    /// Changes what is known. `change` must be short: others wait.
    pub fn update(&self, change: impl FnOnce(&mut RosterFacts)) {
        self.0.send_modify(change);
    }
}

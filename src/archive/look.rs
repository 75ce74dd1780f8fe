//! When the archive's file is read, and when its trouble is told. Pure: what a look showed, and the time, are passed in.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// A trouble that lasts is told again after this time.
const TELL_AGAIN: Duration = Duration::from_mins(1);

/// What a look at a file shows of its contents, without reading them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStamp {
    /// When it was last written.
    pub modified: SystemTime,
    /// Its size.
    pub bytes: u64,
}

/// What is to be done after a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookDecision {
    /// Nothing: it is as when it was last read and was good.
    Unchanged,
    /// Nothing yet: it was another one at the last look, and may be half written.
    Wait,
    /// It is to be read now.
    Read,
}

/// What may be wrong with the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileTrouble {
    /// It is not there, or cannot be looked at.
    Absent,
    /// It is there, and is no archive that can be used.
    Unusable,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct FileWatch {
    /// What the last look showed.
    before: Option<FileStamp>,
    /// What the file was when it was last read and was good.
    good: Option<FileStamp>,
    /// When each trouble was last told, since the file was last good: absent, unusable.
    told: [Option<Instant>; 2],
}

impl FileWatch {
    /// Takes what a look shows. A file that was not good is read at each look.
    pub fn look(&mut self, now: FileStamp) -> LookDecision {
        let stands_still = self.before.replace(now) == Some(now);
        if self.good == Some(now) {
            LookDecision::Unchanged
        } else if stands_still {
            LookDecision::Read
        } else {
            LookDecision::Wait
        }
    }

    /// It was read as this, and was good.
    pub const fn was_good(&mut self, as_it_was: FileStamp) {
        self.good = Some(as_it_was);
    }

    /// It is not as it should be. Whether that is to be told: the first time, and then once a minute.
    pub fn is_wrong(&mut self, trouble: FileTrouble, now: Instant) -> bool {
        let told = match trouble {
            FileTrouble::Absent => {
                // One that comes back has not stood still.
                self.before = None;
                &mut self.told[0]
            }
            FileTrouble::Unusable => &mut self.told[1],
        };
        let due = told.is_none_or(|told| told + TELL_AGAIN <= now);
        if due {
            *told = Some(now);
        }
        due
    }

    /// It is as it should be. Whether that is to be told, because the contrary was.
    pub fn is_right(&mut self) -> bool {
        std::mem::take(&mut self.told).iter().any(Option::is_some)
    }
}

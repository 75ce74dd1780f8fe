//! Whose fault it is, read from everything that happened: the model of the setbacks.

use std::collections::BTreeSet;

use ld_dynamodb_relay::model::ItemFault as Fault;
use ld_dynamodb_relay::plan::Reason;
use ld_dynamodb_relay::table::Trouble;
use tokio::time::Instant;

use crate::waits::wait_after;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    Lost,
    Invalid,
    Denied,
}

impl Cause {
    pub(crate) fn trouble(self) -> Trouble {
        match self {
            Self::Lost => Trouble::Timeout("it"),
            Self::Invalid => Trouble::Invalid("it"),
            Self::Denied => Trouble::NoRegion("it"),
        }
    }
}

/// One attempt that failed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    pub(crate) number: u8,
    pub(crate) cause: Cause,
    /// Writes taken when it was sent.
    pub(crate) taken: u64,
    pub(crate) proven: bool,
    pub(crate) at: Instant,
    pub(crate) jitter: f64,
}

/// One thing that happened.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Happened {
    Failed(Attempt),
    Took(Instant),
    Over(u8),
}

/// What may be the table's fault.
#[derive(Clone, Debug, Default)]
pub(crate) struct Suspects {
    /// Items that failed with nothing stored since, and are not to blame themselves.
    all: BTreeSet<u8>,
    /// Those of them that a table refused as invalid that held something.
    refused: BTreeSet<u8>,
    /// Writes taken.
    pub(crate) taken: u64,
}

impl Suspects {
    pub(crate) fn is_wide(&self) -> bool {
        let refused = self.refused.len();
        self.all.len() - refused >= 3 || refused >= REFUSALS
    }
}

/// So many refusals as invalid by a table that takes writes as a rule are its trouble.
pub(crate) const REFUSALS: usize = 20;

/// What is known of an item that failed.
#[derive(Debug, PartialEq)]
pub(crate) struct Known {
    pub(crate) cause: Cause,
    pub(crate) attempts: usize,
    pub(crate) failures: u32,
    /// It failed again though others were stored meanwhile.
    pub(crate) to_blame: bool,
    pub(crate) own: bool,
    pub(crate) aside: Option<Reason>,
    pub(crate) retry_at: Instant,
}

/// Everything that happened, and who was suspected after so much of it.
#[derive(Debug)]
pub(crate) struct History {
    happened: Vec<Happened>,
    suspects: Vec<Suspects>,
}

impl History {
    pub(crate) fn new() -> Self {
        Self {
            happened: Vec::new(),
            suspects: vec![Suspects::default()],
        }
    }

    pub(crate) fn suspects(&self) -> &Suspects {
        &self.suspects[self.happened.len()]
    }

    pub(crate) fn push(&mut self, happened: Happened) {
        let mut suspects = self.suspects().clone();
        self.happened.push(happened);
        match happened {
            Happened::Failed(it) => {
                suspects.all.remove(&it.number);
                suspects.refused.remove(&it.number);
                if !self.is_to_blame(&self.attempts(it.number)) {
                    suspects.all.insert(it.number);
                    if it.cause == Cause::Invalid && it.proven {
                        suspects.refused.insert(it.number);
                    }
                }
            }
            Happened::Took(_) => {
                let taken = suspects.taken + 1;
                suspects = Suspects {
                    taken,
                    ..Suspects::default()
                };
            }
            Happened::Over(number) => {
                suspects.all.remove(&number);
                suspects.refused.remove(&number);
            }
        }
        self.suspects.push(suspects);
    }

    /// When an item failed since it was last over, and how.
    fn attempts(&self, of: u8) -> Vec<(usize, Attempt)> {
        let over = |it: &Happened| matches!(it, Happened::Over(number) if *number == of);
        let from = self.happened.iter().rposition(over).map_or(0, |it| it + 1);
        let since = self.happened.iter().enumerate().skip(from);
        let mine = since.filter_map(|(at, it)| match it {
            Happened::Failed(it) if it.number == of => Some((at, *it)),
            _ => None,
        });
        mine.collect()
    }

    /// Whether something was stored between the first attempt and this one's end.
    fn others_were_stored(&self, attempts: &[(usize, Attempt)], at: usize) -> bool {
        self.suspects[at].taken > attempts[0].1.taken
    }

    /// Failures that may be its own: all but those among which nothing was stored, while the table failed.
    fn failures(&self, attempts: &[(usize, Attempt)]) -> usize {
        let counts =
            |at: usize| !self.suspects[at].is_wide() || self.others_were_stored(attempts, at);
        attempts.iter().filter(|(at, _)| counts(*at)).count()
    }

    /// Whether it once failed again though others were stored, and was refused or had failed three times.
    fn is_to_blame(&self, attempts: &[(usize, Attempt)]) -> bool {
        (2..=attempts.len()).any(|count| {
            let (at, it) = attempts[count - 1];
            let again = it.cause == Cause::Invalid || self.failures(&attempts[..count]) >= 3;
            again && self.others_were_stored(attempts, at)
        })
    }

    /// Whether what failed last at this time failed together with others: it was one of several when something was stored,
    /// or one of those that fail with the table, with nothing stored since it was first tried.
    fn failed_in_company(&self, of: u8, first: u64, last: usize) -> bool {
        (last..self.happened.len()).any(|at| {
            let (before, after) = (&self.suspects[at], &self.suspects[at + 1]);
            match self.happened[at] {
                Happened::Failed(_) => {
                    after.is_wide() && after.all.contains(&of) && after.taken <= first
                }
                Happened::Took(_) => before.all.contains(&of) && before.all.len() > 1,
                Happened::Over(_) => false,
            }
        })
    }

    /// The first store after several had failed has it tried at once.
    fn hastened(&self, of: u8, first: usize) -> Option<(usize, Instant)> {
        (first..self.happened.len()).find_map(|at| match self.happened[at] {
            Happened::Took(when) => {
                let before = &self.suspects[at].all;
                (before.contains(&of) && before.len() > 1).then_some((at, when))
            }
            _ => None,
        })
    }

    /// What the history says of an item.
    pub(crate) fn known(&self, of: u8) -> Option<Known> {
        let attempts = self.attempts(of);
        let (began, first) = *attempts.first()?;
        let (last, it) = *attempts.last()?;
        let failures = u32::try_from(self.failures(&attempts)).unwrap();
        let wait = wait_after(failures.max(1), it.cause == Cause::Denied, it.jitter);
        let retry_at = match self.hastened(of, began) {
            Some((hastened, when)) if hastened > last => when,
            _ => it.at + wait,
        };
        let (wide, invalid) = (self.suspects().is_wide(), it.cause == Cause::Invalid);
        let to_blame = self.is_to_blame(&attempts);
        let stored = self.suspects().taken > first.taken;
        let company = self.failed_in_company(of, first.taken, last);
        let own = !company && (stored || invalid && it.proven && !wide);
        let aside = if invalid {
            own.then_some(Reason::Malformed(Fault::Refused))
        } else {
            (to_blame || failures >= 3 && !wide).then_some(Reason::Failing)
        };
        Some(Known {
            cause: it.cause,
            attempts: attempts.len(),
            failures,
            to_blame,
            own,
            aside,
            retry_at,
        })
    }
}

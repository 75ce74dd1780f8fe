//! What a reader evaluated, and how two of its answers differ.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::value::RawValue;

/// By context and flag. Each answer stays as it was printed: readers print equal answers as equal text, and no number or half
/// character is rounded here on the way.
type Evaluations = BTreeMap<String, BTreeMap<String, Box<RawValue>>>;

/// Everything that a reader evaluated.
#[derive(Deserialize)]
pub(crate) struct Answers {
    single: Evaluations,
    all: Evaluations,
}

/// What two readings disagree about.
#[derive(Debug, Default)]
pub(crate) struct Differences {
    /// The flags, by key.
    pub(crate) flags: BTreeSet<String>,
    /// A line for each answer.
    lines: Vec<String>,
}

impl Answers {
    /// How the answers from the table differ from these, which came by the stream.
    pub(crate) fn compare(&self, table: &Self) -> Differences {
        let mut differences = Differences::default();
        differences.collect("single", &self.single, &table.single);
        differences.collect("all flags", &self.all, &table.all);
        differences
    }

    /// How many single evaluations gave each reason.
    pub(crate) fn reasons(&self) -> BTreeMap<String, usize> {
        #[derive(Deserialize)]
        struct Single {
            reason: Reason,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Reason {
            kind: String,
            error_kind: Option<String>,
        }
        let mut counted = BTreeMap::new();
        for answer in self.single.values().flat_map(BTreeMap::values) {
            // A value may hold half a character, so only the reason is read.
            let Single { reason } = serde_json::from_str(answer.get()).expect("an evaluation");
            let reason = reason.error_kind.unwrap_or(reason.kind);
            *counted.entry(reason).or_default() += 1;
        }
        counted
    }

    /// Contexts and single evaluations for each, where every context was asked the same; answers of all-flags in total.
    pub(crate) fn size(&self) -> (usize, usize, usize) {
        let each: BTreeSet<usize> = self.single.values().map(BTreeMap::len).collect();
        assert_eq!(each.len(), 1, "every context is asked for the same flags");
        assert!(self.single.keys().eq(self.all.keys()));
        let all = self.all.values().map(BTreeMap::len).sum();
        (self.single.len(), each.into_iter().sum(), all)
    }
}

impl Differences {
    pub(crate) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    fn collect(&mut self, how: &str, stream: &Evaluations, table: &Evaluations) {
        let contexts: BTreeSet<_> = stream.keys().chain(table.keys()).collect();
        for context in contexts {
            let nothing = BTreeMap::new();
            let said = stream.get(context).unwrap_or(&nothing);
            let stored = table.get(context).unwrap_or(&nothing);
            let flags: BTreeSet<_> = said.keys().chain(stored.keys()).collect();
            for flag in flags {
                let [said, stored] =
                    [said, stored].map(|it| it.get(flag).map_or("nothing", |it| it.get()));
                if said != stored {
                    self.flags.insert(flag.clone());
                    self.lines.push(format!(
                        "{how}, {context}, {flag}:\n    stream: {said}\n    table:  {stored}"
                    ));
                }
            }
        }
    }
}

/// The first few, for a test that failed.
impl std::fmt::Display for Differences {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const SHOWN: usize = 10;
        writeln!(out, "{} answers differ", self.lines.len())?;
        for line in self.lines.iter().take(SHOWN) {
            writeln!(out, "{line}")?;
        }
        Ok(())
    }
}

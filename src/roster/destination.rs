//! Where the environments of a roster go: templates, filled once for each of them.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;

use super::entry::EnvironmentEntry;

/// Environments that are gone and whose destination is remembered, in case they come back; the oldest are forgotten.
const REMEMBERED: usize = 10_000;
/// The marker's sort key is `PREFIX:$inited`, and DynamoDB allows 1,024 bytes there.
const MAX_PREFIX_BYTES: usize = 1_024 - ":$inited".len();

/// Where an environment goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Destination {
    /// The table, by name or ARN.
    pub table: String,
    /// The prefix of its rows; empty for none.
    pub prefix: String,
}

impl fmt::Display for Destination {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "table {} with prefix `{}`", self.table, self.prefix)
    }
}

/// Table and prefix with `$CID`, `$PROJ_KEY` and `$ENV_KEY` in them.
#[derive(Clone, Debug)]
pub struct Templates {
    table: Vec<TemplatePart>,
    prefix: Vec<TemplatePart>,
}

/// Why templates cannot be used. Each is a sentence for whoever configures them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateFault {
    /// Environments would share a destination.
    #[error(
        "the templates for prefix and table do not tell environments apart; put $CID into one of them, or both $PROJ_KEY \
         and $ENV_KEY"
    )]
    NotApart,
    /// A `$` that begins nothing.
    #[error("the template has a `$` that begins none of $CID, $PROJ_KEY and $ENV_KEY; remove it")]
    Placeholder,
}

/// Why an environment has no destination. Each is a sentence that an operator reads after the environment's ID.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DestinationFault {
    /// The template wants a name that is not known.
    #[error("{0} is in the template of its destination, and LaunchDarkly does not say what it is")]
    Unsaid(&'static str),
    /// The table's name is none.
    #[error(
        "its table would be `{0}`, which is no table's name; DynamoDB takes 3 to 255 of A-Z a-z 0-9 _ . -"
    )]
    Table(String),
    /// The prefix is none.
    #[error("its prefix would be longer than {MAX_PREFIX_BYTES} bytes, or hold control characters")]
    Prefix,
    /// Another environment has it.
    #[error(
        "its destination, {destination}, is that of the environment {owner}; put $CID into the template"
    )]
    Taken {
        /// The destination of both.
        destination: Destination,
        /// The ID of the one that had it first.
        owner: Arc<str>,
    },
}

#[derive(Clone, Debug)]
enum TemplatePart {
    Text(String),
    Placeholder(Placeholder),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Placeholder {
    Id,
    ProjectKey,
    EnvironmentKey,
}

impl Placeholder {
    const ALL: [Self; 3] = [Self::Id, Self::ProjectKey, Self::EnvironmentKey];

    const fn text(self) -> &'static str {
        match self {
            Self::Id => "$CID",
            Self::ProjectKey => "$PROJ_KEY",
            Self::EnvironmentKey => "$ENV_KEY",
        }
    }

    fn value(self, entry: &EnvironmentEntry) -> &str {
        match self {
            Self::Id => &entry.id,
            Self::ProjectKey => &entry.names.project_key,
            Self::EnvironmentKey => &entry.names.key,
        }
    }
}

impl Templates {
    /// Reads the templates of the table and of the prefix; either may be without a placeholder.
    pub fn new(table: &str, prefix: &str) -> Result<Self, TemplateFault> {
        let (table, prefix) = (parts(table)?, parts(prefix)?);
        let has = |wanted| {
            let mut all = table.iter().chain(&prefix);
            all.any(|part| matches!(part, TemplatePart::Placeholder(it) if *it == wanted))
        };
        let by_names = has(Placeholder::ProjectKey) && has(Placeholder::EnvironmentKey);
        if has(Placeholder::Id) || by_names {
            Ok(Self { table, prefix })
        } else {
            Err(TemplateFault::NotApart)
        }
    }

    /// The destination of an environment that is called so now.
    pub fn fill(&self, entry: &EnvironmentEntry) -> Result<Destination, DestinationFault> {
        let (table, prefix) = (filled(&self.table, entry)?, filled(&self.prefix, entry)?);
        if !is_table(&table) {
            return Err(DestinationFault::Table(table));
        }
        if prefix.len() > MAX_PREFIX_BYTES || prefix.contains(char::is_control) {
            return Err(DestinationFault::Prefix);
        }
        Ok(Destination { table, prefix })
    }
}

fn parts(template: &str) -> Result<Vec<TemplatePart>, TemplateFault> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some(at) = rest.find('$') {
        let (text, from) = rest.split_at(at);
        if !text.is_empty() {
            parts.push(TemplatePart::Text(text.to_owned()));
        }
        let mut all = Placeholder::ALL.into_iter();
        let found = all.find(|it| from.starts_with(it.text()));
        let found = found.ok_or(TemplateFault::Placeholder)?;
        parts.push(TemplatePart::Placeholder(found));
        rest = &from[found.text().len()..];
    }
    if !rest.is_empty() {
        parts.push(TemplatePart::Text(rest.to_owned()));
    }
    Ok(parts)
}

fn filled(parts: &[TemplatePart], entry: &EnvironmentEntry) -> Result<String, DestinationFault> {
    let filled = parts.iter().map(|part| match part {
        TemplatePart::Text(text) => Ok(text.as_str()),
        TemplatePart::Placeholder(it) => match it.value(entry) {
            "" => Err(DestinationFault::Unsaid(it.text())),
            value => Ok(value),
        },
    });
    filled.collect()
}

/// DynamoDB's rule for a table's name; of an ARN the last part is looked at.
fn is_table(table: &str) -> bool {
    let name = table
        .strip_prefix("arn:")
        .and_then(|arn| arn.split_once(":table/"))
        .map_or(table, |(_, name)| name);
    let is_letter = |it: u8| it.is_ascii_alphanumeric() || b"_.-".contains(&it);
    (3..=255).contains(&name.len()) && name.bytes().all(is_letter)
}

/// Which destination each environment has. It is fixed when an environment is first seen: its names may change later.
#[derive(Debug)]
pub struct Destinations {
    templates: Templates,
    fixed: HashMap<Arc<str>, Destination>,
    owners: HashMap<Destination, Arc<str>>,
    /// Those that are fixed and have no owner, the one that left first at the front.
    gone: VecDeque<Arc<str>>,
}

impl Destinations {
    /// Filled from these templates.
    pub fn new(templates: Templates) -> Self {
        Self {
            templates,
            fixed: HashMap::new(),
            owners: HashMap::new(),
            gone: VecDeque::new(),
        }
    }

    /// The destination of this environment, which is its own from now on. Of two that would have the same, the later one
    /// is refused.
    pub fn claim(&mut self, entry: &EnvironmentEntry) -> Result<Destination, DestinationFault> {
        let destination = match self.fixed.get(&entry.id) {
            Some(fixed) => fixed.clone(),
            None => self.templates.fill(entry)?,
        };
        if let Some(owner) = self.owners.get(&destination)
            && *owner != entry.id
        {
            let owner = Arc::clone(owner);
            return Err(DestinationFault::Taken { destination, owner });
        }
        self.owners
            .insert(destination.clone(), Arc::clone(&entry.id));
        self.fixed
            .insert(Arc::clone(&entry.id), destination.clone());
        self.gone.retain(|id| *id != entry.id);
        Ok(destination)
    }

    /// The environment is gone: another one may have its destination, and its own is remembered.
    pub fn release(&mut self, id: &Arc<str>) {
        let Some(destination) = self.fixed.get(id) else {
            return;
        };
        if self.owners.get(destination) != Some(id) {
            return;
        }
        self.owners.remove(destination);
        self.gone.push_back(Arc::clone(id));
        if self.gone.len() > REMEMBERED
            && let Some(oldest) = self.gone.pop_front()
        {
            self.fixed.remove(&oldest);
        }
    }

    /// Where the environment would go by what it is called now, if that differs from where it goes.
    pub fn moved(&self, entry: &EnvironmentEntry) -> Option<Destination> {
        let fixed = self.fixed.get(&entry.id)?;
        let filled = self.templates.fill(entry).ok()?;
        (filled != *fixed).then_some(filled)
    }
}

//! What came of loading: the configuration or the problems, and for people what was understood.

use super::Config;
use super::origin::{Origin, Problems, Remark};

/// What came of loading. None of its texts holds a secret.
pub struct Loaded {
    /// The configuration, or everything that keeps it from being one.
    pub config: Result<Config, Problems>,
    /// To be logged once.
    pub warnings: Vec<Remark>,
    /// Every setting with its value, in the order of `relay.example.toml`.
    pub settings: Vec<Setting>,
    /// Everything that was given, in the order in which it was read, and what became of it.
    pub inputs: Vec<Input>,
}

impl Loaded {
    /// The value of what this variable sets, as it was written, also if others are wrong; nothing if it has none.
    pub fn value(&self, variable: &str) -> Option<&str> {
        let setting = self.settings.iter().find(|it| it.variable == variable);
        setting.map(|it| it.value.as_str())
    }
}

/// A setting with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name in our file; of an environment's, `environment.NAME.key`.
    pub name: String,
    /// The variable that sets it.
    pub variable: String,
    /// The value; secrets masked; empty for none.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}

/// Something that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Where.
    pub origin: Origin,
    /// What became of it.
    pub effect: Effect,
    /// Why; empty where there is nothing to say.
    pub sentence: String,
}

/// What became of something that was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It does what it says.
    Honoured,
    /// A variable says otherwise, and wins.
    Overridden,
    /// Accepted without effect.
    Ignored,
    /// It keeps the daemon from starting: what it asks for is not there.
    Refused,
    /// It keeps the daemon from starting: its value is wrong.
    Invalid,
}

impl Effect {
    /// As a word for people and machines.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Honoured => "honoured",
            Self::Overridden => "overridden",
            Self::Ignored => "no effect",
            Self::Refused => "refused",
            Self::Invalid => "invalid",
        }
    }
}

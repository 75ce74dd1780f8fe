//! One clause: a path, an operator and a value.

use super::Problem;
use super::path::{PathStep, steps};

/// Characters that make operators, and are in no path unless within brackets. A run of them is one operator, so that
/// `status==healthy` does not compare with `=healthy`.
const OPERATORS: &[char] = &['=', '!', '<', '>', '~'];

/// What is expected of one value.
pub(super) struct Clause<'a> {
    /// Where the value is.
    pub(super) path: Vec<PathStep<'a>>,
    /// Whether it is to be equal, or to differ.
    pub(super) equal: bool,
    /// To this.
    pub(super) value: &'a str,
}

impl<'a> Clause<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, Problem> {
        let unreadable = |problem: &str| Err(Problem::Unreadable(problem.to_owned()));
        let Some(at) = operator(text) else {
            return unreadable("there is no operator: write <path>=<value> or <path>!=<value>");
        };
        let (path, rest) = text.split_at(at);
        let value = rest.trim_start_matches(OPERATORS);
        let operator = &rest[..rest.len() - value.len()];
        if path.is_empty() {
            return unreadable("there is no path before the operator");
        }
        let equal = match operator {
            "=" => true,
            "!=" => false,
            _ => {
                let problem = format!("operator {operator:?} is not supported: use = or !=");
                return Err(Problem::Impossible(problem));
            }
        };
        Ok(Self {
            path: steps(path)?,
            equal,
            value,
        })
    }
}

/// Where the operator begins: outside of brackets, which end at the first `]`.
fn operator(text: &str) -> Option<usize> {
    let mut inside = false;
    text.char_indices().find_map(|(at, char)| {
        match char {
            '[' => inside = true,
            ']' => inside = false,
            _ if !inside && OPERATORS.contains(&char) => return Some(at),
            _ => {}
        }
        None
    })
}

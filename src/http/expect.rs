//! What a probe expects of a status document, as the Relay Proxy has it: `?expect=<path>=<value>`, or `!=`, as often as
//! there are things to expect. All of it is judged, and the gravest judgement answers.
//!
//! `query` reads the parameters, `clause` one of them, `path` follows it: by the outline, which says whether there can ever
//! be such a value, and through the document, which says whether it is there now.

mod clause;
mod path;
mod query;
#[cfg(test)]
mod tests;

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::Value;

use super::document::Outline;
use clause::Clause;
use path::{checked, found, text};
pub(super) use query::{Expectations, read};

/// What became of one clause, the gravest last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Judgement {
    /// It holds.
    Holds,
    /// It does not, or what it is about is left out now.
    Unmet,
    /// It can never hold: there is no such operator or value.
    Impossible,
    /// It is no clause.
    Unreadable,
}

impl Judgement {
    const fn code(self) -> StatusCode {
        match self {
            Self::Holds => StatusCode::OK,
            Self::Unmet => StatusCode::PRECONDITION_FAILED,
            Self::Impossible => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Unreadable => StatusCode::BAD_REQUEST,
        }
    }
}

/// Why a clause was not compared with anything: a sentence for people.
enum Problem {
    Impossible(String),
    Unreadable(String),
}

/// What became of all clauses.
#[derive(Serialize)]
pub(super) struct Verdict {
    #[serde(skip)]
    pub(super) code: StatusCode,
    satisfied: bool,
    /// In the order of the clauses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    results: Vec<JudgedClause>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize)]
struct JudgedClause {
    /// As it was given.
    expr: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<String>,
    /// None where it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    actual: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    ok: bool,
}

impl Verdict {
    /// Of a query that cannot be read as a whole: what could be read of it would be judged without the rest.
    pub(super) fn unreadable(error: String) -> Self {
        Self {
            code: Judgement::Unreadable.code(),
            satisfied: false,
            results: Vec::new(),
            error: Some(error),
        }
    }
}

/// Judges each clause by what the document says, and by what such documents can ever say.
pub(super) fn judge(clauses: Vec<String>, outline: Outline, document: &Value) -> Verdict {
    let mut gravest = Judgement::Holds;
    let mut results = Vec::new();
    for text in clauses {
        let (judgement, result) = judged(text, outline, document);
        gravest = gravest.max(judgement);
        results.push(result);
    }
    Verdict {
        code: gravest.code(),
        satisfied: gravest == Judgement::Holds,
        results,
        error: None,
    }
}

fn judged(expr: String, outline: Outline, document: &Value) -> (Judgement, JudgedClause) {
    let parsed = Clause::parse(&expr).and_then(|clause| {
        checked(&clause.path, outline)?;
        Ok(clause)
    });
    let (judgement, expected, actual, problem) = match parsed {
        Ok(clause) => {
            let actual = found(&clause.path, document).and_then(text);
            // Nothing is known of what is left out, not even that it differs.
            let holds = actual
                .as_deref()
                .is_some_and(|actual| (actual == clause.value) == clause.equal);
            let judgement = if holds {
                Judgement::Holds
            } else {
                Judgement::Unmet
            };
            let actual = actual.map(String::from);
            (judgement, Some(clause.value.to_owned()), actual, None)
        }
        Err(Problem::Impossible(problem)) => (Judgement::Impossible, None, None, Some(problem)),
        Err(Problem::Unreadable(problem)) => (Judgement::Unreadable, None, None, Some(problem)),
    };
    let ok = judgement == Judgement::Holds;
    let result = JudgedClause {
        expr,
        expected,
        actual,
        problem,
        ok,
    };
    (judgement, result)
}

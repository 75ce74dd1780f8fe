//! What a query expects. Strict: a parameter that cannot be read may have been an expectation, and to pass over it would be
//! to say that it holds.

/// Clauses in a query.
const MAX_CLAUSES: usize = 64;
/// Bytes of a clause.
const MAX_CLAUSE_BYTES: usize = 1_024;

/// What a query expects.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::http) enum Expectations {
    /// Nothing: its reader wants the document.
    Nothing,
    /// These clauses, one at least.
    Clauses(Vec<String>),
    /// Something, but the query cannot be read, for this reason: a sentence for people.
    Unreadable(String),
}

/// What this query expects; it is what follows the `?` in a URL.
pub(in crate::http) fn read(query: &str) -> Expectations {
    let mut clauses = Vec::new();
    let (mut expects, mut readable) = (false, true);
    for parameter in query.split('&').filter(|it| !it.is_empty()) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let is_expectation = decoded(name).is_some_and(|name| name == "expect");
        expects |= is_expectation;
        match decoded(value) {
            // Some read a semicolon as the end of a parameter.
            _ if parameter.contains(';') => readable = false,
            None => readable = false,
            Some(clause) if is_expectation => clauses.push(clause),
            Some(_) => readable &= decoded(name).is_some(),
        }
    }
    if !expects {
        Expectations::Nothing
    } else if !readable {
        Expectations::Unreadable(
            "the query cannot be decoded: write `;` as %3B and `%` as %25".to_owned(),
        )
    } else if clauses.len() > MAX_CLAUSES {
        let error = format!("at most {MAX_CLAUSES} clauses are judged: ask more than once");
        Expectations::Unreadable(error)
    } else if clauses.iter().any(|it| it.len() > MAX_CLAUSE_BYTES) {
        let error = format!("a clause may have at most {MAX_CLAUSE_BYTES} bytes");
        Expectations::Unreadable(error)
    } else {
        Expectations::Clauses(clauses)
    }
}

/// None if that is no encoding of a text.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let value = digit()? * 16 + digit()?;
                u8::try_from(value).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

//! The Relay Proxy's file: the syntax of git's configuration files.
//!
//! `[Section]` and `[Section "Name"]`, `key = value`, comments after `#` and `;`, quotes, escapes with a backslash, a
//! backslash at the end of a line to go on in the next. Nothing here knows what a key means.

use std::iter::Peekable;
use std::str::Chars;

/// A key with its value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct IniEntry {
    pub(super) section: String,
    /// The name in quotes behind the section.
    pub(super) name: Option<String>,
    pub(super) key: String,
    pub(super) value: String,
    pub(super) line: usize,
}

/// What is wrong with a line. The line itself is left out: it may hold a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SyntaxError {
    pub(super) line: usize,
    pub(super) text: &'static str,
}

/// What a file holds.
#[derive(Default)]
pub(super) struct Contents {
    /// Each section's line and name, also those without a key.
    pub(super) sections: Vec<(usize, String)>,
    pub(super) entries: Vec<IniEntry>,
    pub(super) errors: Vec<SyntaxError>,
}

/// Reads a whole file. A line that is wrong is left out, and the next is read.
pub(super) fn parse(text: &str) -> Contents {
    let text = text
        .strip_prefix('\u{feff}')
        .unwrap_or(text)
        .replace("\r\n", "\n");
    let mut scanner = Scanner {
        rest: text.chars().peekable(),
        line: 1,
    };
    let mut section = None;
    let mut contents = Contents::default();
    while let Some(next) = scanner.next_statement() {
        let line = scanner.line;
        let result = if next == '[' {
            // What follows a broken head belongs to no section that we know.
            section = Some(None);
            scanner.section().map(|it| {
                contents.sections.push((line, it.0.clone()));
                section = Some(Some(it));
            })
        } else {
            scanner.entry().and_then(|(key, value)| match &section {
                None => Err("a key stands before the first [Section]"),
                Some(None) => Ok(()),
                Some(Some((section, name))) => {
                    contents.entries.push(IniEntry {
                        section: section.clone(),
                        name: name.clone(),
                        key,
                        value,
                        line,
                    });
                    Ok(())
                }
            })
        };
        if let Err(text) = result {
            contents.errors.push(SyntaxError { line, text });
            scanner.skip_line();
        }
    }
    contents
}

struct Scanner<'a> {
    rest: Peekable<Chars<'a>>,
    line: usize,
}

type Scanned<T> = Result<T, &'static str>;

impl Scanner<'_> {
    fn next(&mut self) -> Option<char> {
        let next = self.rest.next();
        self.line += usize::from(next == Some('\n'));
        next
    }

    /// Skips what says nothing, up to the first character of a statement.
    fn next_statement(&mut self) -> Option<char> {
        loop {
            match self.rest.peek() {
                Some('#' | ';') => self.skip_line(),
                Some(it) if it.is_whitespace() => {
                    self.next();
                }
                other => return other.copied(),
            }
        }
    }

    /// Up to the end of the line, which stays.
    fn skip_line(&mut self) {
        while self.rest.next_if(|it| *it != '\n').is_some() {}
    }

    fn skip_blanks(&mut self) {
        while self.rest.next_if(|it| matches!(it, ' ' | '\t')).is_some() {}
    }

    fn word(&mut self) -> String {
        let mut word = String::new();
        while let Some(it) = self
            .rest
            .next_if(|it| it.is_ascii_alphanumeric() || matches!(it, '-' | '_' | '.'))
        {
            word.push(it);
        }
        word
    }

    fn section(&mut self) -> Scanned<(String, Option<String>)> {
        const HEAD: &str = "this is no section; write [Section] or [Section \"name\"]";
        self.next();
        self.skip_blanks();
        let section = self.word();
        self.skip_blanks();
        let name = match self.rest.peek() {
            Some('"') => Some(self.quoted_name().ok_or(HEAD)?),
            _ => None,
        };
        self.skip_blanks();
        if section.is_empty() || self.rest.next_if_eq(&']').is_none() {
            return Err(HEAD);
        }
        Ok((section, name))
    }

    fn quoted_name(&mut self) -> Option<String> {
        let mut name = String::new();
        self.next();
        loop {
            match self.rest.next_if(|it| *it != '\n')? {
                '"' => return Some(name),
                '\\' => name.push(self.rest.next_if(|it| *it != '\n')?),
                other => name.push(other),
            }
        }
    }

    fn entry(&mut self) -> Scanned<(String, String)> {
        let key = self.word();
        self.skip_blanks();
        if key.is_empty() || self.rest.next_if_eq(&'=').is_none() {
            return Err("this is no setting; write `key = value`");
        }
        self.skip_blanks();
        Ok((key, self.value()?))
    }

    fn value(&mut self) -> Scanned<String> {
        const OPEN: &str =
            "a quote is not closed on its line; write \\\" for a quote within a value";
        let mut value = String::new();
        // As long as the value is with what must not be trimmed.
        let mut kept = 0;
        let mut quoted = false;
        while let Some(&next) = self.rest.peek() {
            match next {
                '\n' if quoted => return Err(OPEN),
                '\n' => break,
                '#' | ';' if !quoted => {
                    self.skip_line();
                    break;
                }
                '"' => {
                    quoted = !quoted;
                    kept = value.len();
                    self.next();
                }
                '\\' => {
                    self.next();
                    value.extend(self.escaped()?);
                    kept = value.len();
                }
                other => {
                    value.push(other);
                    if quoted || !other.is_whitespace() {
                        kept = value.len();
                    }
                    self.next();
                }
            }
        }
        if quoted {
            return Err(OPEN);
        }
        value.truncate(kept);
        Ok(value)
    }

    /// What the character behind a backslash means; nothing for the end of a line.
    fn escaped(&mut self) -> Scanned<Option<char>> {
        let next = self.rest.peek().copied();
        let meaning = match next {
            Some('\n') => None,
            Some('n') => Some('\n'),
            Some('t') => Some('\t'),
            Some('"' | '\\') => next,
            _ => {
                return Err(
                    "a backslash stands before something that needs none; write \\\\ for a backslash",
                );
            }
        };
        self.next();
        Ok(meaning)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<String> {
        let contents = parse(text);
        assert_eq!(contents.errors, []);
        contents
            .entries
            .into_iter()
            .map(|it| {
                let name = it.name.map(|it| format!(":{it}")).unwrap_or_default();
                format!("{} {}{name} {}={}", it.line, it.section, it.key, it.value)
            })
            .collect()
    }

    fn errors(text: &str) -> Vec<usize> {
        parse(text).errors.into_iter().map(|it| it.line).collect()
    }

    #[test]
    fn sections_have_names_and_keys_repeat() {
        assert_eq!(
            values(
                "# top\r\n[Main]\r\nport=1\r\n[ Environment \"a \\\"b\\\"\" ] ; c\r\n  tag = x\r\n  tag = y\r\n"
            ),
            [
                "3 Main port=1",
                "5 Environment:a \"b\" tag=x",
                "6 Environment:a \"b\" tag=y"
            ]
        );
    }

    #[test]
    fn values_have_quotes_comments_escapes_and_more_lines() {
        assert_eq!(
            values(
                "[S]\na = b c  # d\nb = \" # e \" ; f\nc = a\\\\b\\tc\nd = one \\\n  two\ne =\nf = \"x\"y\" z\"\ng=http://h;x"
            ),
            [
                "2 S a=b c",
                "3 S b= # e ",
                "4 S c=a\\b\tc",
                "5 S d=one   two",
                "7 S e=",
                "8 S f=xy z",
                "9 S g=http://h"
            ]
        );
    }

    #[test]
    fn every_wrong_line_is_told_and_the_rest_is_read() {
        assert_eq!(
            errors("a = 1\n[S]\nb\nc = \"x\nd = \\q\n[T\ne = 1\n= 2\n[\"x\"]\n"),
            [1, 3, 4, 5, 6, 8, 9]
        );
        let entries = parse("[S]\nsecret\nb = 1").entries;
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].line, 3);
    }

    #[test]
    fn any_text_ends() {
        for text in [
            "",
            "\u{feff}",
            "[",
            "[a",
            "[a \"",
            "[a \"\\",
            "[a]\nb=\\",
            "[a]\nb=\"",
            "\\",
            "=",
        ] {
            parse(text);
        }
    }
}

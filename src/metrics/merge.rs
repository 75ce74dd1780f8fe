//! Several texts for Prometheus as one: each family is explained once, and then has the series of all of them. Pure.

use std::collections::BTreeMap;

#[derive(Default)]
struct MergedFamily<'a> {
    /// Its help and its type.
    header: Vec<&'a str>,
    series: Vec<&'a str>,
}

/// The text that says what all of these say. A family that several of them have has the same help and type in each.
pub(super) fn merge(texts: &[String]) -> String {
    let mut families: BTreeMap<&str, MergedFamily<'_>> = BTreeMap::new();
    for text in texts {
        let mut family = "";
        for line in text.lines().filter(|line| !line.is_empty()) {
            family = explained(line).unwrap_or(family);
            let merged = families.entry(family).or_default();
            if !line.starts_with('#') {
                merged.series.push(line);
            } else if !merged.header.contains(&line) {
                merged.header.push(line);
            }
        }
    }
    let mut merged = String::with_capacity(texts.iter().map(String::len).sum());
    for MergedFamily { header, series } in families.values() {
        for line in header.iter().chain(series) {
            merged.push_str(line);
            merged.push('\n');
        }
        merged.push('\n');
    }
    merged
}

/// The family that a comment explains.
fn explained(line: &str) -> Option<&str> {
    line.strip_prefix("# ")?.split(' ').nth(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_family_is_explained_once_and_has_the_series_of_all() {
        let one = "# HELP a Of a.\n# TYPE a counter\na{e=\"1\"} 1\n\n# TYPE b gauge\nb 2\n\n";
        let two = "# HELP c Of c.\n# TYPE c gauge\nc 5\n\n# HELP a Of a.\n# TYPE a counter\na{e=\"2\"} 3\na{e=\"3\"} 4\n";
        assert_eq!(
            merge(&[one.to_owned(), two.to_owned()]),
            "# HELP a Of a.\n# TYPE a counter\na{e=\"1\"} 1\na{e=\"2\"} 3\na{e=\"3\"} 4\n\n\
             # TYPE b gauge\nb 2\n\n# HELP c Of c.\n# TYPE c gauge\nc 5\n\n"
        );
        assert_eq!(merge(&[]), "");
    }
}

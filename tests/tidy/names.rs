//! One word, one thing: what types are called.

use std::collections::BTreeMap;

use crate::source::Source;

/// No two types of the relay's have the same name, in whatever modules.
pub(crate) fn twins(sources: &[Source]) -> Vec<String> {
    let mut places: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for source in sources {
        let is_ours = source.is_rust() && source.path.starts_with("src/");
        for (number, line) in source.code(false).into_iter().filter(|_| is_ours) {
            if let Some(name) = declared(line) {
                let place = format!("{}:{number}", source.path);
                places.entry(name).or_default().push(place);
            }
        }
    }
    places.retain(|_, places| places.len() > 1);
    let finding = |(name, places): (_, Vec<String>)| {
        let places = places.join(", ");
        format!(
            "{places}: `{name}`: one word, one thing; put a word in front that says whose it is"
        )
    };
    places.into_iter().map(finding).collect()
}

/// The type that the line declares, also one of a label's values. An indented `type` is a trait's.
fn declared(line: &str) -> Option<&str> {
    let visible = line.trim_start();
    let bare = match visible.strip_prefix("pub(") {
        Some(rest) => rest.split_once(") ")?.1,
        None => visible.strip_prefix("pub ").unwrap_or(visible),
    };
    let words: &[&str] = if line == visible {
        &["struct ", "enum ", "trait ", "type "]
    } else {
        &["struct ", "enum ", "trait "]
    };
    let is_label = || bare.ends_with("\" {") && bare.contains(" = \"");
    let named = words.iter().find_map(|word| bare.strip_prefix(word));
    let named = named.or_else(|| is_label().then_some(bare))?;
    let end = named.find(|it: char| !it.is_alphanumeric() && it != '_');
    let name = &named[..end.unwrap_or(named.len())];
    name.starts_with(char::is_uppercase).then_some(name)
}

//! The order of writes: a flag that a reader sees refers to no flag that is not there yet. Pure.

use std::collections::HashMap;

/// What stands for a flag, and the keys of its prerequisites.
pub(crate) type Flags<T> = HashMap<String, (T, Vec<String>)>;

/// Each flag after those that it requires, as far as they are to be written too. Flags that require each other go last, at
/// once: nobody can evaluate them.
pub(crate) fn waves<T>(mut left: Flags<T>) -> Vec<Vec<(String, T)>> {
    let mut waves = Vec::new();
    while !left.is_empty() {
        let ready: Vec<String> = left
            .iter()
            .filter(|(_, (_, requires))| !requires.iter().any(|key| left.contains_key(key)))
            .map(|(key, _)| key.clone())
            .collect();
        let wave: Vec<_> = if ready.is_empty() {
            left.drain().map(|(key, (flag, _))| (key, flag)).collect()
        } else {
            let taken = ready.into_iter().map(|key| left.remove_entry(&key));
            taken
                .flatten()
                .map(|(key, (flag, _))| (key, flag))
                .collect()
        };
        waves.push(wave);
    }
    waves
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(flags: &[(&str, &[&str])], expected: &[&[&str]]) {
        let flags = flags.iter().map(|(key, requires)| {
            let requires = requires.iter().map(ToString::to_string).collect();
            ((*key).to_owned(), ((), requires))
        });
        let waves: Vec<Vec<String>> = waves(flags.collect())
            .into_iter()
            .map(|wave| {
                let mut keys: Vec<_> = wave.into_iter().map(|(key, ())| key).collect();
                keys.sort_unstable();
                keys
            })
            .collect();
        assert_eq!(waves, expected);
    }

    #[test]
    fn a_flag_comes_after_what_it_requires() {
        check(&[], &[]);
        check(
            &[("a", &["b"]), ("b", &["c"]), ("c", &[]), ("d", &[])],
            &[&["c", "d"], &["b"], &["a"]],
        );
        check(
            &[("a", &["b", "c"]), ("b", &["c"]), ("c", &[])],
            &[&["c"], &["b"], &["a"]],
        );
    }

    #[test]
    fn what_is_not_to_be_written_is_not_waited_for() {
        check(&[("a", &["there"]), ("b", &["a"])], &[&["a"], &["b"]]);
    }

    #[test]
    fn a_cycle_ends() {
        check(
            &[("a", &["b"]), ("b", &["a"]), ("c", &["a"]), ("d", &[])],
            &[&["d"], &["a", "b", "c"]],
        );
        check(&[("a", &["a"])], &[&["a"]]);
    }
}

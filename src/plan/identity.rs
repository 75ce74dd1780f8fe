//! Whose data may be written: an SDK key that came to belong to another environment of LaunchDarkly's must not overwrite
//! what is stored.

use std::sync::Arc;

/// Whether the environment that LaunchDarkly names may be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission<'a> {
    /// It may, or LaunchDarkly names none.
    Fine,
    /// It may, once its ID is remembered beside the data.
    Remember(&'a str),
    /// It may not.
    Refused(Mismatch),
}

/// Two IDs where there should be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Whose LaunchDarkly says that its data is.
    pub said: Arc<str>,
    /// Whose it should be.
    pub expected: Arc<str>,
    /// Who says so.
    pub by: Expects,
}

/// Who expects an ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expects {
    /// The settings.
    Setting,
    /// The table: another environment's data is there.
    Table,
    /// The settings of somebody else, who took the table over after us.
    Successor,
}

/// What is known of whose data it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// What is remembered beside the data.
    pub remembered: Option<&'a str>,
    /// What was last seen there: whoever empties a table does not give it to whoever comes first.
    pub last: Option<&'a str>,
    /// What the settings say.
    pub configured: Option<&'a str>,
    /// That was seen there once. Two that each insisted on their own ID would overwrite each other without end, so a
    /// setting has its way once: who started last has it.
    pub obeyed: bool,
}

/// Compares what LaunchDarkly says with what is remembered beside the data and with what the settings say, which is
/// the operator's last word.
pub fn admit<'a>(said: Option<&'a str>, known: &Known<'a>) -> Admission<'a> {
    let Some(said) = said.filter(|said| !said.is_empty()) else {
        return Admission::Fine;
    };
    let refused = |expected: &str, by| {
        Admission::Refused(Mismatch {
            said: said.into(),
            expected: expected.into(),
            by,
        })
    };
    match (known.configured, known.remembered.or(known.last)) {
        (Some(configured), _) if configured != said => refused(configured, Expects::Setting),
        (Some(_), Some(other)) if other != said && known.obeyed => {
            refused(other, Expects::Successor)
        }
        (None, Some(other)) if other != said => refused(other, Expects::Table),
        _ if known.remembered == Some(said) => Admission::Fine,
        _ => Admission::Remember(said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(said: &str, expected: &str, by: Expects) -> Admission<'static> {
        Admission::Refused(Mismatch {
            said: said.into(),
            expected: expected.into(),
            by,
        })
    }

    #[test]
    fn every_case_of_three_ids() {
        let (x, y, z) = (Some("x"), Some("y"), Some("z"));
        for (said, remembered, configured, expected) in [
            // Who is not named is not checked.
            (None, None, None, Admission::Fine),
            (None, y, None, Admission::Fine),
            (None, y, z, Admission::Fine),
            (Some(""), y, z, Admission::Fine),
            // Without a setting, the first one stays.
            (x, None, None, Admission::Remember("x")),
            (x, x, None, Admission::Fine),
            (x, y, None, refused("x", "y", Expects::Table)),
            // The setting has the last word.
            (x, None, x, Admission::Remember("x")),
            (x, x, x, Admission::Fine),
            (x, y, x, Admission::Remember("x")),
            (x, None, y, refused("x", "y", Expects::Setting)),
            (x, x, y, refused("x", "y", Expects::Setting)),
            (x, y, y, refused("x", "y", Expects::Setting)),
            (x, y, z, refused("x", "z", Expects::Setting)),
            // An item without contents is not what is said.
            (x, Some(""), None, refused("x", "", Expects::Table)),
        ] {
            let known = Known {
                remembered,
                configured,
                ..Known::default()
            };
            assert_eq!(admit(said, &known), expected, "{said:?}, {known:?}");
        }
    }

    #[test]
    fn who_empties_the_table_does_not_give_it_away() {
        let known = Known {
            last: Some("x"),
            ..Known::default()
        };
        assert_eq!(admit(Some("x"), &known), Admission::Remember("x"));
        let expected = refused("y", "x", Expects::Table);
        assert_eq!(admit(Some("y"), &known), expected);
        let meant = Known {
            configured: Some("y"),
            ..known
        };
        assert_eq!(admit(Some("y"), &meant), Admission::Remember("y"));
    }

    #[test]
    fn a_setting_has_its_way_once() {
        let taken = Known {
            remembered: Some("y"),
            last: Some("y"),
            configured: Some("x"),
            obeyed: true,
        };
        let expected = refused("x", "y", Expects::Successor);
        assert_eq!(admit(Some("x"), &taken), expected);
        let emptied = Known {
            remembered: None,
            ..taken
        };
        assert_eq!(admit(Some("x"), &emptied), expected);
        let emptied = Known {
            last: Some("x"),
            ..emptied
        };
        assert_eq!(admit(Some("x"), &emptied), Admission::Remember("x"));
    }
}

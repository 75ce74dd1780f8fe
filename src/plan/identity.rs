//! Whose data may be written: an SDK key that came to belong to another environment of LaunchDarkly's must not overwrite
//! what is stored.

/// Whether the environment that LaunchDarkly names may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// It may, or LaunchDarkly names none.
    Fine,
    /// It may, once its ID is remembered beside the data.
    Remember(&'a str),
    /// It may not.
    Refused(Mismatch<'a>),
}

/// Two IDs where there should be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mismatch<'a> {
    /// Whose LaunchDarkly says that its data is.
    pub said: &'a str,
    /// Whose it should be.
    pub expected: &'a str,
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
}

/// Compares what LaunchDarkly says with what is remembered beside the data and with what the settings say, which is
/// the operator's last word.
pub fn judge<'a>(
    said: Option<&'a str>,
    remembered: Option<&'a str>,
    configured: Option<&'a str>,
) -> Verdict<'a> {
    let Some(said) = said.filter(|said| !said.is_empty()) else {
        return Verdict::Fine;
    };
    let refused = |expected, by| Verdict::Refused(Mismatch { said, expected, by });
    match (configured, remembered) {
        (Some(configured), _) if configured != said => refused(configured, Expects::Setting),
        (None, Some(remembered)) if remembered != said => refused(remembered, Expects::Table),
        (_, Some(remembered)) if remembered == said => Verdict::Fine,
        _ => Verdict::Remember(said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused<'a>(said: &'a str, expected: &'a str, by: Expects) -> Verdict<'a> {
        Verdict::Refused(Mismatch { said, expected, by })
    }

    #[test]
    fn every_case_of_three_ids() {
        let (x, y, z) = (Some("x"), Some("y"), Some("z"));
        for (said, remembered, configured, expected) in [
            // Who is not named is not checked.
            (None, None, None, Verdict::Fine),
            (None, y, None, Verdict::Fine),
            (None, y, z, Verdict::Fine),
            (Some(""), y, z, Verdict::Fine),
            // Without a setting, the first one stays.
            (x, None, None, Verdict::Remember("x")),
            (x, x, None, Verdict::Fine),
            (x, y, None, refused("x", "y", Expects::Table)),
            // The setting has the last word.
            (x, None, x, Verdict::Remember("x")),
            (x, x, x, Verdict::Fine),
            (x, y, x, Verdict::Remember("x")),
            (x, None, y, refused("x", "y", Expects::Setting)),
            (x, x, y, refused("x", "y", Expects::Setting)),
            (x, y, y, refused("x", "y", Expects::Setting)),
            (x, y, z, refused("x", "z", Expects::Setting)),
            // An item without contents is not what is said.
            (x, Some(""), None, refused("x", "", Expects::Table)),
        ] {
            let verdict = judge(said, remembered, configured);
            assert_eq!(
                verdict, expected,
                "{said:?}, {remembered:?}, {configured:?}"
            );
        }
    }
}

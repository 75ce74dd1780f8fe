//! Where environments come from, if they are not listed: auto-configuration, or an archive.

use std::path::PathBuf;
use std::time::Duration;

use super::check::Checker;
use super::{Secret, SourceKind};

/// Where environments come from.
#[derive(Clone)]
pub enum RosterSettings {
    /// Each is listed in the settings.
    Listed,
    /// LaunchDarkly says which there are.
    AutoConfig(AutoConfigSettings),
    /// A file has them and their data.
    Archive(ArchiveSettings),
}

/// What auto-configuration takes.
#[derive(Clone)]
pub struct AutoConfigSettings {
    /// The key of a Relay Proxy configuration at LaunchDarkly.
    pub key: Secret,
    /// Where environments go.
    pub destination: DestinationTemplates,
    /// Where the last good roster is kept for a start without LaunchDarkly.
    pub cache: Option<CacheSettings>,
    /// How the environments are heard.
    pub source: SourceKind,
}

/// Where the last good roster is kept.
#[derive(Clone)]
pub struct CacheSettings {
    /// The table.
    pub table: String,
    /// The namespace of its rows, as it is.
    pub namespace: String,
    /// What the rows are encrypted with; without it, the key of auto-configuration.
    pub encryption_key: Option<Secret>,
}

/// What an archive takes.
#[derive(Clone)]
pub struct ArchiveSettings {
    /// The file.
    pub path: PathBuf,
    /// How often it is looked at.
    pub interval: Duration,
    /// Where environments go.
    pub destination: DestinationTemplates,
}

/// Where environments go: `$CID`, `$PROJ_KEY` and `$ENV_KEY` stand for what LaunchDarkly calls each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestinationTemplates {
    /// The prefix.
    pub prefix: String,
    /// The table.
    pub table: String,
}

impl DestinationTemplates {
    /// Whether a `$` begins something else than a placeholder.
    fn is_misspelt(&self) -> bool {
        let mut rest = format!("{} {}", self.prefix, self.table);
        for placeholder in ["$CID", "$PROJ_KEY", "$ENV_KEY"] {
            rest = rest.replace(placeholder, "");
        }
        rest.contains('$')
    }

    /// Whether no two environments of LaunchDarkly's are sent to one place.
    fn tell_apart(&self) -> bool {
        let holds =
            |placeholder| self.prefix.contains(placeholder) || self.table.contains(placeholder);
        holds("$CID") || holds("$PROJ_KEY") && holds("$ENV_KEY")
    }
}

/// The same in the making.
#[derive(Default)]
pub(super) struct RosterDraft {
    pub(super) key: Option<Secret>,
    pub(super) cache_namespace: Option<String>,
    pub(super) cache_encryption_key: Option<Secret>,
    pub(super) archive: Option<PathBuf>,
    pub(super) archive_interval: Duration,
    pub(super) prefix: Option<String>,
    pub(super) table: Option<String>,
}

const KEY: &str = "AUTO_CONFIG_KEY";
const CACHE: &str = "AUTO_CONFIG_CACHE_KEY";
const ENCRYPTION: &str = "AUTO_CONFIG_CACHE_ENCRYPTION_KEY";
const ARCHIVE: &str = "FILE_DATA_SOURCE";
const INTERVAL: &str = "FILE_DATA_SOURCE_MONITORING_INTERVAL";
/// What has no effect where nobody asks LaunchDarkly.
const OF_LAUNCHDARKLY: &[&str] = &[
    "STREAM_URI",
    "BASE_URI",
    "UPSTREAM",
    "POLL_INTERVAL",
    "MAX_EVENT_BYTES",
    "PROXY_URL",
    "PROXY_CA_CERTS",
    "WEBHOOK_SECRET",
];
const PREFIX: &str = "ENV_DATASTORE_PREFIX";
const TABLE: &str = "ENV_DATASTORE_TABLE_NAME";

impl Checker<'_> {
    /// What of it can be used; nothing where a finding says why not. `is_listed`: environments are listed; `shared`: the
    /// table of those that have none of their own.
    pub(super) fn roster(
        &mut self,
        draft: RosterDraft,
        is_listed: bool,
        shared: Option<&str>,
        source: SourceKind,
    ) -> Option<RosterSettings> {
        match [KEY, ARCHIVE].map(|it| self.is_given(it)) {
            [false, false] => {
                self.templates_for_nobody();
                self.without_effect(
                    &[CACHE, ENCRYPTION],
                    "it belongs to AUTO_CONFIG_KEY, which is not set",
                );
                self.without_effect(
                    &[INTERVAL],
                    "it belongs to FILE_DATA_SOURCE, which is not set",
                );
                return Some(RosterSettings::Listed);
            }
            [true, true] => {
                self.contradiction(
                    &[KEY, ARCHIVE],
                    "both say which environments there are; remove one of them",
                );
                return None;
            }
            [key, _] if is_listed => {
                self.contradiction(
                    &[if key { KEY } else { ARCHIVE }],
                    "this says which environments there are, and others are listed with LD_ENV_<name>; remove one or \
                     the other",
                );
                return None;
            }
            _ => {}
        }
        let destination = self.destination(draft.prefix, draft.table, shared)?;
        if let Some(path) = draft.archive {
            self.without_effect(
                &[CACHE, ENCRYPTION],
                "it belongs to AUTO_CONFIG_KEY, which is not set",
            );
            self.without_effect(
                OF_LAUNCHDARKLY,
                "with FILE_DATA_SOURCE nobody connects to LaunchDarkly, and no webhook brings news",
            );
            return Some(RosterSettings::Archive(ArchiveSettings {
                path,
                interval: draft.archive_interval,
                destination,
            }));
        }
        self.without_effect(
            &[INTERVAL],
            "it belongs to FILE_DATA_SOURCE, which is not set",
        );
        let cache = match (draft.cache_namespace, shared) {
            (None, _) => {
                let why = "it encrypts a cache that is not switched on; set AUTO_CONFIG_CACHE_KEY to have one";
                self.without_effect(&[ENCRYPTION], why);
                None
            }
            (Some(namespace), Some(table)) => Some(CacheSettings {
                table: table.to_owned(),
                namespace,
                encryption_key: draft.cache_encryption_key,
            }),
            (Some(_), None) => {
                self.contradiction(
                    &[CACHE],
                    "the cache is kept in the table that all environments share, and there is none; set DYNAMODB_TABLE",
                );
                None
            }
        };
        Some(RosterSettings::AutoConfig(AutoConfigSettings {
            key: draft.key?,
            destination,
            cache,
            source,
        }))
    }

    fn destination(
        &mut self,
        prefix: Option<String>,
        table: Option<String>,
        shared: Option<&str>,
    ) -> Option<DestinationTemplates> {
        let Some(table) = table.or_else(|| shared.map(str::to_owned)) else {
            if !self.findings.incomplete && !self.is_given("DYNAMODB_TABLE") {
                self.contradiction(
                    &[KEY, ARCHIVE],
                    "there is no table for its environments; set DYNAMODB_TABLE, or ENV_DATASTORE_TABLE_NAME with $CID \
                     in it",
                );
            }
            return None;
        };
        let templates = DestinationTemplates {
            prefix: prefix.unwrap_or_default(),
            table,
        };
        if templates.is_misspelt() {
            self.contradiction(
                &[PREFIX, TABLE],
                "it has a `$` that begins none of $CID, $PROJ_KEY and $ENV_KEY; remove it",
            );
        } else if !templates.tell_apart() {
            self.contradiction(
                &[PREFIX, TABLE, KEY, ARCHIVE],
                "each environment needs a place of its own; put $CID, or both $PROJ_KEY and $ENV_KEY, into \
                 ENV_DATASTORE_PREFIX or ENV_DATASTORE_TABLE_NAME",
            );
        }
        Some(templates)
    }

    /// They say where environments go that come from elsewhere, and none do.
    fn templates_for_nobody(&mut self) {
        if self.is_given(PREFIX) || self.is_given(TABLE) {
            self.contradiction(
                &[PREFIX, TABLE],
                "this belongs to AUTO_CONFIG_KEY or FILE_DATA_SOURCE, and neither is set; set LD_PREFIX_<name> or \
                 LD_TABLE_NAME_<name> for each listed environment",
            );
        }
    }

    fn without_effect(&mut self, variables: &[&str], why: &str) {
        for variable in variables {
            for origin in self.at(variable, None) {
                self.findings
                    .warning([origin], format!("no effect here: {why}"));
            }
        }
    }

    fn contradiction(&mut self, about: &[&str], text: &str) {
        let about: Vec<_> = about.iter().flat_map(|it| self.at(it, None)).collect();
        self.findings.problem(about, text);
    }

    fn is_given(&self, variable: &str) -> bool {
        self.given.get(variable, None).is_some()
    }
}

//! What no option can say alone: what is missing, what contradicts, what collides.

use secrecy::ExposeSecret;

use super::draft::{Draft, EnvironmentDraft};
use super::keys::{self, KeyForm};
use super::load::InEffect;
use super::origin::{Findings, Origin};
use super::pem_files::PemFiles;
use super::sources::Sources;
use super::{Config, EnvironmentSettings, Http, SourceKind, Upstream};

/// Makes a draft whole. What is wrong goes into `findings`; without a problem there the configuration is right.
pub(super) fn check(
    draft: Draft,
    given: &InEffect<'_>,
    sources: &Sources<'_>,
    findings: &mut Findings,
) -> Option<Config> {
    let mut files = PemFiles {
        given,
        sources,
        findings,
    };
    files.authorities(&draft.upstream.ca_certificates);
    let tls = files.tls(&draft.tls);
    let mut checker = Checker { given, findings };
    checker.ports(&draft);
    checker.some_environment(&draft);
    for environment in &draft.environments {
        checker.name(environment);
        let source = environment.source.unwrap_or(draft.source);
        checker.sdk_key(environment, &draft.upstream, source);
        checker.table(environment, &draft);
        checker.prefix(environment);
    }
    checker.separate(&draft);
    let (shared, source) = (draft.table, draft.source);
    let is_listed = !draft.environments.is_empty();
    let roster = checker.roster(draft.roster, is_listed, shared.as_deref(), source);
    let environments: Option<Vec<_>> = draft
        .environments
        .into_iter()
        .map(|it| whole(it, shared.as_deref(), source))
        .collect();
    Some(Config {
        environments: environments?,
        roster: roster?,
        upstream: draft.upstream,
        store: draft.store,
        upkeep: draft.upkeep,
        http: Http { tls, ..draft.http },
        lifecycle: draft.lifecycle,
        log: draft.log,
    })
}

fn whole(
    draft: EnvironmentDraft,
    shared: Option<&str>,
    source: SourceKind,
) -> Option<EnvironmentSettings> {
    Some(EnvironmentSettings {
        name: draft.name.into(),
        sdk_key: draft.sdk_key?,
        table: draft.table.or_else(|| shared.map(str::to_owned))?,
        prefix: draft.prefix.unwrap_or_default(),
        log_level: draft.log_level,
        project: draft.project,
        environment_key: draft.environment_key,
        webhook_secrets: draft.webhook_secrets,
        environment_id: draft.environment_id,
        mobile_key: draft.mobile_key,
        source: draft.source.unwrap_or(source),
    })
}

pub(super) struct Checker<'a> {
    pub(super) given: &'a InEffect<'a>,
    pub(super) findings: &'a mut Findings,
}

impl Checker<'_> {
    /// Where this was set; nothing if it was not.
    pub(super) fn at(&self, variable: &str, name: Option<&str>) -> Vec<Origin> {
        let given = self.given.get(variable, name);
        given.map(|it| it.origin.clone()).into_iter().collect()
    }

    fn ports(&mut self, draft: &Draft) {
        if draft.http.port == draft.http.admin_port && draft.http.port != 0 {
            let mut about = self.at("PORT", None);
            about.extend(self.at("PROMETHEUS_PORT", None));
            let text = format!(
                "PORT and PROMETHEUS_PORT (the admin port) are both {}; give them different ports",
                draft.http.port
            );
            self.findings.problem(about, text);
        }
    }

    fn some_environment(&mut self, draft: &Draft) {
        // They come from there.
        let another = ["AUTO_CONFIG_KEY", "FILE_DATA_SOURCE"]
            .iter()
            .any(|it| self.given.get(it, None).is_some());
        if draft.environments.is_empty() && !self.findings.incomplete && !another {
            self.findings.problem(
                [],
                "there is no environment; set LD_ENV_<name> to its SDK key, or add [[environment]] to the file",
            );
        }
    }

    fn name(&mut self, it: &EnvironmentDraft) {
        if it.name.len() > 255 || it.name.chars().any(char::is_control) {
            let about: Vec<_> = self
                .given
                .of_environment(&it.name)
                .map(|it| it.origin.clone())
                .collect();
            let text = "the environment's name is too long or has control characters; rename it";
            self.findings.problem(about, text);
        }
    }

    fn sdk_key(&mut self, it: &EnvironmentDraft, upstream: &Upstream, source: SourceKind) {
        let name = &it.name;
        let at = self.at("LD_ENV_", Some(name));
        let Some(key) = &it.sdk_key else {
            if at.is_empty() && !self.findings.incomplete {
                let about: Vec<_> = self
                    .given
                    .of_environment(name)
                    .map(|it| it.origin.clone())
                    .collect();
                let text = format!(
                    "there is no SDK key for the environment `{name}`; set LD_ENV_{name} (or sdk_key in the file), or \
                     remove what is said about it"
                );
                self.findings.problem(about, text);
            }
            return;
        };
        // What is kept elsewhere is judged when it is read.
        let Some(key) = &key.value else { return };
        let launchdarkly = keys::is_launchdarkly(upstream.uri(source));
        match keys::form_of(key.expose_secret(), launchdarkly) {
            KeyForm::Right => {}
            KeyForm::Unusual => {
                let setting = match source {
                    SourceKind::Stream => "STREAM_URI",
                    SourceKind::Poll => "BASE_URI",
                };
                let text = format!(
                    "the SDK key does not begin with sdk-, as LaunchDarkly's do; it is used as it is because {setting} \
                     is not LaunchDarkly's"
                );
                self.findings.warning(at, text);
            }
            KeyForm::Wrong(sentence) => {
                self.findings.problem(at, format!("the SDK key {sentence}"));
            }
        }
    }

    fn table(&mut self, it: &EnvironmentDraft, draft: &Draft) {
        let said = [
            ("DYNAMODB_TABLE", None),
            ("LD_TABLE_NAME_", Some(it.name.as_str())),
        ];
        let said = said
            .iter()
            .any(|(variable, name)| self.given.get(variable, *name).is_some());
        if it.table.as_ref().or(draft.table.as_ref()).is_none()
            && !said
            && !self.findings.incomplete
        {
            let text = format!(
                "there is no table for the environment `{0}`; set DYNAMODB_TABLE for all, or LD_TABLE_NAME_{0}",
                it.name
            );
            self.findings
                .problem(self.at("LD_ENV_", Some(&it.name)), text);
        }
    }

    fn prefix(&mut self, it: &EnvironmentDraft) {
        if it.prefix.as_ref().is_some_and(|it| it.contains('$')) {
            self.findings.warning(
                self.at("LD_PREFIX_", Some(&it.name)),
                "the prefix has a `$` in it; it is used as it is, no placeholder is replaced",
            );
        }
    }

    /// Two environments in one place would remove each other's items without end.
    fn separate(&mut self, draft: &Draft) {
        let with_key = |it: &&EnvironmentDraft| self.given.get("LD_ENV_", Some(&it.name)).is_some();
        let environments: Vec<_> = draft.environments.iter().filter(with_key).collect();
        if environments.len() > 1 {
            for it in &environments {
                self.place_of_its_own(it);
            }
        }
        for (index, second) in environments.iter().enumerate() {
            for first in &environments[..index] {
                self.apart(first, second, draft.table.as_deref());
            }
        }
    }

    fn place_of_its_own(&mut self, it: &EnvironmentDraft) {
        let name = &it.name;
        let said = ["LD_PREFIX_", "LD_TABLE_NAME_"]
            .iter()
            .any(|variable| self.given.get(variable, Some(name)).is_some());
        if !said && !self.findings.incomplete {
            let text = format!(
                "with more than one environment each needs a prefix or a table of its own; set LD_PREFIX_{name} or \
                 LD_TABLE_NAME_{name}"
            );
            self.findings.problem(self.at("LD_ENV_", Some(name)), text);
        }
    }

    fn apart(&mut self, first: &EnvironmentDraft, second: &EnvironmentDraft, shared: Option<&str>) {
        fn place<'a>(
            it: &'a EnvironmentDraft,
            shared: Option<&'a str>,
        ) -> Option<(&'a str, &'a str)> {
            let table = it.table.as_deref().or(shared)?;
            Some((table, it.prefix.as_deref().unwrap_or_default()))
        }
        let (Some(one), Some(other)) = (place(first, shared), place(second, shared)) else {
            return;
        };
        let (a, b) = (&first.name, &second.name);
        if one.1 != other.1 || base_name(one.0) != base_name(other.0) {
            return;
        }
        let place = match one {
            (table, "") => format!("the table {table} without a prefix"),
            (table, prefix) => format!("the table {table} with the prefix `{prefix}`"),
        };
        let mut about = Vec::new();
        for (variable, name) in [
            ("LD_PREFIX_", a),
            ("LD_TABLE_NAME_", a),
            ("LD_PREFIX_", b),
            ("LD_TABLE_NAME_", b),
        ] {
            about.extend(self.at(variable, Some(name)));
        }
        if one.0 == other.0 {
            let text = format!(
                "the environments `{a}` and `{b}` both go to {place}, and would remove each other's items; change \
                 LD_PREFIX_{b} or LD_TABLE_NAME_{b}"
            );
            self.findings.problem(about, text);
        } else {
            let text = format!(
                "the environments `{a}` and `{b}` would remove each other's items if {} and {} are one table; make sure \
                 that they are not",
                one.0, other.0
            );
            self.findings.warning(about, text);
        }
    }
}

/// The name alone, of a name or an ARN.
fn base_name(table: &str) -> &str {
    table.rsplit_once(":table/").map_or(table, |(_, name)| name)
}

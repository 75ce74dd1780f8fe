//! `doctor`: what may be wrong, a line each, with advice.

mod permissions;

use std::io::{self, Write};
use std::time::SystemTime;

use serde_json::json;

use super::environments::{Gathered, gather};
use crate::clock;
use crate::config::secret_check::{self, Check};
use crate::config::{Config, RosterSettings, Secret};
use crate::environment::{Environment, EnvironmentSource, Failure};
use crate::launchdarkly::{Greeting, Transport};
use crate::metrics::Metrics;
use crate::model::{Content, Desired, Kind, MAX_ROW_BYTES, Observed};
use crate::roster::RefusedEnvironment;
use crate::secrets::{Keeper, Kept};
use crate::table::Connection;

/// DynamoDB's page: Ruby's SDK reads only one.
const PAGE_BYTES: usize = 1 << 20;
/// Where the alert begins that an item comes near to DynamoDB's limit.
const NEAR_BYTES: usize = 350_000;
/// Java's and .NET's SDKs read versions as 32-bit numbers.
const MAX_VERSION: u64 = i32::MAX as u64;
/// Clocks that are kept in step differ by less.
const CLOCK_TOLERANCE_SECONDS: u64 = 60;
/// AWS refuses signatures that are older or from the future.
const SIGNATURE_SECONDS: u64 = 300;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Fine.
    Ok,
    /// Some readers may be hurt, or could not be looked at.
    Warning,
    /// It will not work.
    Failed,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// None where it concerns all.
    environment: Option<String>,
    check: &'static str,
    /// How bad it is.
    pub level: Severity,
    text: String,
}

/// Looks at everything.
pub async fn examine(config: &Config, connection: &Connection) -> anyhow::Result<Vec<Finding>> {
    let metrics = Metrics::new(&config.http.metrics_prefix);
    let mut findings = Vec::new();
    let mut keeper = Keeper::default();
    let kept = kept_elsewhere(config, &mut keeper);
    let gathered = gather(config, connection, &metrics, None, &mut keeper).await;
    let Gathered {
        environments,
        unusable,
    } = match gathered {
        Ok(gathered) => gathered,
        Err(error) if !matches!(config.roster, RosterSettings::Listed) => {
            let mut chart = Chart {
                environment: None,
                findings: &mut findings,
            };
            chart.secrets(&kept);
            chart.note("roster", Severity::Failed, error.to_string());
            return Ok(findings);
        }
        Err(error) => return Err(error),
    };
    let mut chart = Chart {
        environment: None,
        findings: &mut findings,
    };
    chart.secrets(&kept);
    let asks_launchdarkly = !matches!(config.roster, RosterSettings::Archive(_));
    if asks_launchdarkly {
        chart.webhook(config, &environments);
    }
    chart.roster(config, environments.len(), &unusable);
    for environment in environments {
        chart.environment = Some(environment.name.to_string());
        chart.secrets(&kept);
        let observed = chart.table(&environment).await;
        match environment.hear(config.lifecycle.init_timeout).await {
            Ok((desired, greeting)) => {
                let items = desired.items.len();
                let (check, text) = match &environment.source {
                    EnvironmentSource::LaunchDarkly(_) => (
                        "key",
                        format!("LaunchDarkly accepts the SDK key and said {items} items"),
                    ),
                    EnvironmentSource::Archive(_) => {
                        ("archive", format!("the archive holds {items} items of it"))
                    }
                };
                chart.note(check, Severity::Ok, text);
                chart.identity(&environment, &greeting, &observed.unwrap_or_default());
                chart.polling(&environment).await;
                if asks_launchdarkly {
                    chart.clock(&greeting);
                }
                chart.sizes(&environment, &desired);
            }
            Err(failure) => chart.source(&failure),
        }
    }
    Ok(findings)
}

/// A secret that is kept elsewhere.
struct Elsewhere {
    /// None where it is for all.
    environment: Option<String>,
    reference: String,
    kept: Kept,
}

/// Every one, whoever uses it.
fn kept_elsewhere(config: &Config, keeper: &mut Keeper) -> Vec<Elsewhere> {
    let mut found = Vec::new();
    let mut add = |environment: Option<&str>, secret: &Secret, check: Check| {
        if let Some(reference) = &secret.reference {
            found.push(Elsewhere {
                environment: environment.map(str::to_owned),
                reference: reference.to_string(),
                kept: keeper.keep(secret, check),
            });
        }
    };
    if let Some(secret) = &config.http.admin_token {
        add(None, secret, secret_check::admin_token);
    }
    for secret in &config.http.webhook.secrets {
        add(None, secret, secret_check::webhook_secret);
    }
    if let RosterSettings::AutoConfig(roster) = &config.roster {
        add(None, &roster.key, secret_check::auto_config_key);
        let cache = roster.cache.as_ref();
        if let Some(key) = cache.and_then(|it| it.encryption_key.as_ref()) {
            add(None, key, |_| Ok(()));
        }
    }
    for environment in &config.environments {
        let name = Some(&*environment.name);
        let check = secret_check::sdk_key(config.upstream.uri(environment.source));
        add(name, &environment.sdk_key, check);
        for secret in &environment.webhook_secrets {
            add(name, secret, secret_check::webhook_secret);
        }
    }
    found
}

struct Chart<'a> {
    environment: Option<String>,
    findings: &'a mut Vec<Finding>,
}

impl Chart<'_> {
    fn note(&mut self, check: &'static str, level: Severity, text: String) {
        self.findings.push(Finding {
            environment: self.environment.clone(),
            check,
            level,
            text,
        });
    }

    /// Those of this environment, or of all.
    fn secrets(&mut self, kept: &[Elsewhere]) {
        for it in kept {
            if it.environment != self.environment {
                continue;
            }
            match it.kept.trouble() {
                None => self.note(
                    "secrets",
                    Severity::Ok,
                    format!("{} can be read", it.reference),
                ),
                Some(trouble) => self.note("secrets", Severity::Failed, trouble.to_string()),
            }
        }
    }

    /// What the roster says, where environments are not listed.
    fn roster(&mut self, config: &Config, environments: usize, unusable: &[RefusedEnvironment]) {
        if matches!(config.roster, RosterSettings::Listed) {
            return;
        }
        let who = match config.roster {
            RosterSettings::Archive(_) => "the archive",
            _ => "LaunchDarkly",
        };
        let text = format!("{who} lists {environments} environments that can be used");
        self.note("roster", Severity::Ok, text);
        for it in unusable {
            let text = format!("{}: {}", it.id, it.reason);
            self.note("roster", Severity::Failed, text);
        }
    }

    fn webhook(&mut self, config: &Config, environments: &[Environment]) {
        let common = !config.http.webhook.secrets.is_empty();
        let own = |it: &&Environment| {
            let mut settings = config.environments.iter();
            settings.any(|own| own.name == it.name && !own.webhook_secrets.is_empty())
        };
        let without = environments.iter().filter(|it| !common && !own(it));
        let without: Vec<_> = without.map(|it| &*it.name).collect();
        if without.is_empty() {
            self.note(
                "webhook",
                Severity::Ok,
                "on: each environment has a secret".into(),
            );
        } else {
            let text = format!(
                "no webhook can wake {}: set WEBHOOK_SECRET to have a second alarm besides the stream",
                without.join(", ")
            );
            self.note("webhook", Severity::Warning, text);
        }
    }

    fn identity(&mut self, environment: &Environment, greeting: &Greeting, observed: &Observed) {
        match environment.identify(greeting, observed) {
            Ok(Some(id)) => self.note(
                "identity",
                Severity::Ok,
                format!("the SDK key belongs to LaunchDarkly's environment {id}, and so does what is stored"),
            ),
            Ok(None) => self.note(
                "identity",
                Severity::Ok,
                "LaunchDarkly does not tell whose the SDK key is: nothing is compared".into(),
            ),
            Err(failure) => self.note("identity", Severity::Failed, failure.to_string()),
        }
    }

    fn source(&mut self, failure: &Failure) {
        self.note("key", Severity::Failed, failure.to_string());
    }

    async fn polling(&mut self, environment: &Environment) {
        let EnvironmentSource::LaunchDarkly(client) = &environment.source else {
            return;
        };
        if client.transport() != Transport::Stream {
            // It has just been heard by polling.
            return;
        }
        let Some(key) = environment.key.value() else {
            return;
        };
        let answer = client.poll_status(&key).await;
        match answer {
            Ok(200) => self.note("polling", Severity::Ok, "BASE_URI answers this key".into()),
            Ok(status) => self.note(
                "polling",
                Severity::Warning,
                format!(
                    "BASE_URI answers {status}: check it; the relay itself only needs the stream"
                ),
            ),
            Err(refusal) => self.note(
                "polling",
                Severity::Warning,
                format!("BASE_URI: {refusal}; the relay itself only needs the stream"),
            ),
        }
    }

    fn clock(&mut self, greeting: &Greeting) {
        let there = greeting
            .date
            .as_deref()
            .and_then(|date| httpdate::parse_http_date(date).ok());
        let Some(there) = there else {
            self.note(
                "clock",
                Severity::Warning,
                "LaunchDarkly did not say what time it is".into(),
            );
            return;
        };
        let here: SystemTime = clock::now().wall;
        let off = here
            .duration_since(there)
            .unwrap_or_else(|error| error.duration())
            .as_secs();
        if off <= CLOCK_TOLERANCE_SECONDS {
            self.note(
                "clock",
                Severity::Ok,
                format!("within {off} s of LaunchDarkly's"),
            );
        } else {
            let level = if off > SIGNATURE_SECONDS {
                Severity::Failed
            } else {
                Severity::Warning
            };
            let text = format!(
                "{off} s off LaunchDarkly's: synchronise this machine's clock; AWS refuses our signatures beyond 5 minutes"
            );
            self.note("clock", level, text);
        }
    }

    fn sizes(&mut self, environment: &Environment, desired: &Desired) {
        let namespace_bytes = environment.table.layout.namespace_bytes();
        let mut partitions = [(Kind::Flag, 0), (Kind::Segment, 0)];
        let mut largest = (0, None);
        let mut items: Vec<_> = desired.items.iter().collect();
        items.sort_unstable_by_key(|(key, _)| *key);
        for (key, item) in items {
            let bytes = item.row_bytes(key, namespace_bytes);
            largest = largest.max((bytes, Some(key)));
            for (kind, sum) in &mut partitions {
                *sum += if *kind == key.kind { bytes } else { 0 };
            }
            if bytes > MAX_ROW_BYTES {
                self.note("sizes", Severity::Failed, format!("{key} would make a row of {bytes} bytes, DynamoDB takes {MAX_ROW_BYTES}: make it smaller, for instance by a segment instead of long lists of targets"));
            } else if bytes > NEAR_BYTES {
                self.note("sizes", Severity::Warning, format!("{key} makes a row of {bytes} bytes, DynamoDB takes {MAX_ROW_BYTES}: make it smaller before it grows, for instance by a segment instead of long lists of targets"));
            }
            match item.content {
                Content::Malformed(fault) => self.note(
                    "items",
                    Severity::Failed,
                    format!("{key} cannot be stored: {fault}"),
                ),
                Content::Live { version } | Content::Tombstone { version }
                    if version > MAX_VERSION =>
                {
                    self.note("items", Severity::Warning, format!("{key} has version {version}: Java's and .NET's SDKs cannot read versions above {MAX_VERSION}"));
                }
                Content::Live { .. } | Content::Tombstone { .. } => {}
            }
        }
        self.note(
            "sizes",
            Severity::Ok,
            match largest {
                (bytes, Some(key)) => {
                    format!("the largest row is that of {key}, with {bytes} bytes")
                }
                _ => "there are no items".into(),
            },
        );
        for (kind, bytes) in partitions {
            if bytes > PAGE_BYTES {
                self.note("sizes", Severity::Warning, format!("all {kind}s together have {bytes} bytes, more than one page: Ruby's SDK cannot read all of them at once, other SDKs can"));
            }
        }
    }
}

/// Prints the findings; true if nothing failed.
pub fn print(findings: &[Finding], as_json: bool, out: &mut impl Write) -> io::Result<bool> {
    let good = findings
        .iter()
        .all(|finding| finding.level != Severity::Failed);
    if as_json {
        let list: Vec<_> = findings.iter().map(|it| json!({"environment": it.environment, "check": it.check, "level": it.level.label(), "text": it.text})).collect();
        writeln!(out, "{}", json!({"ok": good, "findings": list}))?;
    } else {
        for it in findings {
            writeln!(
                out,
                "{:8} {}: {}: {}",
                it.level.label(),
                it.environment.as_deref().unwrap_or("all environments"),
                it.check,
                it.text
            )?;
        }
    }
    Ok(good)
}

impl Severity {
    const fn label(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

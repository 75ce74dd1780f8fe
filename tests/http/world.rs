//! Environments in every condition, and who asks about them.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::{self, Body};
use axum::http::{Request, StatusCode};
use ld_dynamodb_relay::clock::Moment;
use ld_dynamodb_relay::config::{EnvironmentSettings, SourceKind};
use ld_dynamodb_relay::environment::Control;
use ld_dynamodb_relay::http::{self, App, Webhook};
use ld_dynamodb_relay::logging::LogLevels;
use ld_dynamodb_relay::metrics::Metrics;
use ld_dynamodb_relay::model::{ItemKey, Kind};
use ld_dynamodb_relay::registry::{EnvironmentInfo, RegisteredEnvironment, RosterOrders};
use ld_dynamodb_relay::secrets::Kept;
use ld_dynamodb_relay::status::{
    EnvironmentStatus, ErrorKind, Facts, Held, HeldReason, LastError, RosterStatus, RowChange,
    SourcePhase, TablePhase, Written,
};
use ld_dynamodb_relay::webhook::WebhookResult;
use secrecy::SecretString;
use serde_json::Value;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use tracing::level_filters::LevelFilter;

pub(crate) const SDK_KEY: &str = "sdk-01234567-89ab-cdef-0123-456789abcdef";

pub(crate) fn clock() -> Moment {
    Moment {
        monotonic: Instant::now(),
        wall: SystemTime::UNIX_EPOCH + Duration::from_secs(5_000),
    }
}

/// A name, and what is done to the environment's facts.
pub(crate) type Described<'a> = (&'a str, fn(&mut Facts));

/// Environments, each with what is done to its facts.
pub(crate) struct World {
    pub(crate) app: App,
}

impl World {
    pub(crate) fn new(environments: &[Described<'_>]) -> Self {
        let metrics = Metrics::new("ld_dynamodb_");
        let members = environments.iter().map(|(name, set)| member(name, *set));
        let app = App {
            environments: members.collect(),
            roster: RosterStatus::configured(),
            roster_orders: RosterOrders::default(),
            log_levels: LogLevels::new(LevelFilter::INFO, &[]),
            webhook: Arc::new(Webhook::new(Vec::new(), Duration::from_mins(5))),
            admin_token: None,
            metrics,
            metrics_enabled: true,
            read_timeout: Duration::from_mins(5),
            disconnected_status_time: Duration::from_mins(1),
            was_ready: Arc::default(),
            stopping: CancellationToken::new(),
            clock,
        };
        Self { app }
    }

    /// With these secrets for every environment without its own; none switches the webhook off.
    pub(crate) fn with_secrets(mut self, secrets: &[&str]) -> Self {
        let webhook = Arc::get_mut(&mut self.app.webhook).unwrap();
        webhook.secrets = secrets.iter().map(|it| kept(it)).collect();
        self
    }

    /// With secrets of its own for the environment.
    pub(crate) fn with_own_secrets(self, name: &str, secrets: &[&str]) -> Self {
        let member = self.app.environments.named(name).unwrap();
        self.app.environments.put(RegisteredEnvironment {
            webhook_secrets: secrets.iter().map(|it| kept(it)).collect(),
            ..RegisteredEnvironment::clone(&member)
        });
        self
    }

    /// With these instead of what they are by themselves.
    pub(crate) fn with_infos(self, infos: &[EnvironmentInfo]) -> Self {
        for (environment, info) in self.app.environments.now().iter().zip(infos) {
            let environment = RegisteredEnvironment {
                info: info.clone(),
                ..RegisteredEnvironment::clone(environment)
            };
            self.app.environments.remove(&environment.info.name);
            self.app.environments.put(environment);
        }
        self
    }

    /// The environment at this place.
    pub(crate) fn at(&self, place: usize) -> Arc<RegisteredEnvironment> {
        Arc::clone(&self.app.environments.now()[place])
    }

    /// How many requests to the webhook came to this.
    pub(crate) fn webhooks(&self, result: WebhookResult) -> u64 {
        let series = format!(
            r#"ld_dynamodb_webhooks_total{{result="{}"}} "#,
            result.label()
        );
        let text = self.app.metrics.render([], None);
        let line = text.lines().find_map(|line| line.strip_prefix(&series));
        line.unwrap().parse().unwrap()
    }

    pub(crate) async fn work(&self, path: &str) -> (StatusCode, String) {
        get(http::work(self.app.clone()), path).await
    }

    pub(crate) async fn admin(&self, path: &str) -> (StatusCode, String) {
        get(http::admin(self.app.clone()), path).await
    }

    pub(crate) async fn status(&self) -> Value {
        let (code, text) = self.admin("/status").await;
        assert_eq!(code, StatusCode::OK);
        serde_json::from_str(&text).unwrap()
    }
}

pub(crate) fn kept(secret: &str) -> Kept {
    Kept::fixed(SecretString::from(secret))
}

/// An environment with these facts.
pub(crate) fn member(name: &str, set: fn(&mut Facts)) -> RegisteredEnvironment {
    let status = EnvironmentStatus::new(clock());
    status.update(set);
    RegisteredEnvironment {
        info: info(name, kept(SDK_KEY)),
        status,
        control: Control::default(),
        webhook_secrets: Vec::new(),
    }
}

pub(crate) fn info(name: &str, key: Kept) -> EnvironmentInfo {
    EnvironmentInfo::new(&settings(name), key, Some("http://localhost:8000"))
}

/// Of an environment with these keys, of its project and its own, and this ID.
pub(crate) fn info_with(
    name: &str,
    project: Option<&str>,
    key: Option<&str>,
    id: Option<&str>,
) -> EnvironmentInfo {
    let settings = EnvironmentSettings {
        project: project.map(str::to_owned),
        environment_key: key.map(str::to_owned),
        environment_id: id.map(str::to_owned),
        ..settings(name)
    };
    EnvironmentInfo::new(&settings, kept(SDK_KEY), Some("http://localhost:8000"))
}

fn settings(name: &str) -> EnvironmentSettings {
    EnvironmentSettings {
        name: name.into(),
        sdk_key: SDK_KEY.into(),
        table: "flags".to_owned(),
        prefix: format!("prefix-{name}"),
        log_level: None,
        project: Some("harbor".to_owned()),
        environment_key: None,
        webhook_secrets: Vec::new(),
        environment_id: Some("5f00c0ffee".to_owned()),
        mobile_key: Some(SecretString::from(
            "mob-01234567-89ab-cdef-0123-456789abcdef",
        )),
        source: SourceKind::Stream,
    }
}

pub(crate) async fn get(router: Router, path: &str) -> (StatusCode, String) {
    ask(router, Request::get(path).body(Body::empty()).unwrap()).await
}

pub(crate) async fn ask(router: Router, request: Request<Body>) -> (StatusCode, String) {
    let response = router.oneshot(request).await.unwrap();
    let status = response.status();
    let bytes = body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

pub(crate) fn fresh(_: &mut Facts) {}

pub(crate) fn good(facts: &mut Facts) {
    let now = clock();
    facts.source = (SourcePhase::Connected, now);
    facts.said_everything = true;
    facts.heard = Some(now);
    facts.table = (TablePhase::Settled, now);
    facts.initialized = true;
    facts.stored = Some(now);
    facts.items = [(Kind::Flag, 7), (Kind::Segment, 2)];
}

pub(crate) fn refused(facts: &mut Facts) {
    facts.source = (SourcePhase::Refused, clock());
    facts.last_error = Some(LastError {
        kind: ErrorKind::Response,
        status_code: Some(401),
        message: "LaunchDarkly refuses the SDK key".to_owned(),
        at: clock(),
    });
}

pub(crate) fn unreachable(facts: &mut Facts) {
    good(facts);
    facts.source.0 = SourcePhase::Interrupted;
    facts.table.0 = TablePhase::Unreachable;
}

pub(crate) fn misconfigured(facts: &mut Facts) {
    facts.table.0 = TablePhase::Misconfigured;
    facts.table_advice = Some("create the table flags".to_owned());
}

pub(crate) fn held(facts: &mut Facts) {
    good(facts);
    for number in 0..150 {
        let reason = if number == 149 {
            HeldReason::TooLarge
        } else {
            HeldReason::Unconfirmed
        };
        let held = Held {
            reason,
            detail: "why".to_owned(),
            since: Instant::now(),
        };
        facts
            .held
            .insert(ItemKey::flag(format!("flag-{number:03}")), held);
    }
}

pub(crate) fn contested(facts: &mut Facts) {
    good(facts);
    let keys = (0..150).map(|number| ItemKey::flag(format!("flag-{number:03}")));
    facts.contested = keys.collect();
}

/// Has stored and repaired, and holds two removals.
pub(crate) fn busy(facts: &mut Facts) {
    good(facts);
    let stored = Written {
        key: ItemKey::flag("dark-mode"),
        done: RowChange::Stored,
        from: None,
        to: Some(7),
        at: clock(),
        propagation: Some(Duration::from_micros(12_340)),
        repair: false,
    };
    let deleted = Written {
        key: ItemKey::segment("staff"),
        done: RowChange::Deleted,
        from: Some(4),
        to: Some(5),
        propagation: None,
        repair: true,
        ..stored.clone()
    };
    let recent = Arc::make_mut(&mut facts.recent);
    recent.wrote(stored);
    recent.wrote(deleted);
    recent.spent(4.5, Instant::now());
    for key in ["gone", "gone-too"] {
        let held = Held {
            reason: HeldReason::Brake,
            detail: "one of too many removals at once".to_owned(),
            since: Instant::now(),
        };
        facts.held.insert(ItemKey::flag(key), held);
    }
    facts.braked = 2;
}

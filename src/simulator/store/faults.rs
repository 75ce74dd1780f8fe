//! What can go wrong between a client and DynamoDB, on demand.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::engine::Operation;
use super::request::Request;

/// An error that DynamoDB answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreRefusal {
    /// The partition has no write or read units left; AWS says it in two ways.
    ProvisionedThroughputExceeded,
    /// The other way.
    Throttling,
    /// 500: nothing is known about what happened.
    InternalServerError,
    /// 503.
    ServiceUnavailable,
    /// The role lacks a permission.
    AccessDenied,
    /// There is no such table.
    ResourceNotFound,
    /// The request is invalid.
    Validation,
    /// The credentials have expired.
    ExpiredToken,
    /// Any other: status, `__type`, message.
    Other(u16, String, String),
}

impl StoreRefusal {
    /// HTTP status, `__type`, message.
    pub(super) fn answer(&self) -> (u16, &str, &str) {
        const API: &str = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException";
        match self {
            Self::ProvisionedThroughputExceeded => (
                400,
                API,
                "The level of configured provisioned throughput for the table was exceeded.",
            ),
            Self::Throttling => (
                400,
                "com.amazon.coral.availability#ThrottlingException",
                "Throughput exceeds the current capacity for one or more partitions.",
            ),
            Self::InternalServerError => (
                500,
                "com.amazonaws.dynamodb.v20120810#InternalServerError",
                "Internal server error",
            ),
            Self::ServiceUnavailable => (
                503,
                "com.amazon.coral.availability#ServiceUnavailableException",
                "The service is unavailable",
            ),
            Self::AccessDenied => (
                400,
                "com.amazon.coral.service#AccessDeniedException",
                "User is not authorized to perform this action on the resource",
            ),
            Self::ResourceNotFound => (
                400,
                "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException",
                "Requested resource not found",
            ),
            Self::Validation => (
                400,
                "com.amazon.coral.validate#ValidationException",
                "The provided request is invalid",
            ),
            Self::ExpiredToken => (
                400,
                "com.amazon.coral.service#ExpiredTokenException",
                "The security token included in the request is expired",
            ),
            Self::Other(status, kind, message) => (*status, kind, message),
        }
    }

    /// Whether this says: slower.
    pub const fn is_throttling(&self) -> bool {
        matches!(self, Self::ProvisionedThroughputExceeded | Self::Throttling)
    }
}

#[derive(Clone, Debug)]
pub(super) enum FaultEffect {
    Refuse(StoreRefusal),
    LoseAnswer,
    DropBeforeActing,
    DelayBefore(Duration),
    DelayAnswer(Duration),
}

type Predicate = Arc<dyn Fn(&Request) -> bool + Send + Sync>;

/// A fault: what goes wrong, for which requests, and how often. By default for every request, for ever.
#[derive(Clone)]
#[must_use = "a fault does nothing until Store::inject gets it"]
pub struct Fault {
    effect: FaultEffect,
    operations: Option<Vec<Operation>>,
    namespace: Option<String>,
    key: Option<String>,
    predicate: Option<Predicate>,
    skip: u64,
    times: Option<u64>,
}

impl Fault {
    const fn of(effect: FaultEffect) -> Self {
        Self {
            effect,
            operations: None,
            namespace: None,
            key: None,
            predicate: None,
            skip: 0,
            times: None,
        }
    }

    /// Nothing happens, and this is the answer.
    pub const fn refuse(refusal: StoreRefusal) -> Self {
        Self::of(FaultEffect::Refuse(refusal))
    }

    /// It happens, but the connection is cut before the answer.
    pub const fn lose_the_answer() -> Self {
        Self::of(FaultEffect::LoseAnswer)
    }

    /// The connection is cut, and nothing happens.
    pub const fn cut_before_acting() -> Self {
        Self::of(FaultEffect::DropBeforeActing)
    }

    /// It happens later.
    pub const fn delay(by: Duration) -> Self {
        Self::of(FaultEffect::DelayBefore(by))
    }

    /// It happens at once, but the answer comes later.
    pub const fn delay_the_answer(by: Duration) -> Self {
        Self::of(FaultEffect::DelayAnswer(by))
    }

    /// Only this operation. More than one may be named, one call each.
    pub fn on(mut self, operation: Operation) -> Self {
        self.operations.get_or_insert_default().push(operation);
        self
    }

    /// Only operations that write rows.
    pub fn on_writes(self) -> Self {
        self.when(|request| request.operation.writes())
    }

    /// Only operations that read rows.
    pub fn on_reads(self) -> Self {
        self.when(|request| request.operation.reads())
    }

    /// Only this partition value.
    pub fn in_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Only this sort key.
    pub fn for_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Only requests of which this is true. Replaces `on_writes` and `on_reads`.
    pub fn when(mut self, predicate: impl Fn(&Request) -> bool + Send + Sync + 'static) -> Self {
        self.predicate = Some(Arc::new(predicate));
        self
    }

    /// Not the first `n` of them.
    pub const fn after(mut self, n: u64) -> Self {
        self.skip = n;
        self
    }

    /// Only `n` of them.
    pub const fn times(mut self, n: u64) -> Self {
        self.times = Some(n);
        self
    }

    fn concerns(&self, request: &Request) -> bool {
        self.operations
            .as_ref()
            .is_none_or(|it| it.contains(&request.operation))
            && (self.namespace.is_none() || self.namespace == request.namespace)
            && (self.key.is_none() || self.key == request.key)
            && self.predicate.as_ref().is_none_or(|it| it(request))
    }
}

/// A fault that was injected: tells how often it struck, and takes it back.
#[derive(Clone)]
pub struct Injected {
    fault: Arc<Fault>,
    seen: Arc<AtomicU64>,
    faults: Arc<Faults>,
}

impl Injected {
    /// How often it struck.
    pub fn hits(&self) -> u64 {
        let seen = self.seen.load(Ordering::Relaxed);
        let struck = seen.saturating_sub(self.fault.skip);
        self.fault.times.map_or(struck, |times| struck.min(times))
    }

    /// It strikes no more.
    pub fn withdraw(&self) {
        self.faults
            .lock()
            .retain(|it| !Arc::ptr_eq(&it.seen, &self.seen));
    }

    fn strikes(&self, request: &Request) -> bool {
        if !self.fault.concerns(request) {
            return false;
        }
        let before = self.seen.fetch_add(1, Ordering::Relaxed);
        let nth = before.checked_sub(self.fault.skip);
        nth.is_some_and(|nth| self.fault.times.is_none_or(|times| nth < times))
    }
}

#[derive(Default)]
pub(super) struct Faults(Mutex<Vec<Injected>>);

impl Faults {
    pub(super) fn inject(self: &Arc<Self>, fault: Fault) -> Injected {
        let injected = Injected {
            fault: Arc::new(fault),
            seen: Arc::default(),
            faults: Arc::clone(self),
        };
        self.lock().push(injected.clone());
        injected
    }

    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    /// Everything that goes wrong with this request. Counts.
    pub(super) fn strike(&self, request: &Request) -> Vec<FaultEffect> {
        self.lock()
            .iter()
            .filter(|it| it.strikes(request))
            .map(|it| it.fault.effect.clone())
            .collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Injected>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

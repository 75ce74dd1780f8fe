//! The keys of an environment: the one to connect with, the others that LaunchDarkly accepts, and until when.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::model::Object;

/// The keys of an environment. No `Debug`: they are secrets.
#[derive(Clone)]
pub struct Credentials {
    anchor: SecretString,
    sdk_keys: Vec<AcceptedKey>,
    mobile_keys: Vec<AcceptedKey>,
    mobile_key: Option<SecretString>,
    fault: Option<CredentialFault>,
}

/// A key that LaunchDarkly accepts. One that shows only a view of the environment is none of them, unless it is the anchor.
#[derive(Clone)]
pub struct AcceptedKey {
    /// What people call it; no secret.
    pub identifier: Option<String>,
    /// The key.
    pub value: SecretString,
    /// Until when it is accepted, in milliseconds since 1970; none: for good.
    pub expiry_ms: Option<u64>,
}

/// Why a set of keys cannot be used. Each is a sentence that an operator reads after the environment's ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialFault {
    /// `sdkKey.value` is empty or absent.
    #[error("it has no default SDK key (`sdkKey.value`)")]
    NoAnchor,
    /// `sdkKeys` says something, but not the anchor.
    #[error("its default SDK key is not one of its `sdkKeys`")]
    AnchorNotListed,
    /// A listed key is empty.
    #[error("one of its listed keys is empty")]
    EmptyKey,
    /// A key holds what no header carries.
    #[error("one of its keys holds a character that no HTTP header carries")]
    UnusableKey,
    /// `mobileKeys` says something, but not the default mobile key.
    #[error("its default mobile key is absent or is not one of its `mobileKeys`")]
    MobileKeyNotListed,
}

/// `sdkKey`, as it is sent.
#[derive(Default, Deserialize)]
pub(super) struct GivenSdkKey {
    value: Option<String>,
    expiring: Option<Object<GivenExpiring>>,
}

#[derive(Deserialize)]
struct GivenExpiring {
    value: Option<String>,
    timestamp: Option<u64>,
}

/// An entry of `sdkKeys` or `mobileKeys`, as it is sent.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GivenKey {
    key: Option<String>,
    value: Option<String>,
    expiry: Option<u64>,
    has_views: Option<bool>,
}

impl GivenKey {
    fn plain(value: String, expiry: Option<u64>) -> Self {
        Self {
            key: None,
            value: Some(value),
            expiry,
            has_views: None,
        }
    }

    fn value(&self) -> &str {
        self.value.as_deref().unwrap_or_default()
    }
}

impl Credentials {
    /// From what is sent. An empty array says nothing: then the singular members make the set.
    pub(super) fn of(
        sdk_key: GivenSdkKey,
        mobile_key: Option<String>,
        sdk_keys: Vec<GivenKey>,
        mobile_keys: Vec<GivenKey>,
    ) -> Self {
        let anchor = sdk_key.value.unwrap_or_default();
        let mobile = mobile_key.unwrap_or_default();
        let fault = fault(&anchor, &mobile, &sdk_keys, &mobile_keys);
        let sdk_keys = if sdk_keys.is_empty() {
            let expiring = sdk_key.expiring.map(|Object(expiring)| expiring);
            let former = expiring.and_then(|it| Some((it.value?, it.timestamp)));
            let former = former.filter(|(value, _)| !value.is_empty());
            std::iter::once((anchor.clone(), None))
                .chain(former)
                .map(|(value, expiry)| GivenKey::plain(value, expiry))
                .collect()
        } else {
            sdk_keys
        };
        let mobile_keys = if mobile_keys.is_empty() && !mobile.is_empty() {
            vec![GivenKey::plain(mobile.clone(), None)]
        } else {
            mobile_keys
        };
        let unusable = || {
            let mut values = sdk_keys.iter().chain(&mobile_keys).map(GivenKey::value);
            values
                .any(|it| !is_sendable(it))
                .then_some(CredentialFault::UnusableKey)
        };
        Self {
            fault: fault.or_else(unusable),
            sdk_keys: accepted(sdk_keys, &anchor),
            mobile_keys: accepted(mobile_keys, &mobile),
            mobile_key: (!mobile.is_empty()).then(|| mobile.into()),
            anchor: anchor.into(),
        }
    }

    /// Why they cannot be used to connect. What the roster serves has none.
    pub const fn fault(&self) -> Option<CredentialFault> {
        self.fault
    }

    /// The default SDK key, with which to connect.
    pub const fn anchor(&self) -> &SecretString {
        &self.anchor
    }

    /// The default mobile key, where there is one.
    pub const fn mobile_key(&self) -> Option<&SecretString> {
        self.mobile_key.as_ref()
    }

    /// The SDK keys that are accepted at this time, the anchor included. Milliseconds since 1970.
    pub fn sdk_keys(&self, now_ms: u64) -> impl Iterator<Item = &AcceptedKey> {
        self.sdk_keys.iter().filter(move |it| it.holds_at(now_ms))
    }

    /// The mobile keys that are accepted at this time.
    pub fn mobile_keys(&self, now_ms: u64) -> impl Iterator<Item = &AcceptedKey> {
        self.mobile_keys
            .iter()
            .filter(move |it| it.holds_at(now_ms))
    }

    /// The keys that may be used at this time while the anchor is refused and there is no connection, the one that lasts
    /// longest first. None of them shows a mere view of the flags: the rest would be removed from the table.
    pub fn usable_instead(&self, now_ms: u64) -> Vec<&AcceptedKey> {
        let anchor = self.anchor.expose_secret();
        let others = self.sdk_keys(now_ms);
        let mut others: Vec<_> = others.filter(|it| it.text() != anchor).collect();
        others.sort_by_key(|it| Reverse(it.expiry_ms.unwrap_or(u64::MAX)));
        others
    }

    /// Whether both have the same anchor.
    pub(super) fn same_anchor(&self, other: &Self) -> bool {
        self.anchor.expose_secret() == other.anchor.expose_secret()
    }

    /// Whether both accept the same keys beside the anchor, for the same time, whatever people call them.
    pub(super) fn same_others(&self, other: &Self) -> bool {
        let terms = |it: &Self| -> BTreeSet<(bool, String, Option<u64>)> {
            let sdk_keys = it.sdk_keys.iter().map(|key| (true, key));
            let sdk_keys = sdk_keys.filter(|(_, key)| key.text() != it.anchor.expose_secret());
            let mobile_keys = it.mobile_keys.iter().map(|key| (false, key));
            let all = sdk_keys.chain(mobile_keys);
            all.map(|(is_sdk, key)| (is_sdk, key.text().to_owned(), key.expiry_ms))
                .collect()
        };
        terms(self) == terms(other)
    }

    /// Whether people call the keys that are in both the same.
    pub(super) fn same_identifiers(&self, other: &Self) -> bool {
        let identifiers = |it: &Self| -> HashMap<String, Option<String>> {
            let keys = it.sdk_keys.iter().chain(&it.mobile_keys);
            keys.map(|key| (key.text().to_owned(), key.identifier.clone()))
                .collect()
        };
        let theirs = identifiers(other);
        let ours = identifiers(self);
        ours.iter()
            .all(|(key, identifier)| theirs.get(key).is_none_or(|it| it == identifier))
    }
}

impl From<SecretString> for AcceptedKey {
    /// Accepted for good.
    fn from(value: SecretString) -> Self {
        Self {
            identifier: None,
            value,
            expiry_ms: None,
        }
    }
}

impl AcceptedKey {
    /// Whether it is accepted at this time.
    pub fn holds_at(&self, now_ms: u64) -> bool {
        self.expiry_ms.is_none_or(|expiry| expiry > now_ms)
    }

    fn text(&self) -> &str {
        self.value.expose_secret()
    }
}

fn fault(
    anchor: &str,
    mobile: &str,
    sdk_keys: &[GivenKey],
    mobile_keys: &[GivenKey],
) -> Option<CredentialFault> {
    let lacks =
        |keys: &[GivenKey], key: &str| !keys.is_empty() && keys.iter().all(|it| it.value() != key);
    let is_empty = |it: &GivenKey| it.value().is_empty();
    if anchor.is_empty() {
        Some(CredentialFault::NoAnchor)
    } else if sdk_keys.iter().chain(mobile_keys).any(is_empty) {
        Some(CredentialFault::EmptyKey)
    } else if lacks(sdk_keys, anchor) {
        Some(CredentialFault::AnchorNotListed)
    } else if lacks(mobile_keys, mobile) {
        Some(CredentialFault::MobileKeyNotListed)
    } else {
        None
    }
}

/// What a header carries: 0x7f is among what the HTTP library refuses.
fn is_sendable(key: &str) -> bool {
    key.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
}

/// Each value once, where it came first. Any of its entries may make it one for views; the one that lasts longest says
/// how long. The anchor outranks both.
fn accepted(keys: Vec<GivenKey>, anchor: &str) -> Vec<AcceptedKey> {
    let mut places = HashMap::<String, usize>::new();
    let mut found = Vec::<(AcceptedKey, bool)>::new();
    for given in keys {
        let value = given.value.unwrap_or_default();
        let is_anchor = value == anchor;
        let for_views = given.has_views.unwrap_or_default() && !is_anchor;
        let expiry_ms = given.expiry.filter(|expiry| *expiry > 0 && !is_anchor);
        let identifier = given.key.filter(|it| !it.is_empty());
        if let Some(place) = places.get(&value) {
            let (key, views) = &mut found[*place];
            *views |= for_views;
            key.expiry_ms = key.expiry_ms.zip(expiry_ms).map(|(a, b)| a.max(b));
            key.identifier = key.identifier.take().or(identifier);
        } else {
            places.insert(value.clone(), found.len());
            let key = AcceptedKey {
                identifier,
                value: value.into(),
                expiry_ms,
            };
            found.push((key, for_views));
        }
    }
    let whole = found.into_iter().filter(|(_, for_views)| !for_views);
    whole.map(|(key, _)| key).collect()
}

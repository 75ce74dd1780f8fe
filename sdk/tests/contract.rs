//! The contract of LaunchDarkly's persistent stores, as the suites of its SDKs have it: on the embedded DynamoDB, and on the
//! endpoint in `DYNAMODB_LOCAL_ENDPOINT` where that is set. Each case runs with a prefix and without.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "contract/configuration.rs"]
mod configuration;
#[path = "contract/kept.rs"]
mod kept;
#[path = "contract/place.rs"]
mod place;
#[path = "contract/races.rs"]
mod races;
#[path = "contract/sizes.rs"]
mod sizes;
#[path = "contract/whole_set.rs"]
mod whole_set;

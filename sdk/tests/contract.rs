//! The contract of LaunchDarkly's persistent stores, as the suites of its SDKs have it: on the embedded DynamoDB, and on the
//! endpoint in `DYNAMODB_LOCAL_ENDPOINT` where that is set. Each case runs with a prefix and without.
//! What needs faults, threads or LaunchDarkly runs on the embedded one alone.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "contract/configuration.rs"]
mod configuration;
#[path = "contract/faults.rs"]
mod faults;
#[path = "contract/foreign.rs"]
mod foreign;
#[path = "contract/kept.rs"]
mod kept;
#[path = "contract/place.rs"]
mod place;
#[path = "contract/races.rs"]
mod races;
#[path = "contract/runtimes.rs"]
mod runtimes;
#[path = "contract/sizes.rs"]
mod sizes;
#[path = "contract/through_the_sdk.rs"]
mod through_the_sdk;
#[path = "contract/told.rs"]
mod told;
#[path = "contract/vectors.rs"]
mod vectors;
#[path = "contract/whole_set.rs"]
mod whole_set;

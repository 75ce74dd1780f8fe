//! Rows as LaunchDarkly's SDKs read them: written by the table, found in an embedded DynamoDB.
#![cfg(feature = "demo")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "layout/conditions.rs"]
mod conditions;
#[path = "layout/round_trip.rs"]
mod round_trip;
#[path = "layout/support.rs"]
mod support;
#[path = "layout/vectors.rs"]
mod vectors;

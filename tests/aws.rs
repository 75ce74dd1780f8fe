//! Parameter Store and Secrets Manager hold the keys, and the relay follows when they change. AWS is imitated by moto's
//! server, a Python program that `make aws` installs.
#![cfg(feature = "interop")]
#![expect(clippy::unwrap_used, reason = "helpers of tests may")]

#[path = "aws/moto.rs"]
mod moto;
#[path = "aws/places.rs"]
mod places;

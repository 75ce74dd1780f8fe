//! Parameter Store and Secrets Manager hold the keys, and the relay follows when they change. AWS is imitated by moto's
//! server, a Python program that `make aws` installs.
#![cfg(feature = "interop")]
#![expect(clippy::unwrap_used, reason = "helpers of tests may")]

#[path = "aws/moto.rs"]
mod moto;
#[path = "aws/places.rs"]
mod places;
#[path = "aws/rotation.rs"]
mod rotation;
#[path = "aws/task.rs"]
mod task;

#[expect(dead_code, reason = "what other tests of the program need too")]
#[path = "program/ask.rs"]
mod ask;
#[expect(dead_code, reason = "what other tests of the program need too")]
#[path = "program/process.rs"]
mod process;
#[expect(dead_code, reason = "what other tests of the program need too")]
#[path = "program/world.rs"]
mod world;

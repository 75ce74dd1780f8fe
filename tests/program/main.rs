//! The program as a process, from outside: what it is given, what it prints, how it ends. LaunchDarkly and DynamoDB are
//! simulated in the process of the tests. One file a promise.

#![cfg(feature = "demo")]
#![expect(clippy::unwrap_used, reason = "helpers of tests may")]

mod ask;
#[path = "../tls/certificates.rs"]
mod certificates;
#[expect(dead_code, reason = "it needs few of them")]
#[path = "../archive/pack.rs"]
mod pack;
mod process;
mod rostered;
mod schema;
mod world;

mod archive;
mod auto_config;
mod config;
mod demo;
mod doctor;
mod faults;
mod identity;
mod kubernetes;
mod lines;
mod logs;
mod migrating;
mod orders;
mod polling;
mod probes;
mod proxy;
mod roster_once;
mod run;
mod runbook;
mod secrets;
mod stop;
mod sync;
mod tls;
mod told;
mod told_rosters;
mod verify;
mod webhook;
mod webhook_policy;

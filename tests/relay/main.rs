//! The relay between a simulated LaunchDarkly and an embedded DynamoDB, over sockets. One file a promise.
#![cfg(test)]
#![cfg(feature = "demo")]

mod support;

mod auto_config;
mod auto_config_keys;
mod auto_config_places;
mod basics;
mod bytes;
mod clock;
mod connections;
mod contested;
mod drift;
mod environments;
mod figures;
mod hints;
mod identity;
mod keys;
mod looks;
mod malformed;
mod operator;
mod order;
mod pace;
mod polling;
mod polling_faults;
mod reads;
mod redirects;
mod roster;
mod roster_cache;
mod secrets;
mod sizes;
mod stop;
mod store_faults;
mod takeover;
mod versions;

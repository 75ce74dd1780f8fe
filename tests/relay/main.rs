//! The relay between a simulated LaunchDarkly and an embedded DynamoDB, over sockets. One file a promise.

mod support;

mod basics;
mod bytes;
mod connections;
mod figures;
mod malformed;
mod order;
mod redirects;
mod versions;

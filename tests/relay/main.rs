//! The relay between a simulated LaunchDarkly and an embedded DynamoDB, over sockets. One file a promise.

mod support;

mod basics;

//! What is fuzzed, under the name that the bodies know it by: the project's pure modules and nothing else, so that neither
//! the AWS clients nor the servers are built with a sanitizer.

#![expect(
    dead_code,
    reason = "parts of these modules are there for modules that are not here"
)]

pub use source::{model, webhook};

#[path = "../src"]
mod source {
    pub mod model;
    pub mod webhook;
}

/// The protocol without its socket.
#[path = "../src/launchdarkly"]
pub mod launchdarkly {
    pub mod fdv1;
    pub mod sse;
}

//! The modules of `src/` that the bodies know, under the crate's own name, and none of the others: with the clients of AWS
//! and HTTP a build with the sanitizer takes many minutes.

#[path = "../../src"]
mod src {
    pub mod label;
    pub mod model;
    pub mod roster;
    pub mod webhook;

    pub mod launchdarkly {
        pub mod fdv1;
        pub mod sse;
    }
}

pub use src::{label, launchdarkly, model, roster, webhook};

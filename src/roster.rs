//! What environments there are, where LaunchDarkly or a file says so and not our configuration. Pure.
//!
//! `message` reads the events of the auto-configuration stream, `entry` and `credentials` what they say of an environment.
//! [`Roster`] takes them one by one and says what is to be started, changed and stopped; `versions` has the order of what
//! is heard, `removal_hold` the brake, `destination` where each environment goes. `cache` seals the descriptions for a start
//! without LaunchDarkly.

mod cache;
mod credentials;
mod destination;
mod entry;
mod heed;
mod message;
mod removal_hold;
mod state;
mod step;
mod versions;

pub use cache::{CACHE_ROW_PREFIX, CacheFault, CacheKey, CacheOutcome, CacheReading, NONCE_BYTES};
pub use credentials::{AcceptedKey, CredentialFault, Credentials};
pub use destination::{Destination, DestinationFault, Destinations, TemplateFault, Templates};
pub use entry::{EntryDifference, EntryFault, EnvironmentEntry, EnvironmentNames, MisshapenEntry};
pub use heed::{MAX_REFUSED, Roster, RosterOrigin};
pub use message::{IgnoredMessage, MalformedMessage, RosterMessage, read};
pub use state::{AutoConfigError, AutoConfigErrorKind, AutoConfigState, AutoConfigStatus};
pub use step::{
    CacheOrder, Reconnection, RefusedEnvironment, RosterChange, RosterNews, RosterStep, WaitCurve,
};
pub use versions::MAX_TOMBSTONES;

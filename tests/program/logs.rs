//! What the daemon logs.

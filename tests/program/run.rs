//! How the daemon starts, and what it refuses to start with.

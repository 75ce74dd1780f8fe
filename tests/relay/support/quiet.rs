//! Tests run several at once, as most of them wait. Those that count what happens at the same time want the machine to
//! themselves.

use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

static MACHINE: RwLock<()> = RwLock::const_new(());

/// Held by a world for as long as there is one.
pub(crate) enum Share {
    /// Others may run.
    Some(#[expect(dead_code, reason = "held for its drop")] RwLockReadGuard<'static, ()>),
    /// Nobody else may.
    All(#[expect(dead_code, reason = "held for its drop")] RwLockWriteGuard<'static, ()>),
}

impl Share {
    pub(super) async fn some() -> Self {
        Self::Some(MACHINE.read().await)
    }

    pub(super) async fn all() -> Self {
        Self::All(MACHINE.write().await)
    }
}

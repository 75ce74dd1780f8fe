//! The largest row that LaunchDarkly's items make, without looking at all of them at each change. Pure.

use crate::model::{Desired, ItemKey};
use crate::plan::Scope;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Largest(Option<(ItemKey, usize)>);

impl Largest {
    /// Its size in bytes; 0 where there is no item.
    pub(super) fn bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |(_, bytes)| *bytes)
    }

    /// These items may have changed.
    pub(super) fn compared(&mut self, desired: &Desired, scope: Scope<'_>, namespace_bytes: usize) {
        let size = |key: &ItemKey| {
            let item = desired.items.get(key)?;
            Some(item.row_bytes(key, namespace_bytes))
        };
        match scope {
            Scope::All => self.0 = None,
            Scope::Keys(keys) => {
                for key in keys {
                    let (before, now) = (self.bytes(), size(key));
                    if now.is_some_and(|now| now >= before) {
                        self.0 = now.map(|now| (key.clone(), now));
                    } else if self.0.as_ref().is_some_and(|(largest, _)| largest == key) {
                        self.0 = None;
                    }
                }
            }
        }
        if self.0.is_none() {
            let all = desired.items.iter();
            let all = all.map(|(key, item)| (key, item.row_bytes(key, namespace_bytes)));
            let largest = all.max_by_key(|(_, bytes)| *bytes);
            self.0 = largest.map(|(key, bytes)| (key.clone(), bytes));
        }
    }
}

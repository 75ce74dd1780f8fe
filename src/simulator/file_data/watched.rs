//! A file that is looked at, and read when somebody wrote it.

use std::path::PathBuf;
use std::time::SystemTime;

use anyhow::Context as _;

/// A file, and what it looked like when it was last read.
pub(super) struct WatchedFile {
    path: PathBuf,
    looked_at: Option<(SystemTime, u64)>,
}

impl WatchedFile {
    /// Not read yet.
    pub(super) fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            looked_at: None,
        }
    }

    /// What is made of its text now. The error names the file.
    pub(super) async fn read<T>(
        &mut self,
        make: impl FnOnce(&str) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let name = self.path.display();
        self.looked_at = Some(self.stamp().await?);
        let text = tokio::fs::read_to_string(&self.path)
            .await
            .with_context(|| format!("{name} cannot be read"))?;
        make(&text).with_context(|| format!("{name} is not understood"))
    }

    /// The same if somebody wrote it since it was last read.
    pub(super) async fn look<T>(
        &mut self,
        make: impl FnOnce(&str) -> anyhow::Result<T>,
    ) -> Option<anyhow::Result<T>> {
        // A file that is gone is one that an editor is about to replace.
        let stamp = self.stamp().await.ok()?;
        if self.looked_at == Some(stamp) {
            return None;
        }
        Some(self.read(make).await)
    }

    async fn stamp(&self) -> anyhow::Result<(SystemTime, u64)> {
        let about = tokio::fs::metadata(&self.path)
            .await
            .with_context(|| format!("{} cannot be read", self.path.display()))?;
        let modified = about.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        Ok((modified, about.len()))
    }
}

//! Secrets in files.

use std::path::Path;

use tokio::fs::File;
use tokio::io::AsyncReadExt as _;

use super::error::SecretError;

/// No secret is longer.
const MAX_BYTES: u64 = 64 << 10;

/// The whole file. Told by its contents alone whether it changed: a secret that is mounted is exchanged by renaming links,
/// so the times of files mean nothing.
pub(super) async fn read(path: &Path) -> Result<String, SecretError> {
    let mut bytes = Vec::new();
    let file = File::open(path).await?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).await?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(SecretError::TooLarge);
    }
    String::from_utf8(bytes).map_err(|_| SecretError::NoText)
}

//! How large the image is, by the test that builds it as the Dockerfile does.

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;

use super::figure::IMAGE;
use super::report::Report;

pub(crate) async fn measure(report: &mut Report) -> Result<()> {
    Report::progress("image: built where it is not yet, which takes minutes")?;
    let ended = Command::new("python3")
        .args(["tests/packaging/image.py", "Image.test_compressed_size"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .kill_on_drop(true)
        .output()
        .await
        .context("python3 is needed to build the image")?;
    let printed = String::from_utf8_lossy(&ended.stdout);
    ensure!(
        ended.status.success(),
        "the image cannot be built: {}",
        String::from_utf8_lossy(&ended.stderr)
    );
    let size = printed
        .lines()
        .find_map(|line| line.strip_prefix("image: ")?.split_once(" MB compressed"))
        .and_then(|(size, _)| size.parse().ok())
        .context("tests/packaging/image.py does not say the image's size")?;
    report.add(IMAGE, [size].into_iter().collect())
}

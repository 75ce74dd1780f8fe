//! Rules go by the monotonic clock; the wall clock is only shown. Row 37 of the table of faults.

use std::path::Path;

fn sources(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((path.to_string_lossy().into_owned(), text));
        }
    }
}

#[test]
fn row_37_one_file_reads_the_wall_clock_so_its_jumps_move_no_timer() {
    let mut found = Vec::new();
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut found,
    );
    let reading: Vec<_> = found
        .iter()
        .filter(|(_, text)| text.contains("SystemTime::now()") || text.contains("Utc::now()"))
        .map(|(path, _)| path)
        .collect();
    assert_eq!(reading.len(), 1, "{reading:?}");
    assert!(reading[0].ends_with("clock.rs"), "{reading:?}");
    // Nor does any half compute with the time that is shown.
    let halves = found.iter().filter(|(path, _)| {
        ["environment", "plan", "launchdarkly"]
            .iter()
            .any(|part| path.contains(&format!("src/{part}")))
    });
    for (path, text) in halves {
        assert!(!text.contains(".wall"), "{path}");
    }
}

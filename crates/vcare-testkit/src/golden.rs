//! Files that are written by the code and committed.

use std::path::Path;

/// Asserts that the committed file (a path in the repository) is what the code says. With `UPDATE_CONTRACTS=1` it becomes
/// so.
///
/// # Panics
/// When it is not.
#[track_caller]
pub fn must_be_committed(path: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    #[expect(clippy::disallowed_methods, reason = "a wish of who runs the tests, and no setting of the service")]
    let update = std::env::var("UPDATE_CONTRACTS").is_ok_and(|value| value == "1");
    if update {
        let written = write(&file, text);
        assert!(written.is_ok(), "{path}: {written:?}");
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(committed == text, "{path} is not what the code says; write it anew: just contracts");
}

fn write(file: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(file, text)
}

//! Files that are written by the code and committed.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::promises::must_keep_promises;

const ANEW: &str = "is not what the code says; write it anew: just contracts";

/// Asserts that the committed file (a path in the repository) is what the code says. With `UPDATE_CONTRACTS=1` it becomes
/// so, unless it breaks what an earlier one promised: then it stays as it is.
///
/// # Panics
/// When it is not.
#[track_caller]
pub fn must_be_committed(path: &str, text: &str) {
    let file = committed(path);
    must_keep_promises(path, Some(text));
    if is_wanted_anew() {
        let written = write(&file, text);
        assert!(written.is_ok(), "{path}: {written:?}");
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(committed == text, "{path} {ANEW}");
}

/// Asserts that a part of a committed page is what the code says: what stands between the lines
/// `<!-- part: written by the code, just contracts -->` and `<!-- end of part -->`. With `UPDATE_CONTRACTS=1` it becomes so.
/// Different parts of a page may be written by different tests, also at the same time.
///
/// # Panics
/// When it is not, or when the page has no such lines.
#[track_caller]
pub fn must_be_part_of(path: &str, part: &str, text: &str) {
    let found = part_of(&committed(path), part, is_wanted_anew().then_some(text));
    assert!(found.is_ok(), "{path}, {part}: {found:?}");
    assert!(found.is_ok_and(|found| found.trim() == text.trim()), "{path}: {part} {ANEW}");
}

/// What the part is, after it became `anew`.
fn part_of(page: &Path, part: &str, anew: Option<&str>) -> io::Result<String> {
    let (begin, end) =
        (format!("<!-- {part}: written by the code, just contracts -->"), format!("<!-- end of {part} -->"));
    let mut file = File::options().read(true).write(anew.is_some()).open(page)?;
    if anew.is_some() {
        file.lock()?;
    }
    let mut whole = String::new();
    file.read_to_string(&mut whole)?;
    let missing = || io::Error::other(format!("the page lacks {begin} or {end}"));
    let (before, rest) = whole.split_once(&begin).ok_or_else(missing)?;
    let (found, after) = rest.split_once(&end).ok_or_else(missing)?;
    let Some(text) = anew else { return Ok(found.to_owned()) };
    let whole = format!("{before}{begin}\n\n{}\n\n{end}{after}", text.trim());
    file.rewind()?;
    file.set_len(0)?;
    file.write_all(whole.as_bytes())?;
    Ok(text.to_owned())
}

fn committed(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

#[expect(clippy::disallowed_methods, reason = "a wish of who runs the tests, and no setting of the service")]
fn is_wanted_anew() -> bool {
    std::env::var("UPDATE_CONTRACTS").is_ok_and(|value| value == "1")
}

fn write(file: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(file, text)
}

//! What stand-ins keep in a folder, so that killing them loses nothing that they acknowledged.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Its name in the folder.
const ENCOUNTERS: &str = "encounters.jsonl";

/// A file with one JSON value a line, which only grows.
#[derive(Debug)]
pub(super) struct Journal(File);

impl Journal {
    /// The Encounters' journal in that folder, and what is in it.
    pub fn of_encounters(folder: &Path) -> Result<(Self, Vec<Value>)> {
        let path = folder.join(ENCOUNTERS);
        let (values, whole) = read(&path)?;
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let file = file.with_context(|| format!("{} cannot be written", path.display()))?;
        // Killed in the middle of a line, nobody was told of it; the next one must not go on behind it.
        file.set_len(whole)?;
        Ok((Self(file), values))
    }

    /// Adds a value. When this returns it is in the system's hands: the process may be killed.
    pub fn add(&mut self, value: &Value) -> Result<()> {
        let mut line = value.to_string();
        line.push('\n');
        self.0.write_all(line.as_bytes())?;
        Ok(self.0.flush()?)
    }
}

/// All Encounters that stand-ins with that folder ever stored, oldest first; they need not run.
///
/// # Errors
/// When the journal cannot be read, or is none.
pub fn encounters_in(folder: &Path) -> Result<Vec<Value>> {
    Ok(read(&folder.join(ENCOUNTERS))?.0)
}

/// The values of the whole lines, and how many bytes those are.
fn read(path: &Path) -> Result<(Vec<Value>, u64)> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok((Vec::new(), 0)),
        read => read.with_context(|| format!("{} cannot be read", path.display()))?,
    };
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    let values = text[..whole].lines().map(serde_json::from_str).collect::<Result<_, _>>();
    Ok((values.with_context(|| format!("{} is no journal", path.display()))?, whole as u64))
}

/// A register that was written as a whole; `None` when there is no such file.
pub(super) fn read_whole<T: DeserializeOwned>(file: &Path) -> Result<Option<T>> {
    match fs::read(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        read => {
            serde_json::from_slice(&read?).with_context(|| format!("{} holds no register", file.display())).map(Some)
        }
    }
}

/// Writes a register, whole or not at all. When that fails it is after a crash as it was before: a stand-in has nobody to
/// tell.
pub(super) fn write_whole(file: &Path, register: &impl Serialize) {
    let draft = file.with_extension("json.new");
    let written = fs::write(&draft, serde_json::to_vec(register).unwrap_or_default());
    let _ = written.and_then(|()| fs::rename(&draft, file));
}

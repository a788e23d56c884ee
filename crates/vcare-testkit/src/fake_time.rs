//! A wrong clock for a process, by libfaketime.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::folder::Folder;

/// What processes are told that the time is: this machine's, and so many seconds more. Their monotonic clock is left alone, as it is
/// when somebody sets a machine's clock.
pub struct FakeTime {
    folder: Folder,
    library: PathBuf,
}

impl FakeTime {
    /// The right time, until [`Self::step`] is called.
    ///
    /// # Errors
    /// When libfaketime (Debian's package `faketime`) is not installed.
    pub fn new() -> Result<Self> {
        let time = Self { folder: Folder::open(None, "time")?, library: library().context("there is no libfaketime")? };
        time.step(0)?;
        Ok(time)
    }

    /// The environment of a process that is told this time.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        [
            ("LD_PRELOAD", self.library.display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", self.file().display().to_string()),
            // It looks at the file again after a second.
            ("FAKETIME_CACHE_DURATION", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// Sets the clock: so many seconds ahead of this machine's, or behind it. Processes that run see it within two seconds.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn step(&self, seconds: i64) -> Result<()> {
        // Nobody must read half of it.
        let new = self.folder.join("new");
        fs::write(&new, format!("{seconds:+}\n"))?;
        Ok(fs::rename(new, self.file())?)
    }

    fn file(&self) -> PathBuf {
        self.folder.join("offset")
    }
}

/// Where Debian puts it: below the folder of the machine's architecture.
fn library() -> Option<PathBuf> {
    let below = fs::read_dir("/usr/lib").ok()?.filter_map(Result::ok).map(|entry| entry.path());
    let candidates = below.chain([Path::new("/usr/lib").to_owned(), Path::new("/usr/local/lib").to_owned()]);
    candidates.map(|folder| folder.join("faketime/libfaketime.so.1")).find(|library| library.is_file())
}

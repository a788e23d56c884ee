//! Where PostgreSQL's programs are.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::machine::variable;
use crate::process::on_path;

/// The folder of `initdb` and `postgres`: `VCARE_POSTGRES_BIN`, else the search path, else Debian's newest.
pub(super) fn folder() -> Result<PathBuf> {
    if let Some(folder) = variable("VCARE_POSTGRES_BIN") {
        let folder = PathBuf::from(folder);
        if !complete(&folder) {
            bail!("VCARE_POSTGRES_BIN ({}) does not hold initdb and postgres", folder.display());
        }
        return Ok(folder);
    }
    let on_path = on_path("initdb").and_then(|program| Some(program.parent()?.to_owned()));
    if let Some(folder) = on_path.filter(|folder| complete(folder)) {
        return Ok(folder);
    }
    match newest_of_debian() {
        Some(folder) => Ok(folder),
        None => {
            bail!("PostgreSQL is not installed (looked in PATH and /usr/lib/postgresql); or set VCARE_POSTGRES_BIN")
        }
    }
}

fn complete(folder: &Path) -> bool {
    ["initdb", "postgres"].iter().all(|program| folder.join(program).is_file())
}

fn newest_of_debian() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?.filter_map(Result::ok);
    let numbered = versions.filter_map(|entry| {
        let version: u32 = entry.file_name().to_str()?.parse().ok()?;
        Some((version, entry.path().join("bin")))
    });
    numbered.filter(|(_, folder)| complete(folder)).max().map(|(_, folder)| folder)
}

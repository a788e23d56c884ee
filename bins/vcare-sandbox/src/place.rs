//! Where the sandbox keeps its things.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The sandbox's folder.
pub struct Place {
    root: PathBuf,
    postgres: PathBuf,
    /// To be removed at the end.
    temporary: bool,
}

impl Place {
    /// `.vcare` in the current folder: what is in it is there again next time.
    pub fn lasting() -> Result<Self> {
        Self::at(std::env::current_dir()?.join(".vcare"), false)
    }

    /// A folder that goes with this value; `what` is in its name.
    pub fn passing(what: &str) -> Result<Self> {
        let name = format!("vcare-{what}-{}", std::process::id());
        Self::at(std::env::temp_dir().join(name), true)
    }

    fn at(root: PathBuf, temporary: bool) -> Result<Self> {
        fs::create_dir_all(&root).with_context(|| format!("{} cannot be made", root.display()))?;
        let root = root.canonicalize()?;
        let postgres = postgres_folder(&root);
        Ok(Self { root, postgres, temporary })
    }

    /// Something in it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Leaves the folder behind: somebody will want to look into it.
    pub fn keep(&mut self) {
        self.temporary = false;
    }

    /// Where PostgreSQL lives.
    pub fn postgres(&self) -> &Path {
        &self.postgres
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.temporary {
            // What cannot be removed is in a temporary folder, where the system removes it.
            let _ = fs::remove_dir_all(&self.root);
            let _ = fs::remove_dir_all(&self.postgres);
        }
    }
}

/// As root, PostgreSQL runs as another user, who may have no way into our folder (a checkout below `/root`, say). Then it
/// lives elsewhere, always at the same place for the same folder.
fn postgres_folder(root: &Path) -> PathBuf {
    let as_root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    let open = |folder: &Path| fs::metadata(folder).is_ok_and(|folder| folder.permissions().mode() & 0o001 != 0);
    if !as_root || root.ancestors().all(open) {
        return root.join("postgres");
    }
    let mut hash = DefaultHasher::new();
    root.hash(&mut hash);
    Path::new("/var/tmp").join(format!("vcare-postgres-{:016x}", hash.finish()))
}

//! Names the migrations that `vcare-adapters-postgres` embeds, so that a template database of other ones is not taken.

use std::error::Error;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new("../../migrations");
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut hasher = DefaultHasher::new();
    let mut names: Vec<_> = std::fs::read_dir(folder)?.filter_map(Result::ok).map(|entry| entry.path()).collect();
    names.sort();
    for migration in names.iter().filter(|path| path.is_dir()) {
        migration.hash(&mut hasher);
        std::fs::read(migration.join("up.sql"))?.hash(&mut hasher);
    }
    println!("cargo:rustc-env=VCARE_MIGRATIONS={:016x}", hasher.finish());
    Ok(())
}

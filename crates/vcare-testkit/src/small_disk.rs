//! A disk of one's own, so small that it can be filled.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::folder::Folder;
use crate::machine::variable;
use crate::process::{command, is_root};

/// Set in the process that has mounts of its own.
const INSIDE: &str = "VCARE_TEST_OWN_MOUNTS";
const FILLER: &str = "filler";

/// Whether this process can mount what nobody else sees, and the test goes on here. Otherwise the test of that name is run in a
/// process that can, and must pass there; then there is nothing more to do here.
///
/// Root has a namespace of its own for it, and everybody else one in which they may mount, as the user that they are. Where the
/// system allows neither (a container without the right to mount, say) that is told, and the test is not run.
///
/// # Panics
/// When the test fails there.
#[must_use]
pub fn has_own_mounts(test: &str) -> bool {
    if variable(INSIDE).is_some() {
        return true;
    }
    let failed = match run_with_own_mounts(test) {
        Ok(None) => {
            tell(&format!("{test} is not run: this system does not let us mount a small disk"));
            None
        }
        Ok(Some(true)) => None,
        Ok(Some(false)) => Some("it failed in its own mounts, see above".to_owned()),
        Err(error) => Some(format!("{error:#}")),
    };
    assert!(failed.is_none(), "{test}: {}", failed.unwrap_or_default());
    false
}

#[expect(clippy::print_stderr, reason = "where a test's output is read")]
fn tell(text: &str) {
    eprintln!("{text}");
}

fn run_with_own_mounts(test: &str) -> Result<Option<bool>> {
    let unshare = || {
        let mut unshare = command(Path::new("unshare"), "KILL", None);
        if !is_root() {
            unshare.args(["--user", "--map-current-user", "--keep-caps"]);
        }
        unshare.arg("--mount").stdin(Stdio::null());
        unshare
    };
    let folder = Folder::open(None, "mounts")?;
    let tried = unshare().args(["mount", "-t", "tmpfs", "tmpfs"]).arg(folder.path()).stderr(Stdio::null()).status();
    if !tried.is_ok_and(|tried| tried.success()) {
        return Ok(None);
    }
    let own = std::env::current_exe()?;
    let ran = unshare().arg(own).args(["--exact", test, "--nocapture"]).env(INSIDE, "yes").status()?;
    Ok(Some(ran.success()))
}

/// A small disk in the machine's memory, gone when it is dropped.
#[derive(Debug)]
pub struct SmallDisk(Folder);

impl SmallDisk {
    /// Mounts one. Only where [`has_own_mounts`].
    ///
    /// # Errors
    /// When it cannot be mounted.
    pub fn mount(megabytes: u32) -> Result<Self> {
        ensure!(variable(INSIDE).is_some(), "everybody would see the disk");
        let folder = Folder::open(None, "disk")?;
        let size = format!("size={megabytes}m,mode=755");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).status();
        ensure!(mounted.context("no mount")?.success(), "the disk cannot be mounted");
        Ok(Self(folder))
    }

    /// A place on it.
    #[must_use]
    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Takes all the room that there is.
    ///
    /// # Errors
    /// When that fails for another reason than that there is none left.
    pub fn fill(&self) -> Result<()> {
        let mut filler = File::options().create(true).append(true).open(self.join(FILLER))?;
        for block in [vec![0; 65_536], vec![0; 4096]] {
            loop {
                match filler.write_all(&block) {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }

    /// Gives the room back.
    ///
    /// # Errors
    /// When it was not taken.
    pub fn make_room(&self) -> Result<()> {
        Ok(fs::remove_file(self.join(FILLER))?)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a server that has ended a moment ago may still be letting go of it.
        let _ = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

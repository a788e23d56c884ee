//! Folders that do not outlive who made them.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::machine::{new_id, variable};

/// A folder: one that was given, or a temporary one that goes when it is dropped. Nobody else can have it meanwhile.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    janitor: Option<Janitor>,
    _lock: File,
}

impl Folder {
    pub fn open(given: Option<&Path>, kind: &str) -> Result<Self> {
        let path = match given {
            Some(path) => std::path::absolute(path)?,
            None => scratch().join(format!("vcare-{kind}-{}", new_id().simple())),
        };
        fs::create_dir_all(&path).with_context(|| format!("{} cannot be made", path.display()))?;
        let lock = File::create(path.join("in-use"))?;
        if lock.try_lock().is_err() {
            bail!("{} is in use by another process", path.display());
        }
        let janitor = given.is_none().then(|| Janitor::of(&path)).transpose()?;
        Ok(Self { path, janitor, _lock: lock })
    }

    pub fn join(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.path.join(name.as_ref())
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A log file in it, to be added to.
    pub fn log(&self, name: &str) -> Result<Log> {
        let path = self.join(name);
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        let from = file.metadata()?.len();
        Ok(Log { path, from, file })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Some(janitor) = self.janitor.take() {
            let _ = fs::remove_dir_all(&self.path);
            janitor.dismiss();
        }
    }
}

/// Where temporary folders are made: where `TMPDIR` says, else in memory if there is plenty, else on disk. In memory a
/// test does not wait for a disk that a build is busy writing to.
fn scratch() -> PathBuf {
    const MEMORY: &str = "/dev/shm";
    const PLENTY_KB: u64 = 2 * 1024 * 1024;
    let free_kb = || -> Option<u64> {
        let df = Command::new("df").args(["-Pk", MEMORY]).stderr(Stdio::null()).output().ok()?;
        String::from_utf8(df.stdout).ok()?.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()
    };
    if variable("TMPDIR").is_none() && free_kb().is_some_and(|free| free >= PLENTY_KB) {
        PathBuf::from(MEMORY)
    } else {
        std::env::temp_dir()
    }
}

/// Removes a folder when we have ended without doing so: a server that all tests share is never dropped, and a killed
/// test drops nothing. It knows by our end of its input, which closes with us.
#[derive(Debug)]
struct Janitor(Child);

impl Janitor {
    fn of(folder: &Path) -> Result<Self> {
        // Servers in the folder hear of our end at the same moment, and need one to end themselves.
        let script = "read -r _; sleep 1; rm -rf \"$0\" || { sleep 5; rm -rf \"$0\"; }";
        let mut shell = Command::new("sh");
        shell.args(["-c", script]).arg(folder).current_dir("/").process_group(0);
        let shell = shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().context("no sh")?;
        Ok(Self(shell))
    }

    fn dismiss(mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a process writes, from a moment on.
pub(crate) struct Log {
    path: PathBuf,
    from: u64,
    file: File,
}

impl Log {
    pub fn file(&self) -> Result<File> {
        Ok(self.file.try_clone()?)
    }

    /// The last that was written since this log was opened.
    pub fn tail(&self) -> String {
        self.read(|length| self.from.max(length.saturating_sub(4096)), u64::MAX)
    }

    /// The first that was written since then: where a process says that it has started, however much it said after.
    pub fn head(&self) -> String {
        self.read(|_| self.from, 256 * 1024)
    }

    fn read(&self, from: impl Fn(u64) -> u64, limit: u64) -> String {
        let read = || -> io::Result<String> {
            let mut file = File::open(&self.path)?;
            file.seek(SeekFrom::Start(from(file.metadata()?.len())))?;
            let mut bytes = Vec::new();
            file.take(limit).read_to_end(&mut bytes)?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        read().unwrap_or_default()
    }
}

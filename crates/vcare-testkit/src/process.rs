//! Child processes and folders that do not outlive who made them.

use std::convert::Infallible;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail, ensure};
use uuid::Uuid;

/// The program's full path, if it is on the search path.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|candidate| candidate.is_file())
}

/// Whether this process is root's. Not known without `/proc`; then it is taken for nobody's special.
pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// A port of this machine that was free a moment ago.
pub(crate) fn free_port() -> Result<u16> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).context("no free port")?;
    Ok(listener.local_addr()?.port())
}

/// A command whose process gets `death_signal` when we die, and runs as `user` if one is given.
pub(crate) fn command(program: &Path, death_signal: &str, user: Option<&str>) -> Command {
    // Without setpriv (it is part of util-linux) nothing but a proper end stops the process.
    if on_path("setpriv").is_none() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    if let Some(user) = user {
        command.args(["--reuid", user, "--regid", user, "--clear-groups"]);
    }
    command.args(["--pdeathsig", death_signal]).arg(program);
    command
}

/// A running child.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    _keeper: mpsc::Sender<Infallible>,
}

impl Process {
    /// Starts it with its output in `log`.
    pub fn spawn(mut command: Command, log: File) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // A group of its own: Ctrl-C in a terminal is for us, and we say when the children end.
        command.process_group(0);
        let name = command.get_program().to_owned();
        let (keeper, kept) = mpsc::channel::<Infallible>();
        let (answer, answered) = mpsc::sync_channel(1);
        // The death signal is sent when the *thread* dies that made the child, so it must not be a test's own.
        std::thread::Builder::new().name("vcare-child".to_owned()).spawn(move || {
            let _ = answer.send(command.spawn());
            let _ = kept.recv();
        })?;
        let child = answered.recv()?.with_context(|| format!("{} cannot be started", Path::new(&name).display()))?;
        Ok(Self { child, _keeper: keeper })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    pub fn signal(&self, signal: &str) -> Result<()> {
        signal_all(signal, [self.id()])
    }

    /// Ends it at once, as a crash does.
    pub fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to end, and kills it when it has not done so in time.
    pub fn end(mut self, signal: &str, patience: Duration) {
        let _ = self.signal(signal);
        // One that holds its breath would not hear it.
        let _ = self.signal("-CONT");
        let deadline = Instant::now() + patience;
        while !self.has_ended() {
            if Instant::now() >= deadline {
                return self.kill();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Sends a signal by `kill`: the call itself would be unsafe code.
pub(crate) fn signal_all(signal: &str, ids: impl IntoIterator<Item = u32>) -> Result<()> {
    let ids: Vec<String> = ids.into_iter().map(|id| id.to_string()).collect();
    let status = Command::new("kill").arg(signal).args(ids).stderr(Stdio::null()).status().context("no kill")?;
    ensure!(status.success(), "kill {signal} failed");
    Ok(())
}

/// A folder: one that was given, or a temporary one that goes when it is dropped. Nobody else can have it meanwhile.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    temporary: bool,
    _lock: File,
}

const LOCK: &str = "in-use";

impl Folder {
    pub fn open(given: Option<&Path>, kind: &str) -> Result<Self> {
        let path = match given {
            Some(path) => std::path::absolute(path)?,
            None => {
                sweep(kind);
                std::env::temp_dir().join(format!("{}{}", prefix(kind), Uuid::now_v7().simple()))
            }
        };
        fs::create_dir_all(&path).with_context(|| format!("{} cannot be made", path.display()))?;
        let lock = File::create(path.join(LOCK))?;
        if lock.try_lock().is_err() {
            bail!("{} is in use by another process", path.display());
        }
        Ok(Self { path, temporary: given.is_none(), _lock: lock })
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
        if self.temporary {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

fn prefix(kind: &str) -> String {
    format!("vcare-{kind}-")
}

/// Removes the folders of processes that could not: a shared server is never dropped, and a killed test drops nothing.
fn sweep(kind: &str) {
    let Ok(entries) = fs::read_dir(std::env::temp_dir()) else { return };
    let ours = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with(&prefix(kind));
    // Not one that is just being made.
    let settled = |entry: &fs::DirEntry| {
        let changed = entry.metadata().and_then(|meta| meta.modified()).unwrap_or_else(|_| SystemTime::now());
        changed.elapsed().is_ok_and(|age| age > Duration::from_secs(60))
    };
    for entry in entries.filter_map(io::Result::ok).filter(ours).filter(settled) {
        let lock = File::open(entry.path().join(LOCK));
        if lock.is_ok_and(|lock| lock.try_lock().is_ok()) {
            let _ = fs::remove_dir_all(entry.path());
        }
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
        let read = || -> io::Result<String> {
            let mut file = File::open(&self.path)?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(self.from.max(length.saturating_sub(4096))))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        read().unwrap_or_default()
    }
}

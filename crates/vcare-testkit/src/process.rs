//! Child processes that do not outlive who made them.

use std::convert::Infallible;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::machine::{pause, variable};

/// The program's full path, if it is on the search path.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let path = variable("PATH")?;
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
            pause();
        }
    }
}

/// Sends a signal to a process and all that it started.
pub(crate) fn signal_group(signal: &str, leader: u32) -> Result<()> {
    let group = format!("-{leader}");
    let status = Command::new("kill").args([signal, "--", &group]).stderr(Stdio::null()).status().context("no kill")?;
    ensure!(status.success(), "kill {signal} failed");
    Ok(())
}

/// Sends a signal by `kill`: the call itself would be unsafe code.
pub(crate) fn signal_all(signal: &str, ids: impl IntoIterator<Item = u32>) -> Result<()> {
    let ids: Vec<String> = ids.into_iter().map(|id| id.to_string()).collect();
    let status = Command::new("kill").arg(signal).args(ids).stderr(Stdio::null()).status().context("no kill")?;
    ensure!(status.success(), "kill {signal} failed");
    Ok(())
}

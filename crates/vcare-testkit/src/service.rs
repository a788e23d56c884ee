//! The service's own programs as child processes, to be started, killed and read.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::folder::{Folder, Log};
use crate::process::{Process, command};

const PATIENCE: Duration = Duration::from_secs(60);
const STOP_PATIENCE: Duration = Duration::from_secs(30);

/// `vcare-api` or `vcare-retry-worker` as a process of its own. Its log goes to a file; it ends with us.
pub struct ServiceProcess {
    process: Option<Process>,
    program: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    folder: Folder,
    log: Log,
    address: SocketAddr,
}

impl ServiceProcess {
    /// Starts it with these `VCARE_…` settings and none of ours, its log in `folder` (default: a temporary one), and waits
    /// until it says where it listens.
    ///
    /// # Errors
    /// When it does not start: the error holds the end of its log.
    pub async fn start(
        program: &Path,
        environment: impl IntoIterator<Item = (String, String)>,
        folder: Option<&Path>,
    ) -> Result<Self> {
        Self::start_with(program, [], environment, folder).await
    }

    /// The same, with arguments: for another program that says where it listens.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_with(
        program: &Path,
        arguments: impl IntoIterator<Item = String>,
        environment: impl IntoIterator<Item = (String, String)>,
        folder: Option<&Path>,
    ) -> Result<Self> {
        let arguments = arguments.into_iter().collect();
        let folder = Folder::open(folder, "service")?;
        let log = folder.log("log.jsonl")?;
        let environment = environment.into_iter().collect();
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut service =
            Self { process: None, program: program.to_owned(), arguments, environment, folder, log, address };
        service.restart().await?;
        Ok(service)
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process id, while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    /// Where its log is.
    #[must_use]
    pub fn log_file(&self) -> PathBuf {
        self.folder.join("log.jsonl")
    }

    /// The last that it logged since it was started last.
    #[must_use]
    pub fn log_tail(&self) -> String {
        self.log.tail()
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.process.as_mut().is_none_or(Process::has_ended)
    }

    /// Starts it again with the same settings.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn restart(&mut self) -> Result<()> {
        ensure!(self.process.is_none(), "it runs");
        self.log = self.folder.log("log.jsonl")?;
        let mut command = command(&self.program, "TERM", None);
        let ours = |name: &OsString| name.to_string_lossy().starts_with("VCARE_");
        for (name, _) in std::env::vars_os().filter(|(name, _)| ours(name)) {
            command.env_remove(name);
        }
        command.args(&self.arguments).envs(self.environment.iter().map(|(name, value)| (name, value)));
        let mut process = Process::spawn(command, self.log.file()?)?;
        let deadline = Instant::now() + PATIENCE;
        self.address = loop {
            if let Some(address) = self.log.head().lines().find_map(listening) {
                break address;
            }
            let log = self.log.tail();
            let name = self.program.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if process.has_ended() {
                bail!("{name} did not start: {}", log.trim());
            }
            if Instant::now() >= deadline {
                process.kill();
                bail!("{name} does not say where it listens: {}", log.trim());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        self.process = Some(process);
        Ok(())
    }

    /// Ends it as a deployment does: SIGTERM, and what is under way is finished.
    pub async fn stop(&mut self) {
        if let Some(process) = self.process.take() {
            let _ = tokio::task::spawn_blocking(move || process.end("-TERM", STOP_PATIENCE)).await;
        }
    }

    /// Kills it, as a crash does.
    pub fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill();
        }
    }

    /// Sends a signal (`-STOP`, `-CONT`, …).
    ///
    /// # Errors
    /// When it does not run.
    pub fn signal(&self, signal: &str) -> Result<()> {
        self.process.as_ref().context("it does not run")?.signal(signal)
    }
}

impl Drop for ServiceProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The address in a log line that names one.
fn listening(line: &str) -> Option<SocketAddr> {
    let line: Value = serde_json::from_str(line).ok()?;
    matches!(line["message"].as_str(), Some("listening" | "working")).then(|| line["address"].as_str()?.parse().ok())?
}

//! A private NATS server with JetStream.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::folder::Folder;
use crate::machine::variable;
use crate::process::{Process, command};

const PATIENCE: Duration = Duration::from_secs(20);

/// How a private NATS server is run.
#[derive(Debug, Clone, Default)]
pub struct NatsOptions {
    /// Where it lives; streams that are there already are served. Default: a temporary folder.
    pub folder: Option<PathBuf>,
    /// Its port. Default: a free one.
    pub port: Option<u16>,
    /// More settings, in the language of its configuration file.
    pub settings: String,
}

/// A NATS server of one's own, with JetStream: on this machine only, gone when it is dropped. Its program is
/// `VCARE_NATS_SERVER`, else `nats-server` on the search path.
#[derive(Debug)]
pub struct NatsServer {
    // Before the folder: it must have ended when its folder goes.
    process: Option<Process>,
    folder: Folder,
    port: u16,
}

impl NatsServer {
    /// Starts one in a temporary folder.
    ///
    /// # Errors
    /// When it is not installed or does not start.
    pub async fn start() -> Result<Self> {
        Self::start_with(NatsOptions::default()).await
    }

    /// Starts one as wanted, and waits until it takes connections.
    ///
    /// # Errors
    /// When it is not installed or does not start, or another process has the folder.
    pub async fn start_with(options: NatsOptions) -> Result<Self> {
        let folder = Folder::open(options.folder.as_deref(), "nats")?;
        fs::write(folder.join("nats.conf"), &options.settings)?;
        let mut server = Self { process: None, folder, port: options.port.unwrap_or(0) };
        server.restart().await?;
        Ok(server)
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Its port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Starts it again: same port, same streams.
    ///
    /// # Errors
    /// When it runs, or does not start.
    pub async fn restart(&mut self) -> Result<()> {
        ensure!(self.process.is_none(), "nats-server runs");
        let program = variable("VCARE_NATS_SERVER").map_or_else(|| "nats-server".into(), PathBuf::from);
        // -1: the server picks a free port, and writes it down.
        let port = if self.port == 0 { "-1".to_owned() } else { self.port.to_string() };
        let mut nats = command(&program, "TERM", None);
        nats.args(["-js", "-a", "127.0.0.1", "-p", &port]);
        nats.arg("-sd").arg(self.folder.join("jetstream"));
        nats.arg("--ports_file_dir").arg(self.folder.path());
        nats.arg("-c").arg(self.folder.join("nats.conf"));
        self.forget_ports();
        let log = self.folder.log("nats.log")?;
        let mut process = Process::spawn(nats, log.file()?).context("is nats-server installed?")?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(port) = self.port_of(process.id()) {
                self.port = port;
                self.process = Some(process);
                return Ok(());
            }
            if process.has_ended() || Instant::now() >= deadline {
                process.kill();
                let path = self.folder.join("nats.log");
                bail!("nats-server did not start (see {}): {}", path.display(), log.tail().trim());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Keeps a copy of its streams as they are on the disk. Stop it before.
    ///
    /// # Errors
    /// When it runs, or its files cannot be copied.
    pub fn keep_a_copy(&self) -> Result<()> {
        self.copy("jetstream", "jetstream.copy")
    }

    /// Puts the copy in the place of its streams, as a power cut leaves them that comes before they are written to the disk.
    ///
    /// # Errors
    /// When it runs, or there is no copy.
    pub fn put_the_copy_back(&self) -> Result<()> {
        self.copy("jetstream.copy", "jetstream")
    }

    fn copy(&self, from: &str, to: &str) -> Result<()> {
        ensure!(self.process.is_none(), "nats-server runs");
        let to = self.folder.join(to);
        if to.exists() {
            fs::remove_dir_all(&to)?;
        }
        let copied = Command::new("cp").arg("-a").arg(self.folder.join(from)).arg(&to).status()?;
        ensure!(copied.success(), "the streams could not be copied");
        Ok(())
    }

    /// Stops it: everything is written.
    pub async fn stop(&mut self) {
        if let Some(process) = self.process.take() {
            // Waits by sleeping, for seconds at worst.
            let _ = tokio::task::spawn_blocking(move || process.end("-TERM", PATIENCE)).await;
        }
    }

    /// Kills it, as a crash does.
    pub fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill();
        }
    }

    /// Sends it a signal. With `-STOP` it holds its breath, with `-CONT` it breathes again: connections stay open and
    /// nothing is answered.
    ///
    /// # Errors
    /// When it does not run.
    pub fn signal(&self, signal: &str) -> Result<()> {
        self.process.as_ref().context("nats-server does not run")?.signal(signal)
    }

    /// The files in which its runs wrote down their ports.
    fn ports_files(&self) -> impl Iterator<Item = PathBuf> {
        let entries = fs::read_dir(self.folder.path()).into_iter().flatten().filter_map(Result::ok);
        entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|kind| kind == "ports"))
    }

    /// A killed run leaves its file, and in a container the next run may well have the same number.
    fn forget_ports(&self) {
        for file in self.ports_files() {
            let _ = fs::remove_file(file);
        }
    }

    /// Its port, once it takes connections: it writes a file named after its process then.
    fn port_of(&self, id: u32) -> Option<u16> {
        let ends = format!("_{id}.ports");
        let file = self.ports_files().find(|path| path.to_string_lossy().ends_with(&ends))?;
        let ports: serde_json::Value = serde_json::from_str(&fs::read_to_string(file).ok()?).ok()?;
        ports["nats"][0].as_str()?.rsplit_once(':')?.1.parse().ok()
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            process.end("-TERM", PATIENCE);
        }
    }
}

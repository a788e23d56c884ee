//! A cluster of one's own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::programs;
use crate::folder::Folder;
use crate::process::{Process, command, free_port, is_root, signal_all};

/// PostgreSQL refuses to run as root.
const USER: &str = "postgres";
const START_PATIENCE: Duration = Duration::from_secs(60);
const PORT_PATIENCE: Duration = Duration::from_secs(5);
const STOP_PATIENCE: Duration = Duration::from_secs(30);

/// What a crash may cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Durability {
    /// For tests: what is committed survives a killed server, but not a machine that loses power.
    #[default]
    Fast,
    /// As in production.
    Durable,
}

/// How a private cluster is run.
#[derive(Debug, Clone, Default)]
pub struct PostgresOptions {
    /// Where it lives; a cluster that is there already is started. Default: a temporary folder.
    pub folder: Option<PathBuf>,
    /// Its port. Default: a free one.
    pub port: Option<u16>,
    /// What a crash may cost.
    pub durability: Durability,
    /// More settings, as in `postgresql.conf`.
    pub settings: Vec<(String, String)>,
    /// Files in its data folder, by name, which only it can read: certificates, keys, `pg_hba.conf`.
    pub files: Vec<(String, String)>,
}

/// A PostgreSQL cluster of one's own: on this machine only, without passwords, gone when it is dropped. Its superuser is
/// `postgres`.
#[derive(Debug)]
pub struct PrivatePostgres {
    // Before the folder: it must have ended when its folder goes.
    process: Option<Process>,
    folder: Folder,
    programs: PathBuf,
    options: PostgresOptions,
    port: u16,
    /// Once it has run, its address is known to others.
    ran: bool,
}

impl PrivatePostgres {
    /// Starts a fast one in a temporary folder.
    ///
    /// # Errors
    /// When PostgreSQL is not installed or does not start.
    pub async fn start() -> Result<Self> {
        Self::start_with(PostgresOptions::default()).await
    }

    /// Starts one as wanted, and waits until it takes connections.
    ///
    /// # Errors
    /// When PostgreSQL is not installed or does not start, or another process has the folder.
    pub async fn start_with(options: PostgresOptions) -> Result<Self> {
        let programs = programs::folder()?;
        let folder = Folder::open(options.folder.as_deref(), "postgres")?;
        let mut cluster = Self { process: None, folder, programs, options, port: 0, ran: false };
        cluster.initialise().await?;
        cluster.restart().await?;
        Ok(cluster)
    }

    /// The address of a database, as superuser.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{USER}@127.0.0.1:{}/{database}", self.port)
    }

    /// Its port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Stops it: connections are cut, transactions undone, everything is written.
    pub async fn stop(&mut self) {
        if let Some(process) = self.take() {
            // Waits by sleeping, for seconds at worst.
            let _ = tokio::task::spawn_blocking(move || process.end("-INT", STOP_PATIENCE)).await;
        }
    }

    /// Kills it, as a crash does.
    pub fn kill(&mut self) {
        if let Some(process) = self.take() {
            process.kill();
        }
    }

    /// Starts it again: same port, same data.
    ///
    /// # Errors
    /// When it runs, or does not start.
    pub async fn restart(&mut self) -> Result<()> {
        ensure!(self.process.is_none(), "PostgreSQL runs");
        let begun = Instant::now();
        loop {
            if self.port == 0 {
                self.port = self.options.port.map_or_else(free_port, Ok)?;
            }
            let log = self.folder.log("postgres.log")?;
            let mut process = Process::spawn(self.command(), log.file()?)?;
            if self.takes_connections(&mut process, begun + START_PATIENCE).await {
                self.process = Some(process);
                self.ran = true;
                return Ok(());
            }
            let again = process.has_ended() && self.may_succeed_yet(&log.tail(), begun.elapsed());
            process.kill();
            if !again {
                let path = self.folder.join("postgres.log");
                bail!("PostgreSQL did not start (see {}): {}", path.display(), log.tail().trim());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Sends a signal (`-STOP`, `-CONT`, …) to the server and all its backends: stopped, connections stay open and
    /// nothing is answered.
    ///
    /// # Errors
    /// When it does not run.
    pub fn signal(&self, signal: &str) -> Result<()> {
        let server = self.process.as_ref().context("PostgreSQL does not run")?.id();
        let backends = fs::read_to_string(format!("/proc/{server}/task/{server}/children")).unwrap_or_default();
        // The server first: it starts backends. One that has just ended is nobody's loss.
        signal_all(signal, [server])?;
        let backends: Vec<u32> = backends.split_whitespace().filter_map(|id| id.parse().ok()).collect();
        if !backends.is_empty() {
            let _ = signal_all(signal, backends);
        }
        Ok(())
    }

    /// The process, to be ended. A backend that holds its breath would never see that its server has gone.
    fn take(&mut self) -> Option<Process> {
        let _ = self.signal("-CONT");
        self.process.take()
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Makes the cluster's files, unless they are there.
    async fn initialise(&self) -> Result<()> {
        let data = self.data();
        if data.join("PG_VERSION").exists() {
            return Ok(());
        }
        fs::create_dir_all(&data)?;
        if is_root() {
            let status = Command::new("chown").arg(format!("{USER}:{USER}")).arg(&data).status()?;
            ensure!(status.success(), "{} cannot be given to the user {USER}; is there one?", data.display());
        }
        let mut initdb = self.program("initdb", "KILL");
        initdb.arg("-D").arg(&data).args(["-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]);
        if self.options.durability == Durability::Fast {
            // Small, and quick to write.
            initdb.args(["--no-sync", "--wal-segsize=1"]);
        }
        initdb.current_dir("/").stdin(Stdio::null());
        let done = tokio::task::spawn_blocking(move || initdb.output()).await?.context("initdb cannot be started")?;
        if !done.status.success() {
            let hint = format!("can the user {USER} come to {}?", self.folder.path().display());
            bail!("initdb failed ({hint}): {}", String::from_utf8_lossy(&done.stderr).trim());
        }
        for (name, content) in &self.options.files {
            let file = data.join(name);
            fs::write(&file, content)?;
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600))?;
            if is_root() {
                let status = Command::new("chown").arg(format!("{USER}:{USER}")).arg(&file).status()?;
                ensure!(status.success(), "{} cannot be given to the user {USER}", file.display());
            }
        }
        Ok(())
    }

    fn program(&self, name: &str, death_signal: &str) -> Command {
        let mut command = command(&self.programs.join(name), death_signal, is_root().then_some(USER));
        // Messages are looked for in its log.
        command.env("LC_ALL", "C.UTF-8").env_remove("PGDATA");
        command
    }

    fn command(&self) -> Command {
        // When we die: at once where nothing is worth keeping, else as by `stop`.
        let death_signal = match self.options.durability {
            Durability::Fast => "QUIT",
            Durability::Durable => "INT",
        };
        let mut postgres = self.program("postgres", death_signal);
        postgres.current_dir("/").arg("-D").arg(self.data()).args(["-p", &self.port.to_string()]);
        let mut set = |name: &str, value: &str| {
            postgres.arg("-c").arg(format!("{name}={value}"));
        };
        set("listen_addresses", "127.0.0.1");
        // The path of a socket may not be long, and a test's folder is.
        set("unix_socket_directories", "");
        set("max_connections", "200");
        set("timezone", "UTC");
        if self.options.durability == Durability::Fast {
            // `synchronous_commit` stays on: what was acknowledged is in the kernel's hands and outlives a killed server.
            set("fsync", "off");
            set("full_page_writes", "off");
            set("shared_buffers", "32MB");
            set("min_wal_size", "4MB");
        }
        for (name, value) in &self.options.settings {
            set(name, value);
        }
        postgres
    }

    /// Waits until the server says that it is ready; false when it ended or time is up.
    async fn takes_connections(&self, process: &mut Process, deadline: Instant) -> bool {
        let status = self.data().join("postmaster.pid");
        while Instant::now() < deadline && !process.has_ended() {
            let text = fs::read_to_string(&status).unwrap_or_default();
            let mut lines = text.lines();
            // The file of a server that was killed is still there: the first line says whose it is, the eighth how it is.
            let ours = lines.next() == Some(process.id().to_string().as_str());
            if ours && lines.nth(6).map(str::trim) == Some("ready") {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        false
    }

    /// Whether another attempt can help: what a killed server left behind goes by itself, and so may who has the port.
    fn may_succeed_yet(&mut self, said: &str, waited: Duration) -> bool {
        if said.contains("pre-existing shared memory") || said.contains("lock file") {
            return waited < START_PATIENCE;
        }
        let port_taken = said.contains("could not bind");
        if port_taken && self.options.port.is_none() && !self.ran {
            self.port = 0;
        }
        port_taken && waited < PORT_PATIENCE
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        if let Some(process) = self.take() {
            match self.options.durability {
                Durability::Fast => process.end("-QUIT", Duration::from_secs(5)),
                Durability::Durable => process.end("-INT", STOP_PATIENCE),
            }
        }
    }
}

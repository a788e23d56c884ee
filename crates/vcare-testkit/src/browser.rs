//! A headless Chromium, for tests of pages. It is driven over its DevTools socket.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::folder::Folder;
use crate::process::{Process, command, on_path, signal_group};

const PATIENCE: Duration = Duration::from_secs(60);

/// Without a sandbox, as that does not work for root: it opens our own pages only. Nothing of it calls home.
const SWITCHES: [&str; 16] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-breakpad",
    "--disable-crash-reporter",
    "--disable-extensions",
    "--disable-features=Translate,OptimizationHints,MediaRouter",
    "--no-first-run",
    "--no-default-browser-check",
    "--ignore-certificate-errors",
    "--remote-debugging-port=0",
];

/// A browser with a profile of its own. Browser and profile end with us.
pub struct Browser {
    process: Option<Process>,
    devtools: String,
    _folder: Folder,
}

impl Browser {
    /// Starts one and waits until it can be driven.
    ///
    /// # Errors
    /// When there is no `chromium` on the path, or it does not start: the error holds the end of its log.
    pub async fn start() -> Result<Self> {
        let program = on_path("chromium").context("there is no chromium on the path: deploy/local/test installs it")?;
        let folder = Folder::open(None, "browser")?;
        let log = folder.log("chromium.log")?;
        let profile = folder.join("profile");
        let mut command = command(&program, "KILL", None);
        for home in ["HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "TMPDIR"] {
            command.env(home, folder.path());
        }
        command.args(SWITCHES).arg(format!("--user-data-dir={}", profile.display())).arg("about:blank");
        let mut process = Process::spawn(command, log.file()?)?;
        let deadline = Instant::now() + PATIENCE;
        let devtools = loop {
            if let Some(address) = listening(&profile.join("DevToolsActivePort")) {
                break address;
            }
            if process.has_ended() || Instant::now() >= deadline {
                process.kill();
                bail!("chromium did not start: {}", log.tail().trim());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        Ok(Self { process: Some(process), devtools, _folder: folder })
    }

    /// The address of its DevTools socket, `ws://…`.
    #[must_use]
    pub fn devtools(&self) -> &str {
        &self.devtools
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            // It is many processes; they all stand in the group of the first.
            let _ = signal_group("-KILL", process.id());
            process.kill();
        }
    }
}

/// The browser writes its port and its socket's path into its profile, as two lines.
fn listening(file: &PathBuf) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let (port, path) = text.split_once('\n')?;
    path.starts_with("/devtools/").then(|| format!("ws://127.0.0.1:{port}{}", path.trim()))
}

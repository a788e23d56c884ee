//! What a process takes of this machine.

use std::fs;

use anyhow::{Context, Result};
use vcare_testkit::ServiceProcess;

/// Resident memory, in kilobytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Memory {
    /// Now.
    pub now: u64,
    /// At most so far.
    pub peak: u64,
}

impl Memory {
    /// That of a process.
    ///
    /// # Errors
    /// When it does not run.
    pub fn of(process: &ServiceProcess) -> Result<Self> {
        let id = process.id().context("the process does not run")?;
        let status = fs::read_to_string(format!("/proc/{id}/status")).context("this needs /proc")?;
        let figure = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or_default()
        };
        Ok(Self { now: figure("VmRSS"), peak: figure("VmHWM") })
    }
}

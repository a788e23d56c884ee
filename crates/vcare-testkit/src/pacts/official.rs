//! Pact's own verifier. Ours says the same in fewer words; that it does is what this one is for.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use crate::machine::variable;

/// What the verifier found.
#[derive(Debug)]
pub struct Verified {
    /// Each interaction is as agreed.
    pub kept: bool,
    /// What it says of them, for people.
    pub said: String,
}

/// Has Pact's own verifier hold us to a pact: `arguments` are those of `deploy/test-pact/verify.py`, which says what there is.
/// `deploy/local/test` installs it, and says where in `VCARE_TEST_PACT`.
///
/// # Errors
/// When it is not installed, or could not do its work.
pub async fn verify_officially(arguments: &[&str]) -> Result<Verified> {
    let home =
        variable("VCARE_TEST_PACT").map(PathBuf::from).context("VCARE_TEST_PACT is not set: run deploy/local/test")?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/test-pact/verify.py");
    let mut command = Command::new(home.join("pact/bin/python"));
    command.arg(script).args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await?;
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    // 2 and others are Python's own: then nothing was verified.
    ensure!(matches!(output.status.code(), Some(0 | 1)) && said.contains("Verifying a pact"), "{said}");
    Ok(Verified { kept: output.status.success(), said })
}

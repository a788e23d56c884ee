//! The sandbox around a program: it is there while the program runs.

use std::ffi::OsString;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;
use vcare_boot::until_signal;

use crate::place::Place;
use crate::surroundings::Surroundings;
use crate::up::FactsFile;

/// What to run, and how.
#[derive(clap::Args)]
pub struct Options {
    /// The program and its arguments. It finds everything's address and tokens in the JSON file that `VCARE_SANDBOX` names.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

/// Starts everything in a folder that goes afterwards, runs the program, and stops. Fails when the program does, and when
/// the api logged what it should not.
pub async fn run(options: Options) -> Result<()> {
    let shutdown = until_signal()?;
    let place = Place::passing("with")?;
    let facts_file = FactsFile::at(place.join("sandbox.json"));
    let starting = Box::pin(Surroundings::start(&place, false, |_| {}));
    let Some(started) = shutdown.run_until_cancelled(starting).await else { anyhow::bail!("interrupted") };
    let surroundings = started?;
    facts_file.write(&surroundings.facts)?;
    let mut arguments = options.command.iter();
    let program = arguments.next().context("no program")?;
    let mut command = Command::new(program);
    command.args(arguments).env("VCARE_SANDBOX", place.join("sandbox.json"));
    command.stdin(Stdio::null()).kill_on_drop(true);
    let ran = shutdown.run_until_cancelled(command.status()).await;
    let log = std::fs::read_to_string(surroundings.api.log_file());
    surroundings.stop().await;
    let status = ran.context("interrupted")?.with_context(|| format!("{} cannot be run", program.display()))?;
    let log = log.context("the api's log")?;
    // Of our own: what a library says of a client that speaks no HTTP is not about us.
    let ours = |line: &&str| line.contains(r#""severity":"ERROR""#) && line.contains(r#""target":"vcare"#);
    let faults: Vec<_> = log.lines().filter(ours).take(20).collect();
    ensure!(faults.is_empty(), "the api logged errors:\n{}", faults.join("\n"));
    ensure!(status.success(), "{}: {status}", program.display());
    Ok(())
}

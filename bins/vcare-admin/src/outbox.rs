//! `vcare-admin outbox`.

use clap::Subcommand;
use serde::Serialize;
use vcare_app::ports::{Clock, Oversight};
use vcare_boot::{Config, SystemClock, operators_oversight};

use crate::output::{self, Output, age};

#[derive(Subcommand)]
pub enum OutboxCommand {
    /// How many events wait, by subject, and how old the oldest is.
    Status,
}

#[derive(Serialize)]
struct Row {
    subject: String,
    waiting: u64,
    oldest: String,
}

impl output::Row for Row {
    const COLUMNS: &'static [&'static str] = &["subject", "waiting", "oldest"];
}

pub async fn status(output: Output) -> anyhow::Result<()> {
    let now = SystemClock.now();
    let waiting = operators_oversight(&Config::load()?).outbox_by_subject().await?;
    let rows =
        waiting.into_iter().map(|(subject, waiting, oldest)| Row { subject, waiting, oldest: age(now - oldest) });
    output.rows(&rows.collect::<Vec<_>>())
}

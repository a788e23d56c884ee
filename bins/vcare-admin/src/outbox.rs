//! `vcare-admin outbox`.

use anyhow::Context;
use clap::Subcommand;
use serde::Serialize;
use vcare_app::ports::Oversight;
use vcare_boot::{Config, operators_oversight};

use crate::access::Since;
use crate::output::{self, Output, age};

#[derive(Subcommand)]
pub enum OutboxCommand {
    /// How many events wait, by subject, and how old the oldest is.
    Status,
    /// Publish events again that the stream has acknowledged, under the same ids: for when it has lost more than the service
    /// notices by itself. Goes back as far as `nats.keep_published_minutes`.
    Republish {
        /// Those that were acknowledged since then: an instant, as 2026-03-01T09:30:00Z, or an age, as 10m.
        #[arg(long, value_parser = Since::parse)]
        since: Since,
    },
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

pub async fn run(command: OutboxCommand, output: Output) -> anyhow::Result<()> {
    match command {
        OutboxCommand::Status => status(output).await,
        OutboxCommand::Republish { since } => {
            let service = crate::service().await?;
            let relay = service
                .relay
                .context("relay.enabled is false in this configuration: use that of a process that publishes")?;
            let events = relay.republish_since(since.moment(service.clock.now())).await?;
            println!("{events} events will be published again");
            Ok(())
        }
    }
}

async fn status(output: Output) -> anyhow::Result<()> {
    let oversight = operators_oversight(&Config::load()?);
    let (now, waiting) = (oversight.now().await?, oversight.outbox_by_subject().await?);
    let rows =
        waiting.into_iter().map(|(subject, waiting, oldest)| Row { subject, waiting, oldest: age(now - oldest) });
    output.rows(&rows.collect::<Vec<_>>())
}

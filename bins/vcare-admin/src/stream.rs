//! `vcare-admin stream`.

use std::time::Duration;

use anyhow::Context;
use clap::Subcommand;
use tokio::time::{sleep, timeout};
use vcare_boot::Config;

use crate::service_of;

/// How long NATS is given to answer.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Subcommand)]
pub enum StreamCommand {
    /// Create the event stream, or widen it to what is configured; without --shorten nothing in it is narrowed or deleted.
    Setup {
        /// Also keep events no longer than nats.stream_max_age_days. Deletes the older ones, read or not.
        #[arg(long)]
        shorten: bool,
    },
}

pub async fn run(command: StreamCommand) -> anyhow::Result<()> {
    let StreamCommand::Setup { shorten } = command;
    let mut config = Config::load()?;
    // Whoever runs this means it, also where the service itself may not.
    config.nats.manage_stream = true;
    let service = service_of(&config).await?;
    let connected = async {
        while !service.events.health() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, connected).await.context("NATS does not answer: see nats.servers")?;
    service.events.ensure_stream().await?;
    println!("the stream is there");
    if shorten {
        let days = config.nats.stream_max_age_days;
        let shortened = service.events.shorten_streams().await?;
        for stream in &shortened {
            println!("{stream} keeps messages for {days} days, and no longer has any that are older");
        }
        if shortened.is_empty() {
            println!("no stream keeps messages for longer than {days} days");
        }
    }
    Ok(())
}

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
    /// Create the event stream, or widen it to what is configured; nothing in it is narrowed or deleted.
    Setup,
}

pub async fn run(command: StreamCommand) -> anyhow::Result<()> {
    let StreamCommand::Setup = command;
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
    Ok(())
}

//! The stand-ins as a process of their own, which can be killed.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde_json::json;
use vcare_boot::until_signal;
use vcare_testkit::{Standins, StandinsConfig};

use crate::seed;

/// How they are run.
#[derive(Args)]
pub struct Options {
    /// Where they keep Encounters, consents and keys.
    #[arg(long)]
    folder: PathBuf,
    /// The port of the platform's services and of the control.
    #[arg(long)]
    port: u16,
    /// Jitsi's port.
    #[arg(long)]
    jitsi_port: u16,
}

/// Plays them until a signal, and says where, as the service's own programs do.
pub async fn serve(options: Options) -> Result<()> {
    let shutdown = until_signal()?;
    let config = StandinsConfig {
        port: Some(options.port),
        jitsi_port: Some(options.jitsi_port),
        folder: Some(options.folder),
        ..StandinsConfig::default()
    };
    let standins = Standins::start(config).await?;
    seed::consents(&standins);
    seed::relations(&standins);
    println!("{}", json!({"message": "listening", "address": format!("127.0.0.1:{}", options.port)}));
    shutdown.cancelled().await;
    standins.stop().await;
    Ok(())
}

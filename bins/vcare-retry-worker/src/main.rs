//! `vcare-retry-worker`: the durable work, as a deployment of its own.

use clap::Parser;
use vcare_boot::{Config, Overrides, compose, init_telemetry, install_crypto, until_signal};

/// The retry worker of the virtual care service. Configured by `VCARE_…` variables; see docs/configuration.md.
#[derive(Parser)]
#[command(version)]
struct Arguments {}

#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let Arguments {} = Arguments::parse();
    let config = Config::load()?;
    install_crypto();
    let telemetry = init_telemetry("vcare-retry-worker", &config.log, config.otlp.as_ref(), &config.tls)?;
    let service = compose(&config, Overrides::default()).await?;
    let shutdown = until_signal()?;
    vcare_retry_worker::run(service, telemetry.metrics.clone(), &config, shutdown, |address| {
        tracing::info!(%address, "working");
    })
    .await?;
    telemetry.finish().await;
    tracing::info!("stopped");
    Ok(())
}

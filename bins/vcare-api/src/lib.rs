//! The REST API of the virtual care service, on actix-web.
//!
//! A request goes one way: [`request`] names and traces it, [`extract`] parses it, a file under [`routes`] calls one use
//! case, [`dto`] and [`answer`] write what came of it, and [`problem`] says what was refused.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

pub mod answer;
pub mod dto;
pub mod extract;
pub mod limit;
pub mod openapi;
pub mod paced_stream;
pub mod parking;
pub mod problem;
pub mod request;
pub mod routes;
pub mod server;
pub mod transfers;
pub mod values;

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use vcare_app::InLine;
use vcare_boot::{Config, Metrics, Service};

use crate::extract::AudioLimits;
use crate::limit::Limit;
use crate::server::Api;
use crate::transfers::{TransferLimits, Transfers};

/// Serves a composed process until `shutdown`: the API, and the relay when this process may publish. `listening` is told
/// the address.
///
/// # Errors
/// When it cannot listen, or the server fails.
pub async fn serve(
    service: Service,
    metrics: Metrics,
    config: &Config,
    shutdown: CancellationToken,
    listening: impl FnOnce(std::net::SocketAddr),
) -> anyhow::Result<()> {
    let Service { app, access_tokens, internal_tokens, relay, health, clock_check, ids, .. } = service;
    clock_check.first().await;
    let deadline = Duration::from_secs(config.api.request_deadline_seconds);
    let short_codes = Limit::new(&config.links, config.api.client_address_header.as_deref())?;
    let audio = config.ai.as_ref().map_or_else(AudioLimits::default, |ai| AudioLimits {
        max_bytes: ai.max_audio_bytes,
        stall: ai.stall(),
        deadline: ai.upload_deadline(),
    });
    let (watched, stop) = (app.clone(), shutdown.clone());
    let attachments = &config.attachments;
    let uploads = Transfers::new(
        "upload",
        TransferLimits {
            in_all: attachments.uploads_in_all.into(),
            per_tenant: attachments.uploads_per_tenant.into(),
            per_account: attachments.uploads_per_account.into(),
        },
    );
    let downloads = Transfers::new(
        "download",
        TransferLimits {
            in_all: attachments.downloads_in_all.into(),
            per_tenant: attachments.downloads_per_tenant.into(),
            per_account: attachments.downloads_per_account.into(),
        },
    );
    let api = Api {
        app,
        access_tokens,
        internal_tokens,
        health,
        metrics,
        ids,
        deadline,
        audio,
        short_codes,
        stop,
        uploads,
        openings: InLine::default(),
        upload_stall: attachments.stall(),
        downloads,
    };
    let (address, server) = server::listen(api, &config.api, config.waiting.park_connections)?;
    let stop = CancellationToken::new();
    let relay = relay.map(|relay| {
        let stop = stop.clone();
        tokio::spawn(async move { relay.run(stop).await })
    });
    let comparing = tokio::spawn(clock_check.run(shutdown.clone()));
    let watching = shutdown.clone();
    let watcher = tokio::spawn(async move { watched.watch_visits(&watching).await });
    let handle = server.handle();
    let serving = tokio::spawn(server);
    listening(address);
    shutdown.cancelled().await;
    handle.stop(true).await;
    serving.await??;
    watcher.await?;
    comparing.await?;
    // After the last request. What the relay has not published by then stays in the outbox, for whoever leads next.
    stop.cancel();
    if let Some(relay) = relay {
        relay.await?;
    }
    Ok(())
}

//! `/health` and `/metrics` for processes without a REST API.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::health::Health;
use crate::telemetry::Metrics;

/// Listens until `shutdown`. Answers the address it listens on, and the task that does.
///
/// # Errors
/// When it cannot listen there.
pub async fn serve_ops(
    listen: SocketAddr,
    health: Health,
    metrics: Metrics,
    shutdown: CancellationToken,
) -> std::io::Result<(SocketAddr, tokio::task::JoinHandle<()>)> {
    let listener = TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;
    let serving = tokio::spawn(async move {
        while let Some(accepted) = shutdown.run_until_cancelled(listener.accept()).await {
            // A connection that failed while it was accepted is its peer's to make again.
            let Ok((stream, _)) = accepted else { continue };
            let (health, metrics) = (health.clone(), metrics.clone());
            tokio::spawn(async move {
                let answer = service_fn(move |request| {
                    let (health, metrics) = (health.clone(), metrics.clone());
                    async move { Ok::<_, Infallible>(answer(&request, &health, &metrics).await) }
                });
                let mut connection = hyper::server::conn::http1::Builder::new();
                connection.timer(TokioTimer::new()).header_read_timeout(std::time::Duration::from_secs(5));
                if let Err(error) = connection.serve_connection(TokioIo::new(stream), answer).await {
                    tracing::debug!(error = &error as &dyn std::error::Error, "an operations connection ended early");
                }
            });
        }
    });
    Ok((address, serving))
}

async fn answer<B>(request: &Request<B>, health: &Health, metrics: &Metrics) -> Response<Full<Bytes>> {
    if request.method() != Method::GET {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "text/plain", String::new());
    }
    match request.uri().path() {
        "/health/live" => plain(StatusCode::OK, "application/json", "{\"status\":\"up\"}".to_owned()),
        "/health" | "/health/ready" => {
            let report = health.report().await;
            let status = if report.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
            plain(status, "application/json", serde_json::to_string(&report).unwrap_or_default())
        }
        "/metrics" => plain(StatusCode::OK, "text/plain; version=0.0.4", metrics.render()),
        _ => plain(StatusCode::NOT_FOUND, "text/plain", String::new()),
    }
}

fn plain(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

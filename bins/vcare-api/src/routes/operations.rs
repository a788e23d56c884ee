//! `/health` and `/metrics`: at the root, not through Kong.

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpResponse, web};

use crate::answer::send;
use crate::problem::Problem;
use crate::server::Api;

async fn report(api: &Api) -> Result<HttpResponse, Problem> {
    let report = api.health.report().await;
    let status = if report.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    send(status, &report)
}

/// How the process is, and why.
///
/// `degraded` means that something is missing that care goes on without: events wait for NATS in the outbox, or attachments cannot be
/// stored. `down` means that the database does not answer, or cannot be written.
#[utoipa::path(
    get, path = "/health", tag = "Operations", operation_id = "getHealth",
    responses((status = 200, description = "Up or degraded"), (status = 503, description = "Down")),
)]
pub async fn health(api: web::Data<Api>) -> Result<HttpResponse, Problem> {
    report(&api).await
}

/// Whether the process lives.
///
/// It asks nobody else: who starts processes again starts this one when nothing is answered.
#[utoipa::path(get, path = "/health/live", tag = "Operations", operation_id = "getLiveness", responses((status = 200, description = "It does")))]
pub async fn live() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body("{\"status\":\"up\"}")
}

/// Whether requests can be answered.
///
/// 503 takes the process out of the line of those that are asked, and leaves it running.
#[utoipa::path(
    get, path = "/health/ready", tag = "Operations", operation_id = "getReadiness",
    responses((status = 200, description = "They can"), (status = 503, description = "They cannot: the database does not answer, or cannot be written")),
)]
pub async fn ready(api: web::Data<Api>) -> Result<HttpResponse, Problem> {
    report(&api).await
}

/// Metrics in the Prometheus text format.
///
/// They count, and name no person; what each means is in `docs/observability.md`.
#[utoipa::path(get, path = "/metrics", tag = "Operations", operation_id = "getMetrics", responses((status = 200, description = "Metrics", content_type = "text/plain", body = String)))]
pub async fn metrics(api: web::Data<Api>) -> HttpResponse {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/plain; version=0.0.4")).body(api.metrics.render())
}

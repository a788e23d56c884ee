//! `POST /config/test-connection`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;
use vcare_app::ports::{ConnectionCheck, ConnectionReport};

use crate::answer::send;
use crate::extract::{Query, SignedInCaller, WishKey};
use crate::problem::Problem;
use crate::server::Api;

/// How the connection to the tenant's video backend is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ConnectionReport)]
pub struct ConnectionReportDto {
    /// Whether everything that was tried went well.
    healthy: bool,
    /// How long the whole test took, in milliseconds.
    latency_ms: u64,
    /// What was tried, in order.
    checks: Vec<ConnectionCheckDto>,
}

/// One thing that was tried.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConnectionCheck)]
pub struct ConnectionCheckDto {
    /// What was tried.
    #[schema(example = "login")]
    check: &'static str,
    /// Whether it went well.
    ok: bool,
    /// The setting that is probably wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "jitsiJwtSecret")]
    setting: Option<&'static str>,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "the secret is not the one that Prosody has")]
    message: Option<&'static str>,
}

impl From<&ConnectionCheck> for ConnectionCheckDto {
    fn from(check: &ConnectionCheck) -> Self {
        Self {
            check: check.check,
            ok: check.problem.is_none(),
            setting: check.problem.and_then(|problem| problem.setting),
            message: check.problem.map(|problem| problem.message),
        }
    }
}

impl From<&ConnectionReport> for ConnectionReportDto {
    fn from(report: &ConnectionReport) -> Self {
        Self {
            healthy: report.healthy(),
            latency_ms: u64::try_from(report.latency.whole_milliseconds()).unwrap_or(0),
            checks: report.checks.iter().map(ConnectionCheckDto::from).collect(),
        }
    }
}

/// Try the tenant's video backend.
///
/// Does what a visit will do, with a token signed for it: reaches the server, signs in, asks for a bridge, and tries whether
/// rooms can be closed when visits end. Opens no room and closes none.
/// What is wrong is an answer, too: 200 with `healthy: false` and the setting to look at.
#[utoipa::path(
    post, path = "/api/v1/virtual-care/config/test-connection", tag = "Configuration", operation_id = "testConnection",
    params(("Idempotency-Key" = Option<String>, Header, description = "Accepted; every test is made anew", max_length = 128)),
    responses(
        (status = 200, description = "What was tried, and how it went", body = ConnectionReportDto),
    ),
    security(("accessToken" = [])),
)]
pub async fn test_connection(
    api: web::Data<Api>,
    caller: SignedInCaller,
    query: Query,
    _key: WishKey,
) -> Result<HttpResponse, Problem> {
    query.nothing_else()?;
    let report = api.app.test_connection(&caller.0).await?;
    send(StatusCode::OK, &ConnectionReportDto::from(&report))
}

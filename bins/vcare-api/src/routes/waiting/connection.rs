//! `POST …/connection`: what people's devices tell of their connections.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use time::Duration;
use utoipa::ToSchema;
use vcare_app::waiting::{ConnectionReport, JoinStatus};
use vcare_app::{Answer, Done, Once};
use vcare_domain::{Heard, ParticipantId};

use super::token;
use crate::answer::{send_at, send_replay};
use crate::dto::JoinStatusDto;
use crate::extract::{Body, Checked, Fields, SessionPath, SignedInCaller, WishKey};
use crate::problem::{Fault, FieldCode, Problem};
use crate::routes::join::trace;
use crate::server::Api;
use crate::values;

/// The longest ago that something may be told of.
const LONGEST_AGO: u32 = 86_400;

/// What a device tells of its connection.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ConnectionRequest {
    /// `alive`: a beacon, and a promise to send the next one within 120 seconds. `lost`, `restored`: what happened.
    #[schema(value_type = values::ConnectionState)]
    state: String,
    /// How many seconds ago; now when absent. Not when: phones have wrong clocks.
    #[serde(default)]
    #[schema(maximum = 86_400)]
    seconds_ago: Option<u32>,
}

/// The same, of oneself or, `lost` only, of somebody else in the visit.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SignedInConnectionRequest {
    /// As in `reportConnectionByToken`.
    #[schema(value_type = values::ConnectionState)]
    state: String,
    /// As in `reportConnectionByToken`.
    #[serde(default)]
    #[schema(maximum = 86_400)]
    seconds_ago: Option<u32>,
    /// Whose connection was lost, when it is not the caller's own. For those who care for the patient.
    #[serde(default)]
    #[schema(value_type = Option<values::ParticipantId>)]
    participant_id: Option<String>,
}

fn report(fields: &mut Fields, state: &str, seconds_ago: Option<u32>) -> Option<ConnectionReport> {
    let heard = Heard::from_name(state).ok_or("expected alive, lost or restored");
    let ago = match seconds_ago.unwrap_or_default() {
        ago if ago <= LONGEST_AGO => Ok(Duration::seconds(i64::from(ago))),
        _ => Err(Fault(FieldCode::Range, "must be at most 86400")),
    };
    let (heard, ago) = (fields.take("state", heard), fields.take("secondsAgo", ago));
    Some(ConnectionReport { heard: heard?, ago: ago? })
}

impl ConnectionRequest {
    fn parse(&self) -> Result<ConnectionReport, Problem> {
        let mut fields = Fields::default();
        let report = report(&mut fields, &self.state, self.seconds_ago);
        fields.done(report)
    }
}

impl SignedInConnectionRequest {
    fn parse(&self) -> Result<(ConnectionReport, Option<ParticipantId>), Problem> {
        let mut fields = Fields::default();
        let report = report(&mut fields, &self.state, self.seconds_ago);
        let other = fields.take_optional("participantId", self.participant_id.as_deref().map(str::parse));
        fields.done(report.map(|report| (report, other)))
    }
}

impl Checked for ConnectionRequest {
    fn check(self, fields: &mut Fields) {
        fields.also(self.parse());
    }
}

impl Checked for SignedInConnectionRequest {
    fn check(self, fields: &mut Fields) {
        fields.also(self.parse());
    }
}

/// Tell of one's connection.
///
/// A report that is older than what is known changes nothing. Who was let in and breaks the promise of a beacon is noted as
/// disconnected.
#[utoipa::path(
    post, path = "/api/v1/virtual-care/sessions/join/connection", tag = "Patients", operation_id = "reportConnectionByToken",
    request_body = ConnectionRequest,
    responses(
        (status = 200, description = "How one stands", body = JoinStatusDto, headers(("ETag" = String))),
    ),
    security(("joinToken" = [])),
)]
pub async fn by_token(
    api: web::Data<Api>,
    req: HttpRequest,
    body: Body<ConnectionRequest>,
) -> Result<HttpResponse, Problem> {
    let report = body.value.parse()?;
    let status = api.app.report_by_token(token(&req)?, report, trace(&req)?).await?;
    send_at(StatusCode::OK, status.version, &JoinStatusDto::from(status))
}

fn answer(status: &JoinStatus) -> Answer {
    let body = serde_json::to_vec(&JoinStatusDto::from(status.clone())).unwrap_or_default();
    Answer { status: StatusCode::OK.as_u16(), body }
}

/// Tell of a connection.
///
/// Of one's own part in the visit, as `reportConnectionByToken` does; or, for those who care for the patient, that somebody else's
/// was lost.
#[utoipa::path(
    post, path = "/api/v1/virtual-care/sessions/{sessionId}/connection", tag = "Sessions",
    operation_id = "reportConnection",
    request_body = SignedInConnectionRequest,
    params(
        ("sessionId" = values::SessionId, Path, description = "The session"),
        ("Idempotency-Key" = Option<String>, Header, description = "The caller's name for this request", max_length = 128),
    ),
    responses(
        (status = 200, description = "How that person stands", body = JoinStatusDto, headers(("ETag" = String), ("Idempotency-Replayed" = String))),
    ),
    security(("accessToken" = [])),
)]
pub async fn signed_in(
    api: web::Data<Api>,
    caller: SignedInCaller,
    path: SessionPath,
    key: WishKey,
    body: Body<SignedInConnectionRequest>,
) -> Result<HttpResponse, Problem> {
    let (report, other) = body.value.parse()?;
    let once = body.wish(key.0).map(|wish| Once { wish, answer: &answer });
    match api.app.report_connection(&caller.0, path.0, other, report, once.as_ref()).await? {
        Done::Now(status) => send_at(StatusCode::OK, status.version, &JoinStatusDto::from(status)),
        Done::Before(kept) => send_replay(&kept),
    }
}

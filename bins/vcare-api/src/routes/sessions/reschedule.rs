//! `PATCH /sessions/{sessionId}`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;
use vcare_app::Once;
use vcare_app::sessions::RescheduleSession;
use vcare_domain::{NewTime, TimeZoneName};

use crate::answer::{send_session, session_answer};
use crate::dto::VirtualSessionDto;
use crate::extract::{Body, Checked, Fields, IfMatch, Instant, SessionPath, SignedInCaller, WishKey, expected_version};
use crate::problem::{Fault, FieldCode, Problem};
use crate::server::Api;
use crate::values;

/// When a visit is to take place instead. What is absent stays; at least one of the times or the zone is there.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RescheduleRequest {
    /// The new planned start. It must not have passed.
    #[serde(default)]
    scheduled_start: Option<Instant>,
    /// The new planned end. When only the start is given, the visit keeps its length.
    #[serde(default)]
    scheduled_end: Option<Instant>,
    /// IANA name of the zone in which people speak of the visit.
    #[serde(default)]
    #[schema(value_type = Option<values::TimeZone>)]
    time_zone: Option<String>,
    /// Move it also where its patient or its provider has another visit at that time.
    #[serde(default)]
    allow_overlap: bool,
    /// The session's version as the caller saw it.
    #[serde(default)]
    #[schema(minimum = 1)]
    version: Option<u32>,
}

impl RescheduleRequest {
    fn parse(&self) -> Result<RescheduleSession, Problem> {
        let mut fields = Fields::default();
        let to = NewTime {
            start: self.scheduled_start.map(|start| start.0),
            end: self.scheduled_end.map(|end| end.0),
            time_zone: fields.take_optional("timeZone", self.time_zone.as_deref().map(TimeZoneName::parse)),
        };
        let to = fields.done(Some(to))?;
        if to.start.is_none() && to.end.is_none() && to.time_zone.is_none() {
            let missing = Fault(FieldCode::Required, "is missing: name the new start, end or zone");
            return Err(Problem::field("scheduledStart", missing));
        }
        Ok(RescheduleSession { to, allow_overlap: self.allow_overlap })
    }
}

impl Checked for RescheduleRequest {
    fn check(self, fields: &mut Fields) {
        fields.also(self.parse());
    }
}

/// Move a visit to another time.
///
/// Possible while it is `scheduled` or `waiting`. Links that were sent keep working, and open until the new end at least. When by
/// the new time the waiting room is not open yet, it is emptied, and the visit is `scheduled`. A delay that the patient announced
/// is forgotten. Where the patient or the provider has another visit at that time, it is refused unless `allowOverlap` says
/// otherwise; that guards against mistakes, and against nothing that happens at the same moment. Moving it again to the same time
/// answers the visit as it is.
#[utoipa::path(
    patch, path = "/api/v1/virtual-care/sessions/{sessionId}", tag = "Sessions", operation_id = "rescheduleSession",
    request_body = RescheduleRequest,
    params(
        ("sessionId" = values::SessionId, Path, description = "The session"),
        ("If-Match" = Option<String>, Header, description = "The session's version in quotes"),
        ("Idempotency-Key" = Option<String>, Header, description = "The caller's name for this request", max_length = 128),
    ),
    responses(
        (status = 200, description = "Moved", body = VirtualSessionDto, headers(("ETag" = String), ("Idempotency-Replayed" = String))),
    ),
    security(("accessToken" = [])),
)]
pub async fn reschedule(
    api: web::Data<Api>,
    caller: SignedInCaller,
    path: SessionPath,
    if_match: IfMatch,
    key: WishKey,
    body: Body<RescheduleRequest>,
) -> Result<HttpResponse, Problem> {
    let expected = expected_version(if_match, body.value.version)?;
    let request = body.value.parse()?;
    let once = body.wish(key.0).map(|wish| Once { wish, answer: &|session| session_answer(StatusCode::OK, session) });
    let done = api.app.reschedule_session(&caller.0, path.0, request, expected, once.as_ref()).await?;
    send_session(StatusCode::OK, &done)
}

//! `POST /sessions/{sessionId}/continue-async`.

use actix_web::{HttpResponse, web};
use vcare_domain::SessionParts;

use crate::extract::{Body, SessionPath, SignedInCaller, WishKey};
use crate::problem::Problem;
use crate::routes::async_visits::draft::ContinueAsyncRequest;
use crate::routes::async_visits::dto::AsyncVisitDto;
use crate::routes::async_visits::{send_submitted, visit_body};
use crate::server::Api;

/// Go on with a failed visit without a link.
///
/// Patient and appointment are the failed visit's. That one stays what it is, and a clinician ends it. Otherwise as
/// sending a draft.
#[utoipa::path(
    post, path = "/api/v1/virtual-care/sessions/{sessionId}/continue-async", tag = "Async visits", operation_id = "continueSessionAsync",
    request_body = ContinueAsyncRequest,
    params(
        ("sessionId" = crate::values::SessionId, Path, description = "The failed session"),
        ("Idempotency-Key" = Option<String>, Header, description = "Accepted; `clientMutationId` does it by itself, and for longer", max_length = 128),
    ),
    responses(
        (status = 201, description = "It is a visit now", body = AsyncVisitDto, headers(("ETag" = String), ("Location" = String))),
        (status = 200, description = "It was one before: the body of then. `Mutation-Differs` when another draft was sent", body = AsyncVisitDto, headers(("ETag" = String), ("Location" = String), ("Mutation-Replayed" = String), ("Mutation-Differs" = String))),
    ),
    security(("accessToken" = [])),
)]
pub async fn continue_async(
    api: web::Data<Api>,
    caller: SignedInCaller,
    path: SessionPath,
    _key: WishKey,
    body: Body<ContinueAsyncRequest>,
) -> Result<HttpResponse, Problem> {
    let written = body.value.parse()?;
    let wish = |session: &SessionParts| {
        written.of(session.patient_id.clone(), session.appointment_id.clone(), Some(session.id))
    };
    Ok(send_submitted(api.app.continue_async(&caller.0, path.0, wish, &visit_body).await?))
}

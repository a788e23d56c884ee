//! `POST /async-visits`.

use actix_web::{HttpResponse, web};

use crate::extract::{Body, SignedInCaller, WishKey};
use crate::problem::Problem;
use crate::routes::async_visits::draft::SubmitAsyncVisitRequest;
use crate::routes::async_visits::dto::AsyncVisitDto;
use crate::routes::async_visits::{send_submitted, visit_body};
use crate::server::Api;

/// Send a draft.
///
/// What was written without a link becomes a visit. The first arrival of a `clientMutationId` wins; the same again is
/// answered 200 with the body of then, byte for byte, for as long as the visit is kept: send it until it is answered.
/// Photos and voice notes come before, after, or days later.
#[utoipa::path(
    post, path = "/api/v1/virtual-care/async-visits", tag = "Async visits", operation_id = "submitAsyncVisit",
    request_body = SubmitAsyncVisitRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "Accepted; `clientMutationId` does it by itself, and for longer", max_length = 128)),
    responses(
        (status = 201, description = "It is a visit now", body = AsyncVisitDto, headers(("ETag" = String), ("Location" = String))),
        (status = 200, description = "It was one before: the body of then. `Mutation-Differs` when another draft was sent", body = AsyncVisitDto, headers(("ETag" = String), ("Location" = String), ("Mutation-Replayed" = String), ("Mutation-Differs" = String))),
    ),
    security(("accessToken" = [])),
)]
pub async fn submit(
    api: web::Data<Api>,
    caller: SignedInCaller,
    _key: WishKey,
    body: Body<SubmitAsyncVisitRequest>,
) -> Result<HttpResponse, Problem> {
    let draft = body.value.parse()?;
    Ok(send_submitted(api.app.submit_async_visit(&caller.0, draft, &visit_body).await?))
}

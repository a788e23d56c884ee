//! `POST /async-visits/sync`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use vcare_app::AppError;
use vcare_app::async_visits::{SubmitAsyncVisit, Submitted};
use vcare_domain::ClientMutationId;

use crate::answer::send;
use crate::extract::{Body, Checked, SignedInCaller, WishKey, parse_json};
use crate::problem::{Fault, FieldCode, Problem};
use crate::routes::async_visits::draft::SubmitAsyncVisitRequest;
use crate::routes::async_visits::dto::{SyncDto, SyncResultDto};
use crate::routes::async_visits::visit_body;
use crate::server::Api;

/// The most drafts of one request.
const MOST: usize = 50;

/// All that a phone wrote without a link.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SyncRequest {
    /// The drafts, the oldest first.
    #[schema(value_type = Vec<SubmitAsyncVisitRequest>, max_items = 50)]
    drafts: Vec<Box<RawValue>>,
}

impl Checked for SyncRequest {}

/// The name of a draft, whatever else is wrong with it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    client_mutation_id: String,
}

/// Send several drafts.
///
/// Each is taken in for itself, as if it had been sent alone, and has its own result in the same place: one that is
/// refused spoils no other. Whatever is cut off, send all of it again: what arrived before is answered 200.
#[utoipa::path(
    post, path = "/api/v1/virtual-care/async-visits/sync", tag = "Async visits", operation_id = "syncAsyncVisits",
    request_body = SyncRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "Accepted; each draft's `clientMutationId` does it by itself", max_length = 128)),
    responses(
        (status = 200, description = "One result for each draft", body = SyncDto),
    ),
    security(("accessToken" = [])),
)]
pub async fn sync(
    api: web::Data<Api>,
    caller: SignedInCaller,
    _key: WishKey,
    body: Body<SyncRequest>,
) -> Result<HttpResponse, Problem> {
    let drafts = body.value.drafts;
    if drafts.len() > MOST {
        return Err(Problem::field("drafts", Fault(FieldCode::Length, format!("must be at most {MOST}"))));
    }
    let parsed: Vec<_> = drafts.iter().map(|draft| parse(draft)).collect();
    let good: Vec<_> = parsed.iter().filter_map(|draft| draft.as_ref().ok()).cloned().collect();
    let mut taken = api.app.sync_async_visits(&caller.0, good, visit_body).await?.into_iter();
    let results = drafts.iter().zip(parsed).map(|(draft, parsed)| {
        let outcome = parsed.and_then(|_| taken.next().unwrap_or(Err(AppError::Interrupted)).map_err(Problem::from));
        result(draft, outcome)
    });
    send(StatusCode::OK, &SyncDto { results: results.collect() })
}

fn parse(draft: &RawValue) -> Result<SubmitAsyncVisit, Problem> {
    parse_json::<SubmitAsyncVisitRequest>(draft.get().as_bytes()).map_err(Problem::invalid)?.parse()
}

fn result(draft: &RawValue, outcome: Result<Submitted, Problem>) -> SyncResultDto {
    let named = serde_json::from_str::<Named>(draft.get()).ok();
    let name = named.and_then(|named| ClientMutationId::parse(&named.client_mutation_id).ok());
    let outcome = outcome.and_then(|submitted| {
        let (status, body, replayed, differs) = match submitted {
            Submitted::Now { body, .. } => (StatusCode::CREATED, body, false, false),
            Submitted::Before { body, differs } => (StatusCode::OK, body, true, differs),
        };
        let body = String::from_utf8(body).ok().and_then(|body| RawValue::from_string(body).ok());
        Ok((status.as_u16(), body.ok_or_else(Problem::internal)?, replayed, differs))
    });
    let client_mutation_id = name.map(|name| name.to_string());
    match outcome {
        Ok((status, body, replayed, differs)) => {
            SyncResultDto { client_mutation_id, status, replayed, differs, body: Some(body), problem: None }
        }
        Err(problem) => {
            let status = problem.status().as_u16();
            let problem = Some(problem.details().clone());
            SyncResultDto { client_mutation_id, status, replayed: false, differs: false, body: None, problem }
        }
    }
}

//! `POST /sessions/{sessionId}/ai/summary`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use vcare_app::ai::SummaryDraft;
use vcare_domain::Transcript;

use crate::answer::{mark_replayed, send};
use crate::extract::{Body, Checked, Fields, SessionPath, SignedInCaller, WishKey};
use crate::problem::Problem;
use crate::server::Api;

/// What is to be summed up.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SummaryRequest {
    /// The transcript as it was answered, or as the clinician corrected it.
    #[schema(max_length = 200_000, example = "The cough is better, but I sleep badly.")]
    transcript: String,
}

/// A draft, for a clinician to decide on. It is in no chart.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SummaryDraft)]
pub struct SummaryDraftDto {
    /// The draft.
    #[schema(value_type = crate::values::DraftId)]
    draft_id: String,
    /// What the machine wrote.
    #[schema(example = "Cough improving; poor sleep.")]
    text: String,
    /// A machine wrote it: always.
    ai_generated: bool,
    /// Which one.
    #[schema(example = "clinical-3.1")]
    ai_model: String,
    /// When the draft is erased, if nobody decides.
    #[serde(serialize_with = "vcare_app::timestamp::serialize")]
    expires_at: OffsetDateTime,
}

impl From<SummaryDraft> for SummaryDraftDto {
    fn from(draft: SummaryDraft) -> Self {
        Self {
            draft_id: draft.id.to_string(),
            text: draft.text.as_str().to_owned(),
            ai_generated: true,
            ai_model: draft.model.as_str().to_owned(),
            expires_at: draft.expires_at,
        }
    }
}

impl SummaryRequest {
    fn parse(&self) -> Result<Transcript, Problem> {
        Transcript::parse(self.transcript.as_str()).map_err(|error| Problem::field("transcript", error))
    }
}

impl Checked for SummaryRequest {
    fn check(self, fields: &mut Fields) {
        fields.also(self.parse());
    }
}

/// Have a visit summed up.
///
/// Answers a draft, which is in no chart: that takes `accept-summary`. The same request under the same key gets the same
/// draft, as long as it waits for a decision.
#[utoipa::path(
    post, path = "/api/v1/virtual-care/sessions/{sessionId}/ai/summary", tag = "AI", operation_id = "createSummaryDraft",
    request_body = SummaryRequest,
    params(
        ("sessionId" = crate::values::SessionId, Path, description = "The session"),
        ("Idempotency-Key" = Option<String>, Header, description = "The caller's name for this request", max_length = 128),
    ),
    responses(
        (status = 201, description = "A draft", body = SummaryDraftDto, headers(("Idempotency-Replayed" = String))),
    ),
    security(("accessToken" = [])),
)]
pub async fn summary(
    api: web::Data<Api>,
    caller: SignedInCaller,
    path: SessionPath,
    key: WishKey,
    body: Body<SummaryRequest>,
) -> Result<HttpResponse, Problem> {
    let transcript = body.value.parse()?;
    let draft = api.app.summarise(&caller.0, path.0, transcript, body.wish(key.0)).await?;
    let replayed = draft.replayed;
    let mut response = send(StatusCode::CREATED, &SummaryDraftDto::from(draft))?;
    mark_replayed(&mut response, replayed);
    Ok(response)
}

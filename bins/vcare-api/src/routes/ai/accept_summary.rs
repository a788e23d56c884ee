//! `POST /sessions/{sessionId}/ai/accept-summary`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vcare_app::ai::{DecidedSummary, SummaryDecision};
use vcare_domain::{Delivery, DraftState, SummaryText};

use crate::answer::{mark_replayed, send};
use crate::extract::{Body, Checked, Fields, SessionPath, SignedInCaller, WishKey};
use crate::problem::{Fault, FieldCode, Problem};
use crate::server::Api;
use crate::values;

/// A clinician's decision.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AcceptSummaryRequest {
    /// The draft. May be left out when exactly one draft of the session waits for a decision.
    #[serde(default)]
    #[schema(value_type = Option<values::DraftId>)]
    draft_id: Option<String>,
    /// `true`: into the chart. `false`: away with it.
    accepted: bool,
    /// What goes into the chart in the place of the draft. Only with `accepted: true`.
    #[serde(default)]
    #[schema(max_length = 20_000)]
    edited_text: Option<String>,
}

impl AcceptSummaryRequest {
    fn parse(&self) -> Result<SummaryDecision, Problem> {
        let mut fields = Fields::default();
        let draft = fields.take_optional("draftId", self.draft_id.as_deref().map(str::parse));
        let edited = fields.take_optional("editedText", self.edited_text.as_deref().map(SummaryText::parse));
        if !self.accepted && self.edited_text.is_some() {
            fields.wrong("editedText", Fault(FieldCode::Conflict, "must be absent when the draft is declined"));
        }
        fields.done(Some(SummaryDecision { draft, accepted: self.accepted, edited }))
    }
}

/// A decision on an AI summary draft.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SummaryStatus {
    /// It goes into the chart.
    Accepted,
    /// It was deleted.
    Declined,
}

/// State of an accepted summary on its way into the chart. `pending`: follows by itself. `parked`: refused, a person must look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChartStatus {
    /// Follows by itself.
    Pending,
    /// The chart refuses it, a person must look.
    Parked,
    /// In the chart.
    Delivered,
}

/// What was decided, and whether it is in the chart.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DecidedSummary)]
pub struct DecidedSummaryDto {
    /// The draft.
    #[schema(value_type = values::DraftId)]
    draft_id: String,
    /// What was decided.
    status: SummaryStatus,
    /// Whether it is in the chart; absent when declined.
    #[serde(skip_serializing_if = "Option::is_none")]
    chart_status: Option<ChartStatus>,
    /// The note in the chart, once it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    note_id: Option<String>,
    /// Whether what was accepted is not word for word what the machine wrote. Absent when declined.
    #[serde(skip_serializing_if = "Option::is_none")]
    human_edited: Option<bool>,
}

impl From<&DecidedSummary> for DecidedSummaryDto {
    fn from(DecidedSummary { draft, .. }: &DecidedSummary) -> Self {
        let (chart_status, note_id, human_edited) = match &draft.parts().state {
            DraftState::Accepted { human_edited, delivery, .. } => {
                let (status, note) = match delivery {
                    Delivery::Owed { .. } => (ChartStatus::Pending, None),
                    Delivery::Parked { .. } => (ChartStatus::Parked, None),
                    Delivery::Done { note, .. } => (ChartStatus::Delivered, Some(note.as_str().to_owned())),
                };
                (Some(status), note, Some(*human_edited))
            }
            DraftState::Pending { .. } | DraftState::Declined(_) | DraftState::Expired { .. } => (None, None, None),
        };
        let draft_id = draft.parts().id.to_string();
        let status = if chart_status.is_some() { SummaryStatus::Accepted } else { SummaryStatus::Declined };
        Self { draft_id, status, chart_status, note_id, human_edited }
    }
}

impl Checked for AcceptSummaryRequest {
    fn check(self, fields: &mut Fields) {
        fields.also(self.parse());
    }
}

/// Decide on a draft.
///
/// The only way from a machine into the chart. What is accepted is signed for by the caller, and follows by itself when the
/// chart is down (202). What is declined is erased at once. A draft is decided on once.
#[utoipa::path(
    post, path = "/api/v1/virtual-care/sessions/{sessionId}/ai/accept-summary", tag = "AI", operation_id = "acceptSummary",
    request_body = AcceptSummaryRequest,
    params(
        ("sessionId" = values::SessionId, Path, description = "The session"),
        ("Idempotency-Key" = Option<String>, Header, description = "The caller's name for this request", max_length = 128),
    ),
    responses(
        (status = 200, description = "Declined, or accepted and in the chart", body = DecidedSummaryDto, headers(("Idempotency-Replayed" = String))),
        (status = 202, description = "Accepted; it is not in the chart yet", body = DecidedSummaryDto, headers(("Idempotency-Replayed" = String))),
    ),
    security(("accessToken" = [])),
)]
pub async fn accept_summary(
    api: web::Data<Api>,
    caller: SignedInCaller,
    path: SessionPath,
    key: WishKey,
    body: Body<AcceptSummaryRequest>,
) -> Result<HttpResponse, Problem> {
    let decision = body.value.parse()?;
    let decided = api.app.accept_summary(&caller.0, path.0, decision, body.wish(key.0)).await?;
    let dto = DecidedSummaryDto::from(&decided);
    let follows = matches!(dto.chart_status, Some(ChartStatus::Pending | ChartStatus::Parked));
    let mut response = send(if follows { StatusCode::ACCEPTED } else { StatusCode::OK }, &dto)?;
    mark_replayed(&mut response, decided.replayed);
    Ok(response)
}

//! `POST /sessions/{sessionId}/participants/{participantId}/join-token`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;
use vcare_app::sessions::{GivenProfile, IssueJoinToken};
use vcare_domain::DisplayName;

use crate::answer::{mark_replayed, send};
use crate::dto::JoinTokenDto;
use crate::extract::{Body, Checked, Fields, IfMatch, ParticipantPath, SignedInCaller, WishKey, expected_version};
use crate::problem::Problem;
use crate::routes::sessions::language;
use crate::server::Api;
use crate::values;

/// What is given of the participant, and the version the caller acts on.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JoinTokenRequest {
    /// What they are called from now on. Not for patients and their proxies to say.
    #[serde(default)]
    #[schema(max_length = 100)]
    display_name: Option<String>,
    /// The language they read from now on: `en`, `fa-AF` or `ps`.
    #[serde(default)]
    #[schema(value_type = Option<values::Locale>)]
    language: Option<String>,
    /// The session's version as the caller saw it.
    #[serde(default)]
    #[schema(minimum = 1)]
    version: Option<u32>,
}

impl JoinTokenRequest {
    fn parse(&self) -> Result<GivenProfile, Problem> {
        let mut fields = Fields::default();
        let name = fields.take_optional("displayName", self.display_name.as_deref().map(DisplayName::parse));
        let language = fields.take_optional("language", self.language.as_deref().map(language));
        fields.done(Some(GivenProfile { name, language }))
    }
}

impl Checked for JoinTokenRequest {
    fn check(self, fields: &mut Fields) {
        fields.also(self.parse());
    }
}

/// Issue a participant's join link.
///
/// Every older link of theirs is dead. A removed person may come again with it. Who is inside goes back to the waiting room
/// and must be let in again; only a provider of the visit may do that. Patients, and who acts for them, may ask for their
/// own link. The same `Idempotency-Key` answers the same link.
#[utoipa::path(
    post, path = "/api/v1/virtual-care/sessions/{sessionId}/participants/{participantId}/join-token", tag = "Sessions",
    operation_id = "issueJoinToken",
    request_body(content = Option<JoinTokenRequest>),
    params(
        ("sessionId" = values::SessionId, Path, description = "The session"),
        ("participantId" = values::ParticipantId, Path, description = "The participant"),
        ("If-Match" = Option<String>, Header, description = "The session's version in quotes"),
        ("Idempotency-Key" = Option<String>, Header, description = "The caller's name for this request", max_length = 128),
    ),
    responses(
        (status = 201, description = "Issued", body = JoinTokenDto, headers(("Idempotency-Replayed" = String))),
    ),
    security(("accessToken" = [])),
)]
pub async fn join_token(
    api: web::Data<Api>,
    caller: SignedInCaller,
    path: ParticipantPath,
    if_match: IfMatch,
    key: WishKey,
    body: Body<JoinTokenRequest>,
) -> Result<HttpResponse, Problem> {
    let expected = expected_version(if_match, body.value.version)?;
    let wanted = IssueJoinToken { participant: path.participant, profile: body.value.parse()? };
    let wish = body.wish(key.0);
    let issued = api.app.issue_join_token(&caller.0, path.session, &wanted, expected, wish).await?;
    let replayed = issued.replayed;
    let mut response = send(StatusCode::CREATED, &JoinTokenDto::from(issued))?;
    mark_replayed(&mut response, replayed);
    Ok(response)
}

//! `POST /sessions/{sessionId}/participants`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;
use vcare_app::Once;
use vcare_app::sessions::{GivenProfile, InviteParticipant};
use vcare_domain::{DisplayName, ParticipantRole, UserId};

use crate::answer::{send_session, session_answer};
use crate::dto::VirtualSessionDto;
use crate::extract::{Body, Checked, Fields, IfMatch, SessionPath, SignedInCaller, WishKey, expected_version};
use crate::problem::{Fault, FieldCode, Problem};
use crate::routes::sessions::language;
use crate::server::Api;
use crate::values;

/// Roles in which people are invited.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum InvitedRole {
    /// Cares for the patient.
    Provider,
    /// Translates.
    Interpreter,
    /// Only watches.
    Observer,
}

/// A further person for a visit.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InviteRequest {
    /// Their role; a visit has its one patient from the start.
    #[schema(value_type = InvitedRole)]
    role: String,
    /// Their account, when they sign in. A provider always does.
    #[serde(default)]
    #[schema(value_type = Option<values::UserId>)]
    user_id: Option<String>,
    /// What they are called: others see it in the session and in the video room.
    #[serde(default)]
    #[schema(max_length = 100, example = "Zarghuna Karimi")]
    display_name: Option<String>,
    /// The language they read: `en`, `fa-AF` or `ps`. Their page is in it, unless their phone says otherwise.
    #[serde(default)]
    #[schema(value_type = Option<values::Locale>)]
    language: Option<String>,
    /// The session's version as the caller saw it.
    #[serde(default)]
    #[schema(minimum = 1)]
    version: Option<u32>,
}

impl InviteRequest {
    fn parse(&self) -> Result<InviteParticipant, Problem> {
        let mut fields = Fields::default();
        let role = ParticipantRole::from_name(&self.role).ok_or("expected provider, interpreter or observer");
        let role = fields.take("role", role);
        let user_id = fields.take_optional("userId", self.user_id.as_deref().map(UserId::parse));
        if role == Some(ParticipantRole::Provider) && self.user_id.is_none() {
            fields.wrong("userId", Fault(FieldCode::Required, "a provider signs in: name their account"));
        }
        let name = fields.take_optional("displayName", self.display_name.as_deref().map(DisplayName::parse));
        let language = fields.take_optional("language", self.language.as_deref().map(language));
        let profile = GivenProfile { name, language };
        fields.done(role.map(|role| InviteParticipant { user_id, role, profile }))
    }
}

impl Checked for InviteRequest {
    fn check(self, fields: &mut Fields) {
        fields.also(self.parse());
    }
}

/// Invite a further person.
///
/// Answers the visit; the new participant is the last of `participants`. Somebody invited already in that role is not
/// invited twice.
#[utoipa::path(
    post, path = "/api/v1/virtual-care/sessions/{sessionId}/participants", tag = "Sessions", operation_id = "inviteParticipant",
    request_body = InviteRequest,
    params(
        ("sessionId" = values::SessionId, Path, description = "The session"),
        ("If-Match" = Option<String>, Header, description = "The session's version in quotes"),
        ("Idempotency-Key" = Option<String>, Header, description = "The caller's name for this request", max_length = 128),
    ),
    responses(
        (status = 201, description = "Invited", body = VirtualSessionDto, headers(("ETag" = String), ("Idempotency-Replayed" = String))),
    ),
    security(("accessToken" = [])),
)]
pub async fn invite(
    api: web::Data<Api>,
    caller: SignedInCaller,
    path: SessionPath,
    if_match: IfMatch,
    key: WishKey,
    body: Body<InviteRequest>,
) -> Result<HttpResponse, Problem> {
    let expected = expected_version(if_match, body.value.version)?;
    let wish = body.value.parse()?;
    let once =
        body.wish(key.0).map(|wish| Once { wish, answer: &|session| session_answer(StatusCode::CREATED, session) });
    let done = api.app.invite_participant(&caller.0, path.0, wish, expected, once.as_ref()).await?;
    // The visit was not created: no Location.
    let mut response = send_session(StatusCode::CREATED, &done)?;
    response.headers_mut().remove(actix_web::http::header::LOCATION);
    Ok(response)
}

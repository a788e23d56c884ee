//! What a caller is told when something is refused: RFC 9457, one place for all.

mod ai;
mod challenge;
mod code;
mod examples;
mod field;
mod quota;
mod refusals;
mod requests;
mod uploads;

use std::fmt;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;
use vcare_app::ports::{AccessTokenFault, StoreError};
use vcare_app::{AppError, JoinTokenFault, Resource};
use vcare_domain::{InvalidAsyncVisit, InvalidConfig};

use challenge::Challenge;
pub use code::Code;
pub use field::{Fault, FieldCode, FieldError, Place, Wrong, escaped};
pub use quota::Quota;

/// The media type of every problem.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// The media type of the patches that are taken.
pub const MERGE_PATCH: &str = "application/merge-patch+json";

/// Says which patches are taken (RFC 5789, 3.1).
pub const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");

pub(crate) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
pub(crate) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The most invalid fields that one problem lists.
pub const MOST_FIELDS: usize = 20;

/// Error response, `application/problem+json` (RFC 9457), with a stable `code`.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Problem)]
pub struct ProblemDetails {
    /// The address of a page about the code, relative to the host; the same in every deployment.
    #[schema(format = "uri-reference", example = "/api/v1/virtual-care/problems/consent-required")]
    r#type: String,
    /// The code in words; the same for every problem of this code.
    #[schema(example = "Consent required")]
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What to branch on; never changes.
    #[schema(example = "CONSENT_REQUIRED")]
    code: &'static str,
    /// What happened, for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// The consent gate that is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<crate::values::ConsentGate>)]
    gate: Option<&'static str>,
    /// The version the session, or the async visit, is at.
    #[serde(skip_serializing_if = "Option::is_none")]
    current_version: Option<u32>,
    /// The state the session, the async visit or the participant is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<crate::values::AnyStatus>)]
    current_status: Option<&'static str>,
    /// The visit that is there already.
    #[schema(value_type = Option<crate::values::SessionId>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<String>,
    /// Until when an async visit is somebody else's.
    #[serde(serialize_with = "vcare_app::timestamp::option::serialize", skip_serializing_if = "Option::is_none")]
    claimed_until: Option<OffsetDateTime>,
    /// Where the upload is: so many bytes are there for good.
    #[serde(skip_serializing_if = "Option::is_none")]
    current_offset: Option<u32>,
    /// The invalid fields, all at once, at most 20.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    /// `urn:uuid:` and the request's id. Absent when the caller's `X-Request-Id` is not a UUID.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "uri", example = "urn:uuid:019ac2f4-7a51-7c3e-9d0b-5f3a2e8c1b46")]
    instance: Option<String>,
    /// The request's id, for whoever helps.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    #[serde(skip)]
    retry_after_seconds: Option<u32>,
    #[serde(skip)]
    quota: Option<(Quota, Option<u32>)>,
    #[serde(skip)]
    challenge: Option<Challenge>,
    #[serde(skip)]
    allow: Option<String>,
    #[serde(skip)]
    accept_patch: Option<&'static str>,
    /// How many bytes there are.
    #[serde(skip)]
    size: Option<u32>,
}

/// A refusal, on its way to the caller.
#[derive(Debug, Clone)]
pub struct Problem(Box<ProblemDetails>);

impl Problem {
    /// A problem of that code.
    #[must_use]
    pub fn new(code: Code) -> Self {
        let text = code.as_str();
        Self(Box::new(ProblemDetails {
            r#type: code.type_uri(),
            title: code.title(),
            status: code.status(),
            code: text,
            detail: None,
            gate: None,
            current_version: None,
            current_status: None,
            session_id: None,
            claimed_until: None,
            current_offset: None,
            errors: Vec::new(),
            instance: None,
            request_id: None,
            retry_after_seconds: None,
            quota: None,
            challenge: None,
            allow: None,
            accept_patch: None,
            size: None,
        }))
    }

    /// Says what happened.
    #[must_use]
    pub fn detail(mut self, text: impl fmt::Display) -> Self {
        self.0.detail = Some(text.to_string());
        self
    }

    fn retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after_seconds = Some(seconds);
        self
    }

    /// Fields of a body, parameters or headers that are not as they should be.
    #[must_use]
    pub fn invalid(mut errors: Vec<FieldError>) -> Self {
        let mut problem = Self::new(Code::ValidationError);
        problem.0.detail = errors.first().map(|error| {
            let more = errors.len() - 1;
            let more = if more == 0 { String::new() } else { format!(" (and {more} more)") };
            format!("{}: {}{more}", error.name(), error.detail)
        });
        errors.truncate(MOST_FIELDS);
        problem.0.errors = errors;
        problem
    }

    /// One wrong field of the body, by its path: `participants[0].role`, or `body` for the whole.
    #[must_use]
    pub fn field(name: impl AsRef<str>, wrong: impl Wrong) -> Self {
        Self::invalid(vec![FieldError::new(Place::Body, name.as_ref(), &wrong)])
    }

    /// One wrong parameter of the path or the query.
    #[must_use]
    pub fn parameter(name: &str, wrong: impl Wrong) -> Self {
        Self::invalid(vec![FieldError::new(Place::Parameter, name, &wrong)])
    }

    /// One wrong header.
    #[must_use]
    pub fn header(name: &str, wrong: impl Wrong) -> Self {
        Self::invalid(vec![FieldError::new(Place::Header, name, &wrong)])
    }

    /// The fields that are wrong, when that is what it tells; else itself.
    ///
    /// # Errors
    /// The problem, when it is about something else.
    pub fn into_invalid(self) -> Result<Vec<FieldError>, Self> {
        if self.0.code == Code::ValidationError.as_str() { Ok(self.0.errors) } else { Err(self) }
    }

    /// A setting that is another tenant's. Says which setting, and never whose it is.
    fn taken(field: &'static str, invalid: &InvalidConfig) -> Self {
        let mut problem = Self::new(Code::SettingTaken).detail(invalid);
        problem.0.errors = vec![FieldError::new(Place::Body, field, invalid)];
        problem
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// What it tells, for an answer that has more to tell.
    #[must_use]
    pub fn details(&self) -> &ProblemDetails {
        &self.0
    }

    /// Names the request.
    #[must_use]
    pub fn with_request_id(mut self, id: String) -> Self {
        let uuid = Uuid::try_parse(&id).ok().filter(|_| id.len() == uuid::fmt::Hyphenated::LENGTH);
        self.0.instance = uuid.map(|uuid| uuid.urn().to_string());
        self.0.request_id = Some(id);
        self
    }

    /// What it tells in headers of its own.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let retry_after = self.0.retry_after_seconds.map(|seconds| (RETRY_AFTER, seconds.into()));
        let allow = self.0.allow.as_deref().and_then(|allow| Some((ALLOW, allow.parse().ok()?)));
        let challenge = self.0.challenge.map(|challenge| (WWW_AUTHENTICATE, challenge.header()));
        let size = self.0.size.and_then(|size| Some((CONTENT_RANGE, format!("bytes */{size}").parse().ok()?)));
        let patches = self.0.accept_patch.map(|kind| (ACCEPT_PATCH, HeaderValue::from_static(kind)));
        let version = self.0.current_version.and_then(|version| Some((ETAG, format!("\"{version}\"").parse().ok()?)));
        let quota = self.0.quota;
        let policy = quota.and_then(|(quota, _)| Some((RATE_LIMIT_POLICY, quota.policy().parse().ok()?)));
        let left = quota.and_then(|(quota, reset)| Some((RATE_LIMIT, quota.used_up(reset).parse().ok()?)));
        [retry_after, allow, challenge, size, patches, version, policy, left].into_iter().flatten()
    }

    /// As an answer.
    #[must_use]
    pub fn response(&self) -> HttpResponse {
        let body = serde_json::to_vec(&self.0).unwrap_or_default();
        let mut response = HttpResponse::build(self.status());
        response.insert_header((CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON)));
        response.insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")));
        for header in self.headers() {
            response.insert_header(header);
        }
        let mut response = response.body(body);
        // The request's middleware writes its id into the body.
        response.extensions_mut().insert(self.clone());
        response
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.code)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        self.response()
    }
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        match error {
            AppError::NotFound(Resource::Session) => {
                Self::new(Code::SessionNotFound).detail("the session was not found")
            }
            AppError::NotFound(Resource::AsyncVisit) => {
                Self::new(Code::AsyncVisitNotFound).detail("the async visit was not found")
            }
            AppError::NotFound(Resource::Participant) => {
                Self::new(Code::ParticipantNotFound).detail("the participant was not found")
            }
            AppError::NotFound(Resource::Config) => {
                Self::new(Code::ConfigNotFound).detail("the tenant has no settings yet")
            }
            AppError::NotFound(Resource::Draft) => ai::not_found(),
            AppError::Draft(refusal) => ai::draft(refusal),
            AppError::DraftNotNamed { .. } => Self::field("draftId", error),
            AppError::Audio(fault) => ai::audio(fault),
            AppError::AiUnavailable(task) => ai::unavailable(task),
            AppError::AiRefused(task) => ai::refused(task),
            AppError::TooManyAtOnce(_) => Self::new(Code::TooManyAtOnce).detail(error).retry_after(1),
            AppError::NotFound(Resource::Upload | Resource::Attachment)
            | AppError::LinkExpired
            | AppError::Upload(_)
            | AppError::TooManyUploads { .. }
            | AppError::Storage(_) => uploads::problem_of(&error),
            AppError::ConfigConflict { current } => {
                let mut problem = Self::new(Code::OptimisticLockConflict).detail(error);
                problem.0.current_version = Some(current.get());
                problem
            }
            AppError::Forbidden { .. } => Self::new(Code::AccessDenied).detail(error).challenge(Challenge::ROLES),
            AppError::OperatorsOnly { .. } | AppError::Denied { .. } | AppError::OwnTreatment => {
                Self::new(Code::AccessDenied).detail(error)
            }
            AppError::AppointmentHasVisit { session } => {
                let mut problem = Self::new(Code::AppointmentHasVisit).detail(error);
                problem.0.session_id = Some(session.to_string());
                problem
            }
            AppError::Refused(refusal) => refusals::refused(&refusal),
            AppError::AsyncRefused(refusal) => refusals::async_refused(&refusal),
            AppError::AsyncVisit(invalid) => {
                let field = match invalid {
                    InvalidAsyncVisit::TooManySymptoms => "symptoms",
                    InvalidAsyncVisit::TooManyAttachments => "attachments",
                    InvalidAsyncVisit::LeaseOutOfRange => "leaseMinutes",
                };
                Self::field(field, invalid)
            }
            AppError::DraftNameTaken => Self::new(Code::ClientMutationIdTaken).detail(error),
            AppError::Interrupted => {
                logged(&error);
                Self::internal()
            }
            AppError::Blocked(block) => refusals::blocked(block),
            AppError::Schedule(schedule) => refusals::invalid_schedule(schedule),
            AppError::SessionOverlaps => Self::new(Code::SessionOverlaps).detail(error),
            AppError::Config(taken @ InvalidConfig::Taken { field }) => Self::taken(field, &taken),
            AppError::Config(config) => Self::field(config.field(), config),
            AppError::InvalidSecret(invalid) => Self::field(invalid.name.as_str(), invalid),
            AppError::JoinToken(JoinTokenFault::Expired) => {
                Self::new(Code::TokenExpired).detail(error).challenge(Challenge::LINK_EXPIRED)
            }
            AppError::JoinToken(JoinTokenFault::Invalid) => {
                Self::new(Code::TokenInvalid).detail(error).challenge(Challenge::LINK_INVALID)
            }
            AppError::OnAnotherDevice => Self::new(Code::JoinedOnAnotherDevice).detail(error),
            AppError::CursorMismatch => Self::new(Code::CursorMismatch).detail(error),
            AppError::IdempotencyKeyReused => Self::new(Code::IdempotencyKeyReused).detail(error),
            AppError::Secrets(_) => Self::unavailable(&error, 5),
            AppError::Store(StoreError::Conflict) => {
                Self::new(Code::ConcurrentUpdate).detail("changed by another request at the same time; retry")
            }
            AppError::Store(StoreError::Unavailable(_)) => Self::unavailable(&error, 1),
            AppError::SubjectErased | AppError::Store(StoreError::SubjectErased) => Self::new(Code::SubjectErased),
            // No route orders anything about a patient's data.
            AppError::Subject(_)
            | AppError::Store(
                StoreError::Faulty(_) | StoreError::Corrupt { .. } | StoreError::Taken { .. } | StoreError::Keys(_),
            ) => {
                logged(&error);
                Self::internal()
            }
        }
    }
}

impl Problem {
    fn unavailable(error: &AppError, seconds: u32) -> Self {
        logged(error);
        Self::new(Code::ServiceUnavailable).retry_after(seconds)
    }

    /// Our fault. Tells nothing of it.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(Code::InternalError)
    }
}

/// What a caller is not told stands in the log, once, with its causes.
fn logged(error: &AppError) {
    tracing::error!(error = error as &dyn std::error::Error, "a request failed");
}

impl From<AccessTokenFault> for Problem {
    fn from(fault: AccessTokenFault) -> Self {
        match fault {
            AccessTokenFault::Expired => {
                Self::new(Code::AccessTokenExpired).detail(fault).challenge(Challenge::EXPIRED)
            }
            AccessTokenFault::Invalid(_) => Self::new(Code::Unauthorized).detail(fault).challenge(Challenge::INVALID),
            AccessTokenFault::Unavailable(_) => {
                tracing::error!(error = &fault as &dyn std::error::Error, "nobody can sign in");
                Self::nobody_can_sign_in()
            }
        }
    }
}

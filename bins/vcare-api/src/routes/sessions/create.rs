//! `POST /sessions`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;
use vcare_app::Once;
use vcare_app::sessions::{CreateSession, GivenProfile};
use vcare_domain::{AppointmentId, DisplayName, PatientId, TimeZoneName, UserId};

use crate::answer::{send_session, session_answer};
use crate::dto::VirtualSessionDto;
use crate::extract::{Body, Checked, Fields, Instant, SignedInCaller, WishKey};
use crate::problem::Problem;
use crate::routes::sessions::language;
use crate::server::Api;
use crate::values;

/// A visit to be created.
#[derive(Deserialize, ToSchema)]
// The whole body, so that the form at `/docs` does not fill in one of everything: an end at the start, a recording.
#[schema(example = json!({"patientId": "pat-0001", "scheduledStart": "2028-06-01T09:30:00.000Z"}))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateSessionRequest {
    /// The FHIR Patient's id.
    #[schema(value_type = values::PatientId)]
    patient_id: String,
    /// Planned start.
    scheduled_start: Instant,
    /// Planned end; 30 minutes after the start when absent, at most 12 hours.
    #[serde(default)]
    scheduled_end: Option<Instant>,
    /// The FHIR Appointment's id.
    #[serde(default)]
    #[schema(value_type = Option<values::AppointmentId>)]
    appointment_id: Option<String>,
    /// Who will care: an account. The caller when they care for patients and name nobody; else the first clinician who
    /// joins.
    #[serde(default)]
    #[schema(value_type = Option<values::UserId>)]
    provider_id: Option<String>,
    /// Recording is wanted. Needs the patient's recording consent.
    #[serde(default)]
    recording_enabled: bool,
    /// IANA name of the zone in which people speak of the visit; the tenant's when absent.
    #[serde(default)]
    #[schema(value_type = Option<values::TimeZone>)]
    time_zone: Option<String>,
    /// What the patient is called in the video room.
    #[serde(default)]
    #[schema(max_length = 100)]
    patient_name: Option<String>,
    /// The language the patient reads: `en`, `fa-AF` or `ps`.
    #[serde(default)]
    #[schema(value_type = Option<values::Locale>)]
    patient_language: Option<String>,
    /// What the provider is called. When absent and the caller is the provider: the token claim `name`.
    #[serde(default)]
    #[schema(max_length = 100, example = "Dr. Parwana Noori")]
    provider_name: Option<String>,
}

impl CreateSessionRequest {
    fn parse(&self) -> Result<CreateSession, Problem> {
        let mut fields = Fields::default();
        let patient_id = fields.take("patientId", PatientId::parse(self.patient_id.as_str()));
        let appointment_id =
            fields.take_optional("appointmentId", self.appointment_id.as_deref().map(AppointmentId::parse));
        let provider_id = fields.take_optional("providerId", self.provider_id.as_deref().map(UserId::parse));
        let time_zone = fields.take_optional("timeZone", self.time_zone.as_deref().map(TimeZoneName::parse));
        let name = fields.take_optional("patientName", self.patient_name.as_deref().map(DisplayName::parse));
        let language = fields.take_optional("patientLanguage", self.patient_language.as_deref().map(language));
        let provider_name = fields.take_optional("providerName", self.provider_name.as_deref().map(DisplayName::parse));
        let wish = patient_id.map(|patient_id| CreateSession {
            patient_id,
            scheduled_start: self.scheduled_start.0,
            scheduled_end: self.scheduled_end.map(|end| end.0),
            appointment_id,
            provider_id,
            recording_enabled: self.recording_enabled,
            time_zone,
            patient: GivenProfile { name, language },
            provider_name,
        });
        fields.done(wish)
    }
}

impl Checked for CreateSessionRequest {
    fn check(self, fields: &mut Fields) {
        fields.also(self.parse());
    }
}

/// Create a visit.
///
/// Licence, consents and the video server are asked side by side and answered in that order; only when all of them say
/// yes is the room reserved and the visit written.
#[utoipa::path(
    post, path = "/api/v1/virtual-care/sessions", tag = "Sessions", operation_id = "createSession",
    request_body = CreateSessionRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "The caller's name for this request: the same again answers the same bytes", max_length = 128)),
    responses(
        (status = 201, description = "Created", body = VirtualSessionDto, headers(("ETag" = String), ("Location" = String), ("Idempotency-Replayed" = String))),
    ),
    security(("accessToken" = [])),
)]
pub async fn create(
    api: web::Data<Api>,
    caller: SignedInCaller,
    key: WishKey,
    body: Body<CreateSessionRequest>,
) -> Result<HttpResponse, Problem> {
    let wish = body.value.parse()?;
    let once =
        body.wish(key.0).map(|wish| Once { wish, answer: &|session| session_answer(StatusCode::CREATED, session) });
    let done = api.app.create_session(&caller.0, wish, once.as_ref()).await?;
    send_session(StatusCode::CREATED, &done)
}

//! The answer to an admission, and to a provider who joins.

use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::{AnyOfBuilder, ObjectBuilder, Type};
use utoipa::openapi::{Ref, Schema};
use vcare_app::sessions::Admission;
use vcare_domain::Audience;

use crate::dto::people::About;
use crate::dto::{ParticipantDto, PersonDto};

/// A participant was admitted, or a provider joined.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Admission)]
pub struct AdmissionDto {
    /// Opens the video room for the caller. A secret: it holds their token. Null for a caller with no part in the visit.
    #[schema(example = "https://meet.example/kabul-k3j9x2qa#jwt=%22eyJ…%22")]
    #[serde(skip_serializing_if = "Option::is_none")]
    video_join_url: Option<String>,
    /// Who was admitted, or joined.
    #[schema(schema_with = admitted)]
    #[serde(skip_serializing_if = "Option::is_none")]
    participant: Option<AdmittedDto>,
    /// The session's version.
    version: u32,
}

/// A person as the caller may see them.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum AdmittedDto {
    /// For those who care for the patient.
    Participant(ParticipantDto),
    /// For those who plan visits.
    Person(PersonDto),
}

/// A [`Person`](PersonDto), a `Participant` or null. Not `oneOf`, as a derived schema would say: every participant is valid as
/// a person, too.
fn admitted() -> Schema {
    AnyOfBuilder::new()
        .description(Some(
            "Who was admitted, or joined: `Participant` for those who care for the patient, `Person` for those who plan visits.",
        ))
        .item(Ref::from_schema_name(ParticipantDto::name()))
        .item(Ref::from_schema_name(PersonDto::name()))
        .item(ObjectBuilder::new().schema_type(Type::Null))
        .into()
}

impl From<&Admission> for AdmissionDto {
    fn from(admission: &Admission) -> Self {
        let visit = admission.session.parts();
        let about = About { names: Some(&admission.names), ..About::default() };
        let participant = visit.participant(admission.participant_id).map(|one| match admission.audience {
            Audience::Treating | Audience::Staff => AdmittedDto::Participant(ParticipantDto::of(one, about)),
            Audience::Scheduler | Audience::Guest | Audience::Patient => AdmittedDto::Person(PersonDto::of(one, about)),
        });
        Self { video_join_url: admission.video_join_url.clone(), participant, version: visit.version.get() }
    }
}

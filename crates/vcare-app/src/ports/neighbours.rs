//! The neighbour services.

use async_trait::async_trait;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;
use vcare_domain::{
    AppointmentId, ChartedEncounter, ComplaintCode, HttpsUrl, MediaMode, NodeId, PatientId, RelatedPersonId, SessionId,
    TenantId, ThreadId, UserId, VideoBackend,
};

use crate::actor::TraceContext;
use crate::consents::ConsentRecord;
use crate::gates::Gate;

/// How a call to a neighbour went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NeighbourFault {
    /// No connection.
    #[error("cannot be reached: its name, its port, or its certificate")]
    Unreachable,
    /// No answer within the deadline.
    #[error("gave no answer in time")]
    TimedOut,
    /// An answer with a status that says no.
    #[error("answered with status {0}")]
    Status(u16),
    /// An answer that is not what was agreed on: another shape, too large, cut short.
    #[error("answered something else than what was agreed on")]
    Malformed,
    /// The address is not one we may call.
    #[error("is at an address that must not be called")]
    ForbiddenAddress,
    /// What was to be sent ended before its end: nothing is known of the neighbour.
    #[error("was sent only a part")]
    CutShort,
}

impl NeighbourFault {
    /// A fixed word for metrics and job rows.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed_out",
            Self::Status(_) => "status",
            Self::Malformed => "malformed",
            Self::ForbiddenAddress => "forbidden_address",
            Self::CutShort => "cut_short",
        }
    }
}

/// A neighbour did not give a usable answer. Holds nothing of what it said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{neighbour} {fault}")]
pub struct NeighbourError {
    /// Which one.
    pub neighbour: &'static str,
    /// What went wrong.
    pub fault: NeighbourFault,
    /// When it asked to be called again.
    pub retry_after: Option<Duration>,
}

/// Whether a tenant has licensed virtual care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LicenceStatus {
    /// Yes.
    Active,
    /// Never, no longer, or not now.
    Inactive,
}

/// The platform's licences.
#[async_trait]
pub trait LicenceCheck: Send + Sync {
    /// Asks for the virtual care module of a tenant (and node).
    async fn check(
        &self,
        tenant: &TenantId,
        node: Option<&NodeId>,
        trace: &TraceContext,
    ) -> Result<LicenceStatus, NeighbourError>;
}

/// The answer for one gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentDecision {
    /// The gate.
    pub gate: Gate,
    /// Whether consent is on file.
    pub granted: bool,
    /// Which consent it is.
    pub record: ConsentRecord,
}

/// Whose consent is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsentSubject<'a> {
    /// The one who is cared for.
    Patient(&'a PatientId),
    /// One who cares.
    Provider(&'a UserId),
}

/// People's consents.
#[async_trait]
pub trait ConsentCheck: Send + Sync {
    /// Asks for several gates at once; a good answer has a decision for each, in the same order.
    async fn check(
        &self,
        tenant: &TenantId,
        subject: ConsentSubject<'_>,
        gates: &[Gate],
        trace: &TraceContext,
    ) -> Result<Vec<ConsentDecision>, NeighbourError>;
}

/// From when to when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// Begin.
    pub start: OffsetDateTime,
    /// End.
    pub end: OffsetDateTime,
}

/// Who took part in an Encounter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Individual {
    /// Somebody who works here, by their account.
    Practitioner(UserId),
    /// Somebody who acted for the patient.
    RelatedPerson(RelatedPersonId),
}

/// What somebody did in an Encounter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncounterPart {
    /// Cared for the patient; of several providers, the one who was there for longest.
    PrimaryPerformer,
    /// Cared for the patient, too.
    SecondaryPerformer,
    /// Translated.
    Translator,
    /// Acted for the patient.
    Proxy,
}

/// Somebody's part in an Encounter. Who came and went has several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncounterParticipant {
    /// Who.
    pub individual: Individual,
    /// What they did.
    pub part: EncounterPart,
    /// When they were there.
    pub period: Period,
}

/// How an Encounter was held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncounterKind {
    /// Live, in that medium.
    Live(MediaMode),
    /// Written and answered at different times.
    StoreAndForward,
}

/// Where an Encounter was held. Whoever knows the address still needs a token to come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VirtualService {
    /// The kind of video server.
    pub backend: VideoBackend,
    /// The address of the room, without any token.
    pub address: HttpsUrl,
}

/// What a visit's FHIR R4 Encounter is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncounterDraft {
    /// URI of the identifier system: which kind of visit.
    pub identifier_system: &'static str,
    /// The visit's lower-case UUID: the same for every attempt.
    pub identifier_value: String,
    /// The subject.
    pub patient_id: PatientId,
    /// The code of what it was about, where somebody gave one.
    pub reason: Option<ComplaintCode>,
    /// The appointment, for visits that had one.
    pub appointment_id: Option<AppointmentId>,
    /// The facility.
    pub node_id: Option<NodeId>,
    /// How it was held, in the order in which that was first so.
    pub kinds: Vec<EncounterKind>,
    /// Where it was held, for live visits.
    pub virtual_service: Option<VirtualService>,
    /// Who took part. The patient is the subject.
    pub participants: Vec<EncounterParticipant>,
    /// From the first to the last moment that the patient and a provider were both there; without a live link, from when the
    /// clinician took it up until they answered.
    pub period: Period,
    /// Length in seconds, where it was measured: the sum of what the patient and a provider spent together.
    pub length_seconds: Option<u32>,
}

/// Why the FHIR gateway has not taken an Encounter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FhirError {
    /// Refused as invalid (400, 422): trying again cannot help, a person must look.
    #[error("the FHIR gateway refuses the Encounter as invalid (status {status})")]
    Invalid {
        /// The status it answered.
        status: u16,
    },
    /// Refused, as the patient's record was merged into another one, and which one takes it cannot be found out: a person must
    /// look.
    #[error("the patient's record was merged, and the Encounter finds no other one")]
    PatientMerged,
    /// Anything else: the same call will work later.
    #[error(transparent)]
    Unavailable(#[from] NeighbourError),
}

/// The FHIR gateway.
#[async_trait]
pub trait FhirGateway: Send + Sync {
    /// Creates the Encounter unless one with that identifier exists; answers the one that exists then. Of a patient whose
    /// record was merged into another one it is created for that one, which is looked up once and not further. Safe to repeat
    /// after any failure. `deadline` bounds the whole call.
    async fn create_encounter(
        &self,
        tenant: &TenantId,
        draft: &EncounterDraft,
        deadline: Duration,
        trace: &TraceContext,
    ) -> Result<ChartedEncounter, FhirError>;
}

/// What a visit's message thread is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadDraft {
    /// Stands for this one request, whoever makes it and however often.
    pub idempotency_key: Uuid,
    /// The visit that goes on in it.
    pub session_id: SessionId,
    /// The accounts that take part.
    pub participant_ids: Vec<UserId>,
    /// Whom it is about.
    pub patient_id: PatientId,
    /// What it is about; no name, no id and nothing clinical.
    pub subject: &'static str,
}

/// Why the communication-service has not made a thread.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ThreadError {
    /// Refused, and asking again cannot help: a person must look.
    #[error("the communication-service refuses the thread: {reason}")]
    Refused {
        /// Why, as a fixed word.
        reason: &'static str,
    },
    /// Anything else: the same call will work later.
    #[error(transparent)]
    Unavailable(#[from] NeighbourError),
}

/// The communication-service.
#[async_trait]
pub trait MessagingThreads: Send + Sync {
    /// Makes a thread, unless the same request made one before; answers its id. Safe to repeat after any failure. `deadline`
    /// bounds the whole call.
    async fn create_thread(
        &self,
        tenant: &TenantId,
        draft: &ThreadDraft,
        deadline: Duration,
        trace: &TraceContext,
    ) -> Result<ThreadId, ThreadError>;
}

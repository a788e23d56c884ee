//! The virtual care domain: aggregates, their state machines, ids and events.
//!
//! Pure and synchronous. Nothing here reads a clock, draws a random number or knows how anything is stored or sent:
//! time and ids are arguments, and what must happen in the world is written down as [`SessionEvent`]s and
//! [`FollowUp`]s that the unit of work stores in the same transaction as the change.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking"))]

mod access;
mod ai;
mod async_visit;
mod config;
mod emergency;
mod encounter;
mod event;
mod ids;
mod lease;
mod link;
mod messaging;
mod name;
mod participant;
mod phone;
mod queue;
mod reason;
mod refusal;
mod room;
mod schedule;
mod segment;
mod session;
mod subject;
mod text;
mod time_span;
mod upload;
mod words;

pub use access::{
    Audience, Decision as AccessDecision, Known, Outside, Permission, Person, Relation, Role, VisitFacts,
    decide as decide_access,
};
pub use ai::{
    AiDraft, AiDraftParts, AudioKind, ChartNote, ContentHash, Decision, Delivery, DraftEvent, DraftRefusal, DraftState,
    DraftStatus, EditedSummary, HeardSegment, HeardSpeech, KeyedHash, NewDraft, RecordedDraft, SUMMARY_TEMPLATE,
    SealedText, SpokenSegment, TextHashes, Transcription,
};
pub use async_visit::{
    Addendum, Advice, AsyncVisit, AsyncVisitAction, AsyncVisitEvent, AsyncVisitParts, AsyncVisitRefusal,
    AsyncVisitState, AsyncVisitStatus, Claim, ClaimLease, CodeSystem, ComplaintCode, InvalidAsyncVisit,
    InvalidCodeSystem, MAX_ADDENDA, MAX_ATTACHMENTS, MAX_SYMPTOMS, NewAsyncVisit, Response,
};
pub use config::{
    Branding, CssHexColor, InternalUrl, InvalidColor, InvalidConfig, JitsiSettings, LinkThresholds, Locale,
    RecordingPolicy, TenantConfig, TenantConfigDraft, VideoBackend, ZoomSettings,
};
pub use emergency::{EMERGENCY_LASTS, EmergencyAccess, EmergencyReason, InvalidEmergencyReason, NewEmergencyAccess};
pub use encounter::{ChartedEncounter, EncounterRecord, EncounterStatus};
pub use event::{FollowUp, Recorded, SessionEvent};
pub use ids::{
    AiDraftId, AsyncVisitId, ClientMutationId, EmergencyAccessId, EventId, InvalidClientMutationId, InvalidId,
    InvalidVisitId, JobId, LeaseToken, ParticipantId, SessionId, UploadId, VisitId,
};
pub use lease::{DeviceId, InvalidDevice, Lease};
pub use link::{AbsurdMeasure, LinkDecision, LinkLevel, LinkProbe, LinkReason, LinkState, LinkUse, Measured};
pub use messaging::{Fallback, FallbackOffer, ThreadRecord};
pub use name::{ClinicName, DisplayName, SealedName};
pub use participant::{MAX_STAYS, Participant, ParticipantRole, ParticipantState, ParticipantStatus};
pub use phone::{ClinicPhone, InvalidPhone};
pub use queue::{Place, Queue, Waiter, pause_before_asking};
pub use reason::{CancelCode, EmergencyCode, NoReason, NoShowCode, Reason, ReasonCode, RemovalCode};
pub use refusal::{Action, Refusal};
pub use room::{ConferenceName, InvalidRoom, Room, RoomName};
pub use schedule::{DEFAULT_VISIT_LENGTH, Delay, InvalidSchedule, MAX_VISIT_LENGTH, NewTime, Schedule};
pub use segment::{MediaMode, MediaSegment, SecondsPerMode, SegmentCause};
pub use session::{
    Author, Change, EndCause, Entry, ExpectedVersions, Heard, NewParticipant, NewSession, Outcome, Patience, Profile,
    ProviderTime, RecordingConsent, RoomClosed, RoomOpening, SessionParts, SessionState, SessionStatus, Version,
    VirtualSession,
};
pub use subject::{Erasure, ErasureFacts, Subject, SubjectOrder, SubjectRefusal};
pub use text::{
    AiModel, AppointmentId, ChiefComplaint, CodeDisplay, CodeValue, ConsentId, ConsentVersion, ERASED, EncounterId,
    FreeText, GatewayRequestId, HttpsUrl, InvalidText, LanguageTag, NodeId, NoteId, PatientId, RecordingRef,
    RelatedPersonId, ResponseText, SummaryText, Symptom, TenantId, ThreadId, TimeZoneName, Transcript, UserId,
};
pub use time_span::TimeSpan;
pub use upload::{
    Content, InvalidKey, MAX_PREVIEW_BYTES, MAX_UPLOAD_BYTES, MediaType, NewUpload, RejectReason, StorageKey,
    UNCLAIMED_FOR, UNFINISHED_FOR, Upload, UploadKind, UploadParts, UploadPlace, UploadRefusal, UploadSlot,
    UploadState, UploadTask, Uploader,
};

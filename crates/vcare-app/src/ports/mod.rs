//! What the use cases need from the world.

mod access;
mod ai;
mod async_visits;
mod audio;
mod changes;
mod clock;
mod emergencies;
mod identity;
mod lists;
mod logos;
mod neighbours;
mod oversight;
mod queue;
mod secrets;
mod store;
mod subjects;
mod subscriptions;
mod transcriptions;
mod uploads;
mod video;
mod waiting;

pub use access::{AccessPolicy, AskedRelation, RelationAnswer, RelationQuestion};
pub use ai::{AiError, AiGateway, AudioUpload, ChartError, ChartNotes, DraftTexts, DraftedSummary, Transcribed};
pub use async_visits::{
    AsyncVisitFilter, AsyncVisitPage, AsyncVisitReads, AsyncVisits, FirstSubmission, NewSubmission,
};
pub use audio::{AudioBody, AudioFault, AudioFeed, AudioWatch, audio_channel};
pub use changes::{VisitChanges, Watch};
pub use clock::{Agreement, Clock, ClockReading, Ids};
pub use emergencies::{Emergencies, EmergencyReads};
pub use identity::{AccessTokenFault, AccessTokens, SignedIn};
pub use lists::{CursorScope, ListCursors, Order, PageCursor, Paging};
pub use logos::{Logo, LogoFault, LogoResizer, LogoSource, MAX_LOGO_BYTES, StoredLogo, TenantLogos};
pub use neighbours::{
    ConsentCheck, ConsentDecision, ConsentSubject, EncounterDraft, EncounterKind, EncounterPart, EncounterParticipant,
    FhirError, FhirGateway, Individual, LicenceCheck, LicenceStatus, MessagingThreads, NeighbourError, NeighbourFault,
    Period, ThreadDraft, ThreadError, VirtualService,
};
pub use oversight::{
    Backlog, EventView, FailedVisit, ITEMS, JobFilter, JobView, Oversight, TakenInHand, TenantView, Unsettled,
    UnsettledVisit, VisitView,
};
pub use queue::{
    Acknowledgement, EventPublisher, GivenBack, JobKind, JobQueue, KeptEvent, LeasedJob, NewJob, OpenJobs, Outbox,
    OutboxLead, OutboxWake, PublishError, PublishedEvent, StoredEvent,
};
pub use secrets::{
    DisplayNames, InternalTokens, InvalidSecret, JoinTokenClaims, JoinTokens, KeptSecrets, KeyPurpose, KeyVersions,
    PreparedSecret, RecordCipher, RecordId, RecordKeys, SealedSecret, SealedSecrets, Secret, SecretName, SecretStore,
    SecretsError, ServedTenants, StoredKey, StoredSecret, StoredSecrets, TenantNames, TenantSecrets, WrappedKey,
    WrappedKeys,
};
pub use store::{
    AiDrafts, Answers, ClosedJob, FoundSession, JobEnd, Jobs, KeptAnswer, Links, Presences, Reads, SessionFilter,
    SessionPage, Store, StoreError, TenantConfigs, TenantHas, TracedSession, UnitOfWork, VirtualSessions,
};
pub use subjects::{ErasedRecords, SubjectRecords, Subjects};
pub use subscriptions::{MessageOutcome, RefusedMessage, ThreadCreated, ThreadSubscriber};
pub use transcriptions::{TranscribedPiece, TranscriptionTotals, Transcriptions};
pub use uploads::{
    AttachmentLink, AttachmentLinks, AttachmentStore, ContentInspector, InspectError, LeasedUpload, MalwareScanner,
    Recognised, ScanError, ScanVerdict, Showable, StorageError, UploadQueue, UploadReads, Uploads,
};
pub use vcare_domain::VisitId;
pub use video::{
    ConnectionCheck, ConnectionProblem, ConnectionReport, ReservedRoom, RoomClosing, RoomWish, VideoBackends,
    VideoError, VideoGrant, VideoProvider,
};
pub use waiting::{BrokenPromise, Claim, Holder, Leases, ShortLink, WaitingRooms};

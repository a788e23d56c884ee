//! The database, seen from the use cases.

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use time::OffsetDateTime;
use vcare_domain::{
    AiDraft, AiDraftId, AppointmentId, Branding, ConferenceName, LeaseToken, LinkState, ParticipantId, PatientId,
    RoomName, SessionId, SessionParts, SessionStatus, TenantConfig, TenantId, UserId, VirtualSession, VisitId,
};

use crate::actor::{ActorRef, Scope, TraceContext};
use crate::consents::ReliedOnConsent;
use crate::events::AuditEntry;
use crate::idempotency::{Answer, IdempotencyKey};
use crate::ports::{
    AsyncVisitReads, AsyncVisits, Emergencies, EmergencyReads, JobKind, KeptSecrets, Leases, Logo, Order, PageCursor,
    RecordCipher, SealedSecrets, Subjects, TenantLogos, Transcriptions, Unsettled, UploadReads, Uploads, WaitingRooms,
};
use crate::rooms::Presence;

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else changed the row first, or took the key first. Doing it all again will see what they did.
    #[error("the row changed since it was read")]
    Conflict,
    /// A value that may stand once is another row's.
    #[error("{field} is taken")]
    Taken {
        /// What it is called outside.
        field: &'static str,
    },
    /// The database cannot be reached, is overloaded or was shut down in the middle. Nothing was written.
    #[error("the database is unavailable")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// The database did something that this code does not expect: a fault of ours.
    #[error("the database refused a statement")]
    Faulty(#[source] Box<dyn Error + Send + Sync>),
    /// The patient was erased: nothing is written about them any more.
    #[error("the patient was erased")]
    SubjectErased,
    /// What was read or is to be written cannot be decrypted or encrypted.
    #[error("the key store is unavailable")]
    Keys(#[from] crate::ports::SecretsError),
    /// A stored row does not make sense.
    #[error("table {table}, column {column}: the stored value is not valid")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
}

/// What was answered under a key, and the fingerprint of the request it was answered to.
pub type KeptAnswer = ([u8; 32], Answer);

/// A visit that was asked for, or why it cannot be restored.
pub type FoundSession = (SessionId, Result<VirtualSession, StoreError>);

/// The store: reads of single statements, and units of work.
#[async_trait]
pub trait Store: Reads + AsyncVisitReads + UploadReads + SealedSecrets + WaitingRooms + EmergencyReads {
    /// Begins a transaction in which only the scope's tenant exists. `name` names it in metrics.
    async fn begin(&self, name: &'static str, scope: &Scope) -> Result<Box<dyn UnitOfWork>, StoreError>;
    /// Commits one audit entry by itself, in one statement.
    async fn record(&self, scope: &Scope, entry: AuditEntry) -> Result<(), StoreError>;
}

/// Reads that need no transaction.
#[async_trait]
pub trait Reads: Send + Sync {
    /// The visit of that id, in that tenant.
    async fn session(&self, tenant: &TenantId, id: SessionId) -> Result<Option<VirtualSession>, StoreError>;
    /// Visits by id, in one statement; those that exist, in any order. One that makes no sense spoils no other.
    async fn sessions_by_id(&self, tenant: &TenantId, ids: &[SessionId]) -> Result<Vec<FoundSession>, StoreError>;
    /// One page of a tenant's visits, by planned start.
    async fn sessions(&self, tenant: &TenantId, filter: &SessionFilter) -> Result<SessionPage, StoreError>;
    /// The live visit of an appointment, unless it was cancelled or nobody came to it; of several, the oldest.
    async fn session_of_appointment(
        &self,
        tenant: &TenantId,
        appointment: &AppointmentId,
    ) -> Result<Option<SessionId>, StoreError>;
    /// Whether the visit's patient or provider has another visit in its planned time, one that is planned or active.
    async fn has_overlapping_session(&self, visit: &SessionParts) -> Result<bool, StoreError>;
    /// What encrypts for a visit, with a new key when it has none. [`StoreError::SubjectErased`] when its key was deleted.
    async fn session_cipher(&self, tenant: &TenantId, id: SessionId) -> Result<Arc<dyn RecordCipher>, StoreError>;
    /// The tenant's settings.
    async fn tenant_config(&self, tenant: &TenantId) -> Result<Option<TenantConfig>, StoreError>;
    /// The tenant's settings, and our copy of its logo when it is of the address in them.
    async fn clinic(&self, tenant: &TenantId) -> Result<Option<(TenantConfig, Option<Logo>)>, StoreError>;
    /// The visit whose room has that name, in whichever tenant.
    async fn session_of_room(&self, name: &ConferenceName) -> Result<Option<(TenantId, SessionId)>, StoreError>;
    /// Which of these rooms belong to visits of the tenant that go on.
    async fn rooms_in_use(&self, tenant: &TenantId, names: &[&RoomName]) -> Result<Vec<RoomName>, StoreError>;
    /// The branding of the one tenant with that path segment; without a path segment, of the one tenant that has none and
    /// draws its rooms under that prefix. `None` when there is no such tenant, or several.
    async fn branding(&self, tenant_path: Option<&str>, prefix: Option<&str>) -> Result<Option<Branding>, StoreError>;
    /// What is not done yet in a tenant.
    async fn unsettled(&self, tenant: &TenantId) -> Result<Unsettled, StoreError>;
    /// The visit of that id with its tenant's settings, in one statement.
    async fn session_and_config(
        &self,
        tenant: &TenantId,
        id: SessionId,
    ) -> Result<Option<(VirtualSession, Option<TenantConfig>)>, StoreError>;
    /// The visit of that id with its tenant's settings and what is known of its people's links, in one statement.
    async fn session_and_links(
        &self,
        tenant: &TenantId,
        id: SessionId,
    ) -> Result<Option<(VirtualSession, Option<TenantConfig>, Vec<(ParticipantId, LinkState)>)>, StoreError>;
    /// What was answered under a key.
    async fn answer(
        &self,
        tenant: &TenantId,
        actor: &ActorRef,
        key: &IdempotencyKey,
    ) -> Result<Option<KeptAnswer>, StoreError>;
    /// A machine's draft.
    async fn ai_draft(&self, tenant: &TenantId, id: AiDraftId) -> Result<Option<AiDraft>, StoreError>;
    /// A visit's drafts that nobody has decided on and whose time is not over, oldest first.
    async fn undecided_drafts(
        &self,
        tenant: &TenantId,
        session: SessionId,
        now: OffsetDateTime,
    ) -> Result<Vec<AiDraftId>, StoreError>;
    /// A visit's drafts that were accepted and are not in the chart, oldest first.
    async fn undelivered_drafts(&self, tenant: &TenantId, session: SessionId) -> Result<Vec<AiDraft>, StoreError>;
    /// The tenant's settings with what was answered under a key, in one statement. A tenant without settings has answered
    /// nothing.
    async fn config_and_answer(
        &self,
        tenant: &TenantId,
        actor: &ActorRef,
        key: &IdempotencyKey,
    ) -> Result<Option<(TenantConfig, Option<KeptAnswer>)>, StoreError>;
}

/// One transaction. Dropping it without `commit` undoes everything.
#[async_trait]
pub trait UnitOfWork: Send {
    /// The visits.
    fn sessions(&mut self) -> Box<dyn VirtualSessions + '_>;
    /// The visits without a live link.
    fn async_visits(&mut self) -> Box<dyn AsyncVisits + '_>;
    /// The answers given under idempotency keys.
    fn answers(&mut self) -> Box<dyn Answers + '_>;
    /// The durable work.
    fn jobs(&mut self) -> Box<dyn Jobs + '_>;
    /// Machines' drafts.
    fn ai_drafts(&mut self) -> Box<dyn AiDrafts + '_>;
    /// The totals of transcriptions.
    fn transcriptions(&mut self) -> Box<dyn Transcriptions + '_>;
    /// Who is seen in the rooms.
    fn presences(&mut self) -> Box<dyn Presences + '_>;
    /// What is heard of people's connections.
    fn leases(&mut self) -> Box<dyn Leases + '_>;
    /// What is known of people's links.
    fn links(&mut self) -> Box<dyn Links + '_>;
    /// Emergency accesses.
    fn emergencies(&mut self) -> Box<dyn Emergencies + '_>;
    /// Writes the event that tells others that a patient was erased.
    async fn tell_of_erasure(&mut self, patient: &PatientId, at: OffsetDateTime) -> Result<(), StoreError>;
    /// What is ordered about patients' data.
    fn subjects(&mut self) -> Box<dyn Subjects + '_>;
    /// The uploads.
    fn uploads(&mut self) -> Box<dyn Uploads + '_>;
    /// The tenants' settings.
    fn tenant_configs(&mut self) -> Box<dyn TenantConfigs + '_>;
    /// Our copies of the tenants' logos.
    fn tenant_logos(&mut self) -> Box<dyn TenantLogos + '_>;
    /// The tenants' secrets and keys.
    fn tenant_secrets(&mut self) -> Box<dyn KeptSecrets + '_>;
    /// The lease under which jobs stored by this unit of work belong to its owner for a first attempt; when that does not
    /// come, the lease runs out and a worker takes over.
    fn first_lease(&self) -> LeaseToken;
    /// Keeps which consents a visit relied on, each version once, with an audit entry for each that is new.
    async fn rely_on(&mut self, visit: VisitId, consents: &[ReliedOnConsent]) -> Result<(), StoreError>;
    /// Writes an audit entry to the outbox.
    async fn audit(&mut self, entry: AuditEntry) -> Result<(), StoreError>;
    /// Makes it so.
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;
    /// Undoes it and keeps the connection: for refusals.
    async fn rollback(self: Box<Self>) -> Result<(), StoreError>;
}

/// The visits, inside a transaction.
#[async_trait]
pub trait VirtualSessions: Send {
    /// The visit of that id, locked until the transaction ends.
    async fn find(&mut self, id: SessionId) -> Result<Option<VirtualSession>, StoreError>;
    /// Visits by id; those that exist, in the order of their ids. They are locked in that order until the transaction
    /// ends: of two transactions that want the same visits, neither waits for one while it holds another that comes after.
    async fn find_all(&mut self, ids: &[SessionId]) -> Result<Vec<VirtualSession>, StoreError>;
    /// Locks an appointment until the transaction ends, and answers the live visit that it has already: of two that create a
    /// visit for it, the second waits for the first and then finds its visit.
    async fn lock_appointment(&mut self, appointment: &AppointmentId) -> Result<Option<SessionId>, StoreError>;
    /// Writes the row if it is still at the version it was read at, its events to the outbox, its follow-ups to the jobs.
    async fn save(&mut self, session: &mut VirtualSession) -> Result<(), StoreError>;
    /// The same for many: all, or an error.
    async fn save_all(&mut self, sessions: &mut [TracedSession<'_>]) -> Result<(), StoreError>;
}

/// The answers given under idempotency keys, inside a transaction.
#[async_trait]
pub trait Answers: Send {
    /// What was answered under that key by this scope's actor.
    async fn find(&mut self, key: &IdempotencyKey) -> Result<Option<KeptAnswer>, StoreError>;
    /// Keeps an answer, encrypted with the key of the visit that it tells of when that has one. [`StoreError::Conflict`] when
    /// somebody took the key meanwhile.
    async fn keep(
        &mut self,
        key: &IdempotencyKey,
        fingerprint: [u8; 32],
        answer: &Answer,
        visit: SessionId,
        at: OffsetDateTime,
    ) -> Result<(), StoreError>;
}

/// The durable work, inside a transaction.
#[async_trait]
pub trait Jobs: Send {
    /// Closes jobs that are still held under their lease, each as it ended. Without effect on those whose lease was lost;
    /// who holds them now will find the work done.
    async fn close(&mut self, jobs: &[ClosedJob]) -> Result<(), StoreError>;
    /// Closes those of the Encounters' jobs, still held under their lease, whose visit has its Encounter or needs none;
    /// answers which.
    async fn close_settled(&mut self, held: &[(SessionId, LeaseToken)]) -> Result<Vec<SessionId>, StoreError>;
    /// Makes a job due at once, parked or not; who holds it loses it. Answers whether there is one.
    async fn requeue(&mut self, session: SessionId, kind: JobKind, now: OffsetDateTime) -> Result<bool, StoreError>;
    /// Sets a job aside for a person; who holds it loses it. Answers whether there is one. `error` is a fixed word.
    async fn park(&mut self, session: SessionId, kind: JobKind, error: &'static str) -> Result<bool, StoreError>;
}

/// Machines' drafts, inside a transaction. Whoever holds a draft's visit locks that first.
#[async_trait]
pub trait AiDrafts: Send {
    /// The draft of that id, locked until the transaction ends.
    async fn find(&mut self, id: AiDraftId) -> Result<Option<AiDraft>, StoreError>;
    /// A visit's drafts that were accepted and are not in the chart, oldest first.
    async fn undelivered(&mut self, session: SessionId) -> Result<Vec<AiDraft>, StoreError>;
    /// Writes the row if it is still at the version it was read at, an audit entry for everything that happened, and for
    /// what was accepted the job that brings it into the chart, held for a first attempt.
    async fn save(&mut self, draft: &mut AiDraft) -> Result<(), StoreError>;
}

/// Who is seen in the rooms, inside a transaction.
#[async_trait]
pub trait Presences: Send {
    /// Notes a hint; answers whether the person has a connection in the room after all that is known. Hints may come late,
    /// twice and out of order: a connection that was seen to leave stays gone.
    async fn note(&mut self, session: SessionId, hint: &Presence) -> Result<bool, StoreError>;
    /// Whether the person has a connection in the room.
    async fn sees(&mut self, session: SessionId, participant: ParticipantId) -> Result<bool, StoreError>;
    /// Notes that every connection seen so far is gone.
    async fn everybody_left(&mut self, session: SessionId, at: OffsetDateTime) -> Result<(), StoreError>;
}

/// What is known of people's links between two probes, inside a transaction. Kept apart from the visit: most of it is no
/// change of it.
#[async_trait]
pub trait Links: Send {
    /// What is known of that person's link.
    async fn find(&mut self, session: SessionId, who: ParticipantId) -> Result<Option<LinkState>, StoreError>;
    /// Keeps what is known now.
    async fn put(&mut self, session: SessionId, who: ParticipantId, link: &LinkState) -> Result<(), StoreError>;
}

/// A visit to be saved, and how the request is traced that its events tell of.
pub struct TracedSession<'a> {
    /// The visit.
    pub session: &'a mut VirtualSession,
    /// The trace.
    pub trace: &'a TraceContext,
}

/// A job to be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClosedJob {
    /// The visit it is for.
    pub session_id: SessionId,
    /// Its kind.
    pub kind: JobKind,
    /// The proof of holding it.
    pub lease: LeaseToken,
    /// How it ends.
    pub end: JobEnd,
}

/// How a job ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobEnd {
    /// Done; the job is forgotten.
    Done,
    /// A person must look; the job stays, and is not tried again by itself.
    Parked {
        /// Why, as a fixed word.
        error: &'static str,
    },
}

/// The tenants' settings, inside a transaction.
#[async_trait]
pub trait TenantConfigs: Send {
    /// The settings of the scope's tenant, locked until the transaction ends.
    async fn find(&mut self) -> Result<Option<TenantConfig>, StoreError>;
    /// Writes the settings of the scope's tenant, if they are still at the version before, and the event that tells of it.
    /// [`StoreError::Conflict`] when they are not, [`StoreError::Taken`] when another tenant has the path
    /// segment, or the prefix.
    async fn put(&mut self, config: &TenantConfig, changed_fields: &[&'static str]) -> Result<(), StoreError>;
    /// Deletes the settings of the scope's tenant, unless it has visits or uploads; answers what it has.
    async fn delete(&mut self) -> Result<TenantHas, StoreError>;
}

/// What a tenant has that needs its settings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TenantHas {
    /// How many visits, with and without a live link.
    pub visits: u64,
    /// How many uploads that were not discarded.
    pub uploads: u64,
}

/// Which visits to list.
#[derive(Debug, Clone, Default)]
pub struct SessionFilter {
    /// Only in one of these states; empty: in any.
    pub statuses: Vec<SessionStatus>,
    /// Only for this patient.
    pub patient_id: Option<PatientId>,
    /// Only for this appointment.
    pub appointment_id: Option<AppointmentId>,
    /// Only those that this account is the provider of.
    pub provider_id: Option<UserId>,
    /// Only those whose patient is in the waiting room and was heard from lately, by that time; `false`: only the others.
    pub present: Option<(bool, OffsetDateTime)>,
    /// Only those in which this account takes part, that it created, or that have no provider yet.
    pub visible_to: Option<UserId>,
    /// Of the sessions in which that account takes part only those in which it is a provider.
    pub only_as_provider: bool,
    /// Only planned at or after.
    pub from: Option<OffsetDateTime>,
    /// Only planned before.
    pub to: Option<OffsetDateTime>,
    /// Only changed at or after.
    pub updated_since: Option<OffsetDateTime>,
    /// By planned start, in this order.
    pub order: Order,
    /// Only what comes after this one, in that order.
    pub after: Option<PageCursor>,
    /// At most so many, 1 to 100.
    pub limit: u8,
}

/// One page of visits.
#[derive(Debug)]
pub struct SessionPage {
    /// The visits, by planned start and id, in the order that was asked for.
    pub items: Vec<VirtualSession>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<PageCursor>,
}

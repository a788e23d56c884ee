//! What is not done yet, for those who watch over it.

use async_trait::async_trait;
use time::OffsetDateTime;
use vcare_domain::{EmergencyAccess, EncounterId, EncounterStatus, EventId, JobId, SessionId, TenantId, Version};

use crate::ports::{JobKind, StoreError, VisitId};

/// How many there are, since when the oldest is, and the oldest ones themselves.
#[derive(Debug, Clone)]
pub struct Backlog<T> {
    /// How many.
    pub count: u64,
    /// Since when the oldest is; `None` when there is none.
    pub oldest: Option<OffsetDateTime>,
    /// The oldest ones, at most [`ITEMS`].
    pub items: Vec<T>,
}

/// How many items a [`Backlog`] lists at most.
pub const ITEMS: u16 = 50;

/// An ended visit, or an answered one without a live link, that is not all done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsettledVisit {
    /// Whose.
    pub tenant_id: TenantId,
    /// The visit.
    pub visit: VisitId,
    /// What has become of its Encounter.
    pub encounter: EncounterStatus,
    /// When it was ended, or answered.
    pub ended_at: OffsetDateTime,
}

/// A visit that failed and was neither resumed nor ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedVisit {
    /// Whose.
    pub tenant_id: TenantId,
    /// The visit.
    pub session_id: SessionId,
    /// When it failed.
    pub failed_at: OffsetDateTime,
}

/// A piece of durable work, looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobView {
    /// The job.
    pub id: JobId,
    /// Its kind.
    pub kind: JobKind,
    /// Whose.
    pub tenant_id: TenantId,
    /// For which visit: see [`JobKind::visit`].
    pub session_id: SessionId,
    /// Whether it waits for a person.
    pub parked: bool,
    /// Whether somebody is at it.
    pub leased: bool,
    /// How many attempts were begun.
    pub attempts: u32,
    /// What the last one ended with, as a fixed word.
    pub last_error: Option<String>,
    /// When it is tried next, or its lease runs out.
    pub due_at: OffsetDateTime,
    /// Since when there is work to do.
    pub created_at: OffsetDateTime,
    /// When it was last set aside, and by whom, where that is known.
    pub last_parked: Option<TakenInHand>,
    /// When it was last let be tried at once, and by whom, where that is known.
    pub last_requeued: Option<TakenInHand>,
    /// What stands in the log's lines about the request that caused it.
    pub correlation_id: String,
}

/// Somebody did something with a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenInHand {
    /// When.
    pub at: OffsetDateTime,
    /// An account, or a part of the service.
    pub by: String,
}

/// A visit, looked at: ids, states and times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisitView {
    /// Whose.
    pub tenant_id: TenantId,
    /// The visit.
    pub visit: VisitId,
    /// Its state, as it is stored.
    pub status: String,
    /// Why it was cancelled or is a no-show: a code, and no note.
    pub reason_code: Option<&'static str>,
    /// Its version.
    pub version: Version,
    /// What happened when, as it is stored: only what did happen, or is planned.
    pub times: Vec<(&'static str, OffsetDateTime)>,
    /// What has become of its Encounter; `None` while it owes none.
    pub encounter: Option<EncounterStatus>,
    /// The Encounter's id.
    pub encounter_id: Option<EncounterId>,
    /// When its charge was emitted.
    pub charged_at: Option<OffsetDateTime>,
    /// Its jobs, by kind.
    pub jobs: Vec<JobView>,
    /// Its events that wait or are kept, oldest first.
    pub events: Vec<EventView>,
}

/// An event, looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventView {
    /// The event.
    pub id: EventId,
    /// Its subject.
    pub subject: String,
    /// Since when it is there.
    pub created_at: OffsetDateTime,
    /// When the stream acknowledged it; `None` while it waits.
    pub acknowledged_at: Option<OffsetDateTime>,
}

/// What is not done yet.
#[derive(Debug, Clone)]
pub struct Unsettled {
    /// Ended visits whose Encounter is pending or parked.
    pub without_encounter: Backlog<UnsettledVisit>,
    /// Visits with an Encounter and no charge. There is never one, as both are one transaction: proof, not work.
    pub without_charge: Backlog<UnsettledVisit>,
    /// Events that the stream has not acknowledged.
    pub unacknowledged: Backlog<()>,
    /// Jobs that wait for a person.
    pub parked: Backlog<JobView>,
    /// Visits that failed and were neither resumed nor ended. They are charged for what was held once they end, which they do by
    /// themselves after a day.
    pub failed: Backlog<FailedVisit>,
}

/// A tenant that has settings, looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantView {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The settings' version.
    pub version: Version,
    /// Where its new visits take place.
    pub video_backend: String,
    /// First part of its rooms' names.
    pub room_slug_prefix: String,
    /// When they were last changed.
    pub updated_at: OffsetDateTime,
}

/// Which jobs to look at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum JobFilter {
    /// All.
    #[default]
    All,
    /// Those that will be tried again.
    Open,
    /// Those that wait for a person.
    Parked,
}

/// Looks into all tenants: for the operators' tool.
#[async_trait]
pub trait Oversight: Send + Sync {
    /// What the database's clock shows: ages and "since" are counted by it, and not by the operator's machine.
    async fn now(&self) -> Result<OffsetDateTime, StoreError>;
    /// What is not done yet, of one tenant or of all.
    async fn unsettled(&self, tenant: Option<&TenantId>) -> Result<Unsettled, StoreError>;
    /// Jobs of one tenant or of all, of one kind or of all, oldest first.
    async fn jobs(
        &self,
        tenant: Option<&TenantId>,
        filter: JobFilter,
        kind: Option<JobKind>,
        limit: u16,
    ) -> Result<Vec<JobView>, StoreError>;
    /// The tenants that have settings, by name.
    async fn tenants(&self) -> Result<Vec<TenantView>, StoreError>;
    /// One job.
    async fn job(&self, id: JobId) -> Result<Option<JobView>, StoreError>;
    /// The job of that kind of a visit, whichever tenant's.
    async fn job_of(&self, session: SessionId, kind: JobKind) -> Result<Option<JobView>, StoreError>;
    /// The visit of that id, whichever tenant's that has settings.
    async fn visit(&self, id: VisitId) -> Result<Option<VisitView>, StoreError>;
    /// Emergency accesses of one tenant or of all that were granted at that moment or later, oldest first. All of them: who
    /// looks for one must not miss it.
    async fn emergencies(
        &self,
        tenant: Option<&TenantId>,
        since: OffsetDateTime,
    ) -> Result<Vec<EmergencyAccess>, StoreError>;
    /// Unacknowledged events by subject, the most first.
    async fn outbox_by_subject(&self) -> Result<Vec<(String, u64, OffsetDateTime)>, StoreError>;
}

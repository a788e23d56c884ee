//! The outbox, the event stream, and durable work.

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::FutureExt;
use time::{Duration, OffsetDateTime};
use tokio::sync::Notify;
use vcare_domain::{
    AiDraftId, AsyncVisitId, EventId, FollowUp, JobId, LeaseToken, SessionId, TenantId, VideoBackend, VisitId,
};

use crate::actor::TraceContext;
use crate::ports::{BrokenPromise, StoreError};

/// Rung after a commit that wrote events, so that the relay in the same process does not wait for its next look.
#[derive(Debug, Clone, Default)]
pub struct OutboxWake(Arc<Notify>);

impl OutboxWake {
    /// Wakes the relay.
    pub fn ring(&self) {
        self.0.notify_one();
    }

    /// Drops a pending wake. Call it right before reading the outbox: that read sees everything the wake was for.
    pub fn silence(&self) {
        // Consumes the stored permit, if there is one.
        let _ = self.0.notified().now_or_never();
    }

    /// Waits for a ring; one that came before is not lost.
    pub async fn rung(&self) {
        self.0.notified().await;
    }
}

/// A finished event in the outbox.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its place in the order of writing.
    pub position: i64,
    /// The CloudEvents `id`, sent as `Nats-Msg-Id`.
    pub id: EventId,
    /// The NATS subject, which is the CloudEvents `type`.
    pub subject: String,
    /// Events of the same key are published strictly in order.
    pub ordering_key: String,
    /// The CloudEvent as JSON, byte for byte as it will be published.
    pub body: Vec<u8>,
}

/// The stream's acknowledgement of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acknowledgement {
    /// The event's sequence number in the stream.
    pub sequence: u64,
    /// The stream knew the event's id, and stored nothing.
    pub duplicate: bool,
}

/// An event of the outbox that was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublishedEvent {
    /// Its place in the outbox.
    pub position: i64,
    /// Its sequence number, when it is to be kept for a while; else it is forgotten.
    pub keep: Option<u64>,
}

/// An event that the stream has acknowledged, and that is kept for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptEvent {
    /// The event.
    pub id: EventId,
    /// Where the stream said that it is.
    pub sequence: u64,
}

/// The events not yet published, and those that were published lately.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Tries to become the one process that publishes. `None`: another one is.
    async fn try_lead(&self) -> Result<Option<Box<dyn OutboxLead>>, StoreError>;
    /// How many events wait, and since when the oldest does.
    async fn backlog(&self) -> Result<(u64, Option<OffsetDateTime>), StoreError>;
    /// The events that are kept, by sequence number.
    async fn kept(&self) -> Result<Vec<KeptEvent>, StoreError>;
    /// Of the events that are kept, the one with the highest sequence number, and any other.
    async fn kept_samples(&self) -> Result<Vec<KeptEvent>, StoreError>;
    /// Forgets at most `limit` events that were acknowledged before that moment; answers how many.
    async fn forget_kept(&self, before: OffsetDateTime, limit: u32) -> Result<u64, StoreError>;
    /// Puts kept events back, to be published again under their ids and in their old order. Answers how many.
    async fn put_back(&self, events: &[EventId]) -> Result<u64, StoreError>;
    /// Puts all events back that were acknowledged at that moment or later; answers how many.
    async fn put_back_since(&self, since: OffsetDateTime) -> Result<u64, StoreError>;
}

/// Being the one process that publishes, until this is dropped.
#[async_trait]
pub trait OutboxLead: Send {
    /// The oldest unpublished events.
    async fn next(&mut self, limit: u16) -> Result<Vec<StoredEvent>, StoreError>;
    /// Takes published events out of the outbox, and keeps those that are to be kept.
    async fn published(&mut self, events: &[PublishedEvent]) -> Result<(), StoreError>;
}

/// The event stream did not take an event.
#[derive(Debug, thiserror::Error)]
#[error("the event stream did not acknowledge")]
pub struct PublishError(#[source] pub Box<dyn Error + Send + Sync>);

/// The event stream.
#[async_trait]
pub trait EventPublisher: Send + Sync {
    /// Publishes events that may go side by side; one result each, in the same order. An event counts as published when
    /// the stream has acknowledged it; publishing it again within the stream's window is harmless.
    async fn publish(&self, events: &[StoredEvent]) -> Vec<Result<Acknowledgement, PublishError>>;

    /// The last sequence number of the stream; 0 when it is empty or missing.
    ///
    /// # Errors
    /// [`PublishError`] when it does not answer.
    async fn last_sequence(&self) -> Result<u64, PublishError>;

    /// Whether the stream has that event at that place. An event that is too old for the stream's limits counts as there.
    ///
    /// # Errors
    /// [`PublishError`] when it does not answer.
    async fn holds(&self, event: &KeptEvent) -> Result<bool, PublishError>;

    /// Those of the events, which are ordered by sequence number, that the stream does not have, wherever they are in it. An
    /// event that is too old for the stream's limits counts as there.
    ///
    /// # Errors
    /// [`PublishError`] when it does not answer.
    async fn missing(&self, events: &[KeptEvent]) -> Result<Vec<EventId>, PublishError>;
}

/// A kind of durable work. What it takes to do it is said in [`crate::jobs`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobKind {
    /// Write a visit's Encounter.
    CreateEncounter,
    /// Write the Encounter of a visit without a live link.
    CreateAsyncEncounter,
    /// Make the thread in which a visit goes on.
    CreateThread,
    /// Give a visit up whose patient stays away.
    FailLostVisit,
    /// End a visit that nobody ends.
    EndByItself,
    /// Write a visit's accepted summaries into the chart.
    PushSummary,
}

impl JobKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::CreateEncounter,
        Self::CreateAsyncEncounter,
        Self::CreateThread,
        Self::FailLostVisit,
        Self::EndByItself,
        Self::PushSummary,
    ];

    /// The kind's name in the database and in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CreateEncounter => "create_encounter",
            Self::CreateAsyncEncounter => "create_async_encounter",
            Self::CreateThread => "create_thread",
            Self::FailLostVisit => "fail_lost_visit",
            Self::EndByItself => "end_by_itself",
            Self::PushSummary => "push_summary",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The visit that such a job is for. Jobs name it by its UUID, whichever kind of visit it is.
    #[must_use]
    pub fn visit(self, subject: SessionId) -> VisitId {
        match self {
            Self::CreateAsyncEncounter => VisitId::Async(AsyncVisitId::from_uuid(*subject.as_uuid())),
            Self::CreateEncounter
            | Self::CreateThread
            | Self::FailLostVisit
            | Self::EndByItself
            | Self::PushSummary => VisitId::Live(subject),
        }
    }
}

/// A job to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewJob {
    /// Its kind.
    pub kind: JobKind,
    /// When it is due; one that is there already is moved. `None`: who stores it makes the first attempt, under a lease.
    pub due: Option<OffsetDateTime>,
}

impl From<FollowUp> for NewJob {
    fn from(follow_up: FollowUp) -> Self {
        match follow_up {
            FollowUp::CreateEncounter => Self { kind: JobKind::CreateEncounter, due: None },
            FollowUp::CreateThread => Self { kind: JobKind::CreateThread, due: None },
            FollowUp::FailLostVisit { due } => Self { kind: JobKind::FailLostVisit, due: Some(due) },
            FollowUp::EndByItself { due } => Self { kind: JobKind::EndByItself, due: Some(due) },
        }
    }
}

/// A job that this process holds until the lease runs out.
#[derive(Debug, Clone)]
pub struct LeasedJob {
    /// The job.
    pub id: JobId,
    /// Its kind.
    pub kind: JobKind,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// The visit it is for.
    pub session_id: SessionId,
    /// How the request that caused it is traced.
    pub trace: TraceContext,
    /// The proof of holding it.
    pub lease: LeaseToken,
    /// When it stops being held.
    pub leased_until: OffsetDateTime,
    /// How many attempts have been begun, this one included.
    pub attempts: u32,
}

/// A job that is given back before it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GivenBack {
    /// The visit it is for.
    pub session_id: SessionId,
    /// Its kind.
    pub kind: JobKind,
    /// The proof of holding it.
    pub lease: LeaseToken,
    /// When it is due again.
    pub due: OffsetDateTime,
    /// Why, as a fixed word; `None` when it was not even begun: then this attempt does not count.
    pub error: Option<&'static str>,
}

/// How much of a kind is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenJobs {
    /// The kind.
    pub kind: JobKind,
    /// How many are open.
    pub count: u64,
    /// Since when the oldest one is; ahead for work that is not due yet.
    pub oldest: Option<OffsetDateTime>,
    /// How many are parked: they are not tried again until somebody decides.
    pub parked: u64,
    /// When the oldest of these was stored.
    pub oldest_parked: Option<OffsetDateTime>,
}

/// Durable work across all tenants.
#[async_trait]
pub trait JobQueue: Send + Sync {
    /// Takes up to `limit` due jobs of that kind, oldest due first, and holds them for `lease_for`.
    async fn lease(
        &self,
        kind: JobKind,
        now: OffsetDateTime,
        lease_for: Duration,
        limit: u16,
    ) -> Result<Vec<LeasedJob>, StoreError>;
    /// Gives jobs back, in one statement. Without effect on those whose lease was lost.
    async fn give_back(&self, jobs: &[GivenBack]) -> Result<(), StoreError>;
    /// People who promised a sign of life that has not come by now, longest ago first.
    async fn broken_promises(&self, now: OffsetDateTime, limit: u16) -> Result<Vec<BrokenPromise>, StoreError>;
    /// Visits that have not begun and whose time is over: the patient did not come, or was not admitted. The earliest planned
    /// first.
    async fn visits_not_held(&self, now: OffsetDateTime, limit: u16) -> Result<Vec<(TenantId, SessionId)>, StoreError>;
    /// How many visits have failed and were neither resumed nor ended, and since when the oldest has.
    async fn failed_visits(&self) -> Result<(u64, Option<OffsetDateTime>), StoreError>;
    /// The tenants that hold their visits at that backend.
    async fn tenants_at(&self, backend: VideoBackend) -> Result<Vec<TenantId>, StoreError>;
    /// Machines' drafts whose time is over and that nobody has erased, oldest first.
    async fn expired_drafts(&self, now: OffsetDateTime, limit: u16) -> Result<Vec<(TenantId, AiDraftId)>, StoreError>;
    /// Visits that are over and whose transcriptions are not reported since.
    async fn unreported_transcriptions(&self, limit: u16) -> Result<Vec<(TenantId, SessionId)>, StoreError>;
    /// What is open, of every kind.
    async fn open(&self) -> Result<Vec<OpenJobs>, StoreError>;
}

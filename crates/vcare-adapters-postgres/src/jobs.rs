//! Durable work, leased across tenants.

use std::sync::Arc;

use async_trait::async_trait;
use diesel::dsl::{count_star, min};
use diesel::prelude::{ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName};
use diesel::sql_types::{Array, BigInt, Int4, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;
use vcare_app::TraceContext;
use vcare_app::ports::{BrokenPromise, GivenBack, Ids, JobKind, JobQueue, LeasedJob, OpenJobs, StoreError};
use vcare_domain::{AiDraftId, DraftStatus, JobId, LeaseToken, ParticipantId, SessionId, TenantId, VideoBackend};

use crate::clock::clock;
use crate::config::PgConfig;
use crate::connect::ConnectError;
use crate::connection::{Connections, DatabaseRole};
use crate::errors::store_error;
use crate::schema::{ai_draft, idempotency_key, outbox, presence_lease, retry_job, short_link, tenant_config};

/// The durable work of all tenants.
pub struct PgJobQueue {
    pub(crate) connections: Connections,
    ids: Arc<dyn Ids>,
}

impl PgJobQueue {
    /// A queue that connects when it is first used.
    #[must_use]
    pub fn new(config: &PgConfig, ids: Arc<dyn Ids>) -> Self {
        Self { connections: Connections::new(config, DatabaseRole::System), ids }
    }

    pub(crate) fn new_lease(&self) -> LeaseToken {
        LeaseToken::from_uuid(self.ids.uuid())
    }

    /// Why no connection could be made at the last attempt; `None` when it was made.
    #[must_use]
    pub fn not_connected(&self) -> Option<ConnectError> {
        self.connections.not_connected()
    }

    /// Whether the database answers, and has our tables. Not over the connections of requests: while those are all in use,
    /// the process is busy and not ill.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ping(&self) -> Result<(), StoreError> {
        let mut conn = self.connections.unbound().await?;
        let _: Option<i64> = outbox::table
            .select(outbox::position)
            .limit(1)
            .first(&mut conn.pg)
            .await
            .optional()
            .map_err(store_error)?;
        Ok(())
    }

    /// What the database's clock shows.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn clock(&self) -> Result<OffsetDateTime, StoreError> {
        let mut conn = self.connections.unbound().await?;
        clock(&mut conn.pg).await
    }

    /// Whether the database can be written, by writing: a temporary file of almost a mebibyte, which needs room on the disk that was
    /// free; and a record in the write-ahead log, committed, which no standby takes. No row, and nothing that stays.
    ///
    /// A row of our own would not do: on the fullest disk it is written into space that is the table's already.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn try_writing(&self) -> Result<(), StoreError> {
        let mut conn = self.connections.unbound().await?;
        conn.pg.batch_execute(WRITE).await.map_err(store_error)
    }

    /// Forgets answers kept under idempotency keys before `before`; answers how many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget_answers(&self, before: OffsetDateTime) -> Result<usize, StoreError> {
        let mut conn = self.connections.unbound().await?;
        diesel::delete(idempotency_key::table.filter(idempotency_key::created_at.lt(before)))
            .execute(&mut conn.pg)
            .await
            .map_err(store_error)
    }

    /// Forgets who was last heard of before `before`, and short links that expired before it; answers how many of both.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget_waiting(&self, before: OffsetDateTime) -> Result<usize, StoreError> {
        let mut conn = self.connections.unbound().await?;
        // A promise is not forgotten before it was looked at.
        let heard = presence_lease::table
            .filter(presence_lease::expires_at.lt(before))
            .filter(presence_lease::promised.eq(false));
        let heard = diesel::delete(heard).execute(&mut conn.pg).await.map_err(store_error)?;
        let links = short_link::table.filter(short_link::expires_at.lt(before));
        let links = diesel::delete(links).execute(&mut conn.pg).await.map_err(store_error)?;
        Ok(heard + links)
    }
}

/// One message, and so one transaction, which is undone when a part of it fails. The function's rows do not fit into its memory, and
/// are put on the disk; what deletes nothing is refused all the same where transactions may only read.
const WRITE: &str = "
SET LOCAL work_mem = '64kB';
SELECT count(*) FROM generate_series(1, 65536);
DELETE FROM outbox WHERE false;
SELECT pg_logical_emit_message(true, 'vcare', 'can this be written?');";

/// Takes due jobs that nobody else is taking. Being leased means being due later: a dead worker's jobs come back.
/// By the rows' places, which need no second look-up and no guess at how many there are.
const LEASE: &str = "
UPDATE retry_job AS job
   SET lease_token = $1, due_at = $2, attempts = job.attempts + 1
 WHERE job.ctid = ANY (ARRAY (SELECT ctid
                                FROM retry_job
                               WHERE state = 'open' AND kind = $5 AND due_at <= $3
                               ORDER BY due_at
                               LIMIT $4
                                 FOR UPDATE SKIP LOCKED))
RETURNING job.tenant_id, job.session_id, job.id, job.attempts, job.correlation_id, job.traceparent";

const GIVE_BACK: &str = "
UPDATE retry_job AS job
   SET lease_token = NULL, due_at = back.due_at, last_error = COALESCE(back.error, job.last_error),
       attempts = job.attempts - CASE WHEN back.error IS NULL THEN 1 ELSE 0 END
  FROM unnest($1, $2, $3, $4, $5) AS back (session_id, lease_token, due_at, error, kind)
 WHERE job.session_id = back.session_id AND job.lease_token = back.lease_token AND job.kind = back.kind";

/// A visit of any tenant.
#[derive(QueryableByName)]
struct VisitRow {
    #[diesel(sql_type = Text)]
    tenant_id: String,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// Visits of all tenants that have failed.
#[derive(QueryableByName)]
struct FailedRow {
    #[diesel(sql_type = BigInt)]
    visits: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    oldest: Option<OffsetDateTime>,
}

#[derive(QueryableByName)]
struct LeasedRow {
    #[diesel(sql_type = Text)]
    tenant_id: String,
    #[diesel(sql_type = SqlUuid)]
    session_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Int4)]
    attempts: i32,
    #[diesel(sql_type = Text)]
    correlation_id: String,
    #[diesel(sql_type = Text)]
    traceparent: String,
}

impl LeasedRow {
    fn restore(self, kind: JobKind, lease: LeaseToken, leased_until: OffsetDateTime) -> Result<LeasedJob, StoreError> {
        let corrupt = |column| StoreError::Corrupt { table: "retry_job", column };
        Ok(LeasedJob {
            id: JobId::from_uuid(self.id),
            kind,
            tenant_id: TenantId::parse(self.tenant_id).map_err(|_| corrupt("tenant_id"))?,
            session_id: SessionId::from_uuid(self.session_id),
            trace: TraceContext { correlation_id: self.correlation_id, traceparent: self.traceparent },
            lease,
            leased_until,
            attempts: u32::try_from(self.attempts).map_err(|_| corrupt("attempts"))?,
        })
    }
}

fn told(error: &StoreError) {
    tracing::error!(error = error as &dyn std::error::Error, "a job cannot be read");
}

#[async_trait]
impl JobQueue for PgJobQueue {
    async fn lease(
        &self,
        kind: JobKind,
        now: OffsetDateTime,
        lease_for: Duration,
        limit: u16,
    ) -> Result<Vec<LeasedJob>, StoreError> {
        let lease = self.new_lease();
        let until = now + lease_for;
        let mut conn = self.connections.unbound().await?;
        let rows: Vec<LeasedRow> = diesel::sql_query(LEASE)
            .bind::<SqlUuid, _>(lease.as_uuid())
            .bind::<Timestamptz, _>(until)
            .bind::<Timestamptz, _>(now)
            .bind::<BigInt, _>(i64::from(limit))
            .bind::<Text, _>(kind.as_str())
            .load(&mut conn.pg)
            .await
            .map_err(store_error)?;
        let jobs = rows.into_iter().map(|row| row.restore(kind, lease, until));
        // One that makes no sense is left to its lease: the others must not wait for it.
        Ok(jobs.filter_map(|job| job.inspect_err(told).ok()).collect())
    }

    async fn give_back(&self, jobs: &[GivenBack]) -> Result<(), StoreError> {
        if jobs.is_empty() {
            return Ok(());
        }
        let mut conn = self.connections.unbound().await?;
        diesel::sql_query(GIVE_BACK)
            .bind::<Array<SqlUuid>, _>(jobs.iter().map(|job| *job.session_id.as_uuid()).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(jobs.iter().map(|job| *job.lease.as_uuid()).collect::<Vec<_>>())
            .bind::<Array<Timestamptz>, _>(jobs.iter().map(|job| job.due).collect::<Vec<_>>())
            .bind::<Array<Nullable<Text>>, _>(jobs.iter().map(|job| job.error).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(jobs.iter().map(|job| job.kind.as_str()).collect::<Vec<_>>())
            .execute(&mut conn.pg)
            .await
            .map_err(store_error)?;
        Ok(())
    }

    async fn broken_promises(&self, now: OffsetDateTime, limit: u16) -> Result<Vec<BrokenPromise>, StoreError> {
        let mut conn = self.connections.unbound().await?;
        let rows: Vec<(String, Uuid, Uuid)> = presence_lease::table
            .filter(presence_lease::promised.eq(true))
            .filter(presence_lease::expires_at.le(now))
            .order(presence_lease::expires_at)
            .limit(i64::from(limit))
            .select((presence_lease::tenant_id, presence_lease::session_id, presence_lease::participant_id))
            .load(&mut conn.pg)
            .await
            .map_err(store_error)?;
        let corrupt = |_| StoreError::Corrupt { table: "presence_lease", column: "tenant_id" };
        let broken = rows.into_iter().map(|(tenant, session, participant)| {
            Ok(BrokenPromise {
                tenant_id: TenantId::parse(tenant).map_err(corrupt)?,
                session_id: SessionId::from_uuid(session),
                participant_id: ParticipantId::from_uuid(participant),
            })
        });
        broken.collect()
    }

    async fn visits_not_held(&self, now: OffsetDateTime, limit: u16) -> Result<Vec<(TenantId, SessionId)>, StoreError> {
        let mut conn = self.connections.unbound().await?;
        let rows: Vec<VisitRow> = diesel::sql_query("SELECT tenant_id, id FROM visits_not_held($1, $2)")
            .bind::<Timestamptz, _>(now)
            .bind::<Int4, _>(i32::from(limit))
            .load(&mut conn.pg)
            .await
            .map_err(store_error)?;
        let corrupt = |_| StoreError::Corrupt { table: "virtual_session", column: "tenant_id" };
        let visits = rows
            .into_iter()
            .map(|row| Ok((TenantId::parse(row.tenant_id).map_err(corrupt)?, SessionId::from_uuid(row.id))));
        visits.collect()
    }

    async fn failed_visits(&self) -> Result<(u64, Option<OffsetDateTime>), StoreError> {
        let mut conn = self.connections.unbound().await?;
        let row: FailedRow = diesel::sql_query("SELECT visits, oldest FROM failed_visits()")
            .get_result(&mut conn.pg)
            .await
            .map_err(store_error)?;
        Ok((u64::try_from(row.visits).unwrap_or(0), row.oldest))
    }

    async fn tenants_at(&self, backend: VideoBackend) -> Result<Vec<TenantId>, StoreError> {
        let mut conn = self.connections.unbound().await?;
        let names: Vec<String> = tenant_config::table
            .filter(tenant_config::video_backend.eq(backend.as_str()))
            .order(tenant_config::tenant_id)
            .select(tenant_config::tenant_id)
            .load(&mut conn.pg)
            .await
            .map_err(store_error)?;
        let corrupt = |_| StoreError::Corrupt { table: "tenant_config", column: "tenant_id" };
        names.into_iter().map(|name| TenantId::parse(name).map_err(corrupt)).collect()
    }

    async fn expired_drafts(&self, now: OffsetDateTime, limit: u16) -> Result<Vec<(TenantId, AiDraftId)>, StoreError> {
        let mut conn = self.connections.unbound().await?;
        let due: Vec<(String, Uuid)> = ai_draft::table
            .filter(ai_draft::status.eq(DraftStatus::Pending.as_str()))
            .filter(ai_draft::expires_at.le(now))
            .order(ai_draft::expires_at)
            .limit(i64::from(limit))
            .select((ai_draft::tenant_id, ai_draft::id))
            .load(&mut conn.pg)
            .await
            .map_err(store_error)?;
        let corrupt = |_| StoreError::Corrupt { table: "ai_draft", column: "tenant_id" };
        let named = |(tenant, id)| Ok((TenantId::parse(tenant).map_err(corrupt)?, AiDraftId::from_uuid(id)));
        due.into_iter().map(named).collect()
    }

    async fn unreported_transcriptions(&self, limit: u16) -> Result<Vec<(TenantId, SessionId)>, StoreError> {
        let mut conn = self.connections.unbound().await?;
        let rows: Vec<VisitRow> = diesel::sql_query("SELECT tenant_id, id FROM unreported_transcriptions($1)")
            .bind::<Int4, _>(i32::from(limit))
            .load(&mut conn.pg)
            .await
            .map_err(store_error)?;
        let corrupt = |_| StoreError::Corrupt { table: "ai_transcription", column: "tenant_id" };
        let named =
            |row: VisitRow| Ok((TenantId::parse(row.tenant_id).map_err(corrupt)?, SessionId::from_uuid(row.id)));
        rows.into_iter().map(named).collect()
    }

    async fn open(&self) -> Result<Vec<OpenJobs>, StoreError> {
        let mut conn = self.connections.unbound().await?;
        let rows: Vec<(String, String, i64, Option<OffsetDateTime>)> = retry_job::table
            .filter(retry_job::state.eq_any(["open", "parked"]))
            .group_by((retry_job::kind, retry_job::state))
            .select((retry_job::kind, retry_job::state, count_star(), min(retry_job::created_at)))
            .load(&mut conn.pg)
            .await
            .map_err(store_error)?;
        let of = |kind: JobKind| {
            let in_state = |state: &str| {
                let row = rows.iter().find(|row| row.0 == kind.as_str() && row.1 == state);
                row.map_or((0, None), |row| (u64::try_from(row.2).unwrap_or(0), row.3))
            };
            let ((count, oldest), (parked, oldest_parked)) = (in_state("open"), in_state("parked"));
            OpenJobs { kind, count, oldest, parked, oldest_parked }
        };
        Ok(JobKind::ALL.into_iter().map(of).collect())
    }
}

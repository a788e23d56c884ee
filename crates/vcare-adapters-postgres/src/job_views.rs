//! Durable work, looked at.

use diesel::dsl::{AsSelect, SqlTypeOf};
use diesel::pg::Pg;
use diesel::prelude::{ExpressionMethods, QueryDsl, Queryable, Selectable, SelectableHelper};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use time::OffsetDateTime;
use uuid::Uuid;
use vcare_app::ports::{JobFilter, JobKind, JobView, StoreError, TakenInHand};
use vcare_domain::{JobId, SessionId, TenantId};

use crate::errors::store_error;
use crate::schema::retry_job;

#[derive(Queryable, Selectable)]
#[diesel(table_name = retry_job, check_for_backend(diesel::pg::Pg))]
struct JobRow {
    id: Uuid,
    kind: String,
    tenant_id: String,
    session_id: Uuid,
    state: String,
    lease_token: Option<Uuid>,
    attempts: i32,
    last_error: Option<String>,
    due_at: OffsetDateTime,
    created_at: OffsetDateTime,
    correlation_id: String,
    parked_at: Option<OffsetDateTime>,
    parked_by: Option<String>,
    requeued_at: Option<OffsetDateTime>,
    requeued_by: Option<String>,
}

impl JobRow {
    fn restore(self) -> Result<JobView, StoreError> {
        let corrupt = |column| StoreError::Corrupt { table: "retry_job", column };
        Ok(JobView {
            id: JobId::from_uuid(self.id),
            kind: JobKind::from_name(&self.kind).ok_or(corrupt("kind"))?,
            tenant_id: TenantId::parse(self.tenant_id).map_err(|_| corrupt("tenant_id"))?,
            session_id: SessionId::from_uuid(self.session_id),
            parked: self.state == "parked",
            leased: self.lease_token.is_some(),
            attempts: u32::try_from(self.attempts).map_err(|_| corrupt("attempts"))?,
            last_error: self.last_error,
            due_at: self.due_at,
            created_at: self.created_at,
            last_parked: taken_in_hand(self.parked_at, self.parked_by),
            last_requeued: taken_in_hand(self.requeued_at, self.requeued_by),
            correlation_id: self.correlation_id,
        })
    }
}

type JobRows<'q> = retry_job::BoxedQuery<'q, Pg, SqlTypeOf<AsSelect<JobRow, Pg>>>;

fn all_jobs<'q>() -> JobRows<'q> {
    retry_job::table.select(JobRow::as_select()).into_boxed()
}

async fn load_jobs(pg: &mut AsyncPgConnection, query: JobRows<'_>) -> Result<Vec<JobView>, StoreError> {
    let rows: Vec<JobRow> = query.load(pg).await.map_err(store_error)?;
    rows.into_iter().map(JobRow::restore).collect()
}

/// Jobs of one tenant or of all, of one kind or of all, oldest first.
pub(crate) async fn jobs(
    pg: &mut AsyncPgConnection,
    tenant: Option<&TenantId>,
    filter: JobFilter,
    kind: Option<JobKind>,
    limit: u16,
) -> Result<Vec<JobView>, StoreError> {
    let mut query = all_jobs().order((retry_job::created_at, retry_job::id)).limit(i64::from(limit));
    if let Some(tenant) = tenant {
        query = query.filter(retry_job::tenant_id.eq(tenant.as_str()));
    }
    if let Some(kind) = kind {
        query = query.filter(retry_job::kind.eq(kind.as_str()));
    }
    query = match filter {
        JobFilter::All => query,
        JobFilter::Open => query.filter(retry_job::state.eq("open")),
        JobFilter::Parked => query.filter(retry_job::state.eq("parked")),
    };
    load_jobs(pg, query).await
}

/// One job.
pub(crate) async fn job(pg: &mut AsyncPgConnection, id: JobId) -> Result<Option<JobView>, StoreError> {
    Ok(load_jobs(pg, all_jobs().filter(retry_job::id.eq(id.as_uuid()))).await?.pop())
}

/// The job of that kind of a visit.
pub(crate) async fn job_of(
    pg: &mut AsyncPgConnection,
    session: SessionId,
    kind: JobKind,
) -> Result<Option<JobView>, StoreError> {
    let theirs =
        all_jobs().filter(retry_job::session_id.eq(session.as_uuid())).filter(retry_job::kind.eq(kind.as_str()));
    Ok(load_jobs(pg, theirs).await?.pop())
}

/// All jobs of a visit of either kind, by kind.
pub(crate) async fn jobs_of(
    pg: &mut AsyncPgConnection,
    tenant: &TenantId,
    visit: &Uuid,
) -> Result<Vec<JobView>, StoreError> {
    let theirs = all_jobs().filter(retry_job::tenant_id.eq(tenant.as_str())).filter(retry_job::session_id.eq(visit));
    load_jobs(pg, theirs.order(retry_job::kind)).await
}

fn taken_in_hand(at: Option<OffsetDateTime>, by: Option<String>) -> Option<TakenInHand> {
    Some(TakenInHand { at: at?, by: by? })
}

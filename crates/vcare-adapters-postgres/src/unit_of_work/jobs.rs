//! The durable work, inside a transaction.

use async_trait::async_trait;
use diesel::prelude::{AsChangeset, ExpressionMethods, QueryDsl};
use diesel::upsert::excluded;
use diesel_async::RunQueryDsl;
use time::OffsetDateTime;
use uuid::Uuid;
use vcare_app::TraceContext;
use vcare_app::ports::{ClosedJob, JobEnd, JobKind, Jobs, NewJob, StoreError};
use vcare_domain::{EncounterStatus, LeaseToken, SessionId};

use super::PgUnitOfWork;
use crate::errors::store_error;
use crate::schema::{retry_job, virtual_session};

pub(super) struct PgJobs<'t>(pub(super) &'t mut PgUnitOfWork);

/// The ids of what goes together, by what it has in common: mostly one group, as a worker's jobs are of one lease.
fn groups<K: PartialEq>(jobs: impl Iterator<Item = (K, SessionId)>) -> Vec<(K, Vec<Uuid>)> {
    let mut groups: Vec<(K, Vec<Uuid>)> = Vec::new();
    for (key, session) in jobs {
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, ids)) => ids.push(*session.as_uuid()),
            None => groups.push((key, vec![*session.as_uuid()])),
        }
    }
    groups
}

impl PgUnitOfWork {
    /// Stores a job: held for a first attempt, or due at its own time.
    pub(super) async fn write_job(
        &mut self,
        session: SessionId,
        job: NewJob,
        trace: &TraceContext,
    ) -> Result<(), StoreError> {
        use retry_job::dsl;
        let now = self.clock.now();
        let held = job.due.is_none().then(|| *self.first_lease.token.as_uuid());
        let row = (
            dsl::tenant_id.eq(self.scope.tenant_id.as_str()),
            dsl::session_id.eq(session.as_uuid()),
            dsl::kind.eq(job.kind.as_str()),
            dsl::id.eq(self.ids.uuid()),
            dsl::state.eq("open"),
            dsl::attempts.eq(i32::from(held.is_some())),
            dsl::due_at.eq(job.due.unwrap_or(now + self.first_lease.lasts)),
            dsl::lease_token.eq(held),
            dsl::correlation_id.eq(&trace.correlation_id),
            dsl::traceparent.eq(&trace.traceparent),
            // From when on there is work to do.
            dsl::created_at.eq(job.due.unwrap_or(now)),
        );
        // One that is there is parked, or waits for another time: it begins anew, and who holds it loses it.
        diesel::insert_into(dsl::retry_job)
            .values(row)
            .on_conflict((dsl::tenant_id, dsl::session_id, dsl::kind))
            .do_update()
            .set((
                dsl::state.eq("open"),
                dsl::attempts.eq(excluded(dsl::attempts)),
                dsl::due_at.eq(excluded(dsl::due_at)),
                dsl::lease_token.eq(excluded(dsl::lease_token)),
                dsl::last_error.eq(None::<String>),
                dsl::correlation_id.eq(excluded(dsl::correlation_id)),
                dsl::traceparent.eq(excluded(dsl::traceparent)),
                dsl::created_at.eq(excluded(dsl::created_at)),
                (dsl::parked_at.eq(None::<OffsetDateTime>), dsl::parked_by.eq(None::<String>)),
                (dsl::requeued_at.eq(None::<OffsetDateTime>), dsl::requeued_by.eq(None::<String>)),
            ))
            .execute(&mut self.conn.pg)
            .await
            .map_err(store_error)?;
        Ok(())
    }
}

/// What it is to be parked: why, and who did it when.
#[derive(AsChangeset)]
#[diesel(table_name = retry_job, treat_none_as_null = true)]
struct Parked {
    state: &'static str,
    last_error: &'static str,
    lease_token: Option<Uuid>,
    parked_at: Option<OffsetDateTime>,
    parked_by: Option<String>,
}

impl PgJobs<'_> {
    fn parked(&self, error: &'static str) -> Parked {
        let (parked_at, parked_by) = (Some(self.0.clock.now()), Some(self.0.scope.actor.id()));
        Parked { state: "parked", last_error: error, lease_token: None, parked_at, parked_by }
    }
}

#[async_trait]
impl Jobs for PgJobs<'_> {
    async fn close(&mut self, jobs: &[ClosedJob]) -> Result<(), StoreError> {
        let alike = |job: &ClosedJob| ((job.lease, job.kind, job.end), job.session_id);
        for ((lease, kind, end), sessions) in groups(jobs.iter().map(alike)) {
            let held = retry_job::table
                .filter(retry_job::tenant_id.eq(self.0.scope.tenant_id.as_str()))
                .filter(retry_job::session_id.eq_any(sessions))
                .filter(retry_job::kind.eq(kind.as_str()))
                .filter(retry_job::lease_token.eq(lease.as_uuid()));
            match end {
                JobEnd::Done => diesel::delete(held).execute(&mut self.0.conn.pg).await,
                JobEnd::Parked { error } => {
                    let parked = self.parked(error);
                    diesel::update(held).set(parked).execute(&mut self.0.conn.pg).await
                }
            }
            .map_err(store_error)?;
        }
        Ok(())
    }

    async fn close_settled(&mut self, held: &[(SessionId, LeaseToken)]) -> Result<Vec<SessionId>, StoreError> {
        let mut closed = Vec::new();
        for (lease, sessions) in groups(held.iter().map(|(session, lease)| (*lease, *session))) {
            let tenant = self.0.scope.tenant_id.as_str();
            let needs_nothing = [EncounterStatus::Created.as_str(), EncounterStatus::NotRequired.as_str()];
            let settled = virtual_session::table
                .filter(virtual_session::tenant_id.eq(tenant))
                .filter(virtual_session::id.eq_any(sessions.clone()))
                .filter(virtual_session::encounter_status.eq_any(needs_nothing))
                .select(virtual_session::id);
            let jobs = retry_job::table
                .filter(retry_job::tenant_id.eq(tenant))
                .filter(retry_job::session_id.eq_any(sessions))
                .filter(retry_job::kind.eq(JobKind::CreateEncounter.as_str()))
                .filter(retry_job::lease_token.eq(lease.as_uuid()))
                .filter(retry_job::session_id.eq_any(settled));
            let ids: Vec<Uuid> = diesel::delete(jobs)
                .returning(retry_job::session_id)
                .get_results(&mut self.0.conn.pg)
                .await
                .map_err(store_error)?;
            closed.extend(ids.into_iter().map(SessionId::from_uuid));
        }
        Ok(closed)
    }

    async fn requeue(&mut self, session: SessionId, kind: JobKind, now: OffsetDateTime) -> Result<bool, StoreError> {
        let job = retry_job::table.find((self.0.scope.tenant_id.as_str(), session.as_uuid(), kind.as_str()));
        let by = self.0.scope.actor.id();
        let changes = (
            retry_job::state.eq("open"),
            retry_job::due_at.eq(now),
            retry_job::lease_token.eq(None::<Uuid>),
            retry_job::requeued_at.eq(now),
            retry_job::requeued_by.eq(by),
        );
        let found = diesel::update(job).set(changes).execute(&mut self.0.conn.pg).await.map_err(store_error)?;
        Ok(found > 0)
    }

    async fn park(&mut self, session: SessionId, kind: JobKind, error: &'static str) -> Result<bool, StoreError> {
        let job = retry_job::table.find((self.0.scope.tenant_id.as_str(), session.as_uuid(), kind.as_str()));
        let changes = self.parked(error);
        let found = diesel::update(job).set(changes).execute(&mut self.0.conn.pg).await.map_err(store_error)?;
        Ok(found > 0)
    }
}

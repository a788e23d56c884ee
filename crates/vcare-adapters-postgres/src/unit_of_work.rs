//! One transaction, lending repositories.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use diesel::prelude::{ExpressionMethods, OptionalExtension, QueryDsl, SelectableHelper};
use diesel_async::{AnsiTransactionManager, AsyncPgConnection, RunQueryDsl, TransactionManager};
use time::{Duration, OffsetDateTime};
use vcare_app::events::{AuditEntry, config_event, session_event};
use vcare_app::ports::{
    Answers, Clock, Ids, JobEnd, JobKind, Jobs, KeptAnswer, KeptSecrets, OutboxWake, Presences, StoreError,
    TenantConfigs, UnitOfWork, VirtualSessions,
};
use vcare_app::{Answer, IdempotencyKey, Scope};
use vcare_domain::{EventId, FollowUp, LeaseToken, SessionEvent, SessionId, TenantConfig, TenantId, VirtualSession};

use crate::connection::Pooled;
use crate::errors::store_error;
use crate::presences::PgPresences;
use crate::reads::{AnswerRow, restore_answer};
use crate::rows::{NewSessionRow, SessionChanges, SessionRow, version_number};
use crate::schema::{idempotency_key, outbox, retry_job, virtual_session};
use crate::secrets::PgSecrets;
use crate::tenant_configs::PgTenantConfigs;

/// How long a new job belongs to who stored it, for a first attempt.
const FIRST_LEASE: Duration = Duration::seconds(10);

/// One transaction.
pub(crate) struct PgUnitOfWork {
    name: &'static str,
    begun: Instant,
    conn: Pooled,
    scope: Scope,
    first_lease: LeaseToken,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    wake: OutboxWake,
    wrote_events: bool,
}

impl PgUnitOfWork {
    pub(crate) fn new(
        name: &'static str,
        conn: Pooled,
        scope: Scope,
        first_lease: LeaseToken,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        wake: OutboxWake,
    ) -> Self {
        Self { name, begun: Instant::now(), conn, scope, first_lease, clock, ids, wake, wrote_events: false }
    }

    /// The transaction's connection, and the tenant it sees.
    pub(crate) fn parts(&mut self) -> (&mut AsyncPgConnection, &TenantId) {
        (&mut self.conn.pg, &self.scope.tenant_id)
    }

    pub(crate) fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    /// Writes the event that tells of changed settings.
    pub(crate) async fn write_config_event(
        &mut self,
        config: &TenantConfig,
        changed_fields: &[&'static str],
        at: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let id = self.event_id();
        let event = config_event(config, changed_fields, at, id, &self.scope);
        let body = serde_json::to_vec(&event).map_err(|error| StoreError::Faulty(Box::new(error)))?;
        let ordering_key = format!("config {}", config.tenant_id());
        self.write_events(&ordering_key, &[(id, event.kind(), body)]).await
    }

    fn measured(&self, outcome: &'static str) {
        metrics::histogram!("vcare_transaction_duration_seconds", "name" => self.name, "outcome" => outcome)
            .record(self.begun.elapsed().as_secs_f64());
    }

    fn event_id(&self) -> EventId {
        EventId::from_uuid(self.ids.uuid())
    }

    /// Writes finished events of one ordering key, in their order and in one statement.
    async fn write_events(
        &mut self,
        ordering_key: &str,
        events: &[(EventId, &'static str, Vec<u8>)],
    ) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        self.wrote_events = true;
        let rows = events.iter().map(|(id, subject, body)| {
            (
                outbox::tenant_id.eq(self.scope.tenant_id.as_str()),
                outbox::event_id.eq(id.as_uuid()),
                outbox::subject.eq(*subject),
                outbox::ordering_key.eq(ordering_key),
                outbox::body.eq(body),
            )
        });
        let rows: Vec<_> = rows.collect();
        diesel::insert_into(outbox::table).values(rows).execute(&mut self.conn.pg).await.map_err(store_error)?;
        Ok(())
    }

    async fn write_job(&mut self, session: SessionId, kind: JobKind) -> Result<(), StoreError> {
        let now = self.clock.now();
        diesel::insert_into(retry_job::table)
            .values((
                retry_job::tenant_id.eq(self.scope.tenant_id.as_str()),
                retry_job::session_id.eq(session.as_uuid()),
                retry_job::kind.eq(kind.as_str()),
                retry_job::id.eq(self.ids.uuid()),
                retry_job::state.eq("open"),
                retry_job::attempts.eq(1),
                retry_job::due_at.eq(now + FIRST_LEASE),
                retry_job::lease_token.eq(Some(*self.first_lease.as_uuid())),
                retry_job::correlation_id.eq(&self.scope.trace.correlation_id),
                retry_job::traceparent.eq(&self.scope.trace.traceparent),
                retry_job::created_at.eq(now),
            ))
            .execute(&mut self.conn.pg)
            .await
            .map_err(store_error)?;
        Ok(())
    }
}

#[async_trait]
impl UnitOfWork for PgUnitOfWork {
    fn sessions(&mut self) -> Box<dyn VirtualSessions + '_> {
        Box::new(PgSessions(self))
    }

    fn answers(&mut self) -> Box<dyn Answers + '_> {
        Box::new(PgAnswers(self))
    }

    fn jobs(&mut self) -> Box<dyn Jobs + '_> {
        Box::new(PgJobs(self))
    }

    fn presences(&mut self) -> Box<dyn Presences + '_> {
        Box::new(PgPresences(self))
    }

    fn tenant_configs(&mut self) -> Box<dyn TenantConfigs + '_> {
        Box::new(PgTenantConfigs(self))
    }

    fn tenant_secrets(&mut self) -> Box<dyn KeptSecrets + '_> {
        Box::new(PgSecrets(self))
    }

    fn first_lease(&self) -> LeaseToken {
        self.first_lease
    }

    async fn audit(&mut self, entry: AuditEntry) -> Result<(), StoreError> {
        let id = self.event_id();
        let ordering_key = entry.resource_id.clone();
        let event = entry.into_event(id, &self.scope);
        let body = serde_json::to_vec(&event).map_err(|error| StoreError::Faulty(Box::new(error)))?;
        self.write_events(&ordering_key, &[(id, event.kind(), body)]).await
    }

    async fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        AnsiTransactionManager::commit_transaction(&mut self.conn.pg).await.map_err(store_error)?;
        self.measured("commit");
        if self.wrote_events {
            self.wake.ring();
        }
        Ok(())
    }

    async fn rollback(mut self: Box<Self>) -> Result<(), StoreError> {
        self.measured("rollback");
        AnsiTransactionManager::rollback_transaction(&mut self.conn.pg).await.map_err(store_error)
    }
}

struct PgSessions<'t>(&'t mut PgUnitOfWork);

#[async_trait]
impl VirtualSessions for PgSessions<'_> {
    async fn find(&mut self, id: SessionId) -> Result<Option<VirtualSession>, StoreError> {
        // Locked: who decides on a visit decides on what it is until they commit.
        let row = virtual_session::table
            .find((self.0.scope.tenant_id.as_str(), id.as_uuid()))
            .select(SessionRow::as_select())
            .for_no_key_update()
            .first(&mut self.0.conn.pg)
            .await
            .optional()
            .map_err(store_error)?;
        row.map(SessionRow::restore).transpose()
    }

    async fn save(&mut self, session: &mut VirtualSession) -> Result<(), StoreError> {
        let visit = session.parts();
        match session.stored() {
            None => {
                diesel::insert_into(virtual_session::table)
                    .values(NewSessionRow::of(visit)?)
                    .execute(&mut self.0.conn.pg)
                    .await
                    .map_err(store_error)?;
            }
            Some(stored) => {
                let row = virtual_session::table
                    .find((self.0.scope.tenant_id.as_str(), visit.id.as_uuid()))
                    .filter(virtual_session::version.eq(version_number(stored.version)));
                // With the charge, so that a visit that has its Encounter and was not charged can be found.
                let charged = session.events().iter().find_map(|recorded| match recorded.event {
                    SessionEvent::Chargeable { .. } => Some(virtual_session::charged_at.eq(recorded.at)),
                    _ => None,
                });
                let written = diesel::update(row)
                    .set((SessionChanges::of(visit)?, charged))
                    .execute(&mut self.0.conn.pg)
                    .await
                    .map_err(store_error)?;
                if written != 1 {
                    return Err(StoreError::Conflict);
                }
            }
        }
        let ordering_key = visit.id.to_string();
        let mut events = Vec::with_capacity(session.events().len());
        for recorded in session.events() {
            let id = self.0.event_id();
            let (subject, body) = session_event(session.parts(), recorded, id, &self.0.scope)
                .map_err(|error| StoreError::Faulty(Box::new(error)))?;
            events.push((id, subject, body));
        }
        self.0.write_events(&ordering_key, &events).await?;
        for follow_up in session.follow_ups() {
            match follow_up {
                FollowUp::CreateEncounter => self.0.write_job(session.parts().id, JobKind::CreateEncounter).await?,
            }
        }
        session.mark_saved();
        Ok(())
    }
}

struct PgAnswers<'t>(&'t mut PgUnitOfWork);

#[async_trait]
impl Answers for PgAnswers<'_> {
    async fn find(&mut self, key: &IdempotencyKey) -> Result<Option<KeptAnswer>, StoreError> {
        let scope = &self.0.scope;
        let row: Option<AnswerRow> = idempotency_key::table
            .find((scope.tenant_id.as_str(), scope.actor.id(), key.as_str()))
            .select((idempotency_key::fingerprint, idempotency_key::status, idempotency_key::body))
            .first(&mut self.0.conn.pg)
            .await
            .optional()
            .map_err(store_error)?;
        row.map(restore_answer).transpose()
    }

    async fn keep(
        &mut self,
        key: &IdempotencyKey,
        fingerprint: [u8; 32],
        answer: &Answer,
        at: OffsetDateTime,
    ) -> Result<(), StoreError> {
        diesel::insert_into(idempotency_key::table)
            .values((
                idempotency_key::tenant_id.eq(self.0.scope.tenant_id.as_str()),
                idempotency_key::actor.eq(self.0.scope.actor.id()),
                idempotency_key::key.eq(key.as_str()),
                idempotency_key::fingerprint.eq(fingerprint.as_slice()),
                idempotency_key::status.eq(i16::try_from(answer.status).unwrap_or(i16::MAX)),
                idempotency_key::body.eq(&answer.body),
                idempotency_key::created_at.eq(at),
            ))
            .execute(&mut self.0.conn.pg)
            .await
            .map_err(store_error)?;
        Ok(())
    }
}

struct PgJobs<'t>(&'t mut PgUnitOfWork);

#[async_trait]
impl Jobs for PgJobs<'_> {
    async fn close(&mut self, session: SessionId, lease: LeaseToken, end: JobEnd) -> Result<(), StoreError> {
        let held = retry_job::table
            .filter(retry_job::tenant_id.eq(self.0.scope.tenant_id.as_str()))
            .filter(retry_job::session_id.eq(session.as_uuid()))
            .filter(retry_job::lease_token.eq(lease.as_uuid()));
        match end {
            JobEnd::Done => diesel::delete(held).execute(&mut self.0.conn.pg).await,
            JobEnd::Parked { error } => {
                diesel::update(held)
                    .set((
                        retry_job::state.eq("parked"),
                        retry_job::last_error.eq(error),
                        retry_job::lease_token.eq(None::<uuid::Uuid>),
                    ))
                    .execute(&mut self.0.conn.pg)
                    .await
            }
        }
        .map_err(store_error)?;
        Ok(())
    }

    async fn requeue(&mut self, session: SessionId, kind: JobKind, now: OffsetDateTime) -> Result<bool, StoreError> {
        let job = retry_job::table.find((self.0.scope.tenant_id.as_str(), session.as_uuid(), kind.as_str()));
        let changes =
            (retry_job::state.eq("open"), retry_job::due_at.eq(now), retry_job::lease_token.eq(None::<uuid::Uuid>));
        let found = diesel::update(job).set(changes).execute(&mut self.0.conn.pg).await.map_err(store_error)?;
        Ok(found > 0)
    }

    async fn park(&mut self, session: SessionId, kind: JobKind, error: &'static str) -> Result<bool, StoreError> {
        let job = retry_job::table.find((self.0.scope.tenant_id.as_str(), session.as_uuid(), kind.as_str()));
        let changes = (
            retry_job::state.eq("parked"),
            retry_job::last_error.eq(error),
            retry_job::lease_token.eq(None::<uuid::Uuid>),
        );
        let found = diesel::update(job).set(changes).execute(&mut self.0.conn.pg).await.map_err(store_error)?;
        Ok(found > 0)
    }
}

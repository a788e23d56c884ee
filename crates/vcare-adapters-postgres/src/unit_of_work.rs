//! One transaction, lending repositories.

mod async_visits;
mod jobs;
mod sessions;

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use diesel::prelude::{ExpressionMethods, OptionalExtension, QueryDsl};
use diesel_async::{AnsiTransactionManager, AsyncPgConnection, RunQueryDsl, TransactionManager};
use time::OffsetDateTime;
use tracing::Span;
use vcare_app::events::{AuditEntry, config_event, emergency_event};
use vcare_app::ports::{
    AiDrafts, Answers, AsyncVisits, Clock, Emergencies, Ids, Jobs, KeptAnswer, KeptSecrets, Leases, Links, OutboxWake,
    Presences, StoreError, TenantConfigs, TenantLogos, Transcriptions, UnitOfWork, Uploads, VirtualSessions,
    VisitChanges, VisitId,
};
use vcare_app::spans::ended;
use vcare_app::{Answer, IdempotencyKey, ReliedOnConsent, Scope, TraceContext};
use vcare_domain::{EmergencyAccess, EventId, JobId, LeaseToken, SessionId, TenantConfig, TenantId, UserId, Version};

use self::async_visits::PgAsyncVisits;
use self::jobs::PgJobs;
use self::sessions::PgSessions;
use crate::ai_drafts::PgAiDrafts;
use crate::connection::Pooled;
use crate::consent_evidence;
use crate::emergencies::PgEmergencies;
use crate::errors::store_error;
use crate::leases::PgLeases;
use crate::links::PgLinks;
use crate::logos::PgTenantLogos;
use crate::new_events::{NewEvent, audit_event, write_events};
use crate::presences::PgPresences;
use crate::reads::{AnswerRow, kept_under, restore_answer};
use crate::schema::idempotency_key;
use crate::secrets::PgSecrets;
use crate::tenant_configs::PgTenantConfigs;
use crate::transcriptions::PgTranscriptions;
use crate::uploads::PgUploads;

/// Under which new jobs belong to who stores them, for a first attempt.
pub(crate) struct FirstLease {
    pub(crate) token: LeaseToken,
    pub(crate) lasts: Duration,
}

/// What a transaction is called, and its span.
pub(crate) struct Named {
    pub(crate) name: &'static str,
    pub(crate) span: Span,
}

/// Who is told of a commit, in the same process.
pub(crate) struct Wakes {
    pub(crate) outbox: OutboxWake,
    pub(crate) visits: VisitChanges,
}

/// One transaction.
pub(crate) struct PgUnitOfWork {
    named: Named,
    begun: Instant,
    conn: Pooled,
    scope: Scope,
    first_lease: FirstLease,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    wakes: Wakes,
    wrote_events: bool,
    saved: Vec<(SessionId, Version)>,
}

impl PgUnitOfWork {
    pub(crate) fn new(
        named: Named,
        conn: Pooled,
        scope: Scope,
        first_lease: FirstLease,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        wakes: Wakes,
    ) -> Self {
        let (wrote_events, saved) = (false, Vec::new());
        Self { named, begun: Instant::now(), conn, scope, first_lease, clock, ids, wakes, wrote_events, saved }
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
        self.write_events(&[NewEvent { id, subject: event.kind(), ordering_key, body }]).await
    }

    /// Writes the event that tells of an emergency access, after the audit entry of the same patient.
    pub(crate) async fn write_emergency_event(
        &mut self,
        access: &EmergencyAccess,
        treating: &[UserId],
    ) -> Result<(), StoreError> {
        let id = self.event_id();
        let event = emergency_event(access, treating, id, &self.scope);
        let body = serde_json::to_vec(&event).map_err(|error| StoreError::Faulty(Box::new(error)))?;
        let ordering_key = access.patient_id.as_str().to_owned();
        self.write_events(&[NewEvent { id, subject: event.kind(), ordering_key, body }]).await
    }

    /// A new job's id, and the lease under which it is held for a first attempt, until then.
    pub(crate) fn new_job(&self) -> (JobId, LeaseToken, OffsetDateTime) {
        (JobId::from_uuid(self.ids.uuid()), self.first_lease.token, self.clock.now() + self.first_lease.lasts)
    }

    /// How the request is traced.
    pub(crate) fn trace(&self) -> &TraceContext {
        &self.scope.trace
    }

    fn measured(&self, outcome: &'static str) {
        metrics::histogram!("vcare_transaction_duration_seconds", "name" => self.named.name, "outcome" => outcome)
            .record(self.begun.elapsed().as_secs_f64());
        ended(&self.named.span, outcome, true);
    }

    fn event_id(&self) -> EventId {
        EventId::from_uuid(self.ids.uuid())
    }

    /// Writes finished events, in their order and in one statement.
    async fn write_events(&mut self, events: &[NewEvent]) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        self.wrote_events = true;
        write_events(&mut self.conn.pg, &self.scope.tenant_id, events.iter()).await
    }
}

#[async_trait]
impl UnitOfWork for PgUnitOfWork {
    fn sessions(&mut self) -> Box<dyn VirtualSessions + '_> {
        Box::new(PgSessions(self))
    }

    fn async_visits(&mut self) -> Box<dyn AsyncVisits + '_> {
        Box::new(PgAsyncVisits(self))
    }

    fn answers(&mut self) -> Box<dyn Answers + '_> {
        Box::new(PgAnswers(self))
    }

    fn jobs(&mut self) -> Box<dyn Jobs + '_> {
        Box::new(PgJobs(self))
    }

    fn ai_drafts(&mut self) -> Box<dyn AiDrafts + '_> {
        Box::new(PgAiDrafts(self))
    }

    fn transcriptions(&mut self) -> Box<dyn Transcriptions + '_> {
        Box::new(PgTranscriptions(self))
    }

    fn presences(&mut self) -> Box<dyn Presences + '_> {
        Box::new(PgPresences(self))
    }

    fn leases(&mut self) -> Box<dyn Leases + '_> {
        Box::new(PgLeases(self))
    }

    fn links(&mut self) -> Box<dyn Links + '_> {
        Box::new(PgLinks(self))
    }

    fn emergencies(&mut self) -> Box<dyn Emergencies + '_> {
        Box::new(PgEmergencies(self))
    }

    fn uploads(&mut self) -> Box<dyn Uploads + '_> {
        Box::new(PgUploads(self))
    }

    fn tenant_configs(&mut self) -> Box<dyn TenantConfigs + '_> {
        Box::new(PgTenantConfigs(self))
    }

    fn tenant_logos(&mut self) -> Box<dyn TenantLogos + '_> {
        Box::new(PgTenantLogos(self))
    }

    fn tenant_secrets(&mut self) -> Box<dyn KeptSecrets + '_> {
        Box::new(PgSecrets(self))
    }

    fn first_lease(&self) -> LeaseToken {
        self.first_lease.token
    }

    async fn rely_on(&mut self, visit: VisitId, consents: &[ReliedOnConsent]) -> Result<(), StoreError> {
        let new = consent_evidence::keep(self, visit, consents).await?;
        let entries = new.into_iter().map(|consent| AuditEntry::consent_relied_on(visit, consent));
        let events: Result<Vec<NewEvent>, StoreError> =
            entries.map(|entry| audit_event(entry, self.event_id(), &self.scope)).collect();
        self.write_events(&events?).await
    }

    async fn audit(&mut self, entry: AuditEntry) -> Result<(), StoreError> {
        let event = audit_event(entry, self.event_id(), &self.scope)?;
        self.write_events(&[event]).await
    }

    async fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        let committed = AnsiTransactionManager::commit_transaction(&mut self.conn.pg).await.map_err(store_error);
        committed.inspect_err(|_| ended(&self.named.span, "failed", false))?;
        self.measured("commit");
        if self.wrote_events {
            self.wakes.outbox.ring();
        }
        for (session, version) in &self.saved {
            self.wakes.visits.tell(&self.scope.tenant_id, *session, *version);
        }
        Ok(())
    }

    async fn rollback(mut self: Box<Self>) -> Result<(), StoreError> {
        self.measured("rollback");
        AnsiTransactionManager::rollback_transaction(&mut self.conn.pg).await.map_err(store_error)
    }
}

struct PgAnswers<'t>(&'t mut PgUnitOfWork);

#[async_trait]
impl Answers for PgAnswers<'_> {
    async fn find(&mut self, key: &IdempotencyKey) -> Result<Option<KeptAnswer>, StoreError> {
        let scope = &self.0.scope;
        let row: Option<AnswerRow> = idempotency_key::table
            .filter(kept_under(&scope.tenant_id, &scope.actor, key))
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
        let scope = &self.0.scope;
        let hash = key.hash(&scope.tenant_id, &scope.actor);
        diesel::insert_into(idempotency_key::table)
            .values((
                idempotency_key::tenant_id.eq(scope.tenant_id.as_str()),
                idempotency_key::actor.eq(scope.actor.id()),
                // The table's key since before there was the hash, in the words of the version before.
                idempotency_key::key.eq(hash.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))),
                idempotency_key::key_hash.eq(Some(hash.to_vec())),
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

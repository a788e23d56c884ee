//! One transaction, lending repositories.

mod async_visits;
mod jobs;
mod sessions;

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use diesel_async::{AnsiTransactionManager, AsyncPgConnection, TransactionManager};
use time::OffsetDateTime;
use tracing::Span;
use uuid::Uuid;
use vcare_app::events::{AuditEntry, config_event, emergency_event, erasure_event};
use vcare_app::ports::{
    AiDrafts, Answers, AsyncVisits, Clock, Emergencies, Ids, Jobs, KeptSecrets, Leases, Links, OutboxWake, Presences,
    RecordCipher, RecordId, RecordKeys, StoreError, Subjects, TenantConfigs, TenantLogos, Transcriptions, UnitOfWork,
    Uploads, VirtualSessions, VisitChanges, VisitId,
};
use vcare_app::spans::ended;
use vcare_app::{ReliedOnConsent, Scope, TraceContext};
use vcare_domain::{
    EmergencyAccess, EventId, JobId, LeaseToken, PatientId, SessionId, TenantConfig, TenantId, UserId, Version,
};

use self::async_visits::PgAsyncVisits;
use self::jobs::PgJobs;
use self::sessions::PgSessions;
use crate::ai_drafts::PgAiDrafts;
use crate::answers::PgAnswers;
use crate::connection::Pooled;
use crate::consent_evidence;
use crate::emergencies::PgEmergencies;
use crate::errors::store_error;
use crate::leases::PgLeases;
use crate::links::PgLinks;
use crate::logos::PgTenantLogos;
use crate::new_events::{NewEvent, audit_event, write_events};
use crate::presences::PgPresences;
use crate::record_keys::{KeyOfRecord, RecordCiphers, session_cipher};
use crate::rows::Restored;
use crate::secrets::PgSecrets;
use crate::subjects::PgSubjects;
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

/// What a transaction takes times, ids and keys from.
pub(crate) struct Sources {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) keys: Arc<dyn RecordKeys>,
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
    keys: Arc<dyn RecordKeys>,
    ciphers: RecordCiphers,
}

impl PgUnitOfWork {
    pub(crate) fn new(
        named: Named,
        conn: Pooled,
        scope: Scope,
        first_lease: FirstLease,
        sources: Sources,
        wakes: Wakes,
    ) -> Self {
        let Sources { clock, ids, keys } = sources;
        let (wrote_events, saved, ciphers) = (false, Vec::new(), RecordCiphers::default());
        Self {
            named,
            begun: Instant::now(),
            conn,
            scope,
            first_lease,
            clock,
            ids,
            wakes,
            wrote_events,
            saved,
            keys,
            ciphers,
        }
    }

    /// The transaction's connection, and the tenant it sees.
    pub(crate) fn parts(&mut self) -> (&mut AsyncPgConnection, &TenantId) {
        (&mut self.conn.pg, &self.scope.tenant_id)
    }

    /// The cipher of a record, when it has a key and was read or written in this transaction.
    pub(crate) fn known_cipher(&self, record: Uuid) -> Option<&dyn RecordCipher> {
        self.ciphers.get(record)
    }

    /// Who does it, and for which tenant.
    pub(crate) const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The same, with what decrypts its rows.
    pub(crate) fn decrypting(&mut self) -> (&mut AsyncPgConnection, &TenantId, &dyn RecordKeys) {
        (&mut self.conn.pg, &self.scope.tenant_id, &*self.keys)
    }

    pub(crate) fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    /// What encrypts for a record: with the key that it was read with, or with a new one when it had none.
    pub(crate) async fn cipher(&mut self, record: Uuid, patient: &PatientId) -> Result<&dyn RecordCipher, StoreError> {
        if !self.ciphers.contains(record) {
            let id = RecordId { tenant: &self.scope.tenant_id, patient, record };
            let at = self.clock.now();
            let drawn = KeyOfRecord::find_or_draw(&self.conn.pg, &*self.keys, id, at).await?;
            let cipher = drawn.store(&self.conn.pg, id, at).await?;
            self.ciphers.keep(record, cipher);
        }
        self.ciphers.get(record).ok_or(StoreError::Conflict)
    }

    /// What encrypts for a session, whether or not it was read in this transaction.
    pub(crate) async fn cipher_of_session(&mut self, session: SessionId) -> Result<&dyn RecordCipher, StoreError> {
        let record = *session.as_uuid();
        if !self.ciphers.contains(record) {
            let (tenant, at) = (&self.scope.tenant_id, self.clock.now());
            let cipher = session_cipher(&self.conn.pg, &*self.keys, tenant, session, at).await?;
            self.ciphers.keep(record, cipher);
        }
        self.ciphers.get(record).ok_or(StoreError::Conflict)
    }

    /// Takes an aggregate that was read, and keeps its cipher for when it is saved.
    pub(crate) fn opened<A>(&mut self, record: Uuid, mut restored: Restored<A>) -> A {
        if let Some(cipher) = restored.cipher.take() {
            self.ciphers.keep(record, cipher);
        }
        if restored.unread.is_some() {
            self.ciphers.miss(record);
        }
        restored.readable()
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

    fn subjects(&mut self) -> Box<dyn Subjects + '_> {
        Box::new(PgSubjects(self))
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

    async fn tell_of_erasure(&mut self, patient: &PatientId, at: OffsetDateTime) -> Result<(), StoreError> {
        let id = self.event_id();
        let event = erasure_event(patient, at, id, &self.scope);
        let body = serde_json::to_vec(&event).map_err(|error| StoreError::Faulty(Box::new(error)))?;
        let ordering_key = patient.as_str().to_owned();
        self.write_events(&[NewEvent { id, subject: event.kind(), ordering_key, body }]).await
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

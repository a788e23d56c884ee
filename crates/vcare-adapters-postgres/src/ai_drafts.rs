//! Machines' drafts.

use async_trait::async_trait;
use diesel::prelude::{ExpressionMethods, QueryDsl};
use diesel::sql_types::{Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use time::OffsetDateTime;
use uuid::Uuid;
use vcare_app::events::AuditEntry;
use vcare_app::ports::{AiDrafts, JobKind, RecordKeys, StoreError, UnitOfWork};
use vcare_domain::{AiDraft, AiDraftId, DraftEvent, DraftStatus, SessionId, TenantId};

use crate::errors::store_error;
use crate::queries::{Lock, drafts};
use crate::rows::{NewAiDraftRow, seal_draft, version_number};
use crate::schema::ai_draft;
use crate::unit_of_work::PgUnitOfWork;

/// A visit's summaries share one job: who accepts another one holds it anew, and who held it before finds that out when it
/// ends.
const OWE: &str = "
INSERT INTO retry_job (tenant_id, session_id, kind, id, state, attempts, due_at, lease_token, correlation_id, traceparent,
                       created_at)
VALUES ($1, $2, $3, $4, 'open', 1, $5, $6, $7, $8, $9)
ON CONFLICT (tenant_id, session_id, kind) DO UPDATE
   SET state = 'open', attempts = 1, due_at = excluded.due_at, lease_token = excluded.lease_token,
       correlation_id = excluded.correlation_id, traceparent = excluded.traceparent";

pub(crate) async fn find(
    pg: &mut AsyncPgConnection,
    keys: &dyn RecordKeys,
    tenant: &TenantId,
    id: AiDraftId,
) -> Result<Option<AiDraft>, StoreError> {
    drafts::one(pg, keys, drafts::of(tenant).filter(ai_draft::id.eq(id.as_uuid())), Lock::None).await
}

pub(crate) async fn undelivered(
    pg: &mut AsyncPgConnection,
    keys: &dyn RecordKeys,
    tenant: &TenantId,
    session: SessionId,
) -> Result<Vec<AiDraft>, StoreError> {
    let query = drafts::of(tenant)
        .filter(ai_draft::session_id.eq(session.as_uuid()))
        .filter(ai_draft::status.eq(DraftStatus::Accepted.as_str()))
        .filter(ai_draft::delivered_at.is_null())
        .order(ai_draft::id);
    let rows = drafts::rows(pg, query, Lock::None).await?;
    let mut drafts = Vec::with_capacity(rows.len());
    for row in rows {
        drafts.push(row.restore(keys).await?);
    }
    Ok(drafts)
}

pub(crate) async fn undecided(
    pg: &mut AsyncPgConnection,
    tenant: &TenantId,
    session: SessionId,
    now: OffsetDateTime,
) -> Result<Vec<AiDraftId>, StoreError> {
    let ids: Vec<Uuid> = ai_draft::table
        .filter(ai_draft::tenant_id.eq(tenant.as_str()))
        .filter(ai_draft::session_id.eq(session.as_uuid()))
        .filter(ai_draft::status.eq(DraftStatus::Pending.as_str()))
        .filter(ai_draft::expires_at.gt(now))
        .order(ai_draft::id)
        .select(ai_draft::id)
        .load(pg)
        .await
        .map_err(store_error)?;
    Ok(ids.into_iter().map(AiDraftId::from_uuid).collect())
}

pub(crate) struct PgAiDrafts<'t>(pub(crate) &'t mut PgUnitOfWork);

impl PgAiDrafts<'_> {
    async fn write(&mut self, draft: &AiDraft) -> Result<(), StoreError> {
        let parts = draft.parts();
        let sealed = match draft.text() {
            Some(text) => Some(seal_draft(self.0.cipher_of_session(parts.session_id).await?, parts.id, text)?),
            None => None,
        };
        let mut row = NewAiDraftRow::of(parts, draft.status().as_str());
        row.changes.sealed = sealed.as_deref();
        let (conn, _) = self.0.parts();
        let Some(stored) = draft.stored() else {
            diesel::insert_into(ai_draft::table).values(row).execute(conn).await.map_err(store_error)?;
            return Ok(());
        };
        let there = ai_draft::table
            .find((parts.tenant_id.as_str(), parts.id.as_uuid()))
            .filter(ai_draft::version.eq(version_number(stored)));
        let written = diesel::update(there).set(row.changes).execute(conn).await.map_err(store_error)?;
        if written == 1 { Ok(()) } else { Err(StoreError::Conflict) }
    }

    async fn owe(&mut self, session: SessionId) -> Result<(), StoreError> {
        let (job, lease, until) = self.0.new_job();
        let (now, trace) = (self.0.now(), self.0.trace().clone());
        let (conn, tenant) = self.0.parts();
        diesel::sql_query(OWE)
            .bind::<Text, _>(tenant.as_str())
            .bind::<SqlUuid, _>(session.as_uuid())
            .bind::<Text, _>(JobKind::PushSummary.as_str())
            .bind::<SqlUuid, _>(job.as_uuid())
            .bind::<Timestamptz, _>(until)
            .bind::<SqlUuid, _>(lease.as_uuid())
            .bind::<Text, _>(&trace.correlation_id)
            .bind::<Text, _>(&trace.traceparent)
            .bind::<Timestamptz, _>(now)
            .execute(conn)
            .await
            .map_err(store_error)?;
        Ok(())
    }
}

#[async_trait]
impl AiDrafts for PgAiDrafts<'_> {
    async fn find(&mut self, id: AiDraftId) -> Result<Option<AiDraft>, StoreError> {
        let (conn, tenant, keys) = self.0.decrypting();
        drafts::one(conn, keys, drafts::of(tenant).filter(ai_draft::id.eq(id.as_uuid())), Lock::NoKeyUpdate).await
    }

    async fn undelivered(&mut self, session: SessionId) -> Result<Vec<AiDraft>, StoreError> {
        let (conn, tenant, keys) = self.0.decrypting();
        undelivered(conn, keys, tenant, session).await
    }

    async fn save(&mut self, draft: &mut AiDraft) -> Result<(), StoreError> {
        self.write(draft).await?;
        for recorded in draft.events() {
            self.0.audit(AuditEntry::ai_draft(draft.parts(), recorded.event, recorded.at)).await?;
        }
        if draft.events().iter().any(|recorded| recorded.event == DraftEvent::Accepted) {
            self.owe(draft.parts().session_id).await?;
        }
        draft.mark_saved();
        Ok(())
    }
}

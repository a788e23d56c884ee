//! The uploads: inside a transaction, in single statements, and those of all tenants that are due.

use std::sync::Arc;

use async_trait::async_trait;
use diesel::dsl::{count_star, min};
use diesel::prelude::{ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName};
use diesel::sql_types::{Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use time::OffsetDateTime;
use uuid::Uuid;
use vcare_app::ports::{LeasedUpload, RecordCipher, RecordId, StoreError, UploadQueue, UploadReads, Uploads};
use vcare_domain::{
    AsyncVisit, ClientMutationId, LeaseToken, PatientId, TenantId, Upload, UploadId, UploadParts, UploadSlot, UserId,
};

use crate::errors::store_error;
use crate::jobs::PgJobQueue;
use crate::queries::{Lock, async_visits, uploads};
use crate::record_keys::{Custody, custody_of_upload};
use crate::rows::{UploadChanges, UploadRow};
use crate::schema::{async_upload, async_visit};
use crate::store::PgStore;
use crate::unit_of_work::PgUnitOfWork;

const DISCARDED: &str = "discarded";
/// Held to the end of the transaction. Accounts whose hashes are the same wait for each other, and for no longer than that.
const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtextextended('uploads ' || $1 || ' ' || $2, 0))";

pub(crate) struct PgUploads<'t>(pub(crate) &'t mut PgUnitOfWork);

#[async_trait]
impl Uploads for PgUploads<'_> {
    async fn find(&mut self, id: UploadId) -> Result<Option<Upload>, StoreError> {
        let (conn, tenant) = self.0.parts();
        let found =
            uploads::of(tenant).filter(async_upload::id.eq(id.as_uuid())).filter(async_upload::state.ne(DISCARDED));
        uploads::one(conn, found, Lock::NoKeyUpdate).await
    }

    async fn find_held(&mut self, id: UploadId, lease: LeaseToken) -> Result<Option<Upload>, StoreError> {
        let (conn, tenant) = self.0.parts();
        let held = uploads::of(tenant)
            .filter(async_upload::id.eq(id.as_uuid()))
            .filter(async_upload::lease_token.eq(lease.as_uuid()));
        uploads::one(conn, held, Lock::NoKeyUpdate).await
    }

    async fn in_slot(
        &mut self,
        owner: &UserId,
        patient: &PatientId,
        slot: &UploadSlot,
    ) -> Result<Option<Upload>, StoreError> {
        let (conn, tenant) = self.0.parts();
        let there = uploads::of(tenant)
            .filter(async_upload::client_mutation_id.eq(slot.client_mutation_id.as_uuid()))
            .filter(async_upload::patient_id.eq(patient.as_str()))
            .filter(async_upload::attachment_index.eq(i16::from(slot.index)))
            .filter(async_upload::kind.eq(slot.kind.as_str()))
            .filter(async_upload::owner_id.eq(owner.as_str()))
            .filter(async_upload::state.ne(DISCARDED));
        uploads::one(conn, there, Lock::NoKeyUpdate).await
    }

    async fn of_patient(&mut self, patient: &PatientId) -> Result<Vec<Upload>, StoreError> {
        let (conn, tenant) = self.0.parts();
        let query = uploads::of(tenant)
            .filter(async_upload::patient_id.eq(patient.as_str()))
            .filter(async_upload::state.ne(DISCARDED))
            .order(async_upload::id);
        let rows = uploads::rows(conn, query, Lock::NoKeyUpdate).await?;
        rows.into_iter().map(UploadRow::restore).collect()
    }

    async fn created_since(&mut self, owner: &UserId, since: OffsetDateTime) -> Result<u64, StoreError> {
        let (conn, tenant) = self.0.parts();
        diesel::sql_query(LOCK)
            .bind::<Text, _>(tenant.as_str())
            .bind::<Text, _>(owner.as_str())
            .execute(conn)
            .await
            .map_err(store_error)?;
        let created: i64 = async_upload::table
            .filter(async_upload::tenant_id.eq(tenant.as_str()))
            .filter(async_upload::owner_id.eq(owner.as_str()))
            .filter(async_upload::created_at.ge(since))
            .select(count_star())
            .first(conn)
            .await
            .map_err(store_error)?;
        Ok(u64::try_from(created).unwrap_or(0))
    }

    async fn visit_of(
        &mut self,
        patient: &PatientId,
        draft: &ClientMutationId,
    ) -> Result<Option<AsyncVisit>, StoreError> {
        // Locked against changes: nobody answers the visit while something is added to it.
        let (conn, tenant, keys) = self.0.decrypting();
        let visit = async_visits::of(tenant)
            .filter(async_visit::client_mutation_id.eq(draft.as_uuid()))
            .filter(async_visit::patient_id.eq(patient.as_str()));
        let found = async_visits::one(conn, keys, visit, Lock::Share).await?;
        Ok(found.map(|found| found.aggregate))
    }

    async fn insert(&mut self, upload: &Upload) -> Result<(), StoreError> {
        let (conn, _) = self.0.parts();
        diesel::insert_into(async_upload::table)
            .values(UploadRow::from(upload))
            .execute(conn)
            .await
            .map_err(store_error)?;
        let parts = upload.parts();
        self.0.cipher(*parts.id.as_uuid(), &parts.patient_id).await.map(drop)
    }

    async fn save(&mut self, upload: &Upload) -> Result<(), StoreError> {
        let (conn, tenant) = self.0.parts();
        let row = async_upload::table.find((tenant.as_str(), upload.parts().id.as_uuid()));
        let written = diesel::update(row).set(UploadChanges::from(upload)).execute(conn).await.map_err(store_error)?;
        if written == 1 { Ok(()) } else { Err(StoreError::Conflict) }
    }

    async fn forget(&mut self, id: UploadId) -> Result<(), StoreError> {
        let (conn, tenant) = self.0.parts();
        let row = async_upload::table.find((tenant.as_str(), id.as_uuid()));
        diesel::delete(row).execute(conn).await.map_err(store_error)?;
        Ok(())
    }
}

#[async_trait]
impl UploadReads for PgStore {
    async fn upload(&self, tenant: &TenantId, id: UploadId) -> Result<Option<Upload>, StoreError> {
        let mut conn = self.connections.tenant(tenant).await?;
        let found =
            uploads::of(tenant).filter(async_upload::id.eq(id.as_uuid())).filter(async_upload::state.ne(DISCARDED));
        uploads::one(&mut conn.pg, found, Lock::None).await
    }

    async fn held_upload(&self, tenant: &TenantId, id: UploadId) -> Result<Option<Upload>, StoreError> {
        let mut conn = self.connections.tenant(tenant).await?;
        uploads::one(&mut conn.pg, uploads::of(tenant).filter(async_upload::id.eq(id.as_uuid())), Lock::None).await
    }

    async fn upload_cipher(&self, upload: &UploadParts) -> Result<Option<Arc<dyn RecordCipher>>, StoreError> {
        let (tenant, patient) = (&upload.tenant_id, &upload.patient_id);
        let record = RecordId { tenant, patient, record: *upload.id.as_uuid() };
        let mut conn = self.connections.tenant(tenant).await?;
        match custody_of_upload(&mut conn.pg, tenant, upload.id).await? {
            Custody::NoKey => Ok(None),
            Custody::Keys(wrapped) => Ok(Some(self.keys.record_cipher(record, &wrapped).await?)),
            Custody::Erased(_) => Err(StoreError::SubjectErased),
        }
    }

    async fn uploads_of(
        &self,
        tenant: &TenantId,
        patient: &PatientId,
        draft: &ClientMutationId,
    ) -> Result<Vec<Upload>, StoreError> {
        let mut conn = self.connections.tenant(tenant).await?;
        let query = uploads::of(tenant)
            .filter(async_upload::client_mutation_id.eq(draft.as_uuid()))
            .filter(async_upload::patient_id.eq(patient.as_str()))
            .filter(async_upload::state.ne(DISCARDED))
            .order((async_upload::attachment_index, async_upload::kind));
        let rows = uploads::rows(&mut conn.pg, query, Lock::None).await?;
        rows.into_iter().map(UploadRow::restore).collect()
    }
}

/// Takes the one that is due longest and that nobody else is taking.
const LEASE: &str = "
WITH due AS MATERIALIZED (
    SELECT tenant_id, id
      FROM async_upload
     WHERE due_at <= $1
     ORDER BY due_at
     LIMIT 1
       FOR UPDATE SKIP LOCKED)
UPDATE async_upload AS upload
   SET due_at = $2, lease_token = $3,
       checks = upload.checks + CASE WHEN upload.state = 'checking' THEN 1 ELSE 0 END
  FROM due
 WHERE upload.tenant_id = due.tenant_id AND upload.id = due.id
RETURNING upload.tenant_id, upload.id";

#[derive(QueryableByName)]
struct LeasedRow {
    #[diesel(sql_type = Text)]
    tenant_id: String,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

#[async_trait]
impl UploadQueue for PgJobQueue {
    async fn lease(&self, now: OffsetDateTime, until: OffsetDateTime) -> Result<Option<LeasedUpload>, StoreError> {
        let lease = self.new_lease();
        let mut conn = self.connections.unbound().await?;
        let row: Option<LeasedRow> = diesel::sql_query(LEASE)
            .bind::<Timestamptz, _>(now)
            .bind::<Timestamptz, _>(until)
            .bind::<SqlUuid, _>(lease.as_uuid())
            .get_result(&mut conn.pg)
            .await
            .optional()
            .map_err(store_error)?;
        let Some(LeasedRow { tenant_id, id }) = row else { return Ok(None) };
        let corrupt = |_| StoreError::Corrupt { table: "async_upload", column: "tenant_id" };
        let tenant_id = TenantId::parse(tenant_id).map_err(corrupt)?;
        Ok(Some(LeasedUpload { tenant_id, id: UploadId::from_uuid(id), lease }))
    }

    async fn unchecked(&self) -> Result<(u64, Option<OffsetDateTime>), StoreError> {
        let mut conn = self.connections.unbound().await?;
        let (count, oldest): (i64, Option<OffsetDateTime>) = async_upload::table
            .filter(async_upload::state.eq("checking"))
            .select((count_star(), min(async_upload::updated_at)))
            .first(&mut conn.pg)
            .await
            .map_err(store_error)?;
        Ok((u64::try_from(count).unwrap_or(0), oldest))
    }
}

//! Emergency accesses: inside a transaction, and in single statements.

use async_trait::async_trait;
use diesel::dsl::{AsSelect, SqlTypeOf};
use diesel::pg::Pg;
use diesel::prelude::{ExpressionMethods, QueryDsl, Queryable, Selectable, SelectableHelper};
use diesel::sql_types::{Int4, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use time::OffsetDateTime;
use uuid::Uuid;
use vcare_app::events::AuditEntry;
use vcare_app::ports::{Emergencies, EmergencyReads, StoreError, UnitOfWork};
use vcare_domain::{EmergencyAccess, EmergencyAccessId, EmergencyReason, PatientId, TenantId, UserId};

use crate::errors::store_error;
use crate::rows::{noted, reason};
use crate::schema::emergency_access;
use crate::store::PgStore;
use crate::unit_of_work::PgUnitOfWork;

/// By two numbers, which are other locks than those by one. Whose hashes are the same wait for each other, and for no longer
/// than a transaction.
const LOCK: &str = "SELECT pg_advisory_xact_lock($1, hashtext(concat_ws(' ', $2, $3, $4)))";
const LOCK_KIND: i32 = 14;

#[derive(Queryable, Selectable)]
#[diesel(table_name = emergency_access, check_for_backend(diesel::pg::Pg))]
struct EmergencyRow {
    tenant_id: String,
    id: Uuid,
    user_id: String,
    patient_id: String,
    reason: String,
    visit: Option<String>,
    granted_at: OffsetDateTime,
    expires_at: OffsetDateTime,
    reason_code: Option<String>,
}

impl EmergencyRow {
    fn restore(self) -> Result<EmergencyAccess, StoreError> {
        let corrupt = |column| StoreError::Corrupt { table: "emergency_access", column };
        Ok(EmergencyAccess {
            id: EmergencyAccessId::from_uuid(self.id),
            tenant_id: TenantId::parse(self.tenant_id).map_err(|_| corrupt("tenant_id"))?,
            user_id: UserId::parse(self.user_id).map_err(|_| corrupt("user_id"))?,
            patient_id: PatientId::parse(self.patient_id).map_err(|_| corrupt("patient_id"))?,
            reason: reason(self.reason_code.as_deref(), Some(&self.reason), EmergencyReason::parse)
                .map_err(|_| corrupt("reason"))?,
            visit: self.visit.map(|visit| visit.parse()).transpose().map_err(|_| corrupt("visit"))?,
            granted_at: self.granted_at,
            expires_at: self.expires_at,
        })
    }
}

type Rows<'q> = emergency_access::BoxedQuery<'q, Pg, SqlTypeOf<AsSelect<EmergencyRow, Pg>>>;

fn accesses<'q>() -> Rows<'q> {
    emergency_access::table.select(EmergencyRow::as_select()).into_boxed()
}

async fn load(pg: &mut AsyncPgConnection, query: Rows<'_>) -> Result<Vec<EmergencyAccess>, StoreError> {
    let rows: Vec<EmergencyRow> = query.load(pg).await.map_err(store_error)?;
    rows.into_iter().map(EmergencyRow::restore).collect()
}

/// What holds now: see [`EmergencyAccess::is_open`].
async fn open(
    pg: &mut AsyncPgConnection,
    tenant: &TenantId,
    user: &UserId,
    patient: &PatientId,
    now: OffsetDateTime,
) -> Result<Option<EmergencyAccess>, StoreError> {
    use emergency_access::dsl;
    let query = accesses()
        .filter(dsl::tenant_id.eq(tenant.as_str()))
        .filter(dsl::user_id.eq(user.as_str()))
        .filter(dsl::patient_id.eq(patient.as_str()))
        .filter(dsl::granted_at.le(now))
        .filter(dsl::expires_at.gt(now))
        .order(dsl::expires_at.desc())
        .limit(1);
    Ok(load(pg, query).await?.pop())
}

/// Those that were granted at that moment or later, as far as the connection's role sees them; oldest first.
pub(crate) async fn granted_since(
    pg: &mut AsyncPgConnection,
    tenant: Option<&TenantId>,
    since: OffsetDateTime,
) -> Result<Vec<EmergencyAccess>, StoreError> {
    use emergency_access::dsl;
    let mut query = accesses().filter(dsl::granted_at.ge(since)).order((dsl::granted_at, dsl::id));
    if let Some(tenant) = tenant {
        query = query.filter(dsl::tenant_id.eq(tenant.as_str()));
    }
    load(pg, query).await
}

#[async_trait]
impl EmergencyReads for PgStore {
    async fn open_emergency(
        &self,
        tenant: &TenantId,
        user: &UserId,
        patient: &PatientId,
        now: OffsetDateTime,
    ) -> Result<Option<EmergencyAccess>, StoreError> {
        open(&mut self.connections.tenant(tenant).await?.pg, tenant, user, patient, now).await
    }
}

pub(crate) struct PgEmergencies<'t>(pub(crate) &'t mut PgUnitOfWork);

#[async_trait]
impl Emergencies for PgEmergencies<'_> {
    async fn open(
        &mut self,
        user: &UserId,
        patient: &PatientId,
        now: OffsetDateTime,
    ) -> Result<Option<EmergencyAccess>, StoreError> {
        let (pg, tenant) = self.0.parts();
        // There is no row to lock yet.
        diesel::sql_query(LOCK)
            .bind::<Int4, _>(LOCK_KIND)
            .bind::<Text, _>(tenant.as_str())
            .bind::<Text, _>(user.as_str())
            .bind::<Text, _>(patient.as_str())
            .execute(pg)
            .await
            .map_err(store_error)?;
        // A statement of its own sees what was committed while the lock was waited for.
        open(pg, tenant, user, patient, now).await
    }

    async fn keep(&mut self, access: &EmergencyAccess, treating: &[UserId]) -> Result<(), StoreError> {
        use emergency_access::dsl;
        let (pg, _) = self.0.parts();
        diesel::insert_into(emergency_access::table)
            .values((
                dsl::tenant_id.eq(access.tenant_id.as_str()),
                dsl::id.eq(access.id.as_uuid()),
                dsl::user_id.eq(access.user_id.as_str()),
                dsl::patient_id.eq(access.patient_id.as_str()),
                dsl::reason.eq(noted(&access.reason, EmergencyReason::as_str)),
                dsl::reason_code.eq(access.reason.code.as_str()),
                dsl::visit.eq(access.visit.map(|visit| visit.to_string())),
                dsl::granted_at.eq(access.granted_at),
                dsl::expires_at.eq(access.expires_at),
            ))
            .execute(pg)
            .await
            .map_err(store_error)?;
        self.0.audit(AuditEntry::emergency_access(access)).await?;
        self.0.write_emergency_event(access, treating).await
    }
}

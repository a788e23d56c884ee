//! Visits without a live link: reads of single statements, bound to a tenant.

use async_trait::async_trait;
use diesel::prelude::{ExpressionMethods, OptionalExtension, QueryDsl, SelectableHelper};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use vcare_app::ports::{AsyncVisitFilter, AsyncVisitPage, AsyncVisitReads, FirstSubmission, RecordKeys, StoreError};
use vcare_domain::{AsyncVisit, AsyncVisitId, ClientMutationId, TenantId};

use crate::errors::store_error;
use crate::lists;
use crate::queries::{Lock, async_visits};
use crate::rows::FirstSubmissionRow;
use crate::schema::async_visit;
use crate::store::PgStore;

/// What a draft was when it first arrived.
pub(crate) async fn first_submission(
    pg: &mut AsyncPgConnection,
    keys: &dyn RecordKeys,
    tenant: &TenantId,
    draft: ClientMutationId,
    content_hash: &[u8; 32],
) -> Result<Option<FirstSubmission>, StoreError> {
    let row: Option<FirstSubmissionRow> = async_visit::table
        .filter(async_visit::tenant_id.eq(tenant.as_str()))
        .filter(async_visit::client_mutation_id.eq(draft.as_uuid()))
        .select(FirstSubmissionRow::as_select())
        .first(pg)
        .await
        .optional()
        .map_err(store_error)?;
    match row {
        Some(row) => row.restore(keys, content_hash).await.map(Some),
        None => Ok(None),
    }
}

#[async_trait]
impl AsyncVisitReads for PgStore {
    async fn async_visit(&self, tenant: &TenantId, id: AsyncVisitId) -> Result<Option<AsyncVisit>, StoreError> {
        let mut conn = self.connections.tenant(tenant).await?;
        let found = async_visits::of(tenant).filter(async_visit::id.eq(id.as_uuid()));
        let found = async_visits::one(&mut conn.pg, &*self.keys, found, Lock::None).await?;
        Ok(found.map(|found| found.aggregate))
    }

    async fn async_visits(&self, tenant: &TenantId, filter: &AsyncVisitFilter) -> Result<AsyncVisitPage, StoreError> {
        let mut conn = self.connections.tenant(tenant).await?;
        lists::async_visit_page(&mut conn.pg, &*self.keys, tenant, filter).await
    }

    async fn first_submission(
        &self,
        tenant: &TenantId,
        draft: ClientMutationId,
        content_hash: &[u8; 32],
    ) -> Result<Option<FirstSubmission>, StoreError> {
        let mut conn = self.connections.tenant(tenant).await?;
        first_submission(&mut conn.pg, &*self.keys, tenant, draft, content_hash).await
    }
}

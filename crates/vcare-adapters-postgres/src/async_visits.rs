//! Visits without a live link: reads of single statements, bound to a tenant.

use async_trait::async_trait;
use diesel::prelude::{ExpressionMethods, OptionalExtension, QueryDsl};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use vcare_app::ports::{AsyncVisitFilter, AsyncVisitPage, AsyncVisitReads, FirstSubmission, StoreError};
use vcare_domain::{AsyncVisit, AsyncVisitId, ClientMutationId, TenantId};

use crate::errors::store_error;
use crate::lists;
use crate::queries::{Lock, async_visits};
use crate::rows::{FirstSubmissionRow, restore_first};
use crate::schema::async_visit;
use crate::store::PgStore;

/// What a draft was when it first arrived.
pub(crate) async fn first_submission(
    pg: &mut AsyncPgConnection,
    tenant: &TenantId,
    draft: ClientMutationId,
) -> Result<Option<FirstSubmission>, StoreError> {
    let row: Option<FirstSubmissionRow> = async_visit::table
        .filter(async_visit::tenant_id.eq(tenant.as_str()))
        .filter(async_visit::client_mutation_id.eq(draft.as_uuid()))
        .select((
            async_visit::patient_id,
            async_visit::submitted_by,
            async_visit::content_hash,
            async_visit::original_body,
        ))
        .first(pg)
        .await
        .optional()
        .map_err(store_error)?;
    row.map(restore_first).transpose()
}

#[async_trait]
impl AsyncVisitReads for PgStore {
    async fn async_visit(&self, tenant: &TenantId, id: AsyncVisitId) -> Result<Option<AsyncVisit>, StoreError> {
        let mut conn = self.connections.tenant(tenant).await?;
        let found = async_visits::of(tenant).filter(async_visit::id.eq(id.as_uuid()));
        async_visits::one(&mut conn.pg, found, Lock::None).await
    }

    async fn async_visits(&self, tenant: &TenantId, filter: &AsyncVisitFilter) -> Result<AsyncVisitPage, StoreError> {
        lists::async_visit_page(&mut self.connections.tenant(tenant).await?.pg, tenant, filter).await
    }

    async fn first_submission(
        &self,
        tenant: &TenantId,
        draft: ClientMutationId,
    ) -> Result<Option<FirstSubmission>, StoreError> {
        first_submission(&mut self.connections.tenant(tenant).await?.pg, tenant, draft).await
    }
}

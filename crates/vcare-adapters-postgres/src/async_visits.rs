//! Visits without a live link: reads of single statements, bound to a tenant.

use async_trait::async_trait;
use diesel::prelude::{
    BoolExpressionMethods, ExpressionMethods, NullableExpressionMethods, OptionalExtension, QueryDsl,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use vcare_app::ports::{ArrivalCursor, AsyncVisitFilter, AsyncVisitPage, AsyncVisitReads, FirstSubmission, StoreError};
use vcare_domain::{AsyncVisit, AsyncVisitId, AsyncVisitStatus, ClientMutationId, PatientId, TenantId, UserId};

use crate::errors::store_error;
use crate::queries::{Lock, async_visits};
use crate::rows::{AsyncVisitRow, FirstSubmissionRow, restore_first};
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
        use async_visit::dsl;
        let mut query = async_visits::of(tenant);
        if let Some(status) = filter.status {
            query = query.filter(dsl::status.eq(status.as_str()));
        }
        if let Some(at) = filter.claimable_at {
            let waiting = [AsyncVisitStatus::Submitted.as_str(), AsyncVisitStatus::UnderReview.as_str()];
            // The first condition lets the queue's own index be used.
            query = query
                .filter(dsl::status.eq_any(waiting))
                .filter(dsl::claimed_until.is_null().or(dsl::claimed_until.le(at)));
        }
        if let Some(patient) = &filter.patient_id {
            query = query.filter(dsl::patient_id.eq(PatientId::as_str(patient)));
        }
        if let Some(provider) = &filter.provider_id {
            query = query.filter(dsl::provider_id.eq(UserId::as_str(provider)));
        }
        if let Some(account) = &filter.visible_to {
            let account = UserId::as_str(account);
            let waiting = [AsyncVisitStatus::Submitted.as_str(), AsyncVisitStatus::UnderReview.as_str()];
            let queue = dsl::status.eq_any(waiting);
            let own = dsl::provider_id.eq(account).or(dsl::submitted_by.nullable().eq(account));
            query = query.filter(own.or(queue.nullable()));
        }
        if let Some(after) = filter.after {
            let later = dsl::submitted_at.gt(after.submitted_at);
            let same = dsl::submitted_at.eq(after.submitted_at).and(dsl::id.gt(*after.id.as_uuid()));
            // The first condition is implied by the second; it lets the index be entered at the right place.
            query = query.filter(dsl::submitted_at.ge(after.submitted_at)).filter(later.or(same));
        }
        let limit = usize::from(filter.limit.max(1));
        let mut conn = self.connections.tenant(tenant).await?;
        query = query.order((dsl::submitted_at, dsl::id)).limit(i64::from(filter.limit.max(1)) + 1);
        let rows = async_visits::rows(&mut conn.pg, query, Lock::None).await?;
        let more = rows.len() > limit;
        let items: Result<Vec<_>, _> = rows.into_iter().take(limit).map(AsyncVisitRow::restore).collect();
        let items = items?;
        let next = items
            .last()
            .filter(|_| more)
            .map(|last| ArrivalCursor { submitted_at: last.parts().submitted_at, id: last.parts().id });
        Ok(AsyncVisitPage { items, next })
    }

    async fn first_submission(
        &self,
        tenant: &TenantId,
        draft: ClientMutationId,
    ) -> Result<Option<FirstSubmission>, StoreError> {
        first_submission(&mut self.connections.tenant(tenant).await?.pg, tenant, draft).await
    }
}

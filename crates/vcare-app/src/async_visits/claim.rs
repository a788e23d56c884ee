//! A clinician takes a visit up.

use vcare_domain::{AsyncVisitId, ClaimLease, ExpectedVersions};

use crate::access::{Audited, ViewedAsyncVisit};
use crate::actor::Caller;
use crate::app::App;
use crate::authorisation::Permission;
use crate::error::AppError;

impl App {
    /// Takes a visit up: of two who do at once, one wins. Who holds it already holds it for longer.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::NotFound`], [`AppError::AsyncRefused`], [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id, async_visit_id = %id))]
    pub async fn claim_async_visit(
        &self,
        caller: &Caller,
        id: AsyncVisitId,
        lease: ClaimLease,
        expected: Option<ExpectedVersions>,
    ) -> Result<ViewedAsyncVisit, AppError> {
        let work = async {
            let change = caller.change(self.clock.now(), expected);
            let changed = self
                .change_async_visit("claim_async_visit", caller, Permission::AsyncVisitReview, id, |visit| {
                    visit.claim(lease, &change)
                })
                .await?;
            Ok(ViewedAsyncVisit { visit: changed.visit, audience: changed.audience })
        };
        self.guarded(caller, Permission::AsyncVisitReview, Audited::async_visit(id), work).await
    }
}

//! An answered visit is closed.

use vcare_domain::{AsyncVisitId, ExpectedVersions};

use crate::access::{Audited, ViewedAsyncVisit};
use crate::actor::Caller;
use crate::app::App;
use crate::authorisation::Permission;
use crate::error::AppError;

impl App {
    /// Closes an answered visit. Doing it twice changes nothing.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::NotFound`], [`AppError::AsyncRefused`], [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id, async_visit_id = %id))]
    pub async fn close_async_visit(
        &self,
        caller: &Caller,
        id: AsyncVisitId,
        expected: Option<ExpectedVersions>,
    ) -> Result<ViewedAsyncVisit, AppError> {
        let work = async {
            let change = caller.change(self.clock.now(), expected);
            let changed = self
                .change_async_visit("close_async_visit", caller, Permission::AsyncVisitClose, id, |visit| {
                    visit.close(&change)
                })
                .await?;
            Ok(ViewedAsyncVisit { visit: changed.visit, audience: changed.audience })
        };
        self.guarded(caller, Permission::AsyncVisitClose, Audited::async_visit(id), work).await
    }
}

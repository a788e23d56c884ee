//! The clinician who answered a visit adds to the answer.

use vcare_domain::{AsyncVisit, AsyncVisitId, ExpectedVersions, ResponseText};

use crate::access::{Audited, ViewedAsyncVisit};
use crate::actor::Caller;
use crate::app::App;
use crate::async_visits::Changed;
use crate::authorisation::Permission;
use crate::error::AppError;

impl App {
    /// Adds to the caller's answer, also when the visit is closed. What was written before stays as it is. The newest
    /// addition again changes nothing.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::NotFound`], [`AppError::AsyncRefused`], [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id, async_visit_id = %id))]
    pub async fn amend_async_visit(
        &self,
        caller: &Caller,
        id: AsyncVisitId,
        text: ResponseText,
        expected: Option<ExpectedVersions>,
    ) -> Result<ViewedAsyncVisit, AppError> {
        let work = async {
            let change = caller.change(self.clock.now(), expected);
            let amend = |visit: &mut AsyncVisit| visit.amend(text.clone(), &change);
            let changed =
                self.change_async_visit("amend_async_visit", caller, Permission::AsyncVisitReview, id, amend).await?;
            let Changed { visit, audience, .. } = changed;
            Ok(ViewedAsyncVisit { visit, audience })
        };
        self.guarded(caller, Permission::AsyncVisitReview, Audited::async_visit(id), work).await
    }
}

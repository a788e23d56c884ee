//! A clinician gives a visit back to the queue.

use vcare_domain::{AsyncVisit, AsyncVisitId, Version};

use crate::actor::Caller;
use crate::app::App;
use crate::authorisation::Permission;
use crate::error::AppError;

impl App {
    /// Gives a visit back. Doing it twice changes nothing.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::NotFound`], [`AppError::AsyncRefused`], [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id, async_visit_id = %id))]
    pub async fn release_async_visit(
        &self,
        caller: &Caller,
        id: AsyncVisitId,
        expected: Option<Version>,
    ) -> Result<AsyncVisit, AppError> {
        caller.require(Permission::AsyncVisitReview)?;
        let change = caller.change(self.clock.now(), expected);
        let changed =
            self.change_async_visit("release_async_visit", &caller.scope(), id, |visit| visit.release(&change)).await?;
        Ok(changed.visit)
    }
}

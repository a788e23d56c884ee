//! A live visit that failed goes on without a link.

use vcare_domain::SessionId;

use crate::access::Audited;
use crate::actor::Caller;
use crate::app::App;
use crate::async_visits::{SubmitAsyncVisit, Submitted, WriteBody};
use crate::authorisation::Permission;
use crate::error::AppError;

impl App {
    /// Takes in a draft that goes on with a failed visit, of whose patient it is. `wish` is made of that patient's id and
    /// the visit's appointment. The failed visit stays what it is: a clinician ends it.
    ///
    /// # Errors
    /// Those of [`App::submit_async_visit`]; [`AppError::NotFound`], also for another patient's visit;
    /// [`AppError::Refused`] unless the visit failed.
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id, session_id = %id))]
    pub async fn continue_async(
        &self,
        caller: &Caller,
        id: SessionId,
        wish: impl FnOnce(&vcare_domain::SessionParts) -> SubmitAsyncVisit + Send,
        write: WriteBody<'_>,
    ) -> Result<Submitted, AppError> {
        const NEEDED: Permission = Permission::AsyncVisitSubmit;
        let work = async {
            let (session, access) = self.session_for(caller, id, NEEDED).await?;
            self.take_in(caller, wish(session.parts()), Some(id), access.related_person, write).await
        };
        self.guarded(caller, NEEDED, Audited::session(id), work).await
    }
}

//! Taking an upload back.

use vcare_domain::UploadId;

use super::owned;
use crate::access::Audited;
use crate::actor::Caller;
use crate::app::App;
use crate::authorisation::Permission;
use crate::error::AppError;
use crate::transaction::close;

impl App {
    /// Takes the caller's upload back; its bytes are erased by a worker.
    ///
    /// # Errors
    /// [`AppError::Forbidden`]; [`AppError::NotFound`], also for another account's; [`AppError::Upload`] for what is part
    /// of a visit that was submitted.
    #[tracing::instrument(skip_all)]
    pub async fn discard_upload(&self, caller: &Caller, id: UploadId) -> Result<(), AppError> {
        let work = async {
            let mut tx = self.store.begin("discard_upload", &caller.scope()).await?;
            let discarded = async {
                let mut uploads = tx.uploads();
                let mut upload = owned(uploads.find(id).await?, caller)?;
                let (patient, draft) = (upload.parts().patient_id.clone(), upload.parts().slot.client_mutation_id);
                let visit = uploads.visit_of(&patient, &draft).await?;
                let in_visit = visit.is_some_and(|visit| upload.place_in(visit.parts()).is_some());
                upload.discard(in_visit, self.clock.now())?;
                uploads.save(&upload).await?;
                Ok(())
            }
            .await;
            close(tx, discarded).await
        };
        self.guarded(caller, Permission::AsyncVisitUpload, Audited::upload(id), work).await
    }
}

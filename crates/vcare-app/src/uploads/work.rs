//! Looking at the uploads that are due: never in somebody's request.

use time::{Duration, OffsetDateTime};
use vcare_domain::{Upload, UploadTask};

use crate::actor::{ActorRef, Scope, TraceContext};
use crate::app::App;
use crate::error::AppError;
use crate::ports::{LeasedUpload, StoreError, UnitOfWork};
use crate::transaction::close;

/// So long a worker holds an upload: reading, scanning and writing anew 10 MiB take seconds.
pub(super) const HELD_FOR: Duration = Duration::minutes(3);
/// So long after a failure it is tried again.
pub(super) const AGAIN_AFTER: Duration = Duration::seconds(15);

/// An upload at work, and whose.
pub(super) struct AtWork {
    pub scope: Scope,
    pub held: LeasedUpload,
    pub upload: Upload,
}

impl App {
    /// Does what is due at one upload, of whichever tenant; answers whether there was one. What fails is due again; what
    /// dies in the middle is, when the lease runs out.
    ///
    /// # Errors
    /// [`StoreError`], when none can be taken.
    #[tracing::instrument(skip_all)]
    pub async fn work_next_upload(&self) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let Some(held) = self.attachments.queue.lease(now, now + HELD_FOR).await? else { return Ok(false) };
        if let Err(error) = self.work_upload(&held).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                tenant_id = %held.tenant_id,
                upload = %held.id,
                "an upload could not be worked on: it is left to its lease"
            );
        }
        Ok(true)
    }

    /// How many uploads wait to be checked, and since when the oldest does.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unchecked_uploads(&self) -> Result<(u64, Option<OffsetDateTime>), StoreError> {
        self.attachments.queue.unchecked().await
    }

    async fn work_upload(&self, held: &LeasedUpload) -> Result<(), AppError> {
        let scope = Scope {
            tenant_id: held.tenant_id.clone(),
            actor: ActorRef::System("upload-worker"),
            trace: TraceContext::begin(&*self.ids),
        };
        let Some(upload) = self.store.held_upload(&held.tenant_id, held.id).await? else { return Ok(()) };
        let task = upload.task(self.clock.now());
        let work = AtWork { scope, held: held.clone(), upload };
        match task {
            UploadTask::Nothing => self.change_held(&work, "release_upload", |upload| upload.wait()).await,
            UploadTask::Expire => {
                self.change_held(&work, "expire_upload", |upload| upload.expire(self.clock.now())).await
            }
            UploadTask::Check => self.check_upload(work).await,
            UploadTask::Tidy => self.tidy_upload(work).await,
            UploadTask::Claim => self.claim_upload(work).await,
            UploadTask::Erase => self.erase_upload(work).await,
        }
    }

    /// Changes the upload in one transaction called `name`, if it is still held.
    pub(super) async fn change_held<T>(
        &self,
        work: &AtWork,
        name: &'static str,
        change: impl FnOnce(&mut Upload) -> T + Send,
    ) -> Result<(), AppError> {
        let mut tx = self.store.begin(name, &work.scope).await?;
        let changed = async {
            let mut uploads = tx.uploads();
            if let Some(mut upload) = uploads.find_held(work.held.id, work.held.lease).await? {
                change(&mut upload);
                uploads.save(&upload).await?;
            }
            Ok(())
        }
        .await;
        close(tx, changed).await
    }

    /// Sees whether a visit has come for an upload that has waited long enough.
    async fn claim_upload(&self, work: AtWork) -> Result<(), AppError> {
        let mut tx = self.store.begin("claim_upload", &work.scope).await?;
        let claimed = self.claim_held(&mut *tx, &work).await;
        close(tx, claimed).await
    }

    async fn claim_held(&self, tx: &mut dyn UnitOfWork, work: &AtWork) -> Result<(), AppError> {
        let mut uploads = tx.uploads();
        let Some(mut upload) = uploads.find_held(work.held.id, work.held.lease).await? else { return Ok(()) };
        let (patient, draft) = (upload.parts().patient_id.clone(), upload.parts().slot.client_mutation_id);
        let visit = uploads.visit_of(&patient, &draft).await?;
        let in_visit = visit.is_some_and(|visit| upload.place_in(visit.parts()).is_some());
        upload.claim(in_visit, self.clock.now());
        uploads.save(&upload).await?;
        Ok(())
    }
}

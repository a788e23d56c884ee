//! Erasing bytes that nobody will be shown.

use vcare_domain::{StorageKey, UploadState};

use super::work::AtWork;
use crate::app::App;
use crate::error::AppError;
use crate::ports::StorageError;
use crate::transaction::close;

impl App {
    /// Erases what came in, now that it is written anew or will never be shown.
    pub(super) async fn tidy_upload(&self, work: AtWork) -> Result<(), AppError> {
        let parts = work.upload.parts();
        let kept = match &parts.state {
            UploadState::Ready(content) => Some(&content.key),
            _ => None,
        };
        self.erase_folder(&parts.folder, kept).await?;
        self.change_held(&work, "tidy_upload", |upload| upload.tidied()).await
    }

    /// Erases all bytes of a discarded upload, and forgets it when nothing can be under way any more.
    pub(super) async fn erase_upload(&self, work: AtWork) -> Result<(), AppError> {
        self.erase_folder(&work.upload.parts().folder, None).await?;
        let mut tx = self.store.begin("erase_upload", &work.scope).await?;
        let erased = async {
            let mut uploads = tx.uploads();
            let Some(mut upload) = uploads.find_held(work.held.id, work.held.lease).await? else { return Ok(()) };
            if upload.erased(self.clock.now()) {
                uploads.forget(work.held.id).await?;
                metrics::counter!("vcare_uploads_forgotten_total").increment(1);
            } else {
                uploads.save(&upload).await?;
            }
            Ok(())
        }
        .await;
        close(tx, erased).await
    }

    /// Erases whatever is in a folder, whether it counts or not, but for one key.
    async fn erase_folder(&self, folder: &StorageKey, kept: Option<&StorageKey>) -> Result<(), StorageError> {
        for key in self.attachments.store.keys(folder).await? {
            if Some(&key) != kept {
                self.attachments.store.erase(folder, &key).await?;
            }
        }
        if kept.is_none() {
            self.attachments.store.close(folder).await?;
        }
        Ok(())
    }
}

//! How far an upload is.

use vcare_domain::{Upload, UploadId};

use crate::access::Audited;
use crate::actor::Caller;
use crate::app::App;
use crate::authorisation::Permission;
use crate::error::AppError;

impl App {
    /// The caller's upload.
    ///
    /// # Errors
    /// [`AppError::Forbidden`]; [`AppError::NotFound`], also for another account's; [`AppError::Upload`] when it has
    /// expired, or its bytes were lost.
    #[tracing::instrument(skip_all)]
    pub async fn read_upload(&self, caller: &Caller, id: UploadId) -> Result<Upload, AppError> {
        let work = async {
            let upload = self.own_upload(caller, id).await?;
            upload.still_there(self.clock.now())?;
            Ok(upload)
        };
        self.guarded(caller, Permission::AsyncVisitUpload, Audited::upload(id), work).await
    }
}

//! Beginning an upload, or finding the one that was begun.

use time::Duration;
use vcare_domain::{NewUpload, PatientId, Upload, UploadId, UploadRefusal, UploadSlot};

use super::owned;
use crate::actor::{Caller, Scope};
use crate::app::App;
use crate::authorisation::Permission;
use crate::error::AppError;
use crate::ports::UnitOfWork;
use crate::transaction::{close, run_again_after_lost_races};

/// So many uploads an account may create in 24 hours: ten visits with everything.
pub const UPLOADS_A_DAY: u64 = 200;

/// An upload that somebody wants to begin.
#[derive(Debug, Clone)]
pub struct UploadWish {
    /// Whose visit is to take it.
    pub patient_id: PatientId,
    /// Its place in the draft.
    pub slot: UploadSlot,
    /// How many bytes it will have.
    pub length: u32,
}

impl App {
    /// Begins an upload; when the same account has begun one for the same attachment, answers that one. `true` says that
    /// it is new. The visit need not be submitted: photos and text come in whatever order the link lets them.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], also for a patient who comes for another one; [`AppError::Upload`] when it is too long, or
    /// was begun with another length; [`AppError::NotFound`] when somebody else has begun it for the same patient;
    /// [`AppError::TooManyUploads`].
    #[tracing::instrument(skip_all)]
    pub async fn create_upload(&self, caller: &Caller, wish: &UploadWish) -> Result<(Upload, bool), AppError> {
        caller.require(Permission::AsyncVisitUpload)?;
        let own = caller.own_patient(Permission::AsyncVisitUpload)?;
        if own.is_some_and(|own| own != wish.patient_id) {
            return Err(AppError::Forbidden { permission: Permission::AsyncVisitUpload });
        }
        let new = Upload::begin(NewUpload {
            id: UploadId::from_uuid(self.ids.uuid()),
            tenant_id: caller.tenant_id.clone(),
            owner_id: caller.user_id.clone(),
            patient_id: wish.patient_id.clone(),
            slot: wish.slot,
            length: wish.length,
            folder: self.storage_key(),
            at: self.clock.now(),
        })?;
        let scope = caller.scope();
        run_again_after_lost_races("create_upload", || self.begin_or_find(caller, &scope, &new)).await
    }

    async fn begin_or_find(&self, caller: &Caller, scope: &Scope, new: &Upload) -> Result<(Upload, bool), AppError> {
        let mut tx = self.store.begin("create_upload", scope).await?;
        let done = begin_or_find(&mut *tx, caller, new).await;
        close(tx, done).await
    }
}

async fn begin_or_find(tx: &mut dyn UnitOfWork, caller: &Caller, new: &Upload) -> Result<(Upload, bool), AppError> {
    let now = new.parts().created_at;
    let mut uploads = tx.uploads();
    if let Some(found) = uploads.in_slot(&new.parts().patient_id, &new.parts().slot).await? {
        let mut found = owned(Some(found), caller)?;
        match found.resume(new.parts().length, now) {
            Ok(()) => return Ok((found, false)),
            Err(UploadRefusal::Expired) => {
                found.expire(now);
                uploads.save(&found).await?;
            }
            Err(refusal) => return Err(refusal.into()),
        }
    }
    if uploads.created_since(&caller.user_id, now - Duration::DAY).await? >= UPLOADS_A_DAY {
        return Err(AppError::TooManyUploads);
    }
    uploads.insert(new).await?;
    Ok((new.clone(), true))
}

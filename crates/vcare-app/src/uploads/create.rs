//! Beginning an upload, or finding the one that was begun.

use time::Duration;
use vcare_domain::{NewUpload, PatientId, Upload, UploadId, UploadPlace, UploadRefusal, UploadSlot, Uploader};

use crate::access::Audited;
use crate::actor::{Caller, Scope};
use crate::app::App;
use crate::authorisation::Permission;
use crate::error::{AppError, Resource};
use crate::ports::UnitOfWork;
use crate::transaction::{close, run_again_after_lost_races};

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
        const NEEDED: Permission = Permission::AsyncVisitUpload;
        let id = UploadId::from_uuid(self.ids.uuid());
        let work = async {
            let uploader = self.uploader(caller, &wish.patient_id).await?;
            let new = Upload::begin(NewUpload {
                id,
                tenant_id: caller.tenant_id.clone(),
                owner_id: caller.user_id.clone(),
                uploader,
                patient_id: wish.patient_id.clone(),
                slot: wish.slot,
                length: wish.length,
                folder: self.storage_key(),
                at: self.clock.now(),
            })?;
            let scope = caller.scope();
            let begin = || self.begin_or_find(caller, &scope, &new, uploader);
            run_again_after_lost_races("create_upload", begin).await
        };
        self.guarded(caller, NEEDED, Audited::upload(id), work).await
    }

    /// Whether the caller uploads as the patient or as staff. Staff who care for patients may upload for any patient, as they
    /// may send visits for any patient; a patient only for themselves, and a proxy for their patient.
    async fn uploader(&self, caller: &Caller, patient: &PatientId) -> Result<Uploader, AppError> {
        const NEEDED: Permission = Permission::AsyncVisitUpload;
        if caller.person().is_patient(patient) {
            return Ok(Uploader::Patient);
        }
        if !caller.only_for_their_own(NEEDED) {
            return Ok(Uploader::Staff);
        }
        self.acts_for(caller, patient, NEEDED).await.map(|_| Uploader::Patient)
    }

    async fn begin_or_find(
        &self,
        caller: &Caller,
        scope: &Scope,
        new: &Upload,
        uploader: Uploader,
    ) -> Result<(Upload, bool), AppError> {
        let mut tx = self.store.begin("create_upload", scope).await?;
        let done = begin_or_find(&mut *tx, caller, new, uploader, self.settings.uploads_per_day).await;
        close(tx, done).await
    }
}

async fn begin_or_find(
    tx: &mut dyn UnitOfWork,
    caller: &Caller,
    new: &Upload,
    uploader: Uploader,
    a_day: u64,
) -> Result<(Upload, bool), AppError> {
    let (now, patient, slot) = (new.parts().created_at, &new.parts().patient_id, &new.parts().slot);
    let mut uploads = tx.uploads();
    if let Some(mut found) = uploads.in_slot(&caller.user_id, patient, slot).await? {
        match found.resume(new.parts().length, now) {
            Ok(()) => return Ok((found, false)),
            // Another picture, perhaps: one that was converted since.
            Err(UploadRefusal::Expired | UploadRefusal::Lost | UploadRefusal::UnknownFormat { .. }) => {
                found.expire(now);
                uploads.save(&found).await?;
            }
            Err(refusal) => return Err(refusal.into()),
        }
    }
    // Before the visit exists, anybody who could send it may begin; afterwards, its submitter and the clinician who claimed it.
    if let Some(visit) = uploads.visit_of(patient, &slot.client_mutation_id).await? {
        let place = UploadPlace::to_begin(visit.parts(), &caller.user_id, uploader)?;
        place.ok_or(AppError::NotFound(Resource::Upload))?;
    }
    if uploads.created_since(&caller.user_id, now - Duration::DAY).await? >= a_day {
        return Err(AppError::TooManyUploads { a_day });
    }
    uploads.insert(new).await?;
    Ok((new.clone(), true))
}

//! Erasing a patient.

use time::OffsetDateTime;
use vcare_domain::{Erasure, ErasureFacts, PatientId, SubjectOrder};

use crate::actor::Scope;
use crate::app::App;
use crate::error::AppError;
use crate::events::AuditEntry;
use crate::ports::{ErasedRecords, UnitOfWork};
use crate::transaction::{close, run_again_after_lost_races};

/// The transaction's name in metrics.
const NAME: &str = "erase_subject";

/// What was done about a patient's data. Holds no text of theirs.
#[derive(Debug, Clone)]
pub struct ErasureReceipt {
    /// When.
    pub at: OffsetDateTime,
    /// What was erased here.
    pub erased: ErasedRecords,
    /// Uploads whose bytes are deleted from the storage by the worker; without their keys they are unreadable already.
    pub uploads: u64,
}

/// What came of an order to erase.
#[derive(Debug, Clone)]
pub enum ErasureOutcome {
    /// Erased now.
    Erased(ErasureReceipt),
    /// It was erased before.
    AlreadyErased,
    /// Clinical records must be kept until then: the data is restricted.
    RestrictedUntil(OffsetDateTime),
}

impl App {
    /// Erases a patient: deletes the keys that everything written about them is encrypted with, what older versions wrote in
    /// plain, stored answers, and the reasons of emergency accesses; the worker deletes the bytes of attachments. What billing
    /// and statistics need stays: ids, times, states. One transaction, with the audit entry and the event that tells others; so
    /// it is done once, or not at all.
    ///
    /// # Errors
    /// [`AppError::Subject`] under a legal hold, and while a visit is not over; [`AppError::Store`], [`AppError::Secrets`].
    #[tracing::instrument(skip_all, fields(tenant_id = %scope.tenant_id))]
    pub async fn erase_subject(&self, scope: &Scope, patient: &PatientId) -> Result<ErasureOutcome, AppError> {
        let outcome = run_again_after_lost_races(NAME, || async {
            let mut tx = self.store.begin(NAME, scope).await?;
            let done = self.erase_in(&mut *tx, scope, patient).await;
            close(tx, done).await
        })
        .await?;
        let word = match &outcome {
            ErasureOutcome::Erased(_) => "erased",
            ErasureOutcome::AlreadyErased => "already_erased",
            ErasureOutcome::RestrictedUntil(_) => "restricted",
        };
        metrics::counter!("vcare_subject_erasures_total", "outcome" => word).increment(1);
        Ok(outcome)
    }

    async fn erase_in(
        &self,
        tx: &mut dyn UnitOfWork,
        scope: &Scope,
        patient: &PatientId,
    ) -> Result<ErasureOutcome, AppError> {
        let mut subject = tx.subjects().find(patient).await?;
        let records = tx.subjects().records(patient).await?;
        let facts =
            ErasureFacts { unfinished_visits: records.unfinished_visits, kept_until: self.kept_until(&records) };
        let order = SubjectOrder { by: scope.actor.id(), at: self.clock.now() };
        match subject.erase(facts, order.clone())? {
            Erasure::AlreadyErased => Ok(ErasureOutcome::AlreadyErased),
            Erasure::RestrictedUntil(until) => {
                tx.subjects().save(&subject).await?;
                tx.audit(AuditEntry::subject("SUBJECT_RESTRICTED", patient, order.at)).await?;
                Ok(ErasureOutcome::RestrictedUntil(until))
            }
            Erasure::Erased => {
                let uploads = discard_uploads(tx, patient, order.at).await?;
                let erased = tx.subjects().erase(patient, &order).await?;
                tx.audit(AuditEntry::subject_erased(patient, &erased, uploads, order.at)).await?;
                tx.tell_of_erasure(patient, order.at).await?;
                Ok(ErasureOutcome::Erased(ErasureReceipt { at: order.at, erased, uploads }))
            }
        }
    }
}

/// Leaves the bytes of the patient's uploads to the worker, which deletes them. Answers how many uploads there were.
async fn discard_uploads(tx: &mut dyn UnitOfWork, patient: &PatientId, at: OffsetDateTime) -> Result<u64, AppError> {
    let mut uploads = tx.uploads();
    let found = uploads.of_patient(patient).await?;
    let count = found.len() as u64;
    for mut upload in found {
        upload.erase(at);
        uploads.save(&upload).await?;
    }
    Ok(count)
}

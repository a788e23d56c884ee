//! What is there of a patient, and what is ordered about it.

use time::OffsetDateTime;
use vcare_domain::{PatientId, Subject};

use crate::actor::Scope;
use crate::app::App;
use crate::error::AppError;
use crate::events::AuditEntry;
use crate::ports::SubjectRecords;
use crate::transaction::close;

/// What is there of a patient. Holds no text of theirs.
#[derive(Debug, Clone)]
pub struct SubjectView {
    /// What is ordered about their data.
    pub subject: Subject,
    /// What there is.
    pub records: SubjectRecords,
    /// Until when clinical records must be kept; `None` when there are none.
    pub kept_until: Option<OffsetDateTime>,
}

impl App {
    /// What is there of a patient of the scope's tenant. Audited.
    ///
    /// # Errors
    /// [`AppError::Store`], [`AppError::Secrets`].
    #[tracing::instrument(skip_all, fields(tenant_id = %scope.tenant_id))]
    pub async fn show_subject(&self, scope: &Scope, patient: &PatientId) -> Result<SubjectView, AppError> {
        let mut tx = self.store.begin("show_subject", scope).await?;
        let shown = async {
            let subject = tx.subjects().find(patient).await?;
            let records = tx.subjects().records(patient).await?;
            tx.audit(AuditEntry::subject("SUBJECT_SHOWN", patient, self.clock.now())).await?;
            Ok(SubjectView { subject, records, kept_until: self.kept_until(&records) })
        }
        .await;
        close(tx, shown).await
    }

    /// Until when clinical records about a patient must be kept.
    pub(super) fn kept_until(&self, records: &SubjectRecords) -> Option<OffsetDateTime> {
        records.last_contact_at.map(|over| over + self.settings.clinical_retention)
    }
}

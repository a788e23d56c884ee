//! Legal hold, restriction, and their end.

use vcare_domain::{Outcome, PatientId, Subject, SubjectOrder};

use crate::actor::Scope;
use crate::app::App;
use crate::error::AppError;
use crate::events::AuditEntry;
use crate::transaction::close;

/// What is ordered about a patient's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectCommand {
    /// A legal hold: nothing is erased.
    Hold,
    /// A restriction: only who treats the patient reads the data, with a reason.
    Restrict,
    /// The end of both.
    Release,
}

impl SubjectCommand {
    const fn event_type(self) -> &'static str {
        match self {
            Self::Hold => "SUBJECT_HELD",
            Self::Restrict => "SUBJECT_RESTRICTED",
            Self::Release => "SUBJECT_RELEASED",
        }
    }
}

impl App {
    /// Orders something about a patient's data. Audited when it changes something; the same again changes nothing.
    ///
    /// # Errors
    /// [`AppError::Subject`] for an erased patient; [`AppError::Store`], [`AppError::Secrets`].
    #[tracing::instrument(skip_all, fields(tenant_id = %scope.tenant_id))]
    pub async fn order_subject(
        &self,
        scope: &Scope,
        patient: &PatientId,
        command: SubjectCommand,
    ) -> Result<Subject, AppError> {
        let mut tx = self.store.begin("order_subject", scope).await?;
        let ordered = async {
            let mut subject = tx.subjects().find(patient).await?;
            let order = SubjectOrder { by: scope.actor.id(), at: self.clock.now() };
            let at = order.at;
            let outcome = match command {
                SubjectCommand::Hold => subject.hold(order),
                SubjectCommand::Restrict => subject.restrict(order),
                SubjectCommand::Release => subject.release(),
            };
            if outcome? == Outcome::Applied {
                tx.subjects().save(&subject).await?;
                tx.audit(AuditEntry::subject(command.event_type(), patient, at)).await?;
            }
            Ok(subject)
        }
        .await;
        close(tx, ordered).await
    }
}

//! One audit entry for each read and each refusal, committed before the answer leaves.

use std::future::Future;

use vcare_domain::{AsyncVisitId, Permission, Refusal, Relation, SessionId, UploadId};

use crate::actor::{Caller, Scope};
use crate::app::App;
use crate::error::{AppError, Resource};
use crate::events::AuditEntry;

/// What a request is about, as audit entries name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Audited {
    /// The kind of thing.
    pub kind: &'static str,
    /// Which one.
    pub id: String,
}

impl Audited {
    /// A live visit.
    pub fn session(id: SessionId) -> Self {
        Self { kind: "VirtualSession", id: id.to_string() }
    }

    /// An async visit.
    pub fn async_visit(id: AsyncVisitId) -> Self {
        Self { kind: "AsyncVisit", id: id.to_string() }
    }

    /// An attachment, or an upload that may become one.
    pub fn upload(id: UploadId) -> Self {
        Self { kind: "Attachment", id: id.to_string() }
    }

    /// What a tenant has of a kind.
    pub fn all(kind: &'static str, caller: &Caller) -> Self {
        Self { kind, id: caller.tenant_id.to_string() }
    }
}

/// Why a request was refused, as a fixed word; `None` when the refusal does not depend on the caller.
fn denial(error: &AppError) -> Option<&'static str> {
    match error {
        AppError::Forbidden { .. } => Some("role"),
        AppError::Denied { .. } | AppError::OwnTreatment | AppError::Refused(Refusal::NotItsProvider) => {
            Some("relation")
        }
        AppError::NotFound(Resource::Session | Resource::AsyncVisit | Resource::Upload | Resource::Attachment) => {
            Some("not_found")
        }
        _ => None,
    }
}

impl App {
    /// Runs a caller's request if one of their roles can hold the permission. A refusal that depends on the caller is audited
    /// before it is answered.
    ///
    /// # Errors
    /// Those of `work`; [`AppError::Forbidden`]; [`AppError::Store`] when a refusal cannot be audited.
    pub(crate) fn guarded<'a, T: Send>(
        &'a self,
        caller: &'a Caller,
        permission: Permission,
        about: Audited,
        work: impl Future<Output = Result<T, AppError>> + Send + 'a,
    ) -> impl Future<Output = Result<T, AppError>> + Send {
        // On the heap, as every use case would carry it twice: here, and in itself.
        let work = Box::pin(work);
        async move {
            let outcome = match caller.require(permission) {
                Ok(()) => work.await,
                Err(error) => Err(error),
            };
            if let Err(error) = &outcome
                && let Some(reason) = denial(error)
            {
                let entry = AuditEntry::denied(&about, permission, reason, self.clock.now());
                self.audit(&caller.scope(), entry).await?;
            }
            outcome
        }
    }

    /// Audits that a caller is about to be shown something, in that relation. `shown`: the ids on a list.
    ///
    /// # Errors
    /// [`AppError::Store`]: what cannot be audited is not shown.
    pub(crate) async fn audit_read(
        &self,
        caller: &Caller,
        about: &Audited,
        relation: Option<Relation>,
        shown: Vec<String>,
    ) -> Result<(), AppError> {
        self.audit(&caller.scope(), AuditEntry::read(about, relation, shown, self.clock.now())).await
    }

    /// Commits one audit entry by itself.
    pub(crate) async fn audit(&self, scope: &Scope, entry: AuditEntry) -> Result<(), AppError> {
        metrics::counter!("vcare_audit_entries_total", "outcome" => entry.outcome.as_str()).increment(1);
        Ok(self.store.record(scope, entry).await?)
    }
}

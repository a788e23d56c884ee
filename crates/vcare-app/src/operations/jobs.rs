//! An operator takes a job in hand.

use vcare_domain::{AsyncVisitId, Outcome, SessionId};

use crate::actor::Scope;
use crate::app::App;
use crate::error::{AppError, Resource};
use crate::events::AuditEntry;
use crate::ports::{JobKind, StoreError, UnitOfWork};

/// Why an operator does something with many jobs at once, in their own words: 3 to 200 characters in one line. It goes into
/// audit entries, so that names do not belong into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorsReason(String);

/// A text that is no reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 3 to 200 characters in one line")]
pub struct InvalidReason;

impl OperatorsReason {
    /// Checks a reason, without the space around it.
    ///
    /// # Errors
    /// [`InvalidReason`].
    pub fn parse(text: &str) -> Result<Self, InvalidReason> {
        let text = text.trim();
        let fits = (3..=200).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidReason) }
    }

    /// The reason.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl App {
    /// Lets a job be tried at once, whether it waits for a person or for its time. Answers whether there was one. The reason, if
    /// there is one, goes into the audit entry.
    ///
    /// # Errors
    /// [`StoreError`].
    #[tracing::instrument(skip_all, fields(tenant_id = %scope.tenant_id, session_id = %session))]
    pub async fn requeue_job(
        &self,
        scope: &Scope,
        session: SessionId,
        kind: JobKind,
        reason: Option<&OperatorsReason>,
    ) -> Result<bool, StoreError> {
        let mut tx = self.store.begin("requeue_job", scope).await?;
        let now = self.clock.now();
        let found = tx.jobs().requeue(session, kind, now).await?;
        if found {
            let entry = AuditEntry::job("JOB_REQUEUED", session, kind, now);
            tx.audit(entry.because(reason.map(OperatorsReason::as_str))).await?;
        }
        tx.commit().await?;
        Ok(found)
    }

    /// Sets a job aside for a person and says so on its visit, in one transaction. Answers whether there was one.
    ///
    /// # Errors
    /// [`AppError::NotFound`], [`AppError::Refused`] when the visit has its Encounter, [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %scope.tenant_id, session_id = %session))]
    pub async fn park_job(&self, scope: &Scope, session: SessionId, kind: JobKind) -> Result<bool, AppError> {
        let mut tx = self.store.begin("park_job", scope).await?;
        match self.park_in(&mut *tx, session, kind).await {
            Ok(true) => tx.commit().await.map(|()| true).map_err(AppError::from),
            other => {
                tx.rollback().await?;
                other
            }
        }
    }

    /// The visit first: who works the job locks them in that order, too.
    async fn park_in(&self, tx: &mut dyn UnitOfWork, session: SessionId, kind: JobKind) -> Result<bool, AppError> {
        match kind {
            JobKind::CreateEncounter => self.park_encounter(tx, session).await?,
            JobKind::CreateAsyncEncounter => self.park_async_encounter(tx, session).await?,
            JobKind::CreateThread => self.park_thread(tx, session).await?,
            // Nothing was promised that would have to be taken back.
            JobKind::FailLostVisit | JobKind::EndByItself => {}
            JobKind::PushSummary => self.park_drafts(tx, session).await?,
        }
        let found = tx.jobs().park(session, kind, "operator").await?;
        if found {
            tx.audit(AuditEntry::job("JOB_PARKED", session, kind, self.clock.now())).await?;
        }
        Ok(found)
    }

    async fn park_encounter(&self, tx: &mut dyn UnitOfWork, session: SessionId) -> Result<(), AppError> {
        let mut visit = tx.sessions().find(session).await?.ok_or(AppError::NotFound(Resource::Session))?;
        if visit.park_encounter(self.clock.now())? == Outcome::Applied {
            tx.sessions().save(&mut visit).await?;
        }
        Ok(())
    }

    async fn park_async_encounter(&self, tx: &mut dyn UnitOfWork, session: SessionId) -> Result<(), AppError> {
        let id = AsyncVisitId::from_uuid(*session.as_uuid());
        let mut visit = tx.async_visits().find(id).await?.ok_or(AppError::NotFound(Resource::AsyncVisit))?;
        if visit.park_encounter(self.clock.now())? == Outcome::Applied {
            tx.async_visits().save(&mut visit).await?;
        }
        Ok(())
    }

    async fn park_thread(&self, tx: &mut dyn UnitOfWork, session: SessionId) -> Result<(), AppError> {
        let mut visit = tx.sessions().find(session).await?.ok_or(AppError::NotFound(Resource::Session))?;
        if visit.park_thread(self.clock.now())? == Outcome::Applied {
            tx.sessions().save(&mut visit).await?;
        }
        Ok(())
    }

    async fn park_drafts(&self, tx: &mut dyn UnitOfWork, session: SessionId) -> Result<(), AppError> {
        let drafts = tx.ai_drafts().undelivered(session).await?;
        for mut draft in drafts {
            if draft.park_delivery(self.clock.now())? == Outcome::Applied {
                tx.ai_drafts().save(&mut draft).await?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_says_something_in_one_line() {
        for good in ["abc", "  the gateway is back ", "درگاه دوباره کار می‌کند"] {
            assert_eq!(
                OperatorsReason::parse(good).map(|reason| reason.as_str().to_owned()),
                Ok(good.trim().to_owned())
            );
        }
        for bad in ["", "  ", "ab", "a\nbc", &"x".repeat(201)] {
            assert_eq!(OperatorsReason::parse(bad), Err(InvalidReason), "{bad:?}");
        }
    }
}

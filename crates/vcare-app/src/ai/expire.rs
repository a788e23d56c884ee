//! Drafts that nobody decided on in time are erased.

use tracing::field::Empty;
use vcare_domain::{AiDraftId, DraftEvent, Outcome, TenantId};

use crate::actor::{ActorRef, Scope};
use crate::ai::counted;
use crate::app::App;
use crate::error::AppError;
use crate::spans::begin_trace;
use crate::transaction::{close, run_again_after_lost_races};

/// The transaction's name in metrics.
const EXPIRE: &str = "expire_ai_draft";

impl App {
    /// Erases up to `limit` drafts whose time is over; answers how many. Several workers may do so side by side: each draft
    /// expires once.
    ///
    /// # Errors
    /// [`AppError::Store`].
    pub async fn expire_drafts(&self, limit: u16) -> Result<u32, AppError> {
        let due = self.jobs.expired_drafts(self.clock.now(), limit).await?;
        let mut expired = 0;
        for (tenant, draft) in due {
            match self.expire_draft(&tenant, draft).await {
                Ok(true) => {
                    counted(DraftEvent::Expired);
                    expired += 1;
                }
                // Somebody else was faster.
                Ok(false) => {}
                // One that cannot be erased must not keep the others.
                Err(error) => tracing::error!(
                    error = &error as &dyn std::error::Error,
                    tenant_id = %tenant,
                    draft_id = %draft,
                    "an expired draft could not be erased"
                ),
            }
        }
        Ok(expired)
    }

    #[tracing::instrument(skip_all, fields(tenant_id = %tenant, draft_id = %id, trace.own = Empty))]
    async fn expire_draft(&self, tenant: &TenantId, id: AiDraftId) -> Result<bool, AppError> {
        let trace = begin_trace(&*self.ids);
        let scope = Scope { tenant_id: tenant.clone(), actor: ActorRef::System("ai"), trace };
        run_again_after_lost_races(EXPIRE, || async {
            let mut tx = self.store.begin(EXPIRE, &scope).await?;
            let done = async {
                let Some(mut draft) = tx.ai_drafts().find(id).await? else { return Ok(false) };
                let expired = draft.expire(self.clock.now()) == Outcome::Applied;
                if expired {
                    tx.ai_drafts().save(&mut draft).await?;
                }
                Ok(expired)
            }
            .await;
            close(tx, done).await
        })
        .await
    }
}

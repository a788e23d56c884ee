//! What people do with visits without a live link: one verb, one file.

mod claim;
mod close;
mod continue_async;
mod encounter;
mod read;
mod release;
mod respond;
mod submit;
mod sync;

pub use encounter::{ASYNC_VISIT_IDENTIFIER_SYSTEM, async_encounter_draft};
pub use submit::{SubmitAsyncVisit, Submitted, WriteBody};

use vcare_domain::{AsyncVisit, AsyncVisitId, AsyncVisitRefusal, FollowUp, LeaseToken, Outcome};

use crate::actor::Scope;
use crate::app::App;
use crate::error::{AppError, Resource};
use crate::ports::UnitOfWork;
use crate::transaction::{close, run_again_after_lost_races};

/// A visit after a change.
struct Changed {
    visit: AsyncVisit,
    /// The durable work that was stored with the change, held for a first attempt under [`Self::first_lease`].
    follow_ups: Vec<FollowUp>,
    first_lease: LeaseToken,
}

impl App {
    /// Loads a visit, tells it what to do, and saves what changed, with its events and its durable work, in one transaction
    /// called `name`.
    async fn change_async_visit<D>(
        &self,
        name: &'static str,
        scope: &Scope,
        id: AsyncVisitId,
        decide: D,
    ) -> Result<Changed, AppError>
    where
        D: Fn(&mut AsyncVisit) -> Result<Outcome, AsyncVisitRefusal> + Send + Sync,
    {
        run_again_after_lost_races(name, || async {
            let mut tx = self.store.begin(name, scope).await?;
            let done = load_decide_save(&mut *tx, id, &decide).await;
            close(tx, done).await
        })
        .await
    }
}

async fn load_decide_save<D>(tx: &mut dyn UnitOfWork, id: AsyncVisitId, decide: &D) -> Result<Changed, AppError>
where
    D: Fn(&mut AsyncVisit) -> Result<Outcome, AsyncVisitRefusal> + Send + Sync,
{
    let mut visit = tx.async_visits().find(id).await?.ok_or(AppError::NotFound(Resource::AsyncVisit))?;
    let mut follow_ups = Vec::new();
    if decide(&mut visit)? == Outcome::Applied {
        follow_ups = visit.follow_ups().to_vec();
        tx.async_visits().save(&mut visit).await?;
    }
    Ok(Changed { visit, follow_ups, first_lease: tx.first_lease() })
}

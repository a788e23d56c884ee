//! What people do with visits without a live link: one verb, one file.

mod amend;
mod claim;
mod close;
mod continue_async;
mod encounter;
mod list;
mod read;
mod release;
mod respond;
mod submit;
mod sync;

pub use encounter::{ASYNC_VISIT_IDENTIFIER_SYSTEM, async_encounter_draft};
pub use list::AsyncVisitListPage;
pub use submit::{SubmitAsyncVisit, Submitted, WriteBody};

use vcare_domain::{
    AsyncVisit, AsyncVisitId, AsyncVisitRefusal, Audience, FollowUp, LeaseToken, Outcome, Permission, VisitId,
};

use crate::access::{Learned, Step, Wanted};
use crate::actor::Caller;
use crate::app::App;
use crate::error::{AppError, Resource};
use crate::ports::UnitOfWork;
use crate::transaction::{close, run_again_after_lost_races};

/// A visit after a change.
struct Changed {
    visit: AsyncVisit,
    /// Who it is shown to.
    audience: Audience,
    /// The durable work that was stored with the change, held for a first attempt under [`Self::first_lease`].
    follow_ups: Vec<FollowUp>,
    first_lease: LeaseToken,
}

impl App {
    /// Loads a visit, sees whether the caller may, tells it what to do, and saves what changed, with its events and its
    /// durable work, in one transaction called `name`. What the access policy needs from elsewhere is asked between two runs.
    async fn change_async_visit<D>(
        &self,
        name: &'static str,
        caller: &Caller,
        permission: Permission,
        id: AsyncVisitId,
        decide: D,
    ) -> Result<Changed, AppError>
    where
        D: Fn(&mut AsyncVisit) -> Result<Outcome, AsyncVisitRefusal> + Send + Sync,
    {
        let (scope, wanted) = (caller.scope(), Wanted::of_async_visit(permission));
        let change = Change { caller, wanted, id, decide: &decide };
        let mut learned = Learned::default();
        loop {
            let run = run_again_after_lost_races(name, || async {
                let mut tx = self.store.begin(name, &scope).await?;
                let done = self.run_change(&mut *tx, &change, &learned).await;
                close(tx, done).await
            })
            .await;
            match run {
                Ok(Run::Done(changed)) => return Ok(*changed),
                Ok(Run::Ask(seen)) => {
                    let facts = seen.facts(&caller.user_id);
                    learned = self.resolve(caller, wanted, &facts, VisitId::Async(id)).await?.1;
                }
                Err(AppError::NotFound(Resource::AsyncVisit)) if learned.is_empty() => {
                    return Err(self.nothing(caller, wanted).await?);
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn run_change<D>(
        &self,
        tx: &mut dyn UnitOfWork,
        change: &Change<'_, D>,
        learned: &Learned,
    ) -> Result<Run, AppError>
    where
        D: Fn(&mut AsyncVisit) -> Result<Outcome, AsyncVisitRefusal> + Send + Sync,
    {
        let Change { caller, wanted, id, decide } = change;
        let mut visit = tx.async_visits().find(*id).await?.ok_or(AppError::NotFound(Resource::AsyncVisit))?;
        let facts = visit.facts(&caller.user_id);
        let access = match caller.step(*wanted, &facts, Some(VisitId::Async(*id)), learned)? {
            Step::Allowed(access) => access,
            Step::Ask(_) => return Ok(Run::Ask(Box::new(visit))),
        };
        let mut follow_ups = Vec::new();
        if decide(&mut visit)? == Outcome::Applied {
            follow_ups = visit.follow_ups().to_vec();
            tx.async_visits().save(&mut visit).await?;
        }
        let audience = caller.audience(&visit, &access);
        Ok(Run::Done(Box::new(Changed { visit, audience, follow_ups, first_lease: tx.first_lease() })))
    }
}

/// A change that a caller wants to make.
struct Change<'a, D> {
    caller: &'a Caller,
    wanted: Wanted,
    id: AsyncVisitId,
    decide: &'a D,
}

/// What one run of a transaction came to.
enum Run {
    Done(Box<Changed>),
    /// Nothing was done: the policy depends on something that is known elsewhere. The visit as it was.
    Ask(Box<AsyncVisit>),
}

//! Changing a visit: one named transaction that loads, decides, saves, and does it again after a lost race.

use std::future::Future;

use time::OffsetDateTime;
use vcare_domain::{FollowUp, LeaseToken, Outcome, Refusal, SessionId, TenantConfig, VirtualSession};

use crate::actor::Scope;
use crate::app::App;
use crate::error::{AppError, Resource};
use crate::idempotency::{Answer, Done, Once, Wish};
use crate::ports::{KeptAnswer, StoreError, UnitOfWork};

/// How often a lost race is run again. Rows are locked while they are decided upon, so that only keys taken twice and
/// serialisation failures of the database come here.
const ATTEMPTS: usize = 4;

/// One change of one visit.
pub(crate) struct Plan<'a, D> {
    /// The transaction's name in metrics.
    pub name: &'static str,
    /// The visit.
    pub session: SessionId,
    /// The caller's wish, when they named it.
    pub once: Option<&'a Once<'a, VirtualSession>>,
    /// Tells the visit what to do. Run again after a lost race.
    pub decide: D,
}

/// A visit after a change.
pub(crate) struct Changed {
    pub session: VirtualSession,
    /// Whether this change changed anything.
    pub applied: bool,
    /// The durable work that was stored with the change, held for a first attempt under [`Self::first_lease`].
    pub follow_ups: Vec<FollowUp>,
    pub first_lease: LeaseToken,
}

impl Done<Changed> {
    /// The visit alone, for changes that bring no durable work.
    pub(crate) fn into_session(self) -> Done<VirtualSession> {
        match self {
            Self::Now(changed) => Done::Now(changed.session),
            Self::Before(answer) => Done::Before(answer),
        }
    }
}

/// Whether an error means that the whole transaction should be run again.
fn lost_race(error: &AppError) -> bool {
    matches!(error, AppError::Store(StoreError::Conflict))
}

/// Runs a transaction, from begin to commit, until it has not lost a race. `name` is its name in metrics.
pub(crate) async fn run_again_after_lost_races<T, F>(name: &'static str, run: impl Fn() -> F) -> Result<T, AppError>
where
    F: Future<Output = Result<T, AppError>> + Send,
{
    let mut attempt = 1;
    loop {
        match run().await {
            Err(error) if lost_race(&error) && attempt < ATTEMPTS => {
                metrics::counter!("vcare_transaction_retries_total", "name" => name).increment(1);
                attempt += 1;
            }
            outcome => return outcome,
        }
    }
}

/// Commits what went well, and undoes what did not.
pub(crate) async fn close<T>(tx: Box<dyn UnitOfWork>, done: Result<T, AppError>) -> Result<T, AppError> {
    match done {
        Ok(done) => tx.commit().await.map(|()| done).map_err(AppError::from),
        Err(error) => {
            tx.rollback().await?;
            Err(error)
        }
    }
}

/// What was answered to this wish before; an error when the key stands for another wish.
pub(crate) fn recall(kept: Option<KeptAnswer>, wish: &Wish) -> Result<Option<Answer>, AppError> {
    match kept {
        Some((fingerprint, answer)) if fingerprint == wish.fingerprint => Ok(Some(answer)),
        Some(_) => Err(AppError::IdempotencyKeyReused),
        None => Ok(None),
    }
}

/// Keeps the answer to a wish that has a name.
pub(crate) async fn keep_answer<T>(
    tx: &mut dyn UnitOfWork,
    once: Option<&Once<'_, T>>,
    result: &T,
    now: OffsetDateTime,
) -> Result<(), AppError> {
    let Some(once) = once else { return Ok(()) };
    let answer = (once.answer)(result);
    tx.answers().keep(&once.wish.key, once.wish.fingerprint, &answer, now).await?;
    Ok(())
}

impl App {
    /// Loads a visit, tells it what to do, and saves what changed, with its events, its durable work and the answer under
    /// the caller's key, in one transaction.
    pub(crate) async fn change_session<D>(&self, scope: &Scope, plan: Plan<'_, D>) -> Result<Done<Changed>, AppError>
    where
        D: Fn(&mut VirtualSession) -> Result<Outcome, Refusal> + Send + Sync,
    {
        run_again_after_lost_races(plan.name, || async {
            let mut tx = self.store.begin(plan.name, scope).await?;
            let done = self.load_decide_save(&mut *tx, &plan).await;
            close(tx, done).await
        })
        .await
    }

    async fn load_decide_save<D>(&self, tx: &mut dyn UnitOfWork, plan: &Plan<'_, D>) -> Result<Done<Changed>, AppError>
    where
        D: Fn(&mut VirtualSession) -> Result<Outcome, Refusal> + Send + Sync,
    {
        // The row lock comes first: of two requests under one key, the second reads the key after the first committed.
        let mut session = tx.sessions().find(plan.session).await?.ok_or(AppError::NotFound(Resource::Session))?;
        if let Some(once) = plan.once
            && let Some(answer) = recall(tx.answers().find(&once.wish.key).await?, &once.wish)?
        {
            return Ok(Done::Before(answer));
        }
        let mut follow_ups = Vec::new();
        let applied = (plan.decide)(&mut session)? == Outcome::Applied;
        if applied {
            follow_ups = session.follow_ups().to_vec();
            tx.sessions().save(&mut session).await?;
        }
        keep_answer(tx, plan.once, &session, self.clock.now()).await?;
        Ok(Done::Now(Changed { session, applied, follow_ups, first_lease: tx.first_lease() }))
    }

    /// Saves a visit that did not exist before, in one transaction called `name`.
    pub(crate) async fn insert_session(
        &self,
        name: &'static str,
        scope: &Scope,
        mut session: VirtualSession,
        once: Option<&Once<'_, VirtualSession>>,
    ) -> Result<Done<VirtualSession>, AppError> {
        let mut tx = self.store.begin(name, scope).await?;
        let written = async {
            tx.sessions().save(&mut session).await?;
            keep_answer(&mut *tx, once, &session, self.clock.now()).await
        }
        .await;
        match written {
            Ok(()) => {
                tx.commit().await?;
                Ok(Done::Now(session))
            }
            Err(error) => {
                tx.rollback().await?;
                match (once, lost_race(&error)) {
                    // The same wish was fulfilled beside us: its answer is ours.
                    (Some(_), true) => self.config_and_answer(scope, once).await?.1.map(Done::Before).ok_or(error),
                    _ => Err(error),
                }
            }
        }
    }

    /// The tenant's settings, and what was answered to this wish before.
    pub(crate) async fn config_and_answer<T>(
        &self,
        scope: &Scope,
        once: Option<&Once<'_, T>>,
    ) -> Result<(Option<TenantConfig>, Option<Answer>), AppError> {
        let Some(once) = once else { return Ok((self.store.tenant_config(&scope.tenant_id).await?, None)) };
        let found = self.store.config_and_answer(&scope.tenant_id, &scope.actor, &once.wish.key).await?;
        let Some((config, kept)) = found else { return Ok((None, None)) };
        Ok((Some(config), recall(kept, &once.wish)?))
    }
}

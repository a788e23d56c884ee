//! Changing a visit: one named transaction that loads, decides, saves, and does it again after a lost race.

use std::future::Future;

use time::OffsetDateTime;
use vcare_domain::{
    Audience, FollowUp, LeaseToken, Outcome, ParticipantId, Permission, Refusal, Relation, SessionId, TenantConfig,
    VirtualSession, VisitId,
};

use crate::access::{Access, Learned, Step, ViewedSession, Viewer, Wanted};
use crate::actor::{Caller, Scope};
use crate::app::App;
use crate::consents::ReliedOnConsent;
use crate::error::{AppError, Resource};
use crate::events::AuditEntry;
use crate::idempotency::{Answer, Done, Once, Wish};
use crate::ports::{KeptAnswer, StoreError, UnitOfWork};

/// How often a lost race is run again. Rows are locked while they are decided upon, so that only keys taken twice and
/// serialisation failures of the database come here.
const ATTEMPTS: usize = 4;

/// Who changes a visit, and by what right.
#[derive(Clone, Copy)]
pub(crate) enum By<'a> {
    /// Somebody who signed in, if the access policy lets them.
    Caller(&'a Caller, Permission),
    /// The holder of a join link, which the visit itself checks.
    Link(ParticipantId),
}

/// One change of one visit.
pub(crate) struct Plan<'a, D> {
    /// The transaction's name in metrics.
    pub name: &'static str,
    /// The visit.
    pub session: SessionId,
    /// Who changes it.
    pub by: By<'a>,
    /// The caller's wish, when they named it.
    pub once: Option<&'a Once<'a, ViewedSession>>,
    /// Tells the visit what to do. Run again after a lost race.
    pub decide: D,
}

/// A visit after a change.
pub(crate) struct Changed {
    pub session: VirtualSession,
    /// Who it is shown to.
    pub viewer: Viewer,
    /// Whether this change changed anything.
    pub applied: bool,
    /// The durable work that was stored with the change, held for a first attempt under [`Self::first_lease`].
    pub follow_ups: Vec<FollowUp>,
    pub first_lease: LeaseToken,
}

/// Whether a change by staff who are no provider of the visit is audited: those that decide whether, and when, it takes place.
const fn is_audited(permission: Permission) -> bool {
    use Permission::{SessionCancel, SessionEnd, SessionNoShow, SessionReschedule};
    matches!(permission, SessionEnd | SessionCancel | SessionNoShow | SessionReschedule)
}

/// What one run of a transaction came to.
enum Run<T> {
    Done(T),
    /// Nothing was done: the policy depends on something that is known elsewhere. The visit as it was.
    Ask(Box<VirtualSession>),
}

impl Done<Changed> {
    /// The visit alone, for changes that bring no durable work.
    pub(crate) fn into_session(self) -> Done<ViewedSession> {
        match self {
            Self::Now(Changed { session, viewer, .. }) => Done::Now(ViewedSession { session, viewer }),
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
        Some((fingerprint, answer)) if [wish.fingerprint, wish.fingerprint_before].contains(&fingerprint) => {
            Ok(Some(answer))
        }
        Some(_) => Err(AppError::IdempotencyKeyReused),
        None => Ok(None),
    }
}

/// Keeps the answer to a wish that has a name.
pub(crate) async fn keep_answer<T>(
    tx: &mut dyn UnitOfWork,
    once: Option<&Once<'_, T>>,
    result: &T,
    visit: SessionId,
    now: OffsetDateTime,
) -> Result<(), AppError> {
    let Some(once) = once else { return Ok(()) };
    let answer = (once.answer)(result);
    tx.answers().keep(&once.wish.key, once.wish.fingerprint, &answer, visit, now).await?;
    Ok(())
}

impl App {
    /// Loads a visit, sees whether the caller may, tells it what to do, and saves what changed, with its events, its durable
    /// work and the answer under the caller's key, in one transaction. Where the access policy depends on what is known
    /// elsewhere, that is asked between two runs and never within one.
    pub(crate) async fn change_session<D>(&self, scope: &Scope, plan: Plan<'_, D>) -> Result<Done<Changed>, AppError>
    where
        D: Fn(&mut VirtualSession, Option<&Access>) -> Result<Outcome, Refusal> + Send + Sync,
    {
        let mut learned = Learned::default();
        loop {
            let run = run_again_after_lost_races(plan.name, || async {
                let mut tx = self.store.begin(plan.name, scope).await?;
                let done = self.load_decide_save(&mut *tx, &plan, &learned).await;
                close(tx, done).await
            })
            .await;
            match (run, plan.by) {
                (Ok(Run::Done(done)), _) => return Ok(done),
                // Who may not learns it now: after one transaction, as for a visit that is not there.
                (Ok(Run::Ask(seen)), By::Caller(caller, permission)) => {
                    let (facts, id) = (seen.facts(&caller.user_id), VisitId::Live(plan.session));
                    learned = self.resolve(caller, Wanted::of_session(permission), &facts, id).await?.1;
                }
                (Err(AppError::NotFound(Resource::Session)), By::Caller(caller, permission)) if learned.is_empty() => {
                    return Err(self.nothing(caller, Wanted::of_session(permission)).await?);
                }
                (Err(error), _) => return Err(error),
                (Ok(Run::Ask(_)), By::Link(_)) => return Err(AppError::Interrupted),
            }
        }
    }

    async fn load_decide_save<D>(
        &self,
        tx: &mut dyn UnitOfWork,
        plan: &Plan<'_, D>,
        learned: &Learned,
    ) -> Result<Run<Done<Changed>>, AppError>
    where
        D: Fn(&mut VirtualSession, Option<&Access>) -> Result<Outcome, Refusal> + Send + Sync,
    {
        // The row lock comes first: of two requests under one key, the second reads the key after the first committed.
        let mut session = tx.sessions().find(plan.session).await?.ok_or(AppError::NotFound(Resource::Session))?;
        let access = match plan.by {
            By::Link(_) => None,
            By::Caller(caller, permission) => {
                let id = VisitId::Live(plan.session);
                let facts = session.facts(&caller.user_id);
                match caller.step(Wanted::of_session(permission), &facts, Some(id), learned)? {
                    Step::Allowed(access) => Some(access),
                    Step::Ask(_) => return Ok(Run::Ask(Box::new(session))),
                }
            }
        };
        if let Some(once) = plan.once
            && let Some(answer) = recall(tx.answers().find(&once.wish.key).await?, &once.wish)?
        {
            return Ok(Run::Done(Done::Before(answer)));
        }
        let mut follow_ups = Vec::new();
        let applied = (plan.decide)(&mut session, access.as_ref())? == Outcome::Applied;
        let now = self.clock.now();
        if applied {
            follow_ups = session.follow_ups().to_vec();
            tx.sessions().save(&mut session).await?;
            if let (By::Caller(_, permission), Some(access)) = (plan.by, &access)
                && is_audited(permission)
                && !matches!(access.relation, Relation::Treating | Relation::Own | Relation::Proxy)
            {
                tx.audit(AuditEntry::decided_by_staff(plan.session, permission, access.relation, now)).await?;
            }
        }
        let viewer = match (plan.by, &access) {
            (By::Caller(caller, _), Some(access)) => caller.viewer(&session, access),
            (By::Caller(..), None) => Viewer { audience: Audience::Guest, part: None },
            (By::Link(part), _) => Viewer { audience: Audience::Guest, part: Some(part) },
        };
        let viewed = ViewedSession { session, viewer };
        keep_answer(tx, plan.once, &viewed, plan.session, now).await?;
        let ViewedSession { session, viewer } = viewed;
        Ok(Run::Done(Done::Now(Changed { session, viewer, applied, follow_ups, first_lease: tx.first_lease() })))
    }

    /// Saves a visit that did not exist before, with the consents that it relies on, in one transaction called `name`.
    pub(crate) async fn insert_session(
        &self,
        name: &'static str,
        scope: &Scope,
        mut viewed: ViewedSession,
        consents: &[ReliedOnConsent],
        once: Option<&Once<'_, ViewedSession>>,
    ) -> Result<Done<ViewedSession>, AppError> {
        let mut tx = self.store.begin(name, scope).await?;
        let written = async {
            if let Some(appointment) = &viewed.session.parts().appointment_id
                && let Some(session) = tx.sessions().lock_appointment(appointment).await?
            {
                return Err(AppError::AppointmentHasVisit { session });
            }
            tx.sessions().save(&mut viewed.session).await?;
            tx.rely_on(VisitId::Live(viewed.session.parts().id), consents).await?;
            keep_answer(&mut *tx, once, &viewed, viewed.session.parts().id, self.clock.now()).await
        }
        .await;
        match written {
            Ok(()) => {
                tx.commit().await?;
                Ok(Done::Now(viewed))
            }
            Err(error) => {
                tx.rollback().await?;
                let beaten = lost_race(&error) || matches!(error, AppError::AppointmentHasVisit { .. });
                match (once, beaten) {
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

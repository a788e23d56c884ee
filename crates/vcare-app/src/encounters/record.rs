//! What came of attempts is recorded, in batches: one transaction a tenant, however many they are.

use vcare_domain::{Outcome, VirtualSession};

use crate::actor::{ActorRef, Scope};
use crate::app::App;
use crate::encounters::ask::{Answered, Verdict};
use crate::error::{AppError, Resource};
use crate::ports::{StoreError, TracedSession, UnitOfWork};
use crate::transaction::{close, run_again_after_lost_races};

/// The transaction's name in metrics.
const RECORD: &str = "record_encounter";

/// With so many visits that the database gave no answer about, it is taken to be gone, and not asked about the others.
const PATIENCE: usize = 2;

/// What became of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settled {
    /// The Encounter is in the chart and the charge is emitted: now, or by somebody else before.
    Created,
    /// A person must look.
    Parked,
    /// To be tried again.
    Later,
}

impl Settled {
    /// A fixed word for metrics.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Parked => "parked",
            Self::Later => "later",
        }
    }
}

/// What became of a job, and its visit where that may have changed.
pub(crate) struct Settlement {
    pub settled: Settled,
    pub session: Option<VirtualSession>,
}

impl Settlement {
    fn of(answered: &Answered, session: Option<VirtualSession>) -> Self {
        let settled = match answered.verdict {
            Verdict::Created(_) => Settled::Created,
            Verdict::Hopeless(_) => Settled::Parked,
            Verdict::Later(..) => Settled::Later,
        };
        Self { settled, session }
    }
}

impl App {
    /// Records what came of attempts: the Encounter's id with the charge and the end of its job, all in one transaction, or
    /// that there must be another attempt. A visit records one Encounter once, so that nothing is doubled when somebody else
    /// was faster. Answers what was recorded; the rest is in the log, and its leases run out.
    pub(crate) async fn record(&self, answered: Vec<Answered>) -> Vec<Settlement> {
        let (mut ended, later): (Vec<_>, Vec<_>) = answered.into_iter().partition(|one| one.end().is_some());
        let mut settled = self.record_later(&later).await;
        ended.sort_by(|a, b| (&a.job.tenant_id, a.job.session_id).cmp(&(&b.job.tenant_id, b.job.session_id)));
        // A transaction sees one tenant.
        for of_tenant in ended.chunk_by(|a, b| a.job.tenant_id == b.job.tenant_id) {
            settled.extend(self.record_ended(of_tenant).await);
        }
        for one in &settled {
            metrics::counter!("vcare_encounter_attempts_total", "outcome" => one.settled.as_str()).increment(1);
        }
        settled
    }

    async fn record_later(&self, later: &[Answered]) -> Vec<Settlement> {
        let back = later.iter().filter_map(|one| match one.verdict {
            Verdict::Later(due, error) => Some(one.job.given_back(due, error)),
            _ => None,
        });
        let back: Vec<_> = back.collect();
        if back.is_empty() {
            return Vec::new();
        }
        match self.jobs.give_back(&back).await {
            Ok(()) => later.iter().map(|one| Settlement::of(one, None)).collect(),
            Err(error) => {
                later.iter().for_each(|one| left_to_its_lease(one, &error));
                Vec::new()
            }
        }
    }

    /// All in one transaction; if that fails, each in one of its own, so that whatever spoilt it spoils only itself.
    async fn record_ended(&self, answered: &[Answered]) -> Vec<Settlement> {
        let error = match self.record_together(answered).await {
            Ok(settled) => return settled,
            Err(error) => error,
        };
        if let [only] = answered {
            left_to_its_lease(only, &error);
            return Vec::new();
        }
        tracing::warn!(error = &error as &dyn std::error::Error, "a batch could not be recorded; each alone now");
        let (mut settled, mut unanswered) = (Vec::new(), 0);
        for one in answered {
            if unanswered >= PATIENCE {
                left_to_its_lease(one, &error);
                continue;
            }
            match self.record_together(std::slice::from_ref(one)).await {
                Ok(recorded) => settled.extend(recorded),
                Err(error) => {
                    unanswered += usize::from(matches!(error, AppError::Store(StoreError::Unavailable(_))));
                    left_to_its_lease(one, &error);
                }
            }
        }
        settled
    }

    async fn record_together(&self, answered: &[Answered]) -> Result<Vec<Settlement>, AppError> {
        let Some(first) = answered.first() else { return Ok(Vec::new()) };
        let scope = Scope {
            tenant_id: first.job.tenant_id.clone(),
            actor: ActorRef::System("encounter"),
            trace: first.job.trace.clone(),
        };
        run_again_after_lost_races(RECORD, || async {
            let mut tx = self.store.begin(RECORD, &scope).await?;
            let done = record_in(&mut *tx, answered).await;
            close(tx, done).await
        })
        .await
    }
}

/// `answered` are of one tenant and in the order of their visits' ids.
async fn record_in(tx: &mut dyn UnitOfWork, answered: &[Answered]) -> Result<Vec<Settlement>, AppError> {
    let ids: Vec<_> = answered.iter().map(|one| one.job.session_id).collect();
    let mut sessions = tx.sessions().find_all(&ids).await?;
    if sessions.iter().map(|session| session.parts().id).ne(ids) {
        return Err(AppError::NotFound(Resource::Session));
    }
    let mut changed = Vec::with_capacity(sessions.len());
    for (session, one) in sessions.iter_mut().zip(answered) {
        if one.tell(session)? == Outcome::Applied {
            changed.push(TracedSession { session, trace: &one.job.trace });
        }
    }
    tx.sessions().save_all(&mut changed).await?;
    let closed = answered.iter().filter_map(|one| Some(one.job.closed(one.end()?)));
    tx.jobs().close(&closed.collect::<Vec<_>>()).await?;
    Ok(answered.iter().zip(sessions).map(|(one, session)| Settlement::of(one, Some(session))).collect())
}

fn left_to_its_lease(answered: &Answered, error: &(dyn std::error::Error + 'static)) {
    tracing::error!(
        error,
        tenant_id = %answered.job.tenant_id,
        session_id = %answered.job.session_id,
        "a job could not be worked; its lease will run out"
    );
}

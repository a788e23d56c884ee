//! What was accepted is written into the chart: at once where that succeeds, else by a worker, and once.

use time::{Duration, OffsetDateTime};
use vcare_domain::{
    AiDraft, AiDraftId, ChartNote, Delivery, DraftEvent, DraftRefusal, DraftState, LeaseToken, NoteId, Outcome,
    SessionId, TenantId,
};

use crate::actor::{ActorRef, Scope, TraceContext};
use crate::ai::{counted, hashes_of};
use crate::app::App;
use crate::breaker::Permit;
use crate::error::{AppError, Resource};
use crate::jobs::{Attempt, counted as counted_attempt, retry_delay};
use crate::ports::{
    ChartError, ClosedJob, GivenBack, JobEnd, JobKind, LeasedJob, NeighbourError, NeighbourFault, StoreError,
    UnitOfWork,
};
use crate::transaction::{close, run_again_after_lost_races};

/// The transaction's name in metrics.
const RECORD: &str = "record_chart_note";

/// The job of bringing one visit's accepted summaries into the chart, held under a lease.
#[derive(Debug, Clone)]
pub(crate) struct PushJob {
    pub tenant_id: TenantId,
    pub session_id: SessionId,
    pub lease: LeaseToken,
    pub trace: TraceContext,
    /// How many attempts have been begun, this one included.
    pub attempts: u32,
}

impl From<LeasedJob> for PushJob {
    fn from(job: LeasedJob) -> Self {
        let LeasedJob { tenant_id, session_id, lease, trace, attempts, .. } = job;
        Self { tenant_id, session_id, lease, trace, attempts }
    }
}

/// What the chart said of one note.
enum Verdict {
    Written(NoteId),
    Refused,
}

impl Verdict {
    const fn event(&self) -> DraftEvent {
        match self {
            Self::Written(_) => DraftEvent::Delivered,
            Self::Refused => DraftEvent::Parked,
        }
    }
}

impl App {
    /// The first attempt, by who accepts. What comes of it is the draft's to tell; a failure here is the worker's to mend.
    pub(super) async fn push_at_once(&self, job: PushJob) {
        let Some(ai) = &self.neighbours.ai else { return };
        // Nobody waits for a chart that is known to be dead.
        if matches!(ai.chart_breaker.permit(self.clock.uptime()), Permit::No { .. }) {
            return;
        }
        let attempt = self.push_summaries(&job, self.settings.inline_chart_deadline).await;
        counted_attempt(JobKind::PushSummary, attempt.as_ref().map_or("failed", |attempt| attempt.as_str()));
        // Somebody else may have been faster: then nobody asked.
        ai.chart_breaker.unused(self.clock.uptime());
        let back = match attempt {
            Ok(Attempt::Failed(fault)) => {
                let due = self.clock.now() + retry_delay(job.attempts, fault.retry_after, &*self.ids);
                let (session_id, lease, kind) = (job.session_id, job.lease, JobKind::PushSummary);
                self.jobs
                    .give_back(&[GivenBack { session_id, kind, lease, due, error: Some(fault.fault.as_str()) }])
                    .await
            }
            Ok(_) => Ok(()),
            Err(error) => return left_to_its_lease(&job, &error),
        };
        if let Err(error) = back {
            left_to_its_lease(&job, &error);
        }
    }

    /// An attempt by a worker.
    pub(crate) async fn push_leased_summaries(self, job: LeasedJob, deadline: Duration) -> Result<Attempt, AppError> {
        self.push_summaries(&job.into(), deadline).await
    }

    /// Writes everything of a visit that was accepted and is not in the chart. Safe to repeat and to run beside itself: the
    /// chart knows a draft by its key.
    async fn push_summaries(&self, job: &PushJob, deadline: Duration) -> Result<Attempt, AppError> {
        let until = self.clock.uptime() + deadline;
        let drafts = self.store.undelivered_drafts(&job.tenant_id, job.session_id).await?;
        let mut attempt = None;
        for draft in drafts {
            match self.push(job, &draft, until).await? {
                Ok(verdict) => attempt = self.record_push(job, Some((draft.parts().id, verdict))).await?,
                Err(fault) => return Ok(Attempt::Failed(fault)),
            }
        }
        match attempt {
            Some(attempt) => Ok(attempt),
            // Somebody else was faster, or has accepted one more meanwhile and does that by themselves.
            None => Ok(self.record_push(job, None).await?.unwrap_or(Attempt::Done)),
        }
    }

    async fn push(
        &self,
        job: &PushJob,
        draft: &AiDraft,
        until: Duration,
    ) -> Result<Result<Verdict, NeighbourError>, AppError> {
        let Some(ai) = &self.neighbours.ai else {
            return Ok(Err(NeighbourError {
                neighbour: "chart",
                fault: NeighbourFault::Unreachable,
                retry_after: None,
            }));
        };
        let corrupt = || StoreError::Corrupt { table: "ai_draft", column: "sealed" };
        let parts = draft.parts();
        let visit = self.store.session(&job.tenant_id, job.session_id).await?;
        let visit = visit.ok_or(AppError::NotFound(Resource::Session))?;
        let sealed = draft.text().ok_or_else(corrupt)?;
        let text = self.texts.open_text(&job.tenant_id, parts.id, sealed).await?;
        let cipher = self.store.session_cipher(&job.tenant_id, job.session_id).await?;
        let hashes = hashes_of(&*cipher, text.as_str());
        let note = ChartNote::of(draft, &visit, text, hashes).ok_or_else(corrupt)?;
        let left = (until - self.clock.uptime()).max(Duration::ZERO);
        let written = ai.chart.write(&note, left, &job.trace).await;
        match &written {
            Err(ChartError::Unavailable(error)) if error.is_outage() => {
                ai.chart_breaker.failed(self.clock.uptime(), error.retry_after);
            }
            _ => ai.chart_breaker.answered(),
        }
        match written {
            Ok(note) => Ok(Ok(Verdict::Written(note))),
            Err(ChartError::Refused { .. }) => Ok(Ok(Verdict::Refused)),
            Err(ChartError::Unavailable(fault)) => Ok(Err(fault)),
        }
    }

    /// Records what came of a note, and ends the job if nothing of the visit is owed any more: one transaction. Answers how
    /// the job ended, if it did.
    async fn record_push(
        &self,
        job: &PushJob,
        verdict: Option<(AiDraftId, Verdict)>,
    ) -> Result<Option<Attempt>, AppError> {
        let scope =
            Scope { tenant_id: job.tenant_id.clone(), actor: ActorRef::System("chart"), trace: job.trace.clone() };
        let (told, attempt) = run_again_after_lost_races(RECORD, || async {
            let mut tx = self.store.begin(RECORD, &scope).await?;
            let done = self.record_push_in(&mut *tx, job, verdict.as_ref()).await;
            close(tx, done).await
        })
        .await?;
        if let (true, Some((_, verdict))) = (told, &verdict) {
            counted(verdict.event());
        }
        Ok(attempt)
    }

    async fn record_push_in(
        &self,
        tx: &mut dyn UnitOfWork,
        job: &PushJob,
        verdict: Option<&(AiDraftId, Verdict)>,
    ) -> Result<(bool, Option<Attempt>), AppError> {
        // Under the visit's lock nobody accepts another one while this is looked at.
        tx.sessions().find(job.session_id).await?.ok_or(AppError::NotFound(Resource::Session))?;
        let mut told = false;
        if let Some((id, verdict)) = verdict {
            let mut draft = tx.ai_drafts().find(*id).await?.ok_or(AppError::NotFound(Resource::Draft))?;
            if tell(&mut draft, verdict, self.clock.now())? == Outcome::Applied {
                tx.ai_drafts().save(&mut draft).await?;
                told = true;
            }
        }
        let left = tx.ai_drafts().undelivered(job.session_id).await?;
        let owed = |draft: &AiDraft| {
            matches!(draft.parts().state, DraftState::Accepted { delivery: Delivery::Owed { .. }, .. })
        };
        if left.iter().any(owed) {
            return Ok((told, None));
        }
        let (end, attempt) = match left.is_empty() {
            true => (JobEnd::Done, Attempt::Done),
            false => (JobEnd::Parked { error: "refused" }, Attempt::Parked),
        };
        let (session_id, lease, kind) = (job.session_id, job.lease, JobKind::PushSummary);
        tx.jobs().close(&[ClosedJob { session_id, kind, lease, end }]).await?;
        Ok((told, Some(attempt)))
    }
}

fn tell(draft: &mut AiDraft, verdict: &Verdict, at: OffsetDateTime) -> Result<Outcome, DraftRefusal> {
    match verdict {
        Verdict::Written(note) => draft.record_delivery(note.clone(), at),
        Verdict::Refused => draft.park_delivery(at),
    }
}

fn left_to_its_lease(job: &PushJob, error: &(dyn std::error::Error + 'static)) {
    tracing::error!(
        error,
        tenant_id = %job.tenant_id,
        session_id = %job.session_id,
        "a job could not be worked; its lease will run out"
    );
}

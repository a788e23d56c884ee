//! One attempt to get a visit's Encounter into the chart.

use time::Duration;
use vcare_domain::{LeaseToken, Outcome, Refusal, SessionId, TenantId, VirtualSession};

use crate::actor::{ActorRef, Scope, TraceContext};
use crate::app::App;
use crate::encounters::{encounter_draft, retry_delay};
use crate::error::{AppError, Resource};
use crate::idempotency::Done;
use crate::ports::{FhirError, JobEnd};
use crate::transaction::Plan;

/// The job of writing one visit's Encounter, held under a lease.
#[derive(Debug, Clone)]
pub struct EncounterJob {
    /// Whose visit.
    pub tenant_id: TenantId,
    /// Which visit.
    pub session_id: SessionId,
    /// The proof of holding the job.
    pub lease: LeaseToken,
    /// How many attempts have been begun, this one included.
    pub attempts: u32,
    /// How the request that ended the visit is traced.
    pub trace: TraceContext,
}

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// The Encounter is in the chart and the charge is emitted: now, or by somebody else before.
    Created,
    /// The gateway refuses it as invalid: a person must look.
    Parked,
    /// To be tried again.
    Later,
}

/// What came of an attempt, and the visit after it where that changed.
pub struct Settlement {
    /// What came of it.
    pub settled: Settled,
    /// The visit after it.
    pub session: Option<VirtualSession>,
}

impl App {
    /// Writes the visit's Encounter and records its id with the charge in one transaction. Safe to repeat and to run beside
    /// itself: the gateway finds the Encounter by its identifier, the visit records one once.
    ///
    /// # Errors
    /// [`AppError::NotFound`], [`AppError::Store`]. A gateway that does not answer is no error: the job is due again later.
    #[tracing::instrument(skip_all, fields(tenant_id = %job.tenant_id, session_id = %job.session_id))]
    pub async fn settle_encounter(&self, job: &EncounterJob, deadline: Duration) -> Result<Settlement, AppError> {
        let session = self.store.session(&job.tenant_id, job.session_id).await?;
        let session = session.ok_or(AppError::NotFound(Resource::Session))?;
        self.settle(job, &session, deadline).await
    }

    /// The same for a visit that was just read or written.
    pub(crate) async fn settle(
        &self,
        job: &EncounterJob,
        session: &VirtualSession,
        deadline: Duration,
    ) -> Result<Settlement, AppError> {
        let Some(draft) = encounter_draft(session.parts()) else {
            return self.record(job, JobEnd::Done, Settled::Created, |_| Ok(Outcome::AlreadyApplied)).await;
        };
        let fhir = &self.neighbours.fhir;
        let created = fhir.create_encounter(&job.tenant_id, &draft, deadline, &job.trace).await;
        let now = self.clock.now();
        match &created {
            Err(FhirError::Unavailable(error)) if error.is_outage() => {
                self.neighbours.fhir_breaker.failed(now, error.retry_after);
            }
            _ => self.neighbours.fhir_breaker.answered(),
        }
        let result = match created {
            Ok(encounter) => {
                self.record(job, JobEnd::Done, Settled::Created, |session| {
                    session.record_encounter(encounter.clone(), now)
                })
                .await
            }
            Err(FhirError::Invalid { .. }) => {
                let end = JobEnd::Parked { error: "invalid" };
                self.record(job, end, Settled::Parked, |session| session.park_encounter(now)).await
            }
            Err(FhirError::Unavailable(fault)) => {
                let due = now + retry_delay(job.attempts, fault.retry_after, &*self.ids);
                self.jobs.retry(job.session_id, job.lease, due, fault.fault.as_str()).await?;
                Ok(Settlement { settled: Settled::Later, session: None })
            }
        };
        if let Ok(settlement) = &result {
            metrics::counter!("vcare_encounter_attempts_total", "outcome" => settlement.settled.as_str()).increment(1);
        }
        result
    }

    async fn record(
        &self,
        job: &EncounterJob,
        end: JobEnd,
        settled: Settled,
        decide: impl Fn(&mut VirtualSession) -> Result<Outcome, Refusal> + Send + Sync,
    ) -> Result<Settlement, AppError> {
        let scope =
            Scope { tenant_id: job.tenant_id.clone(), actor: ActorRef::System("encounter"), trace: job.trace.clone() };
        let closes = Some((job.lease, end));
        let plan = Plan { name: "record_encounter", session: job.session_id, once: None, closes, decide };
        match self.change_session(&scope, plan).await? {
            Done::Now(changed) => Ok(Settlement { settled, session: Some(changed.session) }),
            Done::Before(_) => Ok(Settlement { settled, session: None }),
        }
    }
}

impl Settled {
    /// A fixed word for metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Parked => "parked",
            Self::Later => "later",
        }
    }
}

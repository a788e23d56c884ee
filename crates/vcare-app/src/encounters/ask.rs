//! The gateway is asked for one visit's Encounter.

use time::{Duration, OffsetDateTime};
use vcare_domain::{ChartedEncounter, LeaseToken, Outcome, Refusal, SessionId, TenantId, VirtualSession};

use crate::actor::TraceContext;
use crate::app::App;
use crate::jobs::retry_delay;
use crate::ports::{ClosedJob, EncounterDraft, FhirError, GivenBack, JobEnd, JobKind, LeasedJob};

/// The job of writing one visit's Encounter, held under a lease.
#[derive(Debug, Clone)]
pub(crate) struct EncounterJob {
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

impl From<LeasedJob> for EncounterJob {
    fn from(job: LeasedJob) -> Self {
        let LeasedJob { tenant_id, session_id, lease, attempts, trace, .. } = job;
        Self { tenant_id, session_id, lease, attempts, trace }
    }
}

impl EncounterJob {
    pub const fn closed(&self, end: JobEnd) -> ClosedJob {
        ClosedJob { session_id: self.session_id, kind: JobKind::CreateEncounter, lease: self.lease, end }
    }

    pub const fn given_back(&self, due: OffsetDateTime, error: &'static str) -> GivenBack {
        let (session_id, lease) = (self.session_id, self.lease);
        GivenBack { session_id, kind: JobKind::CreateEncounter, lease, due, error: Some(error) }
    }
}

/// An attempt, and what came of it; not yet recorded.
#[derive(Debug, Clone)]
pub(crate) struct Answered {
    pub job: EncounterJob,
    pub verdict: Verdict,
    pub at: OffsetDateTime,
}

/// What came of an attempt.
#[derive(Debug, Clone)]
pub(crate) enum Verdict {
    /// The chart has this one.
    Created(ChartedEncounter),
    /// Trying again cannot help: a person must look. Says why, as a fixed word.
    Hopeless(&'static str),
    /// To be tried again then. Says why, as a fixed word.
    Later(OffsetDateTime, &'static str),
}

impl Answered {
    /// Tells the visit.
    pub fn tell(&self, session: &mut VirtualSession) -> Result<Outcome, Refusal> {
        match &self.verdict {
            Verdict::Created(encounter) => session.record_encounter(encounter.clone(), self.at),
            Verdict::Hopeless(_) => session.park_encounter(self.at),
            Verdict::Later(..) => Ok(Outcome::AlreadyApplied),
        }
    }

    /// How the job ends, if it does.
    pub const fn end(&self) -> Option<JobEnd> {
        match self.verdict {
            Verdict::Created(_) => Some(JobEnd::Done),
            Verdict::Hopeless(error) => Some(JobEnd::Parked { error }),
            Verdict::Later(..) => None,
        }
    }
}

impl App {
    /// Makes an attempt, and tells the breaker how the gateway is. Safe to repeat and to run beside itself: the gateway
    /// finds the Encounter by its identifier.
    pub(crate) async fn ask(&self, job: EncounterJob, draft: Option<EncounterDraft>, deadline: Duration) -> Answered {
        let Some(draft) = draft else {
            // An Encounter is owed for a visit in which nothing took place. Whatever made such a row, no gateway can help.
            return Answered { job, verdict: Verdict::Hopeless("nothing_to_write"), at: self.clock.now() };
        };
        let (created, at) = self.create_encounter(&job.tenant_id, &draft, deadline, &job.trace).await;
        let verdict = match created {
            Ok(encounter) => Verdict::Created(encounter),
            Err(FhirError::Invalid { .. }) => Verdict::Hopeless("invalid"),
            Err(FhirError::PatientMerged) => Verdict::Hopeless("patient_merged"),
            Err(FhirError::Unavailable(fault)) => {
                let due = at + retry_delay(job.attempts, fault.retry_after, &*self.ids);
                Verdict::Later(due, fault.fault.as_str())
            }
        };
        Answered { job, verdict, at }
    }

    /// Asks the gateway for an Encounter, and tells the breaker how the gateway is. When it answered comes with it.
    pub(crate) async fn create_encounter(
        &self,
        tenant: &TenantId,
        draft: &EncounterDraft,
        deadline: Duration,
        trace: &TraceContext,
    ) -> (Result<ChartedEncounter, FhirError>, OffsetDateTime) {
        let created = self.neighbours.fhir.create_encounter(tenant, draft, deadline, trace).await;
        let at = self.clock.now();
        match &created {
            Err(FhirError::Unavailable(error)) if error.is_outage() => {
                self.neighbours.fhir_breaker.failed(self.clock.uptime(), error.retry_after);
            }
            _ => self.neighbours.fhir_breaker.answered(),
        }
        (created, at)
    }
}

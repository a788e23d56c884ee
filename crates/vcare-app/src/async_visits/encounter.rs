//! The Encounter of a visit without a live link: what it is made of, and how it gets into the chart exactly once.

use time::{Duration, OffsetDateTime};
use vcare_domain::{
    AsyncVisit, AsyncVisitId, AsyncVisitParts, ChartedEncounter, EncounterRecord, LeaseToken, Outcome, SessionId,
    TenantId,
};

use crate::actor::{ActorRef, Scope, TraceContext};
use crate::app::App;
use crate::error::{AppError, Resource};
use crate::jobs::{Attempt, counted, retry_delay};
use crate::ports::{
    ClosedJob, EncounterDraft, EncounterKind, EncounterPart, EncounterParticipant, FhirError, GivenBack, Individual,
    JobEnd, JobKind, LeasedJob, NeighbourError, Period, UnitOfWork,
};
use crate::transaction::{close, run_again_after_lost_races};

/// System of the identifier by which the Encounter of such a visit is found again.
pub const ASYNC_VISIT_IDENTIFIER_SYSTEM: &str = "urn:ghasi:virtual-care:async-visit";

/// The transaction's name in metrics.
const RECORD: &str = "record_async_encounter";

const KIND: JobKind = JobKind::CreateAsyncEncounter;

/// The Encounter that a visit is owed; `None` when it is not answered, or has it. It lasts from when the clinician took the
/// visit up until they answered, and has no length: nobody measured how much of that was work.
#[must_use]
pub fn async_encounter_draft(visit: &AsyncVisitParts) -> Option<EncounterDraft> {
    let response = visit.state.response()?;
    let (EncounterRecord::Pending | EncounterRecord::Parked) = response.encounter else { return None };
    let period = Period { start: response.claimed_at, end: response.responded_at };
    let by = Individual::Practitioner(response.by.clone());
    let mut participants = vec![EncounterParticipant { individual: by, part: EncounterPart::PrimaryPerformer, period }];
    if let Some(related) = &visit.related_person {
        let individual = Individual::RelatedPerson(related.clone());
        participants.push(EncounterParticipant { individual, part: EncounterPart::Proxy, period });
    }
    Some(EncounterDraft {
        identifier_system: ASYNC_VISIT_IDENTIFIER_SYSTEM,
        identifier_value: visit.id.as_uuid().hyphenated().to_string(),
        patient_id: visit.encounter_patient().clone(),
        reason: visit.complaint_code.clone(),
        appointment_id: visit.appointment_id.clone(),
        node_id: visit.node_id.clone(),
        kinds: vec![EncounterKind::StoreAndForward],
        virtual_service: None,
        participants,
        period,
        length_seconds: None,
    })
}

/// The job of writing one visit's Encounter, held under a lease.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub tenant_id: TenantId,
    pub visit_id: AsyncVisitId,
    pub lease: LeaseToken,
    pub trace: TraceContext,
}

impl Held {
    fn subject(&self) -> SessionId {
        SessionId::from_uuid(*self.visit_id.as_uuid())
    }
}

/// What the gateway answered, where that settles the matter.
#[derive(Debug)]
enum Verdict {
    Created(ChartedEncounter),
    /// A person must look. Says why, as a fixed word.
    Hopeless(&'static str),
    /// The visit has its Encounter, or is owed none.
    NothingOwed,
}

impl App {
    /// Makes one attempt for a worker. The gateway finds the Encounter by its identifier, and a visit records one once:
    /// nothing is doubled by a worker that died, or by two at once.
    pub(crate) async fn write_async_encounter(self, job: LeasedJob, deadline: Duration) -> Result<Attempt, AppError> {
        let visit_id = AsyncVisitId::from_uuid(*job.session_id.as_uuid());
        let visit = self.store.async_visit(&job.tenant_id, visit_id).await?;
        let visit = visit.ok_or(AppError::NotFound(Resource::AsyncVisit))?;
        let held = Held { tenant_id: job.tenant_id, visit_id, lease: job.lease, trace: job.trace };
        match self.ask_about(&held, &visit, deadline).await {
            Ok((verdict, at)) => {
                let attempt = if let Verdict::Hopeless(_) = verdict { Attempt::Parked } else { Attempt::Done };
                self.record_async_encounter(&held, &verdict, at).await.map(|_| attempt)
            }
            Err(fault) => Ok(Attempt::Failed(fault)),
        }
    }

    /// Makes the first attempt, beside whoever waits for their answer. The visit after it, where that settled the matter; a
    /// worker does what did not succeed.
    pub(super) async fn first_async_encounter(&self, held: &Held, visit: &AsyncVisit) -> Option<AsyncVisit> {
        let asked = self.ask_about(held, visit, self.settings.inline_encounter_deadline).await;
        let (outcome, settled) = match asked {
            Ok((verdict, at)) => {
                let recorded = self.record_async_encounter(held, &verdict, at).await;
                let outcome = if let Verdict::Hopeless(_) = verdict { "parked" } else { "done" };
                (recorded.as_ref().map_or("failed", |_| outcome), recorded.map(Some))
            }
            Err(fault) => {
                let due = self.clock.now() + retry_delay(1, fault.retry_after, &*self.ids);
                let error = Some(fault.fault.as_str());
                let back = GivenBack { session_id: held.subject(), kind: KIND, lease: held.lease, due, error };
                ("later", self.jobs.give_back(&[back]).await.map(|()| None).map_err(AppError::from))
            }
        };
        counted(KIND, outcome);
        settled
            .inspect_err(|error| {
                tracing::error!(
                    error = error as &dyn std::error::Error,
                    tenant_id = %held.tenant_id,
                    async_visit_id = %held.visit_id,
                    "a job could not be worked; its lease will run out"
                );
            })
            .ok()
            .flatten()
    }

    async fn ask_about(
        &self,
        held: &Held,
        visit: &AsyncVisit,
        deadline: Duration,
    ) -> Result<(Verdict, OffsetDateTime), NeighbourError> {
        let Some(draft) = async_encounter_draft(visit.parts()) else {
            return Ok((Verdict::NothingOwed, self.clock.now()));
        };
        let (created, at) = self.create_encounter(&held.tenant_id, &draft, deadline, &held.trace).await;
        match created {
            Ok(encounter) => Ok((Verdict::Created(encounter), at)),
            Err(FhirError::Invalid { .. }) => Ok((Verdict::Hopeless("invalid"), at)),
            Err(FhirError::PatientMerged) => Ok((Verdict::Hopeless("patient_merged"), at)),
            Err(FhirError::Unavailable(fault)) => Err(fault),
        }
    }

    /// The Encounter's id, the charge and the end of the job, all in one transaction.
    async fn record_async_encounter(
        &self,
        held: &Held,
        verdict: &Verdict,
        at: OffsetDateTime,
    ) -> Result<AsyncVisit, AppError> {
        let scope = Scope {
            tenant_id: held.tenant_id.clone(),
            actor: ActorRef::System("encounter"),
            trace: held.trace.clone(),
        };
        run_again_after_lost_races(RECORD, || async {
            let mut tx = self.store.begin(RECORD, &scope).await?;
            let done = record_in(&mut *tx, held, verdict, at).await;
            close(tx, done).await
        })
        .await
    }
}

async fn record_in(
    tx: &mut dyn UnitOfWork,
    held: &Held,
    verdict: &Verdict,
    at: OffsetDateTime,
) -> Result<AsyncVisit, AppError> {
    let mut visit = tx.async_visits().find(held.visit_id).await?.ok_or(AppError::NotFound(Resource::AsyncVisit))?;
    let told = match verdict {
        Verdict::Created(encounter) => visit.record_encounter(encounter.clone(), at)?,
        Verdict::Hopeless(_) => visit.park_encounter(at)?,
        Verdict::NothingOwed => Outcome::AlreadyApplied,
    };
    if told == Outcome::Applied {
        tx.async_visits().save(&mut visit).await?;
    }
    let end = if let Verdict::Hopeless(error) = *verdict { JobEnd::Parked { error } } else { JobEnd::Done };
    let closed = ClosedJob { session_id: held.subject(), kind: KIND, lease: held.lease, end };
    tx.jobs().close(&[closed]).await?;
    Ok(visit)
}

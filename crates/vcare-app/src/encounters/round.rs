//! One round of a worker: jobs that were leased together are looked at, asked about side by side, and recorded in batches.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::vec;

use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use vcare_domain::SessionId;

use crate::actor::{ActorRef, Scope};
use crate::app::App;
use crate::encounters::ask::Answered;
use crate::encounters::encounter_draft;
use crate::encounters::record::Settled;
use crate::jobs::{RECORDING, WorkReport, span};
use crate::ports::{EncounterDraft, GivenBack, LeasedJob, StoreError};

/// The most visits read or recorded at once: what bounds a round's memory and its longest transaction.
const AT_ONCE: usize = 500;

/// A job whose visit wants an Encounter, and what that is made of.
type Ready = (LeasedJob, Option<EncounterDraft>);

/// One round.
pub(super) struct Round<'a> {
    app: &'a App,
    /// When it is cancelled, no more attempts are begun.
    stop: &'a CancellationToken,
    /// Not looked at yet; each chunk is of one tenant.
    leased: vec::IntoIter<Vec<LeasedJob>>,
    /// To be asked about.
    ready: VecDeque<Ready>,
    /// For the next one of them; there are so many for all rounds together.
    seat: Option<OwnedSemaphorePermit>,
    asking: JoinSet<Answered>,
    /// To be recorded, when what is being recorded is done.
    answered: Vec<Answered>,
    /// At most one, of so many.
    recording: JoinSet<WorkReport>,
    recorded: u32,
    report: WorkReport,
}

impl<'a> Round<'a> {
    pub fn new(app: &'a App, leased: Vec<LeasedJob>, stop: &'a CancellationToken) -> Self {
        Self {
            app,
            stop,
            leased: chunks(leased).into_iter(),
            ready: VecDeque::new(),
            seat: None,
            asking: JoinSet::new(),
            answered: Vec::new(),
            recording: JoinSet::new(),
            recorded: 0,
            report: WorkReport::default(),
        }
    }

    /// Until every job is done, given back, or left to its lease.
    pub async fn run(mut self) -> WorkReport {
        loop {
            self.begin_attempts().await;
            self.begin_recording();
            tokio::select! {
                Some(answered) = self.asking.join_next() => match answered {
                    Ok(answered) => self.answered.push(answered),
                    Err(_) => self.report.failed += 1,
                },
                Some(recorded) = self.recording.join_next() => {
                    let panicked = WorkReport { failed: self.recorded, ..WorkReport::default() };
                    self.report.add(recorded.unwrap_or(panicked));
                }
                Ok(seat) = Arc::clone(&self.app.seats).acquire_owned(), if self.wants_a_seat() => self.seat = Some(seat),
                else => return self.report,
            }
        }
    }

    fn wants_a_seat(&self) -> bool {
        self.seat.is_none() && !(self.ready.is_empty() && self.leased.as_slice().is_empty())
    }

    /// As many as there are seats for, as long as the gateway is not known to be dead.
    async fn begin_attempts(&mut self) {
        loop {
            if self.stop.is_cancelled() || self.app.neighbours.fhir_breaker.is_open() {
                return self.give_back().await;
            }
            let Some((job, draft)) = self.ready.pop_front() else {
                match self.leased.next() {
                    Some(jobs) => self.look_at(jobs).await,
                    None => return,
                }
                continue;
            };
            let Some(seat) = self.seat.take().or_else(|| Arc::clone(&self.app.seats).try_acquire_owned().ok()) else {
                return self.ready.push_front((job, draft));
            };
            let left = job.leased_until - self.app.clock.now() - RECORDING;
            if !left.is_positive() {
                // It waited its turn for too long, and with it all that come after.
                self.ready.push_front((job, draft));
                return self.give_back().await;
            }
            let (app, span) = (self.app.clone(), span(&job));
            let asking = async move {
                let _seat = seat;
                app.ask(job.into(), draft, left).await
            };
            self.asking.spawn(asking.instrument(span));
        }
    }

    /// What has been answered while the last batch was being recorded is the next batch: nobody waits for the slowest.
    fn begin_recording(&mut self) {
        if self.answered.is_empty() || !self.recording.is_empty() {
            return;
        }
        let (app, rest) = (self.app.clone(), self.answered.split_off(self.answered.len().min(AT_ONCE)));
        let answered = std::mem::replace(&mut self.answered, rest);
        self.recorded = count(answered.len());
        let mut report = WorkReport { failed: self.recorded, ..WorkReport::default() };
        self.recording.spawn(async move {
            for one in app.record(answered).await {
                report.failed -= 1;
                match one.settled {
                    Settled::Created => report.done += 1,
                    Settled::Parked => report.parked += 1,
                    Settled::Later => report.later += 1,
                }
            }
            report
        });
    }

    async fn look_at(&mut self, jobs: Vec<LeasedJob>) {
        let all = jobs.len();
        match self.app.look_at(jobs, &mut self.ready).await {
            Ok(looked) => self.report.add(looked),
            Err(error) => {
                self.report.failed += count(all);
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    jobs = all,
                    "jobs could not be looked at; their leases will run out"
                );
            }
        }
    }

    /// What was not begun is due at once, for somebody else or for later.
    async fn give_back(&mut self) {
        let now = self.app.clock.now();
        let jobs = self.ready.drain(..).map(|(job, _)| job).chain(self.leased.by_ref().flatten());
        let back: Vec<_> = jobs
            .map(|job| GivenBack {
                session_id: job.session_id,
                kind: job.kind,
                lease: job.lease,
                due: now,
                error: None,
            })
            .collect();
        if back.is_empty() {
            return;
        }
        self.report.later += count(back.len());
        if let Err(error) = self.app.jobs.give_back(&back).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                jobs = back.len(),
                "jobs could not be given back; their leases will run out"
            );
        }
    }
}

impl App {
    /// Closes those of one tenant's jobs whose visits need nothing more (a worker died between the record and the end of
    /// its job, say), and reads the others' visits.
    async fn look_at(&self, jobs: Vec<LeasedJob>, ready: &mut VecDeque<Ready>) -> Result<WorkReport, StoreError> {
        let mut report = WorkReport::default();
        let Some(LeasedJob { tenant_id, trace, .. }) = jobs.first().cloned() else { return Ok(report) };
        let scope = Scope { tenant_id, actor: ActorRef::System("encounter"), trace };
        let held: Vec<_> = jobs.iter().map(|job| (job.session_id, job.lease)).collect();
        let mut tx = self.store.begin("close_settled_jobs", &scope).await?;
        let settled = tx.jobs().close_settled(&held).await?;
        tx.commit().await?;
        report.done += count(settled.len());
        let settled: HashSet<SessionId> = settled.into_iter().collect();
        let left: Vec<_> = jobs.into_iter().filter(|job| !settled.contains(&job.session_id)).collect();
        if left.is_empty() {
            return Ok(report);
        }
        let ids: Vec<_> = left.iter().map(|job| job.session_id).collect();
        let mut found: HashMap<_, _> = self.store.sessions_by_id(&scope.tenant_id, &ids).await?.into_iter().collect();
        for job in left {
            match found.remove(&job.session_id) {
                Some(Ok(session)) => ready.push_back((job, encounter_draft(session.parts()))),
                nothing => {
                    report.failed += 1;
                    let error = nothing.and_then(Result::err);
                    tracing::error!(
                        error = error.as_ref().map(|error| error as &dyn std::error::Error),
                        tenant_id = %job.tenant_id,
                        session_id = %job.session_id,
                        "a job's visit could not be read; its lease will run out"
                    );
                }
            }
        }
        Ok(report)
    }
}

/// Tenant by tenant, and of each tenant at most so many at once. Within a tenant, who has waited longest stays first.
fn chunks(mut leased: Vec<LeasedJob>) -> Vec<Vec<LeasedJob>> {
    leased.sort_by(|a, b| a.tenant_id.cmp(&b.tenant_id));
    let of_tenants = leased.chunk_by(|a, b| a.tenant_id == b.tenant_id);
    of_tenants.flat_map(|jobs| jobs.chunks(AT_ONCE).map(<[_]>::to_vec)).collect()
}

fn count(jobs: usize) -> u32 {
    u32::try_from(jobs).unwrap_or(u32::MAX)
}

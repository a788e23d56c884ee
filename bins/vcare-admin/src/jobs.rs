//! `vcare-admin jobs`.

use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use time::OffsetDateTime;
use vcare_app::operations::OperatorsReason;
use vcare_app::ports::{JobFilter, JobKind, JobView, Oversight};
use vcare_boot::{Config, operators_oversight};
use vcare_domain::{JobId, TenantId};

use crate::output::{self, Output, age, count, instant};
use crate::progress::Progress;
use crate::{PENDING, named, scope, service};

#[derive(Subcommand)]
pub enum JobsCommand {
    /// List jobs, oldest first.
    List {
        #[command(flatten)]
        which: Which,
        /// Only in this state.
        #[arg(long, value_enum, default_value_t)]
        state: State,
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        limit: u16,
    },
    /// Show all that is known of one job: attempts, the last error, and who took it in hand.
    Show {
        /// The job, `job_…` or its UUID.
        #[arg(value_parser = named::job)]
        id: JobId,
    },
    /// Let jobs be tried at once: a parked one again, an open one before its time. One by its id, or all of a state.
    Requeue(Requeue),
    /// Set a job aside until somebody requeues it.
    Park {
        /// The job, `job_…` or its UUID.
        #[arg(value_parser = named::job)]
        id: JobId,
    },
}

/// Of which tenant and of which kind.
#[derive(Args)]
pub struct Which {
    /// Only of this tenant.
    #[arg(long, value_parser = named::tenant)]
    tenant: Option<TenantId>,
    /// Only of this kind, as create_encounter.
    #[arg(long, value_parser = named::kind)]
    kind: Option<JobKind>,
}

#[derive(Args)]
pub struct Requeue {
    /// The job, `job_…` or its UUID.
    #[arg(value_parser = named::job, required_unless_present = "state", conflicts_with_all = ["state", "tenant", "kind"])]
    id: Option<JobId>,
    /// All in this state; needs --reason.
    #[arg(long, value_enum, requires = "reason")]
    state: Option<State>,
    #[command(flatten)]
    which: Which,
    /// Why, in one line, for the audit entry; without names.
    #[arg(long, value_parser = OperatorsReason::parse)]
    reason: Option<OperatorsReason>,
}

/// Which jobs.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub enum State {
    /// All.
    #[default]
    All,
    /// Those that will be tried again.
    Open,
    /// Those that wait for a person.
    Parked,
}

impl From<State> for JobFilter {
    fn from(state: State) -> Self {
        match state {
            State::All => Self::All,
            State::Open => Self::Open,
            State::Parked => Self::Parked,
        }
    }
}

#[derive(Serialize)]
pub struct Row {
    id: String,
    kind: &'static str,
    state: &'static str,
    tenant: String,
    session: String,
    attempts: u32,
    last_error: Option<String>,
    due_at: String,
    age: String,
}

impl output::Row for Row {
    const COLUMNS: &'static [&'static str] =
        &["id", "kind", "state", "tenant", "session", "attempts", "last_error", "due_at", "age"];
}

pub fn row(job: &JobView, now: OffsetDateTime) -> Row {
    Row {
        id: job.id.to_string(),
        kind: job.kind.as_str(),
        state: match (job.parked, job.leased) {
            (true, _) => "parked",
            (false, true) => "leased",
            (false, false) => "open",
        },
        tenant: job.tenant_id.to_string(),
        session: job.kind.visit(job.session_id).to_string(),
        attempts: job.attempts,
        last_error: job.last_error.clone(),
        due_at: instant(job.due_at),
        age: age(now - job.created_at),
    }
}

/// All that is known of a job.
#[derive(Serialize)]
struct Record {
    #[serde(flatten)]
    row: Row,
    uuid: String,
    session_uuid: String,
    created_at: String,
    parked_at: Option<String>,
    parked_by: Option<String>,
    requeued_at: Option<String>,
    requeued_by: Option<String>,
    /// What stands in the log's lines about it.
    correlation_id: String,
}

impl output::Row for Record {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "uuid",
        "kind",
        "state",
        "tenant",
        "session",
        "session_uuid",
        "attempts",
        "last_error",
        "created_at",
        "age",
        "due_at",
        "parked_at",
        "parked_by",
        "requeued_at",
        "requeued_by",
        "correlation_id",
    ];
}

fn record(job: &JobView, now: OffsetDateTime) -> Record {
    let (parked, requeued) = (job.last_parked.as_ref(), job.last_requeued.as_ref());
    Record {
        row: row(job, now),
        uuid: job.id.as_uuid().to_string(),
        session_uuid: job.session_id.as_uuid().to_string(),
        created_at: instant(job.created_at),
        parked_at: parked.map(|parked| instant(parked.at)),
        parked_by: parked.map(|parked| parked.by.clone()),
        requeued_at: requeued.map(|requeued| instant(requeued.at)),
        requeued_by: requeued.map(|requeued| requeued.by.clone()),
        correlation_id: job.correlation_id.clone(),
    }
}

pub async fn run(command: JobsCommand, output: Output) -> anyhow::Result<ExitCode> {
    let oversight = operators_oversight(&Config::load()?);
    let find = async |id| oversight.job(id).await?.with_context(|| format!("there is no {id}"));
    match command {
        JobsCommand::List { which, state, limit } => {
            let jobs = matching(&oversight, &which, state, limit).await?;
            let now = oversight.now().await?;
            let rows: Vec<Row> = jobs.iter().map(|job| row(job, now)).collect();
            output.rows(&rows)?;
        }
        JobsCommand::Show { id } => output.record(&record(&find(id).await?, oversight.now().await?))?,
        JobsCommand::Requeue(Requeue { id: Some(id), reason, .. }) => {
            let job = find(id).await?;
            let service = service().await?;
            let scope = scope(&service, job.tenant_id)?;
            let found = service.app.requeue_job(&scope, job.session_id, job.kind, reason.as_ref()).await?;
            return report(found, id, "is due now");
        }
        JobsCommand::Requeue(Requeue { id: None, state, which, reason }) => {
            let jobs = matching(&oversight, &which, state.unwrap_or_default(), u16::MAX).await?;
            requeue_all(jobs, reason.as_ref()).await?;
        }
        JobsCommand::Park { id } => {
            let job = find(id).await?;
            let service = service().await?;
            let scope = scope(&service, job.tenant_id)?;
            return report(service.app.park_job(&scope, job.session_id, job.kind).await?, id, "is parked");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Those that match; an error for a tenant that there is not.
async fn matching(
    oversight: &impl Oversight,
    Which { tenant, kind }: &Which,
    state: State,
    limit: u16,
) -> anyhow::Result<Vec<JobView>> {
    let jobs = oversight.jobs(tenant.as_ref(), state.into(), *kind, limit).await?;
    if let (true, Some(tenant)) = (jobs.is_empty(), tenant) {
        named::must_exist(oversight, tenant).await?;
    }
    Ok(jobs)
}

/// Each in a transaction of its own: one that fails leaves those before it requeued, and the same again does the rest.
async fn requeue_all(jobs: Vec<JobView>, reason: Option<&OperatorsReason>) -> anyhow::Result<()> {
    let service = service().await?;
    let progress = Progress::of("requeuing jobs", jobs.len());
    let (mut due, mut done) = (0, 0);
    for job in jobs {
        let scope = scope(&service, job.tenant_id)?;
        let found = service.app.requeue_job(&scope, job.session_id, job.kind, reason).await;
        match found.with_context(|| format!("{}, after {} due now", job.id, count(due, "job")))? {
            true => due += 1,
            false => done += 1,
        }
        progress.step();
    }
    drop(progress);
    let done = if done == 0 { String::new() } else { format!("; {} done meanwhile", count(done, "job")) };
    println!("{} due now{done}", count(due, "job"));
    Ok(())
}

/// Prints what was done to a job. `found` is false when a worker finished it since it was read.
fn report(found: bool, id: JobId, what: &str) -> anyhow::Result<ExitCode> {
    if found {
        println!("{id} {what}");
        Ok(ExitCode::SUCCESS)
    } else {
        println!("{id} is done meanwhile");
        Ok(PENDING.into())
    }
}

//! `vcare-admin jobs`.

use std::process::ExitCode;

use anyhow::Context;
use clap::{Subcommand, ValueEnum};
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use vcare_app::ports::{Clock, JobFilter, JobView, Oversight};
use vcare_boot::{Config, SystemClock, operators_oversight};
use vcare_domain::{JobId, TenantId};

use crate::output::{self, Output, age};
use crate::{PENDING, scope, service};

#[derive(Subcommand)]
pub enum JobsCommand {
    /// List jobs, oldest first.
    List {
        /// Only of this tenant.
        #[arg(long)]
        tenant: Option<String>,
        /// Only in this state.
        #[arg(long, value_enum, default_value_t)]
        state: State,
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        limit: u16,
    },
    /// Show one job.
    Show {
        /// The job, `job_…`.
        id: JobId,
    },
    /// Let a job be tried at once: a parked one again, an open one before its time.
    Requeue {
        /// The job, `job_…`.
        id: JobId,
    },
    /// Set a job aside until somebody requeues it.
    Park {
        /// The job, `job_…`.
        id: JobId,
    },
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
struct Row {
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

fn row(job: &JobView, now: OffsetDateTime) -> Row {
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
        due_at: job.due_at.format(&Rfc3339).unwrap_or_default(),
        age: age(now - job.created_at),
    }
}

pub async fn run(command: JobsCommand, output: Output) -> anyhow::Result<ExitCode> {
    let oversight = operators_oversight(&Config::load()?);
    let find = async |id| oversight.job(id).await?.with_context(|| format!("there is no {id}"));
    match command {
        JobsCommand::List { tenant, state, limit } => {
            let tenant = tenant.map(TenantId::parse).transpose()?;
            let jobs = oversight.jobs(tenant.as_ref(), state.into(), limit).await?;
            let now = SystemClock.now();
            let rows: Vec<Row> = jobs.iter().map(|job| row(job, now)).collect();
            output.rows(&rows)?;
        }
        JobsCommand::Show { id } => output.rows(&[row(&find(id).await?, SystemClock.now())])?,
        JobsCommand::Requeue { id } => {
            let job = find(id).await?;
            let service = service().await?;
            let scope = scope(&service, job.tenant_id)?;
            return told(service.app.requeue_job(&scope, job.session_id, job.kind).await?, id, "is due now");
        }
        JobsCommand::Park { id } => {
            let job = find(id).await?;
            let service = service().await?;
            let scope = scope(&service, job.tenant_id)?;
            return told(service.app.park_job(&scope, job.session_id, job.kind).await?, id, "is parked");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Between looking and doing, a worker may have finished it.
fn told(found: bool, id: JobId, what: &str) -> anyhow::Result<ExitCode> {
    if found {
        println!("{id} {what}");
        Ok(ExitCode::SUCCESS)
    } else {
        println!("{id} is done meanwhile");
        Ok(PENDING.into())
    }
}

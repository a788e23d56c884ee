//! `vcare-admin visit`.

use std::process::ExitCode;

use anyhow::Context;
use clap::Subcommand;
use vcare_app::ports::{JobKind, Oversight};
use vcare_boot::{Config, operators_oversight};
use vcare_domain::{PatientId, SessionId, VisitId};

use crate::{PENDING, scope, service};

#[derive(Subcommand)]
pub enum VisitCommand {
    /// Have the Encounter that a visit is owed written for another record of its patient, and try it at once: after a merge
    /// that the FHIR gateway does not tell of. The charge names the same patient. Writes an audit entry.
    Repoint {
        /// The visit, `vsn_…` or `avs_…`.
        visit: VisitId,
        /// The FHIR Patient's id that Encounter and charge name.
        #[arg(long)]
        patient: String,
    },
}

pub async fn run(command: VisitCommand) -> anyhow::Result<ExitCode> {
    let VisitCommand::Repoint { visit, patient } = command;
    let patient = PatientId::parse(patient).context("--patient")?;
    let (subject, kind) = match visit {
        VisitId::Live(id) => (id, JobKind::CreateEncounter),
        VisitId::Async(id) => (SessionId::from_uuid(*id.as_uuid()), JobKind::CreateAsyncEncounter),
    };
    let job = operators_oversight(&Config::load()?).job_of(subject, kind).await?;
    let job = job.with_context(|| format!("{visit} is owed no Encounter"))?;
    let service = service().await?;
    let scope = scope(&service, job.tenant_id)?;
    if service.app.repoint_visit(&scope, visit, &patient).await? {
        println!("{visit} is repointed; {} is due now", job.id);
        Ok(ExitCode::SUCCESS)
    } else {
        println!("{} is done meanwhile", job.id);
        Ok(PENDING.into())
    }
}

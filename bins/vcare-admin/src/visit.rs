//! `vcare-admin visit`.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::Context;
use clap::Subcommand;
use serde::Serialize;
use vcare_app::ports::{EventView, JobKind, Oversight, VisitView};
use vcare_boot::{Config, operators_oversight};
use vcare_domain::{EncounterStatus, PatientId, SessionId, VisitId};

use crate::output::{self, Output, instant};
use crate::{PENDING, jobs, named, scope, service};

#[derive(Subcommand)]
pub enum VisitCommand {
    /// Show a visit's state, times, jobs and waiting events, its Encounter and its charge: ids and states, and nothing of its
    /// people.
    Show {
        /// The visit, `vsn_…`, `avs_…` or its UUID.
        #[arg(value_parser = named::Visit::parse)]
        visit: named::Visit,
    },
    /// Have the Encounter that a visit is owed written for another record of its patient, and try it at once: after a merge
    /// that the FHIR gateway does not tell of. The charge names the same patient. Writes an audit entry.
    Repoint {
        /// The visit, `vsn_…`, `avs_…` or its UUID.
        #[arg(value_parser = named::Visit::parse)]
        visit: named::Visit,
        /// The FHIR Patient's id that Encounter and charge name.
        #[arg(long)]
        patient: String,
    },
}

pub async fn run(command: VisitCommand, output: Output) -> anyhow::Result<ExitCode> {
    match command {
        VisitCommand::Show { visit } => show(visit, output).await,
        VisitCommand::Repoint { visit, patient } => repoint(visit, patient).await,
    }
}

async fn repoint(visit: named::Visit, patient: String) -> anyhow::Result<ExitCode> {
    let patient = PatientId::parse(patient).context("--patient")?;
    let oversight = operators_oversight(&Config::load()?);
    let visit = visit.find(&oversight).await?;
    let (subject, kind) = match visit {
        VisitId::Live(id) => (id, JobKind::CreateEncounter),
        VisitId::Async(id) => (SessionId::from_uuid(*id.as_uuid()), JobKind::CreateAsyncEncounter),
    };
    let job = oversight.job_of(subject, kind).await?;
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

/// A visit, as it stands.
#[derive(Serialize)]
struct Record {
    visit: String,
    uuid: String,
    tenant: String,
    status: String,
    reason_code: Option<&'static str>,
    version: u32,
    encounter: &'static str,
    encounter_id: Option<String>,
    charge: &'static str,
    charged_at: Option<String>,
}

impl output::Row for Record {
    const COLUMNS: &'static [&'static str] = &[
        "visit",
        "uuid",
        "tenant",
        "status",
        "reason_code",
        "version",
        "encounter",
        "encounter_id",
        "charge",
        "charged_at",
    ];
}

#[derive(Serialize)]
struct EventRow {
    id: String,
    subject: String,
    state: &'static str,
    created_at: String,
}

impl output::Row for EventRow {
    const COLUMNS: &'static [&'static str] = &["id", "subject", "state", "created_at"];
}

/// All of it, for programs.
#[derive(Serialize)]
struct Whole {
    #[serde(flatten)]
    record: Record,
    times: BTreeMap<&'static str, String>,
    jobs: Vec<jobs::Row>,
    events: Vec<EventRow>,
}

async fn show(visit: named::Visit, output: Output) -> anyhow::Result<ExitCode> {
    let oversight = operators_oversight(&Config::load()?);
    let id = visit.find(&oversight).await?;
    let seen = oversight.visit(id).await?.with_context(|| format!("there is no {id}"))?;
    let now = oversight.now().await?;
    let jobs: Vec<jobs::Row> = seen.jobs.iter().map(|job| jobs::row(job, now)).collect();
    let events: Vec<EventRow> = seen.events.iter().map(event).collect();
    if output == Output::Json {
        let times = seen.times.iter().map(|(name, at)| (*name, instant(*at))).collect();
        output.value(&Whole { record: record(&seen), times, jobs, events })?;
        return Ok(ExitCode::SUCCESS);
    }
    output.record(&record(&seen))?;
    println!();
    for (name, at) in &seen.times {
        println!(" {name:<15}  {}", instant(*at));
    }
    println!("\njobs:");
    output.rows(&jobs)?;
    println!("\nevents that wait or are kept:");
    output.rows(&events)?;
    Ok(ExitCode::SUCCESS)
}

fn record(seen: &VisitView) -> Record {
    let uuid = match seen.visit {
        VisitId::Live(id) => id.as_uuid().to_string(),
        VisitId::Async(id) => id.as_uuid().to_string(),
    };
    Record {
        visit: seen.visit.to_string(),
        uuid,
        tenant: seen.tenant_id.to_string(),
        status: seen.status.clone(),
        reason_code: seen.reason_code,
        version: seen.version.get(),
        encounter: seen.encounter.map_or("none", EncounterStatus::as_str),
        encounter_id: seen.encounter_id.as_ref().map(|id| id.as_str().to_owned()),
        charge: match (seen.charged_at, seen.encounter) {
            (Some(_), _) => "emitted",
            (None, Some(EncounterStatus::Pending | EncounterStatus::Parked)) => "waits for the Encounter",
            // Both are one transaction: a fault of ours.
            (None, Some(EncounterStatus::Created)) => "missing",
            (None, _) => "none",
        },
        charged_at: seen.charged_at.map(instant),
    }
}

fn event(seen: &EventView) -> EventRow {
    EventRow {
        id: seen.id.to_string(),
        subject: seen.subject.clone(),
        state: if seen.acknowledged_at.is_some() { "acknowledged, and kept for a while" } else { "waits" },
        created_at: instant(seen.created_at),
    }
}

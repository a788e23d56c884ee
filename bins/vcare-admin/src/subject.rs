//! `vcare-admin subject`: a patient's data, as the law asks for it.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;
use vcare_app::subjects::{ErasureOutcome, SubjectCommand as Command, SubjectView};
use vcare_domain::{InvalidText, PatientId, RecordingRef, Subject, SubjectOrder, TenantId};

use crate::output::{self, Output, count, instant};
use crate::{PENDING, named, scope, service};

#[derive(Subcommand)]
pub enum SubjectCommand {
    /// Show how much there is of a patient, and what is ordered about it: counts and times, and nothing that was written.
    /// Writes an audit entry.
    Show(Which),
    /// Put a legal hold on a patient's data: nothing of it is erased until it is released.
    Hold(Which),
    /// End a legal hold and a restriction.
    Release(Which),
    /// Restrict who reads a patient's data, without erasing it.
    Restrict(Which),
    /// Erase what was written about a patient. Restricts it instead while clinical records must be kept, and exits with 3. Cannot
    /// be undone.
    Erase {
        #[command(flatten)]
        which: Which,
        /// The patient's id once more.
        #[arg(long, value_name = "PATIENT")]
        confirm: String,
    },
}

/// Which patient of which tenant.
#[derive(Args)]
pub struct Which {
    /// The FHIR Patient's id.
    #[arg(value_parser = patient)]
    patient: PatientId,
    /// The patient's tenant.
    #[arg(long, value_parser = named::tenant)]
    tenant: TenantId,
}

fn patient(id: &str) -> Result<PatientId, InvalidText> {
    PatientId::parse(id)
}

pub async fn run(command: SubjectCommand, output: Output) -> anyhow::Result<ExitCode> {
    match command {
        SubjectCommand::Show(which) => show(which, output).await,
        SubjectCommand::Hold(which) => order(which, Command::Hold).await,
        SubjectCommand::Release(which) => order(which, Command::Release).await,
        SubjectCommand::Restrict(which) => order(which, Command::Restrict).await,
        SubjectCommand::Erase { which, confirm } => {
            anyhow::ensure!(confirm == which.patient.as_str(), "--confirm names another patient");
            erase(which, output).await
        }
    }
}

#[derive(Serialize)]
struct Record {
    patient: String,
    tenant: String,
    sessions: u64,
    async_visits: u64,
    uploads: u64,
    unfinished_visits: u64,
    kept_until: Option<String>,
    held: Option<String>,
    restricted: Option<String>,
    erased: Option<String>,
}

impl output::Row for Record {
    const COLUMNS: &'static [&'static str] = &[
        "patient",
        "tenant",
        "sessions",
        "async_visits",
        "uploads",
        "unfinished_visits",
        "kept_until",
        "held",
        "restricted",
        "erased",
    ];
}

fn ordered(order: Option<&SubjectOrder>) -> Option<String> {
    order.map(|order| format!("{} by {}", instant(order.at), order.by))
}

async fn show(Which { patient, tenant }: Which, output: Output) -> anyhow::Result<ExitCode> {
    let service = service().await?;
    let scope = scope(&service, tenant)?;
    let SubjectView { subject, records, kept_until } = service.app.show_subject(&scope, &patient).await?;
    output.record(&Record {
        patient: patient.as_str().to_owned(),
        tenant: scope.tenant_id.to_string(),
        sessions: records.sessions,
        async_visits: records.async_visits,
        uploads: records.uploads,
        unfinished_visits: records.unfinished_visits,
        kept_until: kept_until.map(instant),
        held: ordered(subject.held.as_ref()),
        restricted: ordered(subject.restricted.as_ref()),
        erased: ordered(subject.erased.as_ref()),
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn order(Which { patient, tenant }: Which, command: Command) -> anyhow::Result<ExitCode> {
    let service = service().await?;
    let Subject { held, restricted, .. } =
        service.app.order_subject(&scope(&service, tenant)?, &patient, command).await?;
    let state = |order: Option<&SubjectOrder>| ordered(order).unwrap_or_else(|| "no".to_owned());
    println!("legal hold: {}; restriction: {}", state(held.as_ref()), state(restricted.as_ref()));
    Ok(ExitCode::SUCCESS)
}

/// What was done, for the officer's records.
#[derive(Serialize)]
struct Receipt {
    patient: String,
    erased_at: String,
    keys: u64,
    sessions: u64,
    async_visits: u64,
    drafts: u64,
    answers: u64,
    emergency_reasons: u64,
    uploads: u64,
    recordings: Vec<String>,
    told: &'static str,
}

impl output::Row for Receipt {
    const COLUMNS: &'static [&'static str] = &[
        "patient",
        "erased_at",
        "keys",
        "sessions",
        "async_visits",
        "drafts",
        "answers",
        "emergency_reasons",
        "uploads",
        "recordings",
        "told",
    ];
}

async fn erase(Which { patient, tenant }: Which, output: Output) -> anyhow::Result<ExitCode> {
    let service = service().await?;
    match service.app.erase_subject(&scope(&service, tenant)?, &patient).await? {
        ErasureOutcome::AlreadyErased => println!("{} was erased before", patient.as_str()),
        ErasureOutcome::RestrictedUntil(until) => {
            println!("{} is restricted: clinical records must be kept until {}", patient.as_str(), instant(until));
            return Ok(PENDING.into());
        }
        ErasureOutcome::Erased(receipt) => {
            let erased = receipt.erased;
            let files = erased.recordings.len() as u64;
            output.record(&Receipt {
                patient: patient.as_str().to_owned(),
                erased_at: instant(receipt.at),
                keys: erased.keys,
                sessions: erased.sessions,
                async_visits: erased.async_visits,
                drafts: erased.drafts,
                answers: erased.answers,
                emergency_reasons: erased.emergency_reasons,
                uploads: receipt.uploads,
                recordings: erased.recordings.iter().map(RecordingRef::as_str).map(str::to_owned).collect(),
                told: "virtual_care.subject.erased.v1",
            })?;
            if files > 0 {
                eprintln!("{} must be deleted from the storage of Jibri by hand", count(files, "recording"));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

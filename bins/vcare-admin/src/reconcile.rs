//! `vcare-admin reconcile`.

use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use time::OffsetDateTime;
use vcare_app::operations::Reconciliation;
use vcare_app::ports::{Backlog, FailedVisit, Oversight, UnsettledVisit};
use vcare_boot::{Config, operators_oversight};
use vcare_domain::TenantId;

use crate::output::{self, Output, age};
use crate::{PENDING, named};

#[derive(Args)]
pub struct Reconcile {
    /// Only of this tenant.
    #[arg(long, value_parser = named::tenant)]
    tenant: Option<TenantId>,
}

#[derive(Serialize)]
struct Row {
    what: &'static str,
    count: u64,
    oldest: Option<String>,
}

impl output::Row for Row {
    const COLUMNS: &'static [&'static str] = &["what", "count", "oldest"];
}

#[derive(Serialize)]
struct VisitRow {
    tenant: String,
    session: String,
    encounter: &'static str,
    ended: String,
}

impl output::Row for VisitRow {
    const COLUMNS: &'static [&'static str] = &["tenant", "session", "encounter", "ended"];
}

#[derive(Serialize)]
struct FailedRow {
    tenant: String,
    session: String,
    failed: String,
}

impl output::Row for FailedRow {
    const COLUMNS: &'static [&'static str] = &["tenant", "session", "failed"];
}

pub async fn run(arguments: Reconcile, output: Output) -> anyhow::Result<ExitCode> {
    let tenant = arguments.tenant;
    let oversight = operators_oversight(&Config::load()?);
    let unsettled = oversight.unsettled(tenant.as_ref()).await?;
    let found = Reconciliation { as_of: oversight.now().await?, unsettled };
    // Nothing is missing of a tenant that there is not, and that is no good news.
    if let (true, Some(tenant)) = (found.is_complete(), &tenant) {
        named::must_exist(&oversight, tenant).await?;
    }
    let now = found.as_of;
    let row = |what, count, oldest: Option<OffsetDateTime>| Row { what, count, oldest: oldest.map(|at| age(now - at)) };
    let unsettled = &found.unsettled;
    output.rows(&[
        row("visits without Encounter", unsettled.without_encounter.count, unsettled.without_encounter.oldest),
        row("Encounters without charge", unsettled.without_charge.count, unsettled.without_charge.oldest),
        row("events not acknowledged", unsettled.unacknowledged.count, unsettled.unacknowledged.oldest),
        row("jobs parked", unsettled.parked.count, unsettled.parked.oldest),
        row("failed visits", unsettled.failed.count, unsettled.failed.oldest),
    ])?;
    // The oldest by name, for people; programs ask the API.
    if output == Output::Table {
        for backlog in [&unsettled.without_encounter, &unsettled.without_charge] {
            list(backlog, now, output)?;
        }
        list_failed(&unsettled.failed, now, output)?;
    }
    if found.is_complete() {
        return Ok(ExitCode::SUCCESS);
    }
    Ok(PENDING.into())
}

fn list_failed(backlog: &Backlog<FailedVisit>, now: OffsetDateTime, output: Output) -> anyhow::Result<()> {
    if backlog.items.is_empty() {
        return Ok(());
    }
    println!();
    let rows = backlog.items.iter().map(|visit| FailedRow {
        tenant: visit.tenant_id.to_string(),
        session: visit.session_id.to_string(),
        failed: age(now - visit.failed_at),
    });
    output.rows(&rows.collect::<Vec<_>>())
}

fn list(backlog: &Backlog<UnsettledVisit>, now: OffsetDateTime, output: Output) -> anyhow::Result<()> {
    if backlog.items.is_empty() {
        return Ok(());
    }
    println!();
    let rows = backlog.items.iter().map(|visit| VisitRow {
        tenant: visit.tenant_id.to_string(),
        session: visit.visit.to_string(),
        encounter: visit.encounter.as_str(),
        ended: age(now - visit.ended_at),
    });
    output.rows(&rows.collect::<Vec<_>>())
}

//! `vcare-admin tenant`.

mod apply;
mod delete;
mod file;
mod settings;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::Subcommand;
use serde::Serialize;
use time::OffsetDateTime;
use vcare_app::ports::{ConnectionReport, Oversight};
use vcare_app::tenants::{Configured, TenantConfigPatch};
use vcare_boot::{Config, operators_oversight};
use vcare_domain::{TenantConfig, TenantId};

use crate::named::{self, tenant};
use crate::output::{self, Output};
use crate::{PENDING, scope, service};
use settings::SettingFlags;

#[derive(Subcommand)]
pub enum TenantCommand {
    /// List the tenants that have settings.
    List,
    /// Show a tenant's settings. Credentials are no settings: `vcare-admin secret status` tells of them.
    Show {
        /// The tenant, as the identity provider names it.
        #[arg(value_parser = tenant)]
        tenant: TenantId,
    },
    /// Change a tenant's settings; what is not given stays as it is.
    Set {
        /// The tenant, as the identity provider names it.
        #[arg(value_parser = tenant)]
        tenant: TenantId,
        #[command(flatten)]
        settings: Box<SettingFlags>,
        /// Set this one back to its default; may be given several times.
        #[arg(long, value_name = "SETTING")]
        unset: Vec<String>,
        /// Make the tenant when there is none of that name.
        #[arg(long)]
        create: bool,
    },
    /// Delete a tenant without visits: its settings, its secrets, the copy of its logo. Writes an audit entry.
    Delete {
        /// The tenant, as the identity provider names it.
        #[arg(value_parser = tenant)]
        tenant: TenantId,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Say what `apply` would change; exit with 3 when that is anything.
    Diff {
        /// The file.
        #[arg(short, long)]
        file: PathBuf,
    },
    /// Bring all tenants of a file to what it says. Doing it again changes nothing.
    Apply {
        /// The file: TOML, a table `[tenants.<tenant>]` each, with the settings' names of the API.
        #[arg(short, long)]
        file: PathBuf,
        /// Only say what would be changed.
        #[arg(long)]
        dry_run: bool,
    },
    /// Try everything that a visit will need of the tenant's video backend; exit with 1 when something is wrong.
    TestConnection {
        /// The tenant, as the identity provider names it.
        #[arg(value_parser = tenant)]
        tenant: TenantId,
    },
}

/// A tenant, listed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    tenant: String,
    version: u32,
    video_backend: String,
    room_slug_prefix: String,
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
}

impl output::Row for Listed {
    const COLUMNS: &'static [&'static str] = &["tenant", "version", "videoBackend", "roomSlugPrefix", "updatedAt"];
}

/// What was tried of a connection.
#[derive(Serialize)]
struct Tried {
    check: &'static str,
    ok: bool,
    setting: Option<&'static str>,
    message: Option<&'static str>,
}

impl output::Row for Tried {
    const COLUMNS: &'static [&'static str] = &["check", "ok", "setting", "message"];
}

pub async fn run(command: TenantCommand, output: Output) -> anyhow::Result<ExitCode> {
    match command {
        TenantCommand::List => list(output).await?,
        TenantCommand::Show { tenant } => show(&tenant, output).await?,
        TenantCommand::Set { tenant, settings, unset, create } => {
            set(&tenant, &settings.patch(&unset)?, create).await?;
        }
        TenantCommand::Delete { tenant, yes } => delete::run(&tenant, yes).await?,
        TenantCommand::Diff { file } => return Box::pin(apply::run(&file, true, output)).await,
        TenantCommand::Apply { file, dry_run } => return Box::pin(apply::run(&file, dry_run, output)).await,
        TenantCommand::TestConnection { tenant } => return test_connection(&tenant, output).await,
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(output: Output) -> anyhow::Result<()> {
    let tenants = operators_oversight(&Config::load()?).tenants().await?;
    let rows: Vec<Listed> = tenants
        .into_iter()
        .map(|tenant| Listed {
            tenant: tenant.tenant_id.to_string(),
            version: tenant.version.get(),
            video_backend: tenant.video_backend,
            room_slug_prefix: tenant.room_slug_prefix,
            updated_at: tenant.updated_at,
        })
        .collect();
    output.rows(&rows)
}

async fn show(tenant: &TenantId, output: Output) -> anyhow::Result<()> {
    let Some(config) = service().await?.app.store.tenant_config(tenant).await? else {
        bail!(unknown(tenant).await?);
    };
    output.rows(&settings::listed(&config))
}

async fn set(tenant: &TenantId, patch: &TenantConfigPatch, create: bool) -> anyhow::Result<()> {
    let service = service().await?;
    if !create && service.app.store.tenant_config(tenant).await?.is_none() {
        bail!("{}; --create makes it", unknown(tenant).await?);
    }
    let scope = scope(&service, tenant.clone())?;
    let done = service.app.change_tenant_config(&scope, |draft| patch.apply(tenant, draft)).await?;
    println!("{}", summary_of_change(&done.config, &done.changed_fields));
    note_logo(&done);
    Ok(())
}

/// That there is no such tenant, and which may be meant, where this login may look.
async fn unknown(tenant: &TenantId) -> anyhow::Result<String> {
    let tenants = operators_oversight(&Config::load()?).tenants().await.unwrap_or_default();
    let names: Vec<&str> = tenants.iter().map(|one| one.tenant_id.as_str()).collect();
    Ok(named::unknown(tenant, &names))
}

/// Says why patients do not see the logo that was set. The setting is saved all the same: Jitsi uses the address itself.
fn note_logo(done: &Configured) {
    if let Some(Err(fault)) = done.logo {
        println!("{}: patients do not see the logo while they wait: {fault}", done.config.tenant_id());
    }
}

/// What was changed in a tenant's settings, in one line.
fn summary_of_change(config: &TenantConfig, changed: &[&'static str]) -> String {
    let (tenant, version) = (config.tenant_id(), config.version());
    match changed {
        [] => format!("{tenant} is at version {version}: nothing to change"),
        changed => format!("{tenant} is at version {version}: changed {}", changed.join(", ")),
    }
}

async fn test_connection(tenant: &TenantId, output: Output) -> anyhow::Result<ExitCode> {
    let service = service().await?;
    if service.app.store.tenant_config(tenant).await?.is_none() {
        bail!(unknown(tenant).await?);
    }
    let scope = scope(&service, tenant.clone())?;
    let report: ConnectionReport = service.app.try_connection(&scope.tenant_id, &scope.trace).await?;
    let rows: Vec<Tried> = report
        .checks
        .iter()
        .map(|check| Tried {
            check: check.check,
            ok: check.problem.is_none(),
            setting: check.problem.and_then(|problem| problem.setting),
            message: check.problem.map(|problem| problem.message),
        })
        .collect();
    output.rows(&rows)?;
    Ok(if report.healthy() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// There is something to change.
fn pending(any: bool) -> ExitCode {
    if any { ExitCode::from(PENDING) } else { ExitCode::SUCCESS }
}

//! `vcare-admin tenant delete`.

use std::io::{IsTerminal, Write, stdin, stdout};

use anyhow::{bail, ensure};
use vcare_app::ports::TenantHas;
use vcare_app::{AppError, Resource};
use vcare_domain::TenantId;

use super::unknown;
use crate::output::count;
use crate::{scope, service};

pub async fn run(tenant: &TenantId, yes: bool) -> anyhow::Result<()> {
    let service = service().await?;
    if service.app.store.tenant_config(tenant).await?.is_none() {
        bail!(unknown(tenant).await?);
    }
    if !yes {
        ensure!(stdin().is_terminal(), "--yes: is needed where nobody can be asked");
        ensure!(is_typed(tenant)?, "{tenant} was not deleted: its name was not typed");
    }
    match service.app.delete_tenant(&scope(&service, tenant.clone())?).await {
        Ok(TenantHas { visits: 0, uploads: 0 }) => println!("{tenant} is deleted"),
        Ok(TenantHas { visits, uploads }) => {
            bail!("{tenant} stays: {} and {} need its settings", count(visits, "visit"), count(uploads, "upload"))
        }
        Err(AppError::NotFound(Resource::Config)) => println!("{tenant} is deleted meanwhile"),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// Asks the operator to type the tenant's name, so that no tenant is deleted by mistake. Answers whether they did.
fn is_typed(tenant: &TenantId) -> anyhow::Result<bool> {
    print!("This deletes the settings, secrets and logo of {tenant}. Type its name to go on: ");
    stdout().flush()?;
    let mut line = String::new();
    stdin().read_line(&mut line)?;
    Ok(line.trim() == tenant.as_str())
}

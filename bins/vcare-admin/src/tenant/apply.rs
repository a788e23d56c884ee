//! `vcare-admin tenant apply` and `diff`: a file says how tenants are to be.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use vcare_app::Scope;
use vcare_app::tenants::{TenantConfigPatch, settings};
use vcare_domain::{TenantConfig, TenantConfigDraft, TenantId};

use super::{note_logo, pending, read, told};
use crate::output::{self, Output};
use crate::progress::Progress;
use crate::{scope, service};

/// `tenants.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantsFile {
    tenants: BTreeMap<String, TenantConfigPatch>,
}

/// One setting that is to change.
#[derive(Serialize)]
struct Change {
    tenant: String,
    setting: &'static str,
    from: Value,
    to: Value,
}

impl output::Row for Change {
    const COLUMNS: &'static [&'static str] = &["tenant", "setting", "from", "to"];
}

/// Applies a file, or says what that would change. Every tenant is checked before the first one is written.
pub async fn run(file: &Path, dry_run: bool, output: Output) -> anyhow::Result<ExitCode> {
    let file = read(file)?;
    let service = service().await?;
    let mut planned = Vec::new();
    let mut changes = Vec::new();
    let checking = Progress::of("looking at tenants", file.tenants.len());
    for (name, patch) in file.tenants {
        let tenant = TenantId::parse(name.as_str()).with_context(|| format!("[tenants.{name:?}]"))?;
        check(&name, &patch)?;
        let scope = scope(&service, tenant.clone())?;
        let before = service.app.store.tenant_config(&tenant).await?;
        let edit = |draft: &mut TenantConfigDraft| patch.apply(&tenant, draft);
        let after =
            service.app.preview_tenant_config(&scope, edit).await.with_context(|| format!("[tenants.{name}]"))?;
        let is_new = before.is_none();
        changes.extend(differences(before.as_ref(), &after.config, &after.changed_fields));
        if is_new || !after.changed_fields.is_empty() {
            planned.push(Planned { scope, patch, after: after.config });
        }
        checking.step();
    }
    drop(checking);
    each_prefix_once(&planned)?;
    if dry_run {
        output.rows(&changes)?;
        return Ok(pending(!planned.is_empty()));
    }
    for Planned { scope, patch, .. } in &planned {
        let tenant = &scope.tenant_id;
        let done = service.app.change_tenant_config(scope, |draft| patch.apply(tenant, draft)).await;
        let done = done.with_context(|| format!("[tenants.{tenant}]"))?;
        println!("{}", told(&done.config, &done.changed_fields));
        note_logo(&done);
    }
    if planned.is_empty() {
        println!("nothing to change");
    }
    Ok(ExitCode::SUCCESS)
}

/// One tenant that is to change.
struct Planned {
    scope: Scope,
    patch: TenantConfigPatch,
    /// How it will be.
    after: TenantConfig,
}

/// What the file gives to two tenants none of them has yet, so that nobody else would say so before the first is written.
fn each_prefix_once(planned: &[Planned]) -> anyhow::Result<()> {
    let mut seen = BTreeMap::new();
    for Planned { after, .. } in planned {
        let draft = after.draft();
        // Where a path segment says whose room it is, the prefix decides nothing.
        let (setting, value) = match &draft.jitsi_tenant {
            Some(path) => ("jitsiTenant", path),
            None => ("roomSlugPrefix", &draft.room_slug_prefix),
        };
        if let Some(other) = seen.insert((setting, value), after.tenant_id()) {
            bail!("[tenants.{}]: {setting} is the one of [tenants.{other}]", after.tenant_id());
        }
    }
    Ok(())
}

fn check(name: &str, patch: &TenantConfigPatch) -> anyhow::Result<()> {
    let credential =
        patch.jitsi_jwt_secret.is_some() || patch.zoom_api_key.is_some() || patch.zoom_api_secret.is_some();
    ensure!(!credential, "[tenants.{name}]: credentials have no place in a file: use vcare-admin secret set");
    ensure!(
        patch.version.is_none() && patch.tenant_id.is_none(),
        "[tenants.{name}]: version and tenantId are no settings"
    );
    Ok(())
}

fn differences(before: Option<&TenantConfig>, after: &TenantConfig, changed: &[&'static str]) -> Vec<Change> {
    let before: BTreeMap<&str, Value> = before.map(settings).unwrap_or_default().into_iter().collect();
    let is_new = before.is_empty();
    let tenant = after.tenant_id().to_string();
    let after = settings(after).into_iter().filter(|(name, _)| is_new || changed.contains(name));
    after
        .map(|(setting, to)| Change {
            tenant: tenant.clone(),
            setting,
            from: before.get(setting).cloned().unwrap_or(Value::Null),
            to,
        })
        .collect()
}

//! `vcare-admin tenant apply` and `diff`: a file says how tenants are to be.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use serde::Serialize;
use serde_json::Value;
use vcare_app::tenants::{Configured, TenantConfigPatch, settings};
use vcare_app::{AppError, Scope};
use vcare_boot::Service;
use vcare_domain::{InvalidConfig, TenantConfig, TenantConfigDraft};

use super::file::{self, Entry, Mistakes, TenantsFile};
use super::{note_logo, pending, summary_of_change};
use crate::output::{self, Output};
use crate::progress::Progress;
use crate::{scope, service};

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

/// Applies a file, or says what that would change. Every tenant is checked before the first one is written, and all mistakes
/// are reported together.
pub async fn run(file: &Path, dry_run: bool, output: Output) -> anyhow::Result<ExitCode> {
    let TenantsFile { tenants, mut mistakes } = file::read(file)?;
    if tenants.is_empty() {
        mistakes.none()?;
    }
    let service = service().await?;
    let mut planned = Vec::new();
    let mut changes = Vec::new();
    let checking = Progress::of("looking at tenants", tenants.len());
    for entry in tenants {
        let scope = scope(&service, entry.tenant.clone())?;
        let before = service.app.store.tenant_config(&entry.tenant).await;
        let checked = match before {
            Ok(before) => checked(&service, &scope, &entry, &mut mistakes).await.map(|after| (before, after)),
            Err(error) => Err(error.into()),
        };
        let (before, after) = match checked {
            Ok((before, Some(after))) => (before, after),
            Ok((_, None)) => continue,
            // The mistakes that were found matter more than the error that ended the search.
            Err(error) => return mistakes.none().and(Err(error)),
        };
        let is_new = before.is_none();
        changes.extend(differences(before.as_ref(), &after.config, &after.changed_fields));
        if is_new || !after.changed_fields.is_empty() {
            planned.push(Planned { scope, patch: entry.patch()?, after: after.config, entry });
        }
        checking.step();
    }
    drop(checking);
    each_prefix_once(&planned, &mut mistakes);
    mistakes.none()?;
    if dry_run {
        output.rows(&changes)?;
        return Ok(pending(!planned.is_empty()));
    }
    for Planned { scope, patch, .. } in &planned {
        let tenant = &scope.tenant_id;
        let done = service.app.change_tenant_config(scope, |draft| patch.apply(tenant, draft)).await;
        let done = done.with_context(|| format!("[tenants.{tenant}]"))?;
        println!("{}", summary_of_change(&done.config, &done.changed_fields));
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
    /// Where it stands in the file.
    entry: Entry,
}

/// What a tenant's settings would be. A setting that cannot be is noted and left out, so that the others are looked at, too;
/// `None` when there was any.
async fn checked(
    service: &Service,
    scope: &Scope,
    entry: &Entry,
    mistakes: &mut Mistakes,
) -> anyhow::Result<Option<Configured>> {
    let tenant = &entry.tenant;
    let (mut wrong, mut needed) = (Vec::new(), Vec::new());
    loop {
        let patch = entry.patch_but(&wrong, &needed)?;
        let edit = |draft: &mut TenantConfigDraft| patch.apply(tenant, draft);
        match service.app.preview_tenant_config(scope, edit).await {
            Ok(after) => return Ok(wrong.is_empty().then_some(after)),
            Err(AppError::Config(invalid)) => {
                let field = invalid.field();
                let known = wrong.contains(&field);
                if !known {
                    mistakes.note(entry.place_of(field), format!("[tenants.{tenant}]: {invalid}"));
                    wrong.push(field);
                }
                if matches!(invalid, InvalidConfig::Needed { .. }) && !needed.contains(&field) {
                    needed.push(field);
                } else if known {
                    return Ok(None);
                }
            }
            Err(error) => return Err(error).with_context(|| format!("[tenants.{tenant}]")),
        }
    }
}

/// What the file gives to two tenants none of them has yet, so that nobody else would say so before the first is written.
fn each_prefix_once(planned: &[Planned], mistakes: &mut Mistakes) {
    let mut seen = BTreeMap::new();
    for Planned { after, entry, .. } in planned {
        let draft = after.draft();
        // Where a path segment says whose room it is, the prefix decides nothing.
        let (setting, value) = match &draft.jitsi_tenant {
            Some(path) => ("jitsiTenant", path),
            None => ("roomSlugPrefix", &draft.room_slug_prefix),
        };
        if let Some(other) = seen.insert((setting, value), after.tenant_id()) {
            let message = format!("[tenants.{}]: {setting} is the one of [tenants.{other}]", after.tenant_id());
            mistakes.note(entry.place_of(setting), message);
        }
    }
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

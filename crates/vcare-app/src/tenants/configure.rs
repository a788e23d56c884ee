//! A tenant's settings are changed: by its administrators over HTTP, by operators with their tool.

use vcare_domain::{ExpectedVersions, InvalidConfig, TenantConfig, TenantConfigDraft, Version};

use crate::actor::{Caller, Role, Scope};
use crate::app::App;
use crate::authorisation::Permission;
use crate::error::{AppError, Resource};
use crate::events::AuditEntry;
use crate::ports::{LogoFault, PreparedSecret, Secret, SecretName, StoreError, UnitOfWork};
use crate::tenants::logo::CopiedLogo;

/// How often a lost race is run again.
const ATTEMPTS: usize = 4;

/// Settings that only operators may change: a path segment on a shared server is one tenant's, and addresses inside are
/// doors into the deployment.
const OPERATORS_ONLY: [&str; 3] = ["jitsiTenant", "jicofoHealthUrl", "prosodyUrl"];

/// What changes a draft.
pub trait Edit: Fn(&mut TenantConfigDraft) -> Result<(), InvalidConfig> + Send + Sync {}

impl<F: Fn(&mut TenantConfigDraft) -> Result<(), InvalidConfig> + Send + Sync> Edit for F {}

/// On what condition settings are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigCondition {
    /// On none: for operators, whose tool says what it will do.
    Unconditional,
    /// There are none yet: these are the tenant's first.
    New,
    /// There are some, whichever.
    Existing,
    /// They are at one of these versions.
    At(ExpectedVersions),
}

impl ConfigCondition {
    fn holds(&self, existing: Option<&TenantConfig>) -> Result<(), AppError> {
        match (self, existing) {
            (Self::Existing | Self::At(_), None) => Err(AppError::NotFound(Resource::Config)),
            (Self::New, Some(config)) => Err(AppError::ConfigConflict { current: config.version() }),
            (Self::At(versions), Some(config)) if !versions.contain(config.version()) => {
                Err(AppError::ConfigConflict { current: config.version() })
            }
            _ => Ok(()),
        }
    }
}

/// A change of settings.
#[derive(Debug)]
pub struct ConfigChange<E> {
    /// On what condition it is made.
    pub condition: ConfigCondition,
    /// Changes the draft; may run more than once.
    pub edit: E,
    /// Credentials to be set, or removed.
    pub credentials: Vec<(SecretName, Option<Secret>)>,
}

impl<E> ConfigChange<E> {
    /// Only settings, whatever version was seen.
    #[must_use]
    pub const fn of(edit: E) -> Self {
        Self { condition: ConfigCondition::Unconditional, edit, credentials: Vec::new() }
    }
}

/// Settings as they are, and what was changed to make them so.
#[derive(Debug, Clone)]
pub struct Configured {
    /// The settings.
    pub config: TenantConfig,
    /// Whether they are the tenant's first.
    pub created: bool,
    /// The names of what was changed; none when everything was so before.
    pub changed_fields: Vec<&'static str>,
    /// Whether the logo that the change names could be copied; `None` when it names none.
    pub logo: Option<Result<(), LogoFault>>,
}

impl App {
    /// The caller's tenant's settings.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::NotFound`], [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id))]
    pub async fn read_tenant_config(&self, caller: &Caller) -> Result<TenantConfig, AppError> {
        caller.require(Permission::ConfigRead)?;
        self.store.tenant_config(&caller.tenant_id).await?.ok_or(AppError::NotFound(Resource::Config))
    }

    /// Changes the caller's tenant's settings, and credentials with them, in one transaction; a tenant that has none gets the
    /// defaults first. What was so before is no change.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::OperatorsOnly`], [`AppError::Config`], [`AppError::InvalidSecret`],
    /// [`AppError::ConfigConflict`], [`AppError::Secrets`] when a credential cannot be sealed, [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id))]
    pub async fn write_tenant_config(
        &self,
        caller: &Caller,
        change: &ConfigChange<impl Edit>,
    ) -> Result<Configured, AppError> {
        caller.require(Permission::ConfigWrite)?;
        let operator = caller.roles.contains(&Role::PlatformAdmin);
        self.configure(&caller.scope(), change, operator).await
    }

    /// The same for the scope's tenant: for operators, who may change everything.
    ///
    /// # Errors
    /// [`AppError::Config`] names the setting that cannot be; [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %scope.tenant_id))]
    pub async fn change_tenant_config(&self, scope: &Scope, edit: impl Edit) -> Result<Configured, AppError> {
        self.configure(scope, &ConfigChange::of(edit), true).await
    }

    /// Writes the settings of the scope's tenant, new or in the place of older ones: for operators.
    ///
    /// # Errors
    /// [`AppError::Config`] names the setting that cannot be; [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %scope.tenant_id))]
    pub async fn set_tenant_config(&self, scope: &Scope, draft: TenantConfigDraft) -> Result<Configured, AppError> {
        let write_over = |edited: &mut TenantConfigDraft| {
            edited.clone_from(&draft);
            Ok(())
        };
        self.configure(scope, &ConfigChange::of(write_over), true).await
    }

    /// What [`Self::change_tenant_config`] would do, and nothing of it.
    ///
    /// # Errors
    /// The same.
    pub async fn preview_tenant_config(&self, scope: &Scope, edit: impl Edit) -> Result<Configured, AppError> {
        let mut tx = self.store.begin("preview_tenant", scope).await?;
        let done = self.edited(&mut *tx, scope, &ConfigChange::of(edit), Prepared::default(), true).await;
        tx.rollback().await?;
        done
    }

    async fn configure(
        &self,
        scope: &Scope,
        change: &ConfigChange<impl Edit>,
        operator: bool,
    ) -> Result<Configured, AppError> {
        let mut attempt = 1;
        // No network call is made between begin and commit.
        let logo = self.copy_logo(scope, &change.edit).await;
        loop {
            let mut sealed = Vec::with_capacity(change.credentials.len());
            for (name, value) in &change.credentials {
                sealed.push(match value {
                    Some(value) => SealedChange::Set(self.seal_secret(&scope.tenant_id, *name, value).await?),
                    None => SealedChange::Remove(*name),
                });
            }
            let mut tx = self.store.begin("configure_tenant", scope).await?;
            let done = match self
                .edited(&mut *tx, scope, change, Prepared { credentials: sealed, logo: logo.as_ref() }, operator)
                .await
            {
                Ok(done) => tx.commit().await.map(|()| done).map_err(AppError::from),
                Err(error) => {
                    tx.rollback().await?;
                    Err(error)
                }
            };
            match done {
                // Two wrote a tenant's first settings, or a credential, at once: the second one changes what the first wrote.
                Err(AppError::Store(StoreError::Conflict)) if attempt < ATTEMPTS => attempt += 1,
                done => {
                    // Credentials may have been brought, and the tenant may be a new one.
                    self.secrets.forget(&scope.tenant_id);
                    return done;
                }
            }
        }
    }

    async fn edited(
        &self,
        tx: &mut dyn UnitOfWork,
        scope: &Scope,
        change: &ConfigChange<impl Edit>,
        prepared: Prepared<'_>,
        operator: bool,
    ) -> Result<Configured, AppError> {
        let tenant = &scope.tenant_id;
        let existing = tx.tenant_configs().find().await?;
        change.condition.holds(existing.as_ref())?;
        let created = existing.is_none();
        let new = TenantConfigDraft::of_a_new_tenant(tenant);
        let before = existing.as_ref().map_or(&new, TenantConfig::draft);
        let version = existing.as_ref().map_or(Version::FIRST, |existing| existing.version().next());
        let mut draft = before.clone();
        (change.edit)(&mut draft)?;
        let config = TenantConfig::check(tenant.clone(), version, draft)?;
        let mut changed_fields = before.changed_fields(config.draft());
        if let Some(field) = changed_fields.iter().find(|field| !operator && OPERATORS_ONLY.contains(*field)) {
            return Err(AppError::OperatorsOnly { field });
        }
        let logo = prepared.logo.map(CopiedLogo::outcome);
        for credential in prepared.credentials {
            let (name, changed) = match credential {
                SealedChange::Set(secret) => {
                    self.put_secret(tx, &secret).await?;
                    (secret.name, true)
                }
                SealedChange::Remove(name) => (name, self.drop_secret(tx, name).await?),
            };
            if changed {
                changed_fields.push(name.as_str());
            }
        }
        let wanted = config.draft().branding_logo_url.as_deref();
        // Another picture is another look, also under the same address: whoever knows the settings' version looks again.
        if self.keep_logo(tx, wanted, prepared.logo).await? && !changed_fields.contains(&"brandingLogoUrl") {
            changed_fields.push("brandingLogoUrl");
        }
        match existing {
            Some(config) if changed_fields.is_empty() => {
                return Ok(Configured { config, created, changed_fields, logo });
            }
            _ => {}
        }
        let written = tx.tenant_configs().put(&config, &changed_fields).await;
        match written {
            Ok(()) => {
                tx.audit(AuditEntry::config_updated(tenant, &changed_fields, self.clock.now())).await?;
                Ok(Configured { config, created, changed_fields, logo })
            }
            Err(StoreError::Taken { field }) => Err(InvalidConfig::Taken { field }.into()),
            Err(error) => Err(error.into()),
        }
    }
}

/// What was got ready before the transaction began.
#[derive(Default)]
struct Prepared<'a> {
    credentials: Vec<SealedChange>,
    logo: Option<&'a CopiedLogo>,
}

/// A credential on its way into the transaction.
enum SealedChange {
    Set(PreparedSecret),
    Remove(SecretName),
}

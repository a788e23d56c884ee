//! An operator sets a tenant's settings.

use vcare_domain::{InvalidConfig, TenantConfig, TenantConfigDraft, Version};

use crate::actor::Scope;
use crate::app::App;
use crate::error::AppError;
use crate::ports::StoreError;

impl App {
    /// Writes the settings of the scope's tenant, new or in the place of older ones. Writing the same again changes nothing.
    ///
    /// # Errors
    /// [`AppError::Config`] names the setting that cannot be; [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %scope.tenant_id))]
    pub async fn set_tenant_config(&self, scope: &Scope, draft: TenantConfigDraft) -> Result<TenantConfig, AppError> {
        let existing = self.store.tenant_config(&scope.tenant_id).await?;
        let version = existing.as_ref().map_or(Version::FIRST, TenantConfig::version);
        let same = TenantConfig::check(scope.tenant_id.clone(), version, draft.clone())?;
        if existing.as_ref() == Some(&same) {
            return Ok(same);
        }
        let version = existing.map_or(Version::FIRST, |existing| existing.version().next());
        let config = TenantConfig::check(scope.tenant_id.clone(), version, draft)?;
        let mut tx = self.store.begin("set_tenant_config", scope).await?;
        let written = tx.tenant_configs().put(&config).await;
        match written {
            Ok(()) => tx.commit().await?,
            // A tenant's settings are one row, written over: only the path segment can be somebody else's.
            Err(StoreError::Conflict) => {
                tx.rollback().await?;
                return Err(InvalidConfig::Taken { field: "jitsiTenant" }.into());
            }
            Err(error) => return Err(error.into()),
        }
        Ok(config)
    }
}

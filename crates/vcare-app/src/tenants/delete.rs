//! An operator deletes a tenant that nobody was cared for in.

use crate::actor::Scope;
use crate::app::App;
use crate::error::{AppError, Resource};
use crate::events::AuditEntry;
use crate::ports::{SecretName, TenantHas, UnitOfWork};
use crate::transaction::close;

impl App {
    /// Deletes the settings of the scope's tenant, the secrets that it brought and the copy of its logo, in one transaction;
    /// nothing of it while there are visits or uploads of it, which it answers. The versions of its derived keys stay, so
    /// that none that was retired comes to life again should it be created anew.
    ///
    /// # Errors
    /// [`AppError::NotFound`] when it has no settings; [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %scope.tenant_id))]
    pub async fn delete_tenant(&self, scope: &Scope) -> Result<TenantHas, AppError> {
        let mut tx = self.store.begin("delete_tenant", scope).await?;
        match self.delete_in(&mut *tx, scope).await {
            // What was removed of it before that was found is there again.
            Ok(has) if has != TenantHas::default() => {
                tx.rollback().await?;
                Ok(has)
            }
            done => {
                let done = close(tx, done).await;
                self.secrets.forget(&scope.tenant_id);
                done
            }
        }
    }

    async fn delete_in(&self, tx: &mut dyn UnitOfWork, scope: &Scope) -> Result<TenantHas, AppError> {
        tx.tenant_configs().find().await?.ok_or(AppError::NotFound(Resource::Config))?;
        for name in SecretName::ALL {
            self.drop_secret(tx, name).await?;
        }
        tx.tenant_logos().remove().await?;
        let has = tx.tenant_configs().delete().await?;
        tx.audit(AuditEntry::config_deleted(&scope.tenant_id, self.clock.now())).await?;
        Ok(has)
    }
}

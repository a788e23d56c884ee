//! A tenant's secrets are set and removed, its derived keys rotated and shown.
//!
//! Whoever may do so was checked by the caller: these take a scope, as they are used by operators, and by the use case
//! that writes a tenant's settings.

use vcare_domain::TenantId;

use crate::actor::Scope;
use crate::app::App;
use crate::error::AppError;
use crate::events::AuditEntry;
use crate::ports::{
    KeyPurpose, KeyVersions, PreparedSecret, Secret, SecretName, StoreError, StoredSecrets, UnitOfWork,
};

/// How often a secret is sealed again after somebody else set it at the same moment.
const ATTEMPTS: usize = 4;

impl App {
    /// Checks and seals a value, for [`put_secret`](Self::put_secret) in a transaction that begins after it.
    ///
    /// # Errors
    /// [`AppError::InvalidSecret`], [`AppError::Secrets`] while the key store is down, [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %tenant, name = name.as_str()))]
    pub async fn seal_secret(
        &self,
        tenant: &TenantId,
        name: SecretName,
        value: &Secret,
    ) -> Result<PreparedSecret, AppError> {
        name.check(value)?;
        let kept = self.store.secrets_of(tenant).await?;
        let version = kept.brought(name).map_or(1, |stored| stored.sealed.version.saturating_add(1));
        let sealed = self.secrets.seal(tenant, name, version, value).await?;
        Ok(PreparedSecret { name, sealed })
    }

    /// Puts a sealed secret and its audit entry into a transaction. [`StoreError::Conflict`] when somebody else set it
    /// since it was sealed. After the commit, [`SecretStore::forget`](crate::ports::SecretStore::forget) makes this
    /// process use it at once; others follow within the half minute for which they remember.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_secret(&self, tx: &mut dyn UnitOfWork, secret: &PreparedSecret) -> Result<(), StoreError> {
        let now = self.clock.now();
        tx.tenant_secrets().put(secret, now).await?;
        tx.audit(AuditEntry::secret_set(secret.name, secret.sealed.version, now)).await
    }

    /// Removes a secret, if there is one, and writes its audit entry, inside a transaction. Answers whether there was one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn drop_secret(&self, tx: &mut dyn UnitOfWork, name: SecretName) -> Result<bool, StoreError> {
        let removed = tx.tenant_secrets().remove(name).await?;
        if removed {
            tx.audit(AuditEntry::secret_removed(name, self.clock.now())).await?;
        }
        Ok(removed)
    }

    /// Sets a secret of the scope's tenant: sealed first, then written in one transaction. Answers its version.
    ///
    /// # Errors
    /// As [`Self::seal_secret`]; nothing is written then.
    #[tracing::instrument(skip_all, fields(tenant_id = %scope.tenant_id, name = name.as_str()))]
    pub async fn set_secret(&self, scope: &Scope, name: SecretName, value: &Secret) -> Result<u32, AppError> {
        let mut attempt = 1;
        loop {
            let secret = self.seal_secret(&scope.tenant_id, name, value).await?;
            let mut tx = self.store.begin("set_secret", scope).await?;
            match self.put_secret(&mut *tx, &secret).await {
                Ok(()) => {
                    tx.commit().await?;
                    self.secrets.forget(&scope.tenant_id);
                    return Ok(secret.sealed.version);
                }
                Err(StoreError::Conflict) if attempt < ATTEMPTS => {
                    tx.rollback().await?;
                    attempt += 1;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Removes a secret of the scope's tenant: its Jitsi secret is the derived one again. Answers whether there was one.
    ///
    /// # Errors
    /// [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %scope.tenant_id, name = name.as_str()))]
    pub async fn remove_secret(&self, scope: &Scope, name: SecretName) -> Result<bool, AppError> {
        let mut tx = self.store.begin("remove_secret", scope).await?;
        let removed = self.drop_secret(&mut *tx, name).await?;
        tx.commit().await?;
        self.secrets.forget(&scope.tenant_id);
        Ok(removed)
    }

    /// Begins a new version of a derived key. Links that were sent out open until they expire; a Prosody knows one secret
    /// at a time and must have been given the new one.
    ///
    /// # Errors
    /// [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %scope.tenant_id, purpose = purpose.as_str()))]
    pub async fn rotate_key(&self, scope: &Scope, purpose: KeyPurpose) -> Result<KeyVersions, AppError> {
        let now = self.clock.now();
        let mut tx = self.store.begin("rotate_key", scope).await?;
        let versions = tx.tenant_secrets().rotate(purpose, now).await?;
        tx.audit(AuditEntry::key_rotated(purpose, versions.current, now)).await?;
        tx.commit().await?;
        self.secrets.forget(&scope.tenant_id);
        Ok(versions)
    }

    /// Ends the older versions of a derived key: what they signed opens no longer.
    ///
    /// # Errors
    /// [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %scope.tenant_id, purpose = purpose.as_str()))]
    pub async fn retire_key(&self, scope: &Scope, purpose: KeyPurpose) -> Result<KeyVersions, AppError> {
        let now = self.clock.now();
        let mut tx = self.store.begin("retire_key", scope).await?;
        let versions = tx.tenant_secrets().retire(purpose, now).await?;
        tx.audit(AuditEntry::key_retired(purpose, versions.current, now)).await?;
        tx.commit().await?;
        self.secrets.forget(&scope.tenant_id);
        Ok(versions)
    }

    /// Shows the derived Jitsi secret of the scope's tenant, and writes down that it did. With `next`, the one that the next
    /// step makes valid, so that a Prosody can be prepared: the next version, or the derived secret of a tenant that will
    /// remove its own. `None` when the tenant brought the secret that is in use: that one is never shown.
    ///
    /// # Errors
    /// [`AppError::Secrets`], [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %scope.tenant_id))]
    pub async fn reveal_jitsi_secret(&self, scope: &Scope, next: bool) -> Result<Option<(u32, Secret)>, AppError> {
        let kept = self.store.secrets_of(&scope.tenant_id).await?;
        let current = kept.versions(KeyPurpose::JitsiSecret).current;
        let version = match (kept.brought(SecretName::JitsiJwtSecret), next) {
            (Some(_), false) => return Ok(None),
            (Some(_), true) | (None, false) => current,
            (None, true) => current.saturating_add(1),
        };
        let secret = self.secrets.managed_jitsi_secret(&scope.tenant_id, version).await?;
        self.note_revealed(scope, KeyPurpose::JitsiSecret, version).await?;
        Ok(Some((version, secret)))
    }

    /// Shows the token that the own Jitsi of the scope's tenant shows us, and writes down that it did. With `next`, the one that
    /// the next rotation makes valid. Answers the version of its key, too.
    ///
    /// # Errors
    /// [`AppError::Secrets`], [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %scope.tenant_id))]
    pub async fn reveal_internal_token(&self, scope: &Scope, next: bool) -> Result<(u32, Secret), AppError> {
        let current = self.store.secrets_of(&scope.tenant_id).await?.versions(KeyPurpose::InternalToken).current;
        let version = if next { current.saturating_add(1) } else { current };
        let token = self.secrets.internal_token(&scope.tenant_id, version).await?;
        self.note_revealed(scope, KeyPurpose::InternalToken, version).await?;
        Ok((version, token))
    }

    async fn note_revealed(&self, scope: &Scope, purpose: KeyPurpose, version: u32) -> Result<(), StoreError> {
        let mut tx = self.store.begin("reveal_secret", scope).await?;
        tx.audit(AuditEntry::secret_revealed(purpose, version, self.clock.now())).await?;
        tx.commit().await
    }

    /// What there is of a tenant's secrets and keys: names, versions and ages; values are sealed.
    ///
    /// # Errors
    /// [`AppError::Store`].
    pub async fn secrets_report(&self, tenant: &TenantId) -> Result<StoredSecrets, AppError> {
        Ok(self.store.secrets_of(tenant).await?)
    }
}

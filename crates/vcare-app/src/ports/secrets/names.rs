//! The names of people in visits, as they are kept.

use async_trait::async_trait;
use vcare_domain::{DisplayName, SealedName, SessionId, TenantId};

use super::SecretsError;

/// Seals names with a key of the tenant, bound to their visit: in another visit, or another tenant's, they do not open.
#[async_trait]
pub trait DisplayNames: Send + Sync {
    /// Seals a name. The same name twice is not the same bytes.
    async fn seal_name(
        &self,
        tenant: &TenantId,
        session: SessionId,
        name: &DisplayName,
    ) -> Result<SealedName, SecretsError>;
    /// Opens what was sealed for that visit.
    async fn open_name(
        &self,
        tenant: &TenantId,
        session: SessionId,
        sealed: &SealedName,
    ) -> Result<DisplayName, SecretsError>;
}

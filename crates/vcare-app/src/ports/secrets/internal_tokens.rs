//! The tokens of servers inside the deployment, which say whose visits a server may ask and tell about.

use std::sync::Arc;

use async_trait::async_trait;
use vcare_domain::TenantId;

use super::SecretsError;

/// The tenants that a server acts for. Other tenants' visits do not exist for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedTenants(Arc<[TenantId]>);

impl ServedTenants {
    /// That tenant alone.
    #[must_use]
    pub fn one(tenant: TenantId) -> Self {
        Self(Arc::new([tenant]))
    }

    /// These tenants, and no others.
    #[must_use]
    pub fn these(tenants: impl IntoIterator<Item = TenantId>) -> Self {
        Self(tenants.into_iter().collect())
    }

    /// Whether the tenant is one of them.
    #[must_use]
    pub fn include(&self, tenant: &TenantId) -> bool {
        self.0.contains(tenant)
    }

    /// The tenant, when it is one alone.
    #[must_use]
    pub fn only(&self) -> Option<&TenantId> {
        match &*self.0 {
            [tenant] => Some(tenant),
            _ => None,
        }
    }
}

/// Finds the tenants that a server acts for by its token.
#[async_trait]
pub trait InternalTokens: Send + Sync {
    /// The tenants that a token is for; `None` for an unknown or retired token.
    async fn served(&self, token: &str) -> Result<Option<ServedTenants>, SecretsError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_serves_some_serves_no_other() {
        let tenant = |name| TenantId::parse(name).unwrap();
        let (kabul, herat) = (tenant("hosp-kabul"), tenant("hosp-herat"));
        let one = ServedTenants::one(kabul.clone());
        assert!(one.include(&kabul) && !one.include(&herat) && !one.include(&tenant("hosp-kabul2")));
        assert_eq!(one.only(), Some(&kabul));
        let both = ServedTenants::these([kabul.clone(), herat.clone()]);
        assert!(both.include(&kabul) && both.include(&herat) && !both.include(&tenant("HOSP-KABUL")));
        assert_eq!(both.only(), None);
        assert!(!ServedTenants::these([]).include(&kabul));
    }
}

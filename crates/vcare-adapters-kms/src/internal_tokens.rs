//! Internal tokens: a derived one for each tenant's own Jitsi, and those that the configuration gives to shared servers.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use vcare_app::ports::{InternalTokens, KeyPurpose, Secret, SecretsError, ServedTenants};
use vcare_domain::TenantId;

use crate::keeper::{DerivedKey, behind_lengths};
use crate::vault::Vault;

/// What a tenant's own token begins with. No shared server's does.
pub const TENANT_TOKEN_PREFIX: &str = "vci_";

/// Checks the tokens of servers inside the deployment.
///
/// A tenant's own is `vci_<tenant>.<version>.<MAC as base64url>`, signed with the key of that version that is derived for the
/// tenant: it is good for that tenant while that version is in use. A shared server's is any other text, and good for the
/// tenants that it was given with.
pub struct HmacInternalTokens {
    vault: Arc<Vault>,
    shared: Vec<Shared>,
}

/// A shared server's token, as it is compared with others: by a MAC, in a time that says nothing of either.
struct Shared {
    mac: hmac::Tag,
    tenants: ServedTenants,
}

fn comparing() -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, b"vcare/shared-server-token/v1")
}

impl HmacInternalTokens {
    /// Tenants' own tokens under the keys of that vault, and these of shared servers.
    #[must_use]
    pub fn new(vault: Arc<Vault>, shared: impl IntoIterator<Item = (Secret, ServedTenants)>) -> Self {
        let key = comparing();
        let shared = shared.into_iter();
        let shared = shared.map(|(token, tenants)| Shared { mac: hmac::sign(&key, token.expose()), tenants });
        Self { vault, shared: shared.collect() }
    }

    /// The tenants of a shared server's token. All are compared, whichever it is.
    fn of_shared(&self, token: &str) -> Option<&ServedTenants> {
        let key = comparing();
        self.shared.iter().fold(None, |found, shared| {
            let same = hmac::verify(&key, token.as_bytes(), shared.mac.as_ref()).is_ok();
            if same { Some(&shared.tenants) } else { found }
        })
    }
}

impl fmt::Debug for HmacInternalTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HmacInternalTokens({} of shared servers)", self.shared.len())
    }
}

/// What is signed. The version is the key's.
fn message(tenant: &TenantId) -> Vec<u8> {
    behind_lengths(&["vcare/internal-token/v1", tenant.as_str()])
}

/// A tenant's own token, written with its key.
pub(crate) fn written(tenant: &TenantId, version: u32, key: &DerivedKey) -> Secret {
    let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key[..]), &message(tenant));
    Secret::new(format!("{TENANT_TOKEN_PREFIX}{tenant}.{version}.{}", URL_SAFE_NO_PAD.encode(mac)))
}

/// Tenant, version and MAC, written as we write them. A tenant's name may hold dots.
fn parse(token: &str) -> Option<(TenantId, u32, Vec<u8>)> {
    let (rest, mac) = token.strip_prefix(TENANT_TOKEN_PREFIX)?.rsplit_once('.')?;
    let (tenant, version) = rest.rsplit_once('.')?;
    let number: u32 = version.parse().ok().filter(|number: &u32| *number > 0 && number.to_string() == version)?;
    let mac = URL_SAFE_NO_PAD.decode(mac).ok().filter(|mac| mac.len() == 32)?;
    Some((TenantId::parse(tenant).ok()?, number, mac))
}

#[async_trait]
impl InternalTokens for HmacInternalTokens {
    async fn served(&self, token: &str) -> Result<Option<ServedTenants>, SecretsError> {
        if let Some(tenants) = self.of_shared(token) {
            return Ok(Some(tenants.clone()));
        }
        let Some((tenant, version, mac)) = parse(token) else { return Ok(None) };
        let Some(key) = self.vault.key_in_use(KeyPurpose::InternalToken, version, &tenant).await? else {
            return Ok(None);
        };
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key[..]);
        let good = hmac::verify(&key, &message(&tenant), &mac).is_ok();
        Ok(good.then(|| ServedTenants::one(tenant)))
    }
}

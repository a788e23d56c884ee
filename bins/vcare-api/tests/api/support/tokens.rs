//! What stands in tokens.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use vcare_adapters_kms::{IfMissing, LocalKeyring, Vault, VaultConfig};
use vcare_app::ports::{Secret, TenantSecrets};
use vcare_domain::TenantId;
use vcare_testkit::{HandClock, SecretShelf};

use super::around::folder;

/// The claims of a token that nobody checks here.
pub fn claims(token: &str) -> Value {
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

/// An address that opens a video room, taken apart.
pub struct VideoUrl {
    /// The room's address.
    pub room: String,
    /// What its token says.
    pub claims: Value,
}

impl VideoUrl {
    /// Reads one as Jitsi's client does (the token is a JSON text in the fragment), and checks the token as the tenant's
    /// Prosody does.
    pub async fn read(tenant: &str, url: &str) -> Self {
        let (room, fragment) = url.split_once('#').unwrap();
        let jwt = fragment.split('&').find_map(|parameter| parameter.strip_prefix("jwt=")).unwrap();
        let token: String = serde_json::from_str(&jwt.replace("%22", "\"")).unwrap();
        let claims = vcare_jose::hs256::verify(jitsi_secret(tenant).await.expose(), &token).unwrap();
        Self { room: room.to_owned(), claims }
    }
}

/// The secret that the tenant's Prosody shares with the service, if the tenant brought none and rotated nothing.
pub async fn jitsi_secret(tenant: &str) -> Secret {
    vault().jitsi_secret(&TenantId::parse(tenant).unwrap()).await.unwrap()
}

/// The keys of tenants that rotated nothing, derived from the key file of the tests.
pub fn vault() -> Vault {
    let keyring = LocalKeyring::open(&folder().join("master.key"), IfMissing::Refuse).unwrap();
    let rows = Arc::new(SecretShelf::default());
    Vault::new(Arc::new(keyring), Arc::clone(&rows) as _, rows, HandClock::new(), VaultConfig::default())
}

//! Keys, secrets, and the tokens signed with them.

mod internal_tokens;
mod join_tokens;
mod names;
mod record_keys;
mod stored;

use std::error::Error;
use std::fmt;

use async_trait::async_trait;
use vcare_domain::TenantId;
use zeroize::Zeroizing;

pub use internal_tokens::{InternalTokens, ServedTenants};
pub use join_tokens::{JoinTokenClaims, JoinTokens};
pub use names::DisplayNames;
pub use record_keys::{RecordCipher, RecordId, RecordKeys, WrappedKey, WrappedKeys};
pub use stored::{
    KeptSecrets, KeyPurpose, KeyVersions, PreparedSecret, SealedSecret, SealedSecrets, StoredKey, StoredSecret,
    StoredSecrets, TenantNames,
};

/// The key store cannot be reached or refuses.
#[derive(Debug, thiserror::Error)]
#[error("the key store is unavailable")]
pub struct SecretsError(#[source] pub Box<dyn Error + Send + Sync>);

/// Bytes or text that must not be printed; wiped when dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Wraps secret bytes.
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    /// The bytes, read on purpose.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A secret that a tenant brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecretName {
    /// The secret that the tenant's Prosody has already; without it, one is derived for the tenant.
    JitsiJwtSecret,
    /// The key (client id) of the tenant's server-to-server app at Zoom.
    ZoomApiKey,
    /// The secret (client secret) of that app.
    ZoomApiSecret,
}

impl SecretName {
    /// Every secret that can be brought.
    pub const ALL: [Self; 3] = [Self::JitsiJwtSecret, Self::ZoomApiKey, Self::ZoomApiSecret];

    /// The secret's name in requests, answers and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::JitsiJwtSecret => "jitsiJwtSecret",
            Self::ZoomApiKey => "zoomApiKey",
            Self::ZoomApiSecret => "zoomApiSecret",
        }
    }

    /// The secret of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|secret| secret.as_str() == name)
    }

    /// How many bytes it may have. Prosody's secret is an HMAC-SHA256 key, as long as the hash at least; and nothing may
    /// be longer than what a cloud KMS seals, 4 KiB.
    #[must_use]
    pub const fn length(self) -> (usize, usize) {
        match self {
            Self::JitsiJwtSecret => (32, 4096),
            Self::ZoomApiKey | Self::ZoomApiSecret => (1, 256),
        }
    }

    /// Whether a value can be a secret of that name. All are printable ASCII without blanks: they are typed into other
    /// systems' settings, and Prosody takes its own from an environment variable, which ends at a NUL.
    ///
    /// # Errors
    /// [`InvalidSecret`], which holds nothing of the value.
    pub fn check(self, value: &Secret) -> Result<(), InvalidSecret> {
        let (least, most) = self.length();
        let bytes = value.expose();
        let good = (least..=most).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic);
        if good { Ok(()) } else { Err(InvalidSecret { name: self }) }
    }
}

/// A value that cannot be a secret of that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidSecret {
    /// The name.
    pub name: SecretName,
}

impl fmt::Display for InvalidSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (least, most) = self.name.length();
        write!(f, "{} must be {least} to {most} printable ASCII characters without blanks", self.name.as_str())
    }
}

impl Error for InvalidSecret {}

/// The tenants' secrets that other adapters need.
#[async_trait]
pub trait TenantSecrets: Send + Sync {
    /// A secret that the tenant brought; `None` when it did not.
    async fn brought(&self, tenant: &TenantId, name: SecretName) -> Result<Option<Secret>, SecretsError>;
    /// The secret that the tenant's Prosody shares with us: printable text, whose bytes are the HMAC key.
    async fn jitsi_secret(&self, tenant: &TenantId) -> Result<Secret, SecretsError>;
}

/// Seals what tenants bring, so that only we can open it, and only where it belongs: a sealed value is bound to its
/// tenant, its name and its version, and opens nowhere else.
#[async_trait]
pub trait SecretStore: Send + Sync {
    /// Seals a value. The same value twice is not the same bytes.
    async fn seal(
        &self,
        tenant: &TenantId,
        name: SecretName,
        version: u32,
        value: &Secret,
    ) -> Result<SealedSecret, SecretsError>;
    /// Opens what was sealed for that tenant and name.
    async fn open(&self, tenant: &TenantId, name: SecretName, sealed: &SealedSecret) -> Result<Secret, SecretsError>;
    /// The Jitsi secret that is derived for a tenant in that version, whether it is the current one or not: for who
    /// prepares a Prosody.
    async fn managed_jitsi_secret(&self, tenant: &TenantId, version: u32) -> Result<Secret, SecretsError>;
    /// The token that a tenant's own Jitsi shows us, in that version of its key, whether it is the current one or not.
    async fn internal_token(&self, tenant: &TenantId, version: u32) -> Result<Secret, SecretsError>;
    /// Asks anew, at the next use, for what is remembered of a tenant: after its secrets or keys were changed here.
    fn forget(&self, tenant: &TenantId);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_its_length_and_nothing_that_cannot_be_typed() {
        use SecretName::{JitsiJwtSecret, ZoomApiKey, ZoomApiSecret};
        let text = |length: usize| "s".repeat(length).into_bytes();
        let with = |odd: &[u8]| [text(40), odd.to_vec()].concat();
        let table = [
            (JitsiJwtSecret, text(32), true),
            (JitsiJwtSecret, text(4096), true),
            (JitsiJwtSecret, text(0), false),
            (JitsiJwtSecret, text(10), false),
            (JitsiJwtSecret, text(31), false),
            (JitsiJwtSecret, text(4097), false),
            (JitsiJwtSecret, text(65_536), false),
            (JitsiJwtSecret, with(b"\0"), false),
            (JitsiJwtSecret, with(b"\n"), false),
            (JitsiJwtSecret, with(b" "), false),
            (JitsiJwtSecret, with("ß".as_bytes()), false),
            (JitsiJwtSecret, with(b"\xFF"), false),
            (JitsiJwtSecret, with(b"\x7F"), false),
            (ZoomApiKey, text(1), true),
            (ZoomApiSecret, text(256), true),
            (ZoomApiKey, text(0), false),
            (ZoomApiSecret, text(257), false),
            (ZoomApiSecret, with(b"\0"), false),
        ];
        for (name, value, good) in table {
            let length = value.len();
            let checked = name.check(&Secret::new(value));
            assert_eq!(checked.is_ok(), good, "{} of {length} bytes", name.as_str());
            if let Err(invalid) = checked {
                assert!(!invalid.to_string().contains("sss"), "{invalid}");
            }
        }
    }

    #[test]
    fn a_secret_is_found_by_its_name_and_prints_nothing() {
        for name in SecretName::ALL {
            assert_eq!(SecretName::from_name(name.as_str()), Some(name));
        }
        assert_eq!(SecretName::from_name("jitsiSecret"), None);
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(…)");
    }
}

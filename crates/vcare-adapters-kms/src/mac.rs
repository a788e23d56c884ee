//! What is derived from the master key, and how it is named.

use async_trait::async_trait;
use vcare_app::ports::SecretsError;
use vcare_domain::TenantId;
use zeroize::Zeroizing;

/// A derived key: 32 bytes, wiped when dropped.
pub type DerivedKey = Zeroizing<[u8; 32]>;

/// What a derived key is for. Keys of different purposes tell nothing about each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Signs a tenant's join tokens.
    JoinKey,
    /// The secret that a tenant's Prosody shares with us.
    JitsiSecret,
}

impl Purpose {
    /// The purpose's name in labels. A new version is a new key.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::JoinKey => "vcare/join-key/v1",
            Self::JitsiSecret => "vcare/jitsi-secret/v1",
        }
    }

    /// The message that is MACed: purpose and tenant, each behind its length (four bytes, big-endian). No two pairs of
    /// purpose and tenant have one label, whatever a tenant is called. Far below the 4096 bytes that a cloud KMS takes.
    #[must_use]
    pub fn label(self, tenant: &TenantId) -> Vec<u8> {
        let mut label = Vec::new();
        for part in [self.as_str(), tenant.as_str()] {
            label.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            label.extend_from_slice(part.as_bytes());
        }
        label
    }
}

/// The keeper of the master key.
#[async_trait]
pub trait TenantMac: Send + Sync {
    /// HMAC-SHA256 of [`Purpose::label`] under the master key. The same question always has the same answer.
    ///
    /// # Errors
    /// [`SecretsError`] when the keeper cannot be reached or refuses.
    async fn derive(&self, purpose: Purpose, tenant: &TenantId) -> Result<DerivedKey, SecretsError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_its_parts_behind_their_lengths() {
        let label = Purpose::JoinKey.label(&TenantId::parse("t1").unwrap());
        assert_eq!(label, b"\0\0\0\x11vcare/join-key/v1\0\0\0\x02t1");
    }
}

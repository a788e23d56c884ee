//! Who keeps the master keys, and what is asked of them.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use vcare_app::ports::{KeyPurpose, SecretName, SecretsError, StoreError};
use vcare_domain::{AiDraftId, TenantId};
use zeroize::Zeroizing;

/// A derived key: 32 bytes, wiped when dropped.
pub type DerivedKey = Zeroizing<[u8; 32]>;

/// What is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealedThing {
    /// What a tenant brought.
    Secret(SecretName),
    /// The key of a machine's draft.
    DraftKey(AiDraftId),
}

impl From<SecretName> for SealedThing {
    fn from(name: SecretName) -> Self {
        Self::Secret(name)
    }
}

impl fmt::Display for SealedThing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(name) => f.write_str(name.as_str()),
            Self::DraftKey(draft) => write!(f, "aiDraft/{draft}"),
        }
    }
}

/// What a sealed value is bound to. It opens only under the same three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealContext<'a> {
    /// Whose.
    pub tenant: &'a TenantId,
    /// Which of its things.
    pub name: SealedThing,
    /// Which version of it.
    pub version: u32,
}

impl SealContext<'_> {
    /// The context as a cloud KMS takes it: names and values. They stand in its audit log; none is a secret.
    #[must_use]
    pub fn pairs(&self) -> [(&'static str, String); 3] {
        [
            ("vcare:tenant", self.tenant.as_str().to_owned()),
            ("vcare:name", self.name.to_string()),
            ("vcare:version", self.version.to_string()),
        ]
    }

    /// The context as bytes that no other context has.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let [(_, tenant), (_, name), (_, version)] = self.pairs();
        behind_lengths(&["vcare/sealed/v1", &tenant, &name, &version])
    }
}

/// The message that is MACed to derive a tenant's key: the purpose with the key's version, and the tenant. No two of them
/// have one label, whatever a tenant is called. Far below the 4096 bytes that a cloud KMS takes.
#[must_use]
pub fn label(purpose: KeyPurpose, version: u32, tenant: &TenantId) -> Vec<u8> {
    let purpose = match purpose {
        KeyPurpose::JoinKey => "vcare/join-key",
        KeyPurpose::JitsiSecret => "vcare/jitsi-secret",
        KeyPurpose::AttachmentLink => "vcare/attachment-link",
        KeyPurpose::InternalToken => "vcare/internal-token",
        KeyPurpose::DisplayName => "vcare/display-name",
        KeyPurpose::ListCursor => "vcare/list-cursor",
        KeyPurpose::PersonalData => "vcare/personal-data",
    };
    behind_lengths(&[&format!("{purpose}/v{version}"), tenant.as_str()])
}

/// Each part behind its length (four bytes, big-endian).
pub(crate) fn behind_lengths(parts: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

/// The longest value that is sealed, as AWS KMS has it.
pub(crate) const MAX_VALUE_BYTES: usize = 4096;

/// Refuses what is too long to be sealed. Not every server that speaks like KMS does.
pub(crate) fn check_length(value: &[u8]) -> Result<(), KeeperFault> {
    let good = value.len() <= MAX_VALUE_BYTES;
    if good { Ok(()) } else { Err(KeeperFault::Denied { code: "TooLong".to_owned() }) }
}

/// What a keeper sealed.
#[derive(Clone)]
pub struct Sealed {
    /// With which of its keys.
    pub key_id: String,
    /// The sealed bytes.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes, key {})", self.bytes.len(), self.key_id)
    }
}

/// The keeper of the master keys, which never leave it.
#[async_trait]
pub trait KeyKeeper: Send + Sync {
    /// HMAC-SHA256 of [`label`] under the master key. The same question always has the same answer.
    async fn derive(&self, purpose: KeyPurpose, version: u32, tenant: &TenantId) -> Result<DerivedKey, KeeperFault>;
    /// Seals a value for one context, of 4 KiB at most.
    async fn seal(&self, context: SealContext<'_>, value: &[u8]) -> Result<Sealed, KeeperFault>;
    /// Opens what was sealed for that context.
    async fn open(
        &self,
        context: SealContext<'_>,
        key_id: &str,
        bytes: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeeperFault>;
}

/// Why there is no key or no secret. Holds no value of either.
#[derive(Debug, Clone, thiserror::Error)]
pub enum KeeperFault {
    /// It does not let us: no right, no such key, a key that was disabled, credentials or a clock that are wrong.
    #[error("the key store refuses: {code}")]
    Denied {
        /// Its own word for it.
        code: String,
    },
    /// We asked too often.
    #[error("the key store is overloaded: {code}")]
    Throttled {
        /// Its own word for it.
        code: String,
    },
    /// It did not answer in time.
    #[error("the key store did not answer in time")]
    TimedOut,
    /// Nobody is there, or it has a fault of its own.
    #[error("the key store cannot be reached or fails: {code}")]
    Unavailable {
        /// Its own word for it.
        code: String,
    },
    /// What it answered makes no sense.
    #[error("the key store answered something else")]
    Malformed,
    /// What is to be opened was not sealed for this tenant, name and version, was changed, or was sealed with a key that
    /// is not there.
    #[error("a sealed value does not open where it is")]
    NotOpenable,
    /// The database does not say what is to be opened, or which version is to be derived.
    #[error("what is kept of the tenant's secrets cannot be read")]
    NotRead(#[source] Arc<StoreError>),
}

impl KeeperFault {
    /// A fixed word, for metrics.
    #[must_use]
    pub const fn outcome(&self) -> &'static str {
        match self {
            Self::Denied { .. } => "denied",
            Self::Throttled { .. } => "throttled",
            Self::TimedOut => "timed_out",
            Self::Unavailable { .. } => "unavailable",
            Self::Malformed => "malformed",
            Self::NotOpenable => "not_openable",
            Self::NotRead(_) => "not_read",
        }
    }

    /// Whether the keeper is down rather than saying no: what is remembered is then used for a while longer. A no is
    /// meant: whoever takes a right from us or disables a key wants it to end now.
    #[must_use]
    pub const fn is_outage(&self) -> bool {
        matches!(self, Self::Throttled { .. } | Self::TimedOut | Self::Unavailable { .. } | Self::Malformed)
    }
}

impl From<KeeperFault> for SecretsError {
    fn from(fault: KeeperFault) -> Self {
        Self(Box::new(fault))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant() -> TenantId {
        TenantId::parse("t1").unwrap()
    }

    #[test]
    fn a_label_is_its_parts_behind_their_lengths() {
        let label = |purpose, version| super::label(purpose, version, &tenant());
        assert_eq!(label(KeyPurpose::JoinKey, 1), b"\0\0\0\x11vcare/join-key/v1\0\0\0\x02t1");
        assert_eq!(label(KeyPurpose::JoinKey, 12), b"\0\0\0\x12vcare/join-key/v12\0\0\0\x02t1");
        assert_eq!(label(KeyPurpose::JitsiSecret, 1), b"\0\0\0\x15vcare/jitsi-secret/v1\0\0\0\x02t1");
        assert_eq!(label(KeyPurpose::InternalToken, 1), b"\0\0\0\x17vcare/internal-token/v1\0\0\0\x02t1");
        assert_eq!(label(KeyPurpose::ListCursor, 1), b"\0\0\0\x14vcare/list-cursor/v1\0\0\0\x02t1");
        assert_eq!(label(KeyPurpose::PersonalData, 1), b"\0\0\0\x16vcare/personal-data/v1\0\0\0\x02t1");
    }

    #[test]
    fn a_context_is_three_pairs_and_no_other_contexts_bytes() {
        let tenant = tenant();
        let context = SealContext { tenant: &tenant, name: SecretName::ZoomApiKey.into(), version: 3 };
        let pairs = context.pairs().map(|(name, value)| format!("{name}={value}"));
        assert_eq!(pairs, ["vcare:tenant=t1", "vcare:name=zoomApiKey", "vcare:version=3"]);
        let others = [
            SealContext { version: 4, ..context },
            SealContext { name: SecretName::ZoomApiSecret.into(), ..context },
            SealContext { tenant: &TenantId::parse("t2").unwrap(), ..context },
        ];
        assert!(others.iter().all(|other| other.bytes() != context.bytes()));
    }
}

//! What the database keeps of secrets and keys: sealed bytes and version numbers.

use std::fmt;

use async_trait::async_trait;
use time::OffsetDateTime;
use vcare_domain::TenantId;

use super::SecretName;
use crate::ports::StoreError;

/// A sealed secret. Without the key store it is worth nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedSecret {
    /// Which key opens it.
    pub key_id: String,
    /// How often the secret was set; what was sealed as one version does not open as another.
    pub version: u32,
    /// The sealed bytes.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for SealedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key_id, version, bytes } = self;
        write!(f, "SealedSecret({} bytes, version {version}, key {key_id})", bytes.len())
    }
}

/// A secret sealed before a transaction begins, to be put in one: as no network call stands between begin and commit.
#[derive(Debug, Clone)]
pub struct PreparedSecret {
    /// Which.
    pub name: SecretName,
    /// The sealed value; its version is the one after what it was sealed to follow.
    pub sealed: SealedSecret,
}

/// A sealed secret as it is kept.
#[derive(Debug, Clone)]
pub struct StoredSecret {
    /// Which.
    pub name: SecretName,
    /// The sealed value.
    pub sealed: SealedSecret,
    /// Since when it is this value.
    pub since: OffsetDateTime,
}

/// What a derived key is for. Keys of different purposes tell nothing about each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyPurpose {
    /// Signs a tenant's join tokens.
    JoinKey,
    /// The secret that a tenant's Prosody shares with us, when the tenant brought none.
    JitsiSecret,
    /// Signs links to a tenant's attachments.
    AttachmentLink,
    /// Signs the token that a tenant's own Jitsi shows us.
    InternalToken,
    /// Seals the names of people in a tenant's visits.
    DisplayName,
    /// Signs the cursors of a tenant's lists.
    ListCursor,
    /// Wraps the keys of a tenant's patients, under which what is written about them is encrypted.
    PersonalData,
}

impl KeyPurpose {
    /// Every purpose.
    pub const ALL: [Self; 7] = [
        Self::JoinKey,
        Self::JitsiSecret,
        Self::AttachmentLink,
        Self::InternalToken,
        Self::DisplayName,
        Self::ListCursor,
        Self::PersonalData,
    ];

    /// The purpose's name in the database and in audit entries.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::JoinKey => "joinKey",
            Self::JitsiSecret => "jitsiSecret",
            Self::AttachmentLink => "attachmentLink",
            Self::InternalToken => "internalToken",
            Self::DisplayName => "displayName",
            Self::ListCursor => "listCursor",
            Self::PersonalData => "personalData",
        }
    }

    /// The purpose of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == name)
    }
}

/// Which versions of a derived key are in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyVersions {
    /// What is signed with it from now on.
    pub current: u32,
    /// The oldest whose signatures are still taken.
    pub oldest: u32,
}

impl KeyVersions {
    /// Of a key that was never rotated.
    pub const FIRST: Self = Self { current: 1, oldest: 1 };

    /// Whether signatures of that version are taken.
    #[must_use]
    pub const fn take(self, version: u32) -> bool {
        self.oldest <= version && version <= self.current
    }
}

/// A derived key's versions as they are kept.
#[derive(Debug, Clone, Copy)]
pub struct StoredKey {
    /// Which key.
    pub purpose: KeyPurpose,
    /// Its versions.
    pub versions: KeyVersions,
    /// Since when.
    pub since: OffsetDateTime,
}

/// All that is kept of a tenant's secrets and keys.
#[derive(Debug, Clone, Default)]
pub struct StoredSecrets {
    /// Whether the tenant has settings: tokens of others are nobody's.
    pub configured: bool,
    /// What the tenant brought.
    pub sealed: Vec<StoredSecret>,
    /// Derived keys that were rotated.
    pub keys: Vec<StoredKey>,
}

impl StoredSecrets {
    /// A secret that the tenant brought.
    #[must_use]
    pub fn brought(&self, name: SecretName) -> Option<&StoredSecret> {
        self.sealed.iter().find(|stored| stored.name == name)
    }

    /// Which versions of a derived key are in use.
    #[must_use]
    pub fn versions(&self, purpose: KeyPurpose) -> KeyVersions {
        self.keys.iter().find(|key| key.purpose == purpose).map_or(KeyVersions::FIRST, |key| key.versions)
    }
}

/// Reads what is kept of a tenant's secrets and keys.
#[async_trait]
pub trait SealedSecrets: Send + Sync {
    /// All of it, in one statement.
    async fn secrets_of(&self, tenant: &TenantId) -> Result<StoredSecrets, StoreError>;
}

/// Which tenants there are.
#[async_trait]
pub trait TenantNames: Send + Sync {
    /// All that have settings.
    async fn tenants(&self) -> Result<Vec<TenantId>, StoreError>;
}

/// A tenant's secrets and keys, inside a transaction.
#[async_trait]
pub trait KeptSecrets: Send {
    /// Puts a secret in the place of the version it was sealed to follow. [`StoreError::Conflict`] when somebody else did
    /// so meanwhile.
    async fn put(&mut self, secret: &PreparedSecret, at: OffsetDateTime) -> Result<(), StoreError>;
    /// Forgets a secret. Answers whether there was one.
    async fn remove(&mut self, name: SecretName) -> Result<bool, StoreError>;
    /// Begins a new version of a derived key; the older ones stay good for what they signed.
    async fn rotate(&mut self, purpose: KeyPurpose, at: OffsetDateTime) -> Result<KeyVersions, StoreError>;
    /// Ends all versions of a derived key but the current one.
    async fn retire(&mut self, purpose: KeyPurpose, at: OffsetDateTime) -> Result<KeyVersions, StoreError>;
}

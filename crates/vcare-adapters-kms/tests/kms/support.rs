//! A keeper with moods, and a vault over it.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use time::OffsetDateTime;
use tokio::sync::Semaphore;
use uuid::Uuid;
use vcare_adapters_kms::{
    DerivedKey, Hs256JoinTokens, KeeperFault, KeyKeeper, LocalKeyring, SealContext, Sealed, Vault, VaultConfig,
};
use vcare_app::ports::{
    Clock, JoinTokenClaims, KeyPurpose, SealedSecret, Secret, SecretName, SecretStore, SecretsError, StoredSecret,
};
use vcare_domain::{ParticipantId, ParticipantRole, SessionId, TenantId};
use vcare_testkit::{HandClock, SecretShelf};
use zeroize::Zeroizing;

/// A secret as tenants bring it; must be found nowhere.
pub const BROUGHT: &str = "brought-by-kabul-0123456789-abcdefghij";

pub fn keyring(byte: u8) -> LocalKeyring {
    LocalKeyring::from_master(&Zeroizing::new([byte; 32])).unwrap()
}

pub fn tenant(name: &str) -> TenantId {
    TenantId::parse(name).unwrap()
}

pub fn timed_out() -> KeeperFault {
    KeeperFault::TimedOut
}

pub fn denied() -> KeeperFault {
    KeeperFault::Denied { code: "AccessDeniedException".to_owned() }
}

/// A keeper that does as it is told, counts how often it is asked, and can be made to hold its answers back.
pub struct Moody {
    inner: LocalKeyring,
    mood: Mutex<Option<KeeperFault>>,
    asked: AtomicUsize,
    gate: Semaphore,
}

impl Moody {
    pub fn new() -> Arc<Self> {
        let gate = Semaphore::new(1);
        Arc::new(Self { inner: keyring(7), mood: Mutex::default(), asked: AtomicUsize::new(0), gate })
    }

    pub fn be(&self, mood: Option<KeeperFault>) {
        *self.mood.lock().unwrap() = mood;
    }

    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    /// Answers nobody until the guard is gone.
    pub fn hold_back(&self) -> tokio::sync::SemaphorePermit<'_> {
        self.gate.try_acquire().unwrap()
    }

    async fn ask(&self) -> Result<(), KeeperFault> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        drop(self.gate.acquire().await.unwrap());
        self.mood.lock().unwrap().clone().map_or(Ok(()), Err)
    }
}

#[async_trait]
impl KeyKeeper for Moody {
    async fn derive(&self, purpose: KeyPurpose, version: u32, tenant: &TenantId) -> Result<DerivedKey, KeeperFault> {
        self.ask().await?;
        self.inner.derive(purpose, version, tenant).await
    }

    async fn seal(&self, context: SealContext<'_>, value: &[u8]) -> Result<Sealed, KeeperFault> {
        self.ask().await?;
        self.inner.seal(context, value).await
    }

    async fn open(
        &self,
        context: SealContext<'_>,
        key_id: &str,
        bytes: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeeperFault> {
        self.ask().await?;
        self.inner.open(context, key_id, bytes).await
    }
}

/// A vault, and all that it stands on.
pub struct Bench {
    pub keeper: Arc<Moody>,
    pub shelf: Arc<SecretShelf>,
    pub clock: Arc<HandClock>,
    pub vault: Arc<Vault>,
}

impl Bench {
    pub fn new() -> Self {
        let (keeper, shelf, clock) = (Moody::new(), Arc::new(SecretShelf::default()), HandClock::new());
        let vault = vault(Arc::clone(&keeper), Arc::clone(&shelf), Arc::clone(&clock));
        Self { keeper, shelf, clock, vault: Arc::new(vault) }
    }

    /// Another process: it remembers nothing, and shares the rest.
    pub fn elsewhere(&self) -> Arc<Vault> {
        Arc::new(vault(Arc::clone(&self.keeper), Arc::clone(&self.shelf), Arc::clone(&self.clock)))
    }

    pub fn tokens(&self) -> Hs256JoinTokens {
        Hs256JoinTokens::new(Arc::clone(&self.vault))
    }

    pub async fn managed(&self, name: &str) -> Result<Secret, SecretsError> {
        self.vault.managed_jitsi_secret(&tenant(name), 1).await
    }

    /// Puts a secret on the shelf, as the use case does.
    pub async fn bring(&self, name: &str, secret: SecretName, version: u32, value: &str) -> SealedSecret {
        let sealed = self.vault.seal(&tenant(name), secret, version, &Secret::new(value)).await.unwrap();
        self.shelve(name, secret, sealed.clone());
        sealed
    }

    pub fn shelve(&self, name: &str, secret: SecretName, sealed: SealedSecret) {
        let stored = StoredSecret { name: secret, sealed, since: self.clock.now() };
        self.shelf.change(&tenant(name), |kept| {
            kept.sealed.retain(|other| other.name != secret);
            kept.sealed.push(stored);
        });
    }
}

fn vault(keeper: Arc<Moody>, shelf: Arc<SecretShelf>, clock: Arc<HandClock>) -> Vault {
    Vault::new(keeper, Arc::clone(&shelf) as _, shelf, clock, VaultConfig::default())
}

/// What a join token of that tenant says; it opens for 30 days.
pub fn claims(name: &str, now: OffsetDateTime) -> JoinTokenClaims {
    JoinTokenClaims {
        tenant_id: tenant(name),
        session_id: SessionId::from_uuid(Uuid::from_u128(1)),
        participant_id: ParticipantId::from_uuid(Uuid::from_u128(2)),
        role: ParticipantRole::Patient,
        version: 1,
        issued_at: now,
        expires_at: now + time::Duration::days(30),
    }
}

/// All that an error says, its causes included.
pub fn told(error: &dyn std::error::Error) -> String {
    let mut told = format!("{error} {error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        told = format!("{told} {error} {error:?}");
        cause = error.source();
    }
    told
}

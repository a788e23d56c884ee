//! What a database would keep of tenants' secrets.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use vcare_app::ports::{SealedSecrets, StoreError, StoredSecrets};
use vcare_domain::TenantId;

/// What is kept of tenants' secrets, in memory. Every tenant has settings, and brought and rotated nothing before it is
/// told otherwise.
#[derive(Debug, Default)]
pub struct SecretShelf(Mutex<Shelf>);

#[derive(Debug, Default)]
struct Shelf {
    tenants: HashMap<TenantId, StoredSecrets>,
    reads: usize,
    down: bool,
}

impl SecretShelf {
    /// Changes what is kept of a tenant.
    pub fn change(&self, tenant: &TenantId, change: impl FnOnce(&mut StoredSecrets)) {
        change(self.shelf().tenants.entry(tenant.clone()).or_insert_with(nothing));
    }

    /// Whether it answers.
    pub fn be_down(&self, down: bool) {
        self.shelf().down = down;
    }

    /// How often it was read.
    #[must_use]
    pub fn reads(&self) -> usize {
        self.shelf().reads
    }

    fn shelf(&self) -> std::sync::MutexGuard<'_, Shelf> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn nothing() -> StoredSecrets {
    StoredSecrets { configured: true, ..StoredSecrets::default() }
}

#[async_trait]
impl SealedSecrets for SecretShelf {
    async fn secrets_of(&self, tenant: &TenantId) -> Result<StoredSecrets, StoreError> {
        let mut shelf = self.shelf();
        shelf.reads += 1;
        if shelf.down {
            return Err(StoreError::Unavailable("the shelf is down".into()));
        }
        Ok(shelf.tenants.get(tenant).cloned().unwrap_or_else(nothing))
    }
}

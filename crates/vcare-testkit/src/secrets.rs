//! What a database would keep of tenants' secrets.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use vcare_app::ports::{SealedSecrets, StoreError, StoredSecrets, TenantNames};
use vcare_domain::TenantId;

/// The tenants that there are from the beginning.
const TENANTS: [&str; 5] = ["hosp-kabul", "hosp-herat", "kabul", "herat", "ghazni"];

/// What is kept of tenants' secrets, in memory. Five tenants have settings, and brought and rotated nothing before it is
/// told otherwise; so has each one of which something is changed.
#[derive(Debug)]
pub struct SecretShelf(Mutex<Shelf>);

impl Default for SecretShelf {
    fn default() -> Self {
        let tenants = TENANTS.into_iter().filter_map(|name| Some((TenantId::parse(name).ok()?, nothing())));
        Self(Mutex::new(Shelf { tenants: tenants.collect(), reads: 0, down: false }))
    }
}

#[derive(Debug)]
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
        Ok(shelf.tenants.get(tenant).cloned().unwrap_or_default())
    }
}

#[async_trait]
impl TenantNames for SecretShelf {
    async fn tenants(&self) -> Result<Vec<TenantId>, StoreError> {
        let mut shelf = self.shelf();
        shelf.reads += 1;
        if shelf.down {
            return Err(StoreError::Unavailable("the shelf is down".into()));
        }
        Ok(shelf.tenants.iter().filter(|(_, kept)| kept.configured).map(|(tenant, _)| tenant.clone()).collect())
    }
}

//! Which tenants there are, so that nothing is asked about those that there are not.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use time::Duration;
use vcare_app::ports::{Clock, TenantNames};
use vcare_domain::TenantId;

use crate::keeper::KeeperFault;

/// The least time between two looks. A tenant that another process set up is known after it at the latest.
const LOOK_AGAIN_AFTER: Duration = Duration::SECOND;

/// The tenants that have settings, remembered.
///
/// Anybody can send a token that names any tenant. One that is not known is a reason to look at all of them once, and not again
/// within a second: what strangers make up costs the database one statement a second, and no memory. Tenants that were seen
/// once are known for good: what becomes of them is said where their keys are.
pub(crate) struct KnownTenants {
    names: Arc<dyn TenantNames>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// Held by who looks; the others wait for what they find.
    look: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    known: HashSet<TenantId>,
    /// When somebody looked last, and why nothing was found out.
    looked: Option<(Duration, Option<KeeperFault>)>,
    /// Raised when a tenant was set up here: who looked before has not seen it.
    changes: u64,
}

impl KnownTenants {
    pub fn new(names: Arc<dyn TenantNames>, clock: Arc<dyn Clock>) -> Self {
        Self { names, clock, state: Mutex::default(), look: tokio::sync::Mutex::default() }
    }

    /// Whether there is such a tenant.
    ///
    /// # Errors
    /// [`KeeperFault::NotRead`] for one that is not known when the database does not answer, and for a second after that.
    pub async fn include(&self, tenant: &TenantId) -> Result<bool, KeeperFault> {
        if let Some(remembered) = self.remembered(tenant) {
            return remembered;
        }
        let _look = self.look.lock().await;
        if let Some(remembered) = self.remembered(tenant) {
            return remembered;
        }
        count("miss");
        let (changes, now) = (self.state().changes, self.clock.uptime());
        let found = self.names.tenants().await.map_err(|error| KeeperFault::NotRead(Arc::new(error)));
        let mut state = self.state();
        if state.changes == changes {
            state.looked = Some((now, found.as_ref().err().cloned()));
        }
        state.known.extend(found?);
        Ok(state.known.contains(tenant))
    }

    fn remembered(&self, tenant: &TenantId) -> Option<Result<bool, KeeperFault>> {
        let state = self.state();
        if state.known.contains(tenant) {
            count("hit");
            return Some(Ok(true));
        }
        let (at, fault) = state.looked.as_ref()?;
        let lately = self.clock.uptime() - *at < LOOK_AGAIN_AFTER;
        lately.then(|| {
            count("unknown");
            fault.clone().map_or(Ok(false), Err)
        })
    }

    /// A tenant may have been set up: the next one that is not known is looked for at once.
    pub fn changed(&self) {
        let mut state = self.state();
        state.looked = None;
        state.changes += 1;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn count(outcome: &'static str) {
    metrics::counter!("vcare_kms_cache_total", "cache" => "tenants", "outcome" => outcome).increment(1);
}

#[cfg(test)]
mod tests {
    use vcare_testkit::{HandClock, SecretShelf};

    use super::*;

    fn tenant(name: &str) -> TenantId {
        TenantId::parse(name).unwrap()
    }

    #[tokio::test]
    async fn what_strangers_make_up_costs_one_look_a_second_and_no_memory() {
        let (shelf, clock) = (Arc::new(SecretShelf::default()), HandClock::new());
        let tenants = KnownTenants::new(Arc::clone(&shelf) as _, Arc::clone(&clock) as _);
        assert!(tenants.include(&tenant("kabul")).await.unwrap());
        for number in 0..500 {
            assert!(!tenants.include(&tenant(&format!("invented-{number}"))).await.unwrap());
        }
        assert_eq!(shelf.reads(), 1);
        clock.advance(Duration::SECOND);
        assert!(!tenants.include(&tenant("invented")).await.unwrap());
        assert!(tenants.include(&tenant("herat")).await.unwrap());
        assert_eq!(shelf.reads(), 2);
        assert!(tenants.state().known.len() < 10);
    }

    #[tokio::test]
    async fn a_new_tenant_is_known_within_a_second_and_at_once_where_it_was_set_up() {
        let (shelf, clock) = (Arc::new(SecretShelf::default()), HandClock::new());
        let tenants = KnownTenants::new(Arc::clone(&shelf) as _, Arc::clone(&clock) as _);
        let (first, second) = (tenant("new-1"), tenant("new-2"));
        assert!(!tenants.include(&first).await.unwrap());
        shelf.change(&first, |_| {});
        assert!(!tenants.include(&first).await.unwrap());
        clock.advance(Duration::SECOND);
        assert!(tenants.include(&first).await.unwrap());
        shelf.change(&second, |_| {});
        tenants.changed();
        assert!(tenants.include(&second).await.unwrap());
    }

    #[tokio::test]
    async fn without_the_database_tenants_that_are_known_go_on_and_for_others_it_is_not_asked_over_and_over() {
        let (shelf, clock) = (Arc::new(SecretShelf::default()), HandClock::new());
        let tenants = KnownTenants::new(Arc::clone(&shelf) as _, Arc::clone(&clock) as _);
        assert!(tenants.include(&tenant("kabul")).await.unwrap());
        clock.advance(Duration::SECOND);
        shelf.be_down(true);
        for _ in 0..10 {
            assert!(tenants.include(&tenant("kabul")).await.unwrap());
            assert!(matches!(tenants.include(&tenant("ghor")).await, Err(KeeperFault::NotRead(_))));
        }
        assert_eq!(shelf.reads(), 2);
    }
}

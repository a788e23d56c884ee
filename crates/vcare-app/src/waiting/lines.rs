//! The tenants' lines, remembered for a moment: thousands who wait ask for the same ones.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use time::OffsetDateTime;
use tokio::sync::Mutex as Turn;
use vcare_domain::{Place, Queue, SessionId, TenantId};

use crate::app::App;
use crate::ports::StoreError;

/// All lines of one tenant, as they were a moment ago.
#[derive(Debug)]
pub(super) struct TenantLines {
    queues: Vec<Queue>,
    /// Where each one stands: in which line, behind how many.
    by_session: HashMap<SessionId, (usize, usize)>,
}

impl TenantLines {
    fn of(queues: Vec<Queue>) -> Self {
        let each = queues.iter().enumerate();
        let each = each.flat_map(|(line, queue)| {
            queue.waiters.iter().enumerate().map(move |(ahead, waiter)| (waiter.session_id, (line, ahead)))
        });
        let by_session = each.collect();
        Self { queues, by_session }
    }

    /// That visit's place; `None` when its patient does not wait, or is not there.
    pub(super) fn place(&self, session: SessionId, now: OffsetDateTime) -> Option<Place> {
        let (line, ahead) = self.by_session.get(&session)?;
        self.queues.get(*line)?.place(*ahead, now)
    }

    /// The same place's number alone.
    pub(super) fn number(&self, session: SessionId) -> Option<u32> {
        let (_, ahead) = self.by_session.get(&session)?;
        u32::try_from(ahead + 1).ok()
    }
}

#[derive(Debug, Default)]
struct Remembered {
    lines: Option<(Instant, Arc<TenantLines>)>,
    /// One asks the database; the others wait for the answer.
    turn: Arc<Turn<()>>,
}

/// What is remembered, by tenant.
#[derive(Debug)]
pub struct Lines {
    lasts: Duration,
    tenants: Mutex<HashMap<TenantId, Remembered>>,
}

impl Lines {
    pub(super) fn new(lasts: Duration) -> Self {
        Self { lasts, tenants: Mutex::default() }
    }

    fn tenants(&self) -> MutexGuard<'_, HashMap<TenantId, Remembered>> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fresh(&self, tenant: &TenantId) -> Result<Arc<TenantLines>, Arc<Turn<()>>> {
        let mut tenants = self.tenants();
        if !tenants.contains_key(tenant) {
            tenants.insert(tenant.clone(), Remembered::default());
        }
        match tenants.get(tenant) {
            Some(Remembered { lines: Some((since, lines)), .. }) if since.elapsed() < self.lasts => {
                Ok(Arc::clone(lines))
            }
            Some(Remembered { turn, .. }) => Err(Arc::clone(turn)),
            None => Err(Arc::default()),
        }
    }

    /// What is remembered is too old now: somebody came.
    pub(super) fn forget(&self, tenant: &TenantId) {
        if let Some(remembered) = self.tenants().get_mut(tenant) {
            remembered.lines = None;
        }
    }

    /// Forgets the lines of tenants where nobody asked for a while.
    pub(super) fn tidy(&self) {
        let keep = self.lasts.max(Duration::from_secs(60));
        self.tenants().retain(|_, remembered| {
            let recent = remembered.lines.as_ref().is_some_and(|(since, _)| since.elapsed() < keep);
            recent || Arc::strong_count(&remembered.turn) > 1
        });
    }
}

impl App {
    /// The tenant's lines, at most a moment old.
    pub(super) async fn lines(&self, tenant: &TenantId) -> Result<Arc<TenantLines>, StoreError> {
        let lines = &self.waiting.lines;
        let turn = match lines.fresh(tenant) {
            Ok(fresh) => return Ok(fresh),
            Err(turn) => turn,
        };
        let _asking = turn.lock().await;
        if let Ok(fresh) = lines.fresh(tenant) {
            return Ok(fresh);
        }
        let asked = Instant::now();
        let found = Arc::new(TenantLines::of(self.store.queues(tenant, self.clock.now()).await?));
        if let Some(remembered) = lines.tenants().get_mut(tenant) {
            remembered.lines = Some((asked, Arc::clone(&found)));
        }
        Ok(found)
    }
}

//! Audit entries that are committed by themselves, many in one transaction.
//!
//! Entries of a tenant queue up while a flush of that tenant is under way; the next flush writes them in one statement. None
//! waits for others to come: an entry that finds no flush under way begins one. A flush is a task of its own, so that a
//! caller who goes away takes no entry along.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;
use vcare_app::ports::{OutboxWake, StoreError};
use vcare_domain::TenantId;

use crate::config::PgConfig;
use crate::connection::Connections;
use crate::new_events::{NewEvent, write_events};

/// The most entries in one statement. A page of a list makes an entry of about 4 kB.
const MOST_AT_ONCE: usize = 256;

/// An entry, and who waits until it is committed.
struct Queued {
    event: NewEvent,
    committed: oneshot::Sender<Result<(), StoreError>>,
}

/// What waits, by tenant. A tenant is in here while a flush of its entries is under way.
type Queues = Mutex<HashMap<TenantId, Vec<Queued>>>;

/// Commits audit entries.
pub(crate) struct AuditQueue(Arc<Shared>);

struct Shared {
    queues: Queues,
    connections: Connections,
    /// Longer than a flush takes whose connection and statement keep to their own limits.
    patience: Duration,
    wake: OutboxWake,
}

impl AuditQueue {
    /// A queue with nothing in it. `wake` is rung after each flush.
    pub(crate) fn new(config: &PgConfig, connections: Connections, wake: OutboxWake) -> Self {
        let patience = config.connection_timeout + config.statement_timeout;
        Self(Arc::new(Shared { queues: Queues::default(), connections, patience, wake }))
    }

    /// Commits an entry. It is committed also when the caller does not wait for that.
    pub(crate) async fn record(&self, tenant: &TenantId, event: NewEvent) -> Result<(), StoreError> {
        let (committed, outcome) = oneshot::channel();
        if self.0.enqueue(tenant, Queued { event, committed }) {
            tokio::spawn(Flush::of(&self.0, tenant).run());
        }
        // The sender is dropped without a result only when the runtime ends.
        outcome.await.unwrap_or_else(|gone| Err(StoreError::Unavailable(Box::new(gone))))
    }
}

impl Shared {
    /// Answers whether a flush must begin, as none is under way.
    fn enqueue(&self, tenant: &TenantId, entry: Queued) -> bool {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = queues.get_mut(tenant) {
            queue.push(entry);
            return false;
        }
        queues.insert(tenant.clone(), vec![entry]);
        true
    }

    async fn write(&self, tenant: &TenantId, batch: &[Queued]) -> Result<(), StoreError> {
        let write = async {
            let mut conn = self.connections.tenant(tenant).await?;
            write_events(&mut conn.pg, tenant, batch.iter().map(|entry| &entry.event)).await
        };
        timeout(self.patience, write).await.unwrap_or_else(|elapsed| Err(StoreError::Unavailable(Box::new(elapsed))))
    }
}

/// Writes what is queued of a tenant until nothing is.
struct Flush {
    shared: Arc<Shared>,
    tenant: TenantId,
    ended: bool,
}

impl Flush {
    fn of(shared: &Arc<Shared>, tenant: &TenantId) -> Self {
        Self { shared: Arc::clone(shared), tenant: tenant.clone(), ended: false }
    }

    async fn run(mut self) {
        while let Some(batch) = self.next_batch() {
            let written = self.shared.write(&self.tenant, &batch).await;
            if written.is_ok() {
                self.shared.wake.ring();
            }
            let written = written.map_err(Arc::new);
            for entry in batch {
                // Whoever does not wait any more needs no answer.
                let _ = entry.committed.send(written.as_ref().copied().map_err(for_one_of_many));
            }
        }
    }

    /// What is queued, oldest first; when that is nothing, the flush has ended.
    fn next_batch(&mut self) -> Option<Vec<Queued>> {
        let mut queues = self.shared.queues.lock().unwrap_or_else(PoisonError::into_inner);
        match queues.get_mut(&self.tenant) {
            Some(queue) if !queue.is_empty() => {
                let rest = queue.split_off(queue.len().min(MOST_AT_ONCE));
                Some(std::mem::replace(queue, rest))
            }
            _ => {
                queues.remove(&self.tenant);
                self.ended = true;
                None
            }
        }
    }
}

impl Drop for Flush {
    /// Runs early only when the runtime ends during a flush: the waiting callers get an error from their closed channels, and the
    /// next entry starts a new flush.
    fn drop(&mut self) {
        if !self.ended {
            self.shared.queues.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.tenant);
        }
    }
}

/// The error of a flush, which each of its callers gets.
#[derive(Debug, thiserror::Error)]
#[error("{}", match .0.source() { Some(cause) => cause.to_string(), None => .0.to_string() })]
struct OfTheFlush(Arc<StoreError>);

fn for_one_of_many(error: &Arc<StoreError>) -> StoreError {
    let cause = || Box::new(OfTheFlush(Arc::clone(error)));
    match **error {
        StoreError::Conflict => StoreError::Conflict,
        StoreError::Taken { field } => StoreError::Taken { field },
        StoreError::Unavailable(_) => StoreError::Unavailable(cause()),
        StoreError::Faulty(_) | StoreError::Keys(_) => StoreError::Faulty(cause()),
        StoreError::SubjectErased => StoreError::SubjectErased,
        StoreError::Corrupt { table, column } => StoreError::Corrupt { table, column },
    }
}

//! The store of the use cases.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use diesel_async::{AnsiTransactionManager, TransactionManager};
use tracing::field::Empty;
use vcare_app::Scope;
use vcare_app::events::AuditEntry;
use vcare_app::ports::{Clock, Ids, OutboxWake, RecordKeys, Store, StoreError, UnitOfWork, VisitChanges};
use vcare_app::spans::{TRACES_ONLY, ended};
use vcare_domain::{EventId, LeaseToken};

use crate::audit_queue::AuditQueue;
use crate::config::PgConfig;
use crate::connection::{Connections, DatabaseRole, Pooled};
use crate::errors::store_error;
use crate::new_events::audit_event;
use crate::secrets::PgSealedSecrets;
use crate::unit_of_work::{FirstLease, Named, PgUnitOfWork, Sources, Wakes};

/// The database, one tenant at a time.
pub struct PgStore {
    pub(crate) connections: Connections,
    pub(crate) keys: Arc<dyn RecordKeys>,
    pub(crate) secrets: PgSealedSecrets,
    audits: AuditQueue,
    first_lease: Duration,
    pub(crate) clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    wake: OutboxWake,
    changes: VisitChanges,
}

impl PgStore {
    /// A store that connects when it is first used. `keys`: what its rows are encrypted with; it reads `secrets`. `wake` is rung after every commit
    /// that wrote events.
    #[must_use]
    pub fn new(
        config: &PgConfig,
        secrets: PgSealedSecrets,
        keys: Arc<dyn RecordKeys>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        wake: OutboxWake,
    ) -> Self {
        let connections = Connections::new(config, DatabaseRole::Api);
        let audits = AuditQueue::new(config, connections.clone(), wake.clone());
        let changes = VisitChanges::default();
        Self { connections, keys, secrets, audits, first_lease: config.first_lease, clock, ids, wake, changes }
    }

    /// The same, which tells after every commit which visits it changed.
    #[must_use]
    pub fn telling(self, changes: VisitChanges) -> Self {
        Self { changes, ..self }
    }
}

#[async_trait]
impl Store for PgStore {
    async fn record(&self, scope: &Scope, entry: AuditEntry) -> Result<(), StoreError> {
        let id = EventId::from_uuid(self.ids.uuid());
        let event = audit_event(entry, id, scope)?;
        self.audits.record(&scope.tenant_id, event).await
    }

    async fn begin(&self, name: &'static str, scope: &Scope) -> Result<Box<dyn UnitOfWork>, StoreError> {
        let span = tracing::info_span!(
            target: TRACES_ONLY,
            "transaction",
            transaction = name,
            trace.parent = scope.trace.traceparent,
            otel.kind = "client",
            otel.status_code = Empty,
            db.system.name = "postgresql",
            call.outcome = Empty,
        );
        let begun = async {
            let mut conn: Pooled = self.connections.tenant(&scope.tenant_id).await?;
            AnsiTransactionManager::begin_transaction(&mut conn.pg).await.map_err(store_error)?;
            Ok(conn)
        };
        let conn = begun.await.inspect_err(|_: &StoreError| ended(&span, "none", false))?;
        Ok(Box::new(PgUnitOfWork::new(
            Named { name, span },
            conn,
            scope.clone(),
            FirstLease { token: LeaseToken::from_uuid(self.ids.uuid()), lasts: self.first_lease },
            Sources { clock: Arc::clone(&self.clock), ids: Arc::clone(&self.ids), keys: Arc::clone(&self.keys) },
            Wakes { outbox: self.wake.clone(), visits: self.changes.clone() },
        )))
    }
}

//! The outbox, read across tenants by one process at a time.

use async_trait::async_trait;
use diesel::dsl::{count_star, min};
use diesel::prelude::{ExpressionMethods, QueryDsl};
use diesel_async::pooled_connection::PoolableConnection;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use time::OffsetDateTime;
use tokio::sync::Mutex;
use uuid::Uuid;
use vcare_app::ports::{Outbox, OutboxLead, StoreError, StoredEvent};
use vcare_domain::EventId;

use crate::config::PgConfig;
use crate::connection::{Connections, DatabaseRole, Manager};
use crate::errors::store_error;
use crate::schema::outbox;

/// Held by the one process that publishes. A number of our own.
const RELAY_LOCK: i64 = 0x7663_6172_6502;

diesel::define_sql_function! {
    fn pg_try_advisory_lock(key: diesel::sql_types::BigInt) -> diesel::sql_types::Bool;
}

/// The events not yet published.
pub struct PgOutbox {
    manager: Manager,
    connections: Connections,
    /// Asks for the lead again and again; becomes the lead's own when it is won, so that losing the one loses the other.
    candidate: Mutex<Option<AsyncPgConnection>>,
}

impl PgOutbox {
    /// An outbox that connects when it is first used.
    #[must_use]
    pub fn new(config: &PgConfig) -> Self {
        Self {
            manager: Manager::new(config, DatabaseRole::System),
            connections: Connections::new(config, DatabaseRole::System),
            candidate: Mutex::new(None),
        }
    }
}

#[async_trait]
impl Outbox for PgOutbox {
    async fn try_lead(&self) -> Result<Option<Box<dyn OutboxLead>>, StoreError> {
        let mut candidate = self.candidate.lock().await;
        let kept = candidate.take().and_then(|mut conn| (!conn.is_broken()).then_some(conn));
        let mut conn = match kept {
            Some(conn) => conn,
            None => self.manager.establish().await.map_err(store_error)?,
        };
        let won: bool =
            diesel::select(pg_try_advisory_lock(RELAY_LOCK)).get_result(&mut conn).await.map_err(store_error)?;
        if won {
            return Ok(Some(Box::new(PgOutboxLead { conn })));
        }
        *candidate = Some(conn);
        Ok(None)
    }

    async fn backlog(&self) -> Result<(u64, Option<OffsetDateTime>), StoreError> {
        let mut conn = self.connections.unbound().await?;
        let (count, oldest): (i64, Option<OffsetDateTime>) = outbox::table
            .select((count_star(), min(outbox::created_at)))
            .first(&mut conn.pg)
            .await
            .map_err(store_error)?;
        Ok((u64::try_from(count).unwrap_or(0), oldest))
    }
}

/// The advisory lock belongs to this connection: dropping it gives the lead away.
struct PgOutboxLead {
    conn: AsyncPgConnection,
}

#[async_trait]
impl OutboxLead for PgOutboxLead {
    async fn next(&mut self, limit: u16) -> Result<Vec<StoredEvent>, StoreError> {
        let rows: Vec<(i64, Uuid, String, String, Vec<u8>)> = outbox::table
            .select((outbox::position, outbox::event_id, outbox::subject, outbox::ordering_key, outbox::body))
            .order(outbox::position)
            .limit(i64::from(limit))
            .load(&mut self.conn)
            .await
            .map_err(store_error)?;
        let events = rows.into_iter().map(|(position, id, subject, ordering_key, body)| StoredEvent {
            position,
            id: EventId::from_uuid(id),
            subject,
            ordering_key,
            body,
        });
        Ok(events.collect())
    }

    async fn acknowledged(&mut self, positions: &[i64]) -> Result<(), StoreError> {
        diesel::delete(outbox::table.filter(outbox::position.eq_any(positions)))
            .execute(&mut self.conn)
            .await
            .map_err(store_error)?;
        Ok(())
    }
}

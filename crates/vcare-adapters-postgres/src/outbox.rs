//! The outbox, read across tenants by one process at a time.

use async_trait::async_trait;
use diesel::dsl::{count_star, min};
use diesel::prelude::{QueryDsl, QueryableByName};
use diesel::sql_types::{Array, BigInt, Nullable, Timestamptz, Uuid as SqlUuid};
use diesel_async::pooled_connection::PoolableConnection;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use time::OffsetDateTime;
use tokio::sync::Mutex;
use uuid::Uuid;
use vcare_app::ports::{KeptEvent, Outbox, OutboxLead, PublishedEvent, StoreError, StoredEvent};
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

/// From the outbox to the events that are kept, in one statement: an event is in one of both. Without a sequence number it is
/// not kept.
const PUBLISHED: &str = "
WITH published AS (SELECT * FROM unnest($1::bigint[], $2::bigint[]) AS one (position, sequence)),
     gone AS (DELETE FROM outbox USING published WHERE outbox.position = published.position
              RETURNING outbox.*, published.sequence)
INSERT INTO kept_event (position, tenant_id, event_id, subject, ordering_key, body, created_at, stream_sequence)
SELECT position, tenant_id, event_id, subject, ordering_key, body, created_at, sequence FROM gone
 WHERE sequence IS NOT NULL";

/// And back again.
const PUT_BACK: &str = "
WITH gone AS (DELETE FROM kept_event WHERE event_id = ANY ($1) RETURNING *)
INSERT INTO outbox (position, tenant_id, event_id, subject, ordering_key, body, created_at) OVERRIDING SYSTEM VALUE
SELECT position, tenant_id, event_id, subject, ordering_key, body, created_at FROM gone";

const PUT_BACK_SINCE: &str = "
WITH gone AS (DELETE FROM kept_event WHERE acknowledged_at >= $1 RETURNING *)
INSERT INTO outbox (position, tenant_id, event_id, subject, ordering_key, body, created_at) OVERRIDING SYSTEM VALUE
SELECT position, tenant_id, event_id, subject, ordering_key, body, created_at FROM gone";

/// The lowest positions are the oldest, or were put back once: so the table is not searched for those that are old.
const FORGET: &str = "
DELETE FROM kept_event
 WHERE position IN (SELECT position FROM kept_event WHERE acknowledged_at < $1 ORDER BY position LIMIT $2)";

/// The last one, and a random one.
const SAMPLES: &str = "
(SELECT event_id, stream_sequence FROM kept_event ORDER BY stream_sequence DESC LIMIT 1)
UNION ALL
(SELECT event_id, stream_sequence FROM kept_event
  WHERE stream_sequence >= (SELECT min(stream_sequence) + floor(random() * (max(stream_sequence) - min(stream_sequence)))
                              FROM kept_event)
  ORDER BY stream_sequence LIMIT 1)";

#[derive(QueryableByName)]
struct KeptRow {
    #[diesel(sql_type = SqlUuid)]
    event_id: Uuid,
    #[diesel(sql_type = BigInt)]
    stream_sequence: i64,
}

impl KeptRow {
    fn restore(self) -> Result<KeptEvent, StoreError> {
        let corrupt = |_| StoreError::Corrupt { table: "kept_event", column: "stream_sequence" };
        Ok(KeptEvent {
            id: EventId::from_uuid(self.event_id),
            sequence: u64::try_from(self.stream_sequence).map_err(corrupt)?,
        })
    }
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
            None => self.manager.establish().await.map_err(|error| StoreError::Unavailable(Box::new(error)))?,
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

    async fn kept(&self) -> Result<Vec<KeptEvent>, StoreError> {
        let mut conn = self.connections.unbound().await?;
        let query = "SELECT event_id, stream_sequence FROM kept_event ORDER BY stream_sequence";
        let rows: Vec<KeptRow> = diesel::sql_query(query).load(&mut conn.pg).await.map_err(store_error)?;
        rows.into_iter().map(KeptRow::restore).collect()
    }

    async fn kept_samples(&self) -> Result<Vec<KeptEvent>, StoreError> {
        let mut conn = self.connections.unbound().await?;
        let rows: Vec<KeptRow> = diesel::sql_query(SAMPLES).load(&mut conn.pg).await.map_err(store_error)?;
        rows.into_iter().map(KeptRow::restore).collect()
    }

    async fn forget_kept(&self, before: OffsetDateTime, limit: u32) -> Result<u64, StoreError> {
        let mut conn = self.connections.unbound().await?;
        let forgotten = diesel::sql_query(FORGET)
            .bind::<Timestamptz, _>(before)
            .bind::<BigInt, _>(i64::from(limit))
            .execute(&mut conn.pg)
            .await
            .map_err(store_error)?;
        Ok(forgotten as u64)
    }

    async fn put_back(&self, events: &[EventId]) -> Result<u64, StoreError> {
        let events: Vec<Uuid> = events.iter().map(|id| *id.as_uuid()).collect();
        let mut conn = self.connections.unbound().await?;
        let put = diesel::sql_query(PUT_BACK)
            .bind::<Array<SqlUuid>, _>(events)
            .execute(&mut conn.pg)
            .await
            .map_err(store_error)?;
        Ok(put as u64)
    }

    async fn put_back_since(&self, since: OffsetDateTime) -> Result<u64, StoreError> {
        let mut conn = self.connections.unbound().await?;
        let put = diesel::sql_query(PUT_BACK_SINCE)
            .bind::<Timestamptz, _>(since)
            .execute(&mut conn.pg)
            .await
            .map_err(store_error)?;
        Ok(put as u64)
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

    async fn published(&mut self, events: &[PublishedEvent]) -> Result<(), StoreError> {
        let positions: Vec<i64> = events.iter().map(|event| event.position).collect();
        // JetStream counts in 64 bits from 1: no stream comes to the end of half of them.
        let number = |sequence: u64| i64::try_from(sequence).unwrap_or(i64::MAX);
        let sequences: Vec<Option<i64>> = events.iter().map(|event| event.keep.map(number)).collect();
        diesel::sql_query(PUBLISHED)
            .bind::<Array<BigInt>, _>(positions)
            .bind::<Array<Nullable<BigInt>>, _>(sequences)
            .execute(&mut self.conn)
            .await
            .map_err(store_error)?;
        Ok(())
    }
}

//! Who waits: leases, lines, versions. Single statements.

use async_trait::async_trait;
use diesel::prelude::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, OptionalExtension, QueryDsl, Queryable, QueryableByName,
    Selectable, SelectableHelper,
};
use diesel::sql_types::{Array, Bool, Float8, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;
use vcare_app::ports::{Claim, Holder, ShortLink, StoreError, WaitingRooms};
use vcare_domain::{
    DeviceId, Lease, ParticipantId, Queue, SessionId, TenantId, UserId, Version, VirtualSession, Waiter,
};

use crate::errors::store_error;
use crate::presences;
use crate::rows::{SessionRow, version};
use crate::schema::{presence_lease, virtual_session};
use crate::short_links;
use crate::store::PgStore;

/// A lease as read.
#[derive(Queryable, Selectable)]
#[diesel(table_name = presence_lease, check_for_backend(diesel::pg::Pg))]
struct LeaseRow {
    session_id: Uuid,
    participant_id: Uuid,
    device: Option<String>,
    heard_at: OffsetDateTime,
    expires_at: OffsetDateTime,
    promised: bool,
}

impl LeaseRow {
    fn restore(self) -> Result<(SessionId, Lease), StoreError> {
        let corrupt = |_| StoreError::Corrupt { table: "presence_lease", column: "device" };
        let lease = Lease {
            participant_id: ParticipantId::from_uuid(self.participant_id),
            device: self.device.as_deref().map(DeviceId::parse).transpose().map_err(corrupt)?,
            heard_at: self.heard_at,
            expires_at: self.expires_at,
            promised: self.promised,
        };
        Ok((SessionId::from_uuid(self.session_id), lease))
    }
}

/// Nothing is written while another device holds a lease that lives: of two at the same moment, the second waits for the
/// first and then finds it so. A dead lease is nobody's.
const CLAIM: &str = "
INSERT INTO presence_lease AS held (tenant_id, session_id, participant_id, device, heard_at, expires_at, promised)
VALUES ($1, $2, $3, $4, $5, $6, false)
ON CONFLICT (tenant_id, session_id, participant_id) DO UPDATE
   SET device = CASE WHEN held.expires_at > excluded.heard_at THEN coalesce(excluded.device, held.device)
                     ELSE excluded.device END,
       heard_at = greatest(held.heard_at, excluded.heard_at),
       expires_at = greatest(held.expires_at, excluded.expires_at),
       promised = held.promised AND coalesce(excluded.device = held.device, true)
 WHERE $7 OR held.expires_at <= excluded.heard_at OR coalesce(excluded.device = held.device, true)";

const RELEASE: &str = "
UPDATE presence_lease
   SET expires_at = least(expires_at, $4), promised = false
 WHERE tenant_id = $1 AND session_id = $2 AND participant_id = $3 AND (promised OR expires_at > $4)";

const TAKEN_OVER: &str = "
SELECT DISTINCT lease.session_id
  FROM unnest($2, $3, $4) AS held (session_id, participant_id, device)
  JOIN presence_lease AS lease USING (session_id, participant_id)
 WHERE lease.tenant_id = $1 AND lease.device <> held.device AND lease.expires_at > $5";

#[derive(QueryableByName)]
struct TakenOver {
    #[diesel(sql_type = SqlUuid)]
    session_id: Uuid,
}

/// From those who are there now, by the leases' index, and whose visits are open by now; then, for each line once, what went
/// on and goes on.
const QUEUES: &str = r#"
WITH line AS MATERIALIZED (
    SELECT visit.id, visit.provider_id, visit.scheduled_start, (person ->> 'since')::timestamptz AS since
      FROM presence_lease AS lease
      JOIN virtual_session AS visit ON visit.tenant_id = lease.tenant_id AND visit.id = lease.session_id
      JOIN tenant_config AS config ON config.tenant_id = lease.tenant_id
     CROSS JOIN LATERAL jsonb_array_elements(visit.participants) AS person
     WHERE lease.tenant_id = $1 AND lease.expires_at > $2 AND visit.status = 'waiting'
       AND person @> '{"role": "patient", "status": "waiting"}'
       AND (person ->> 'id')::uuid = lease.participant_id
       AND visit.scheduled_start - make_interval(mins => config.session_grace_minutes_before) <= $2
), queue AS (
    SELECT provider_id, array_agg(id ORDER BY scheduled_start, since, id) AS visits,
           array_agg(scheduled_start ORDER BY scheduled_start, since, id) AS starts
      FROM line GROUP BY provider_id
)
SELECT queue.provider_id, queue.visits, queue.starts,
       ARRAY(SELECT extract(epoch FROM ended_at - started_at)::float8
               FROM virtual_session
              WHERE tenant_id = $1 AND provider_id = queue.provider_id AND status = 'ended' AND started_at IS NOT NULL
              ORDER BY ended_at DESC LIMIT 10) AS took,
       ARRAY(SELECT extract(epoch FROM ended_at - started_at)::float8
               FROM virtual_session
              WHERE tenant_id = $1 AND status = 'ended' AND started_at IS NOT NULL
              ORDER BY ended_at DESC LIMIT 20) AS tenant_took,
       ARRAY(SELECT started_at
               FROM virtual_session
              WHERE tenant_id = $1 AND status = 'active' AND started_at > $3
                AND (provider_id = queue.provider_id OR queue.provider_id IS NULL)) AS going_on
  FROM queue"#;

/// A visit that goes on for longer was forgotten: nobody waits for its end.
const FORGOTTEN: Duration = Duration::hours(4);

#[derive(QueryableByName)]
struct QueueRow {
    #[diesel(sql_type = Nullable<Text>)]
    provider_id: Option<String>,
    #[diesel(sql_type = Array<SqlUuid>)]
    visits: Vec<Uuid>,
    #[diesel(sql_type = Array<Timestamptz>)]
    starts: Vec<OffsetDateTime>,
    #[diesel(sql_type = Array<Float8>)]
    took: Vec<f64>,
    #[diesel(sql_type = Array<Float8>)]
    tenant_took: Vec<f64>,
    #[diesel(sql_type = Array<Timestamptz>)]
    going_on: Vec<OffsetDateTime>,
}

impl QueueRow {
    fn restore(self) -> Result<Queue, StoreError> {
        let corrupt = |_| StoreError::Corrupt { table: "virtual_session", column: "provider_id" };
        let lengths = |took: Vec<f64>| took.into_iter().map(Duration::seconds_f64).collect();
        let waiters = self.visits.into_iter().zip(self.starts);
        Ok(Queue {
            provider_id: self.provider_id.map(UserId::parse).transpose().map_err(corrupt)?,
            waiters: waiters.map(|(id, planned)| Waiter { session_id: SessionId::from_uuid(id), planned }).collect(),
            took: lengths(self.took),
            tenant_took: lengths(self.tenant_took),
            going_on: self.going_on,
        })
    }
}

/// Whether a visit's patient is in the waiting room and was heard from lately: as [`Lease::is_live`] has it. A visit that is
/// over has nobody waiting, whatever state its patient was last in. The time and two brackets follow.
pub(crate) const PATIENT_IS_PRESENT: &str = r#"(virtual_session.status IN ('scheduled', 'waiting', 'active') AND EXISTS (
    SELECT FROM presence_lease AS lease
     CROSS JOIN LATERAL jsonb_array_elements(virtual_session.participants) AS person
     WHERE lease.tenant_id = virtual_session.tenant_id AND lease.session_id = virtual_session.id
       AND person @> '{"role": "patient", "status": "waiting"}'
       AND (person ->> 'id')::uuid = lease.participant_id AND lease.expires_at > "#;

#[async_trait]
impl WaitingRooms for PgStore {
    async fn session_and_lease(
        &self,
        tenant: &TenantId,
        session: SessionId,
        participant: ParticipantId,
    ) -> Result<Option<(VirtualSession, Option<Lease>)>, StoreError> {
        let mut conn = self.connections.tenant(tenant).await?;
        let theirs = presence_lease::tenant_id
            .eq(virtual_session::tenant_id)
            .and(presence_lease::session_id.eq(virtual_session::id))
            .and(presence_lease::participant_id.eq(participant.as_uuid()));
        let found = virtual_session::table
            .left_join(presence_lease::table.on(theirs))
            .filter(virtual_session::tenant_id.eq(tenant.as_str()).and(virtual_session::id.eq(session.as_uuid())))
            .select((SessionRow::as_select(), Option::<LeaseRow>::as_select()))
            .first::<(SessionRow, Option<LeaseRow>)>(&mut conn.pg)
            .await
            .optional()
            .map_err(store_error)?;
        let Some((session, lease)) = found else { return Ok(None) };
        let lease = lease.map(LeaseRow::restore).transpose()?;
        Ok(Some((session.restore(&*self.keys).await?.readable(), lease.map(|(_, lease)| lease))))
    }

    async fn leases(&self, tenant: &TenantId, ids: &[SessionId]) -> Result<Vec<(SessionId, Lease)>, StoreError> {
        let ids: Vec<_> = ids.iter().map(SessionId::as_uuid).collect();
        let mut conn = self.connections.tenant(tenant).await?;
        let rows: Vec<LeaseRow> = presence_lease::table
            .filter(presence_lease::tenant_id.eq(tenant.as_str()).and(presence_lease::session_id.eq_any(ids)))
            .select(LeaseRow::as_select())
            .load(&mut conn.pg)
            .await
            .map_err(store_error)?;
        rows.into_iter().map(LeaseRow::restore).collect()
    }

    async fn in_rooms(
        &self,
        tenant: &TenantId,
        ids: &[SessionId],
    ) -> Result<Vec<(SessionId, ParticipantId)>, StoreError> {
        presences::in_rooms(&mut self.connections.tenant(tenant).await?.pg, tenant, ids).await
    }

    async fn claim(&self, tenant: &TenantId, claim: &Claim) -> Result<bool, StoreError> {
        let mut conn = self.connections.tenant(tenant).await?;
        let written = diesel::sql_query(CLAIM)
            .bind::<Text, _>(tenant.as_str())
            .bind::<SqlUuid, _>(claim.session_id.as_uuid())
            .bind::<SqlUuid, _>(claim.participant_id.as_uuid())
            .bind::<Nullable<Text>, _>(claim.device.as_ref().map(DeviceId::as_str))
            .bind::<Timestamptz, _>(claim.at)
            .bind::<Timestamptz, _>(claim.at + Lease::LASTS)
            .bind::<Bool, _>(claim.take_over)
            .execute(&mut conn.pg)
            .await
            .map_err(store_error)?;
        Ok(written == 1)
    }

    async fn release(
        &self,
        tenant: &TenantId,
        session: SessionId,
        participant: ParticipantId,
        at: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let mut conn = self.connections.tenant(tenant).await?;
        diesel::sql_query(RELEASE)
            .bind::<Text, _>(tenant.as_str())
            .bind::<SqlUuid, _>(session.as_uuid())
            .bind::<SqlUuid, _>(participant.as_uuid())
            .bind::<Timestamptz, _>(at)
            .execute(&mut conn.pg)
            .await
            .map_err(store_error)?;
        Ok(())
    }

    async fn queues(&self, tenant: &TenantId, now: OffsetDateTime) -> Result<Vec<Queue>, StoreError> {
        let mut conn = self.connections.tenant(tenant).await?;
        let rows: Vec<QueueRow> = diesel::sql_query(QUEUES)
            .bind::<Text, _>(tenant.as_str())
            .bind::<Timestamptz, _>(now)
            .bind::<Timestamptz, _>(now - FORGOTTEN)
            .load(&mut conn.pg)
            .await
            .map_err(store_error)?;
        rows.into_iter().map(QueueRow::restore).collect()
    }

    async fn versions(&self, tenant: &TenantId, ids: &[SessionId]) -> Result<Vec<(SessionId, Version)>, StoreError> {
        let ids: Vec<_> = ids.iter().map(SessionId::as_uuid).collect();
        let mut conn = self.connections.tenant(tenant).await?;
        let rows: Vec<(Uuid, i32)> = virtual_session::table
            .filter(virtual_session::tenant_id.eq(tenant.as_str()).and(virtual_session::id.eq_any(ids)))
            .select((virtual_session::id, virtual_session::version))
            .load(&mut conn.pg)
            .await
            .map_err(store_error)?;
        let found =
            rows.into_iter().map(|(id, number)| Ok((SessionId::from_uuid(id), version("virtual_session", number)?)));
        found.collect()
    }

    async fn taken_over(
        &self,
        tenant: &TenantId,
        holders: &[Holder],
        now: OffsetDateTime,
    ) -> Result<Vec<SessionId>, StoreError> {
        if holders.is_empty() {
            return Ok(Vec::new());
        }
        let sessions: Vec<_> = holders.iter().map(|holder| holder.session_id.as_uuid()).collect();
        let people: Vec<_> = holders.iter().map(|holder| holder.participant_id.as_uuid()).collect();
        let devices: Vec<_> = holders.iter().map(|holder| holder.device.as_str()).collect();
        let mut conn = self.connections.tenant(tenant).await?;
        let rows: Vec<TakenOver> = diesel::sql_query(TAKEN_OVER)
            .bind::<Text, _>(tenant.as_str())
            .bind::<Array<SqlUuid>, _>(sessions)
            .bind::<Array<SqlUuid>, _>(people)
            .bind::<Array<Text>, _>(devices)
            .bind::<Timestamptz, _>(now)
            .load(&mut conn.pg)
            .await
            .map_err(store_error)?;
        Ok(rows.into_iter().map(|row| SessionId::from_uuid(row.session_id)).collect())
    }

    async fn keep_short_link(&self, code_hash: [u8; 32], link: &ShortLink) -> Result<(), StoreError> {
        short_links::keep(&mut self.connections.tenant(&link.tenant_id).await?.pg, code_hash, link).await
    }

    async fn short_link(&self, code_hash: [u8; 32]) -> Result<Option<ShortLink>, StoreError> {
        short_links::find(&mut self.connections.unbound().await?.pg, code_hash).await
    }
}

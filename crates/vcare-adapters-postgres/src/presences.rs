//! Who is seen in the rooms.

use async_trait::async_trait;
use diesel::dsl::exists;
use diesel::prelude::{ExpressionMethods, QueryDsl};
use diesel::sql_types::{Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use time::OffsetDateTime;
use uuid::Uuid;
use vcare_app::ports::{Presences, StoreError};
use vcare_app::rooms::{Presence, Seen};
use vcare_domain::{ParticipantId, SessionId, TenantId};

use crate::errors::store_error;
use crate::schema::presence;
use crate::unit_of_work::PgUnitOfWork;

/// The first time a connection was seen to join and the last time it was seen to leave, whatever comes first. `least` and
/// `greatest` pass over nulls.
const NOTE: &str = "
INSERT INTO presence (tenant_id, session_id, occupant, participant_id, joined_at, left_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (tenant_id, session_id, occupant) DO UPDATE
   SET joined_at = least(presence.joined_at, excluded.joined_at),
       left_at = greatest(presence.left_at, excluded.left_at)";

/// Who has a connection in these visits' rooms: each person once.
pub(crate) async fn in_rooms(
    conn: &mut AsyncPgConnection,
    tenant: &TenantId,
    sessions: &[SessionId],
) -> Result<Vec<(SessionId, ParticipantId)>, StoreError> {
    let sessions: Vec<_> = sessions.iter().map(SessionId::as_uuid).collect();
    let found: Vec<(Uuid, Uuid)> = presence::table
        .filter(presence::tenant_id.eq(tenant.as_str()))
        .filter(presence::session_id.eq_any(sessions))
        .filter(presence::joined_at.is_not_null())
        .filter(presence::left_at.is_null())
        .select((presence::session_id, presence::participant_id))
        .distinct()
        .load(conn)
        .await
        .map_err(store_error)?;
    let ids = |(session, person)| (SessionId::from_uuid(session), ParticipantId::from_uuid(person));
    Ok(found.into_iter().map(ids).collect())
}

pub(crate) struct PgPresences<'t>(pub(crate) &'t mut PgUnitOfWork);

#[async_trait]
impl Presences for PgPresences<'_> {
    async fn note(&mut self, session: SessionId, hint: &Presence) -> Result<bool, StoreError> {
        let (joined_at, left_at) = match hint.seen {
            Seen::Joined(at) => (Some(at), None),
            Seen::Left(at) => (None, Some(at)),
        };
        let (conn, tenant) = self.0.parts();
        diesel::sql_query(NOTE)
            .bind::<Text, _>(tenant.as_str())
            .bind::<SqlUuid, _>(session.as_uuid())
            .bind::<Text, _>(&hint.occupant)
            .bind::<SqlUuid, _>(hint.participant_id.as_uuid())
            .bind::<Nullable<Timestamptz>, _>(joined_at)
            .bind::<Nullable<Timestamptz>, _>(left_at)
            .execute(conn)
            .await
            .map_err(store_error)?;
        self.sees(session, hint.participant_id).await
    }

    async fn sees(&mut self, session: SessionId, participant: ParticipantId) -> Result<bool, StoreError> {
        let (conn, tenant) = self.0.parts();
        let here = presence::table
            .filter(presence::tenant_id.eq(tenant.as_str()))
            .filter(presence::session_id.eq(session.as_uuid()))
            .filter(presence::participant_id.eq(participant.as_uuid()))
            .filter(presence::joined_at.is_not_null())
            .filter(presence::left_at.is_null());
        diesel::select(exists(here)).get_result(conn).await.map_err(store_error)
    }

    async fn everybody_left(&mut self, session: SessionId, at: OffsetDateTime) -> Result<(), StoreError> {
        let (conn, tenant) = self.0.parts();
        let here = presence::table
            .filter(presence::tenant_id.eq(tenant.as_str()))
            .filter(presence::session_id.eq(session.as_uuid()))
            .filter(presence::left_at.is_null());
        diesel::update(here).set(presence::left_at.eq(at)).execute(conn).await.map_err(store_error)?;
        Ok(())
    }
}

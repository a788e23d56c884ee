//! What is heard of people's connections, inside a transaction.

use async_trait::async_trait;
use diesel::prelude::{OptionalExtension, QueryableByName};
use diesel::sql_types::{Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use time::OffsetDateTime;
use vcare_app::ports::{Leases, StoreError};
use vcare_domain::{Heard, Lease, ParticipantId, SessionId};

use crate::errors::store_error;
use crate::unit_of_work::PgUnitOfWork;

/// Only what is not older than what is known. Whether somebody promises is told by each beacon, and unchanged by a
/// connection that is back.
const HEAR: &str = "
INSERT INTO presence_lease AS held (tenant_id, session_id, participant_id, heard_at, expires_at, promised)
VALUES ($1, $2, $3, $4, $5, coalesce($6, false))
ON CONFLICT (tenant_id, session_id, participant_id) DO UPDATE
   SET heard_at = excluded.heard_at, expires_at = excluded.expires_at, promised = coalesce($6, held.promised)
 WHERE held.heard_at <= excluded.heard_at";

const END_BROKEN: &str = "
UPDATE presence_lease
   SET promised = false
 WHERE tenant_id = $1 AND session_id = $2 AND participant_id = $3 AND promised AND expires_at <= $4
RETURNING expires_at";

#[derive(QueryableByName)]
struct BrokenAt {
    #[diesel(sql_type = Timestamptz)]
    expires_at: OffsetDateTime,
}

pub(crate) struct PgLeases<'t>(pub(crate) &'t mut PgUnitOfWork);

#[async_trait]
impl Leases for PgLeases<'_> {
    async fn hear(
        &mut self,
        session: SessionId,
        participant: ParticipantId,
        heard: Heard,
        at: OffsetDateTime,
        promises: bool,
    ) -> Result<bool, StoreError> {
        let (expires_at, promised) = match heard {
            Heard::Alive => (at + Lease::LASTS, Some(promises)),
            Heard::Restored => (at + Lease::LASTS, None),
            Heard::Lost => (at, Some(false)),
        };
        let (conn, tenant) = self.0.parts();
        let written = diesel::sql_query(HEAR)
            .bind::<Text, _>(tenant.as_str())
            .bind::<SqlUuid, _>(session.as_uuid())
            .bind::<SqlUuid, _>(participant.as_uuid())
            .bind::<Timestamptz, _>(at)
            .bind::<Timestamptz, _>(expires_at)
            .bind::<Nullable<Bool>, _>(promised)
            .execute(conn)
            .await
            .map_err(store_error)?;
        Ok(written == 1)
    }

    async fn end_broken_promise(
        &mut self,
        session: SessionId,
        participant: ParticipantId,
        now: OffsetDateTime,
    ) -> Result<Option<OffsetDateTime>, StoreError> {
        let (conn, tenant) = self.0.parts();
        let ended: Option<BrokenAt> = diesel::sql_query(END_BROKEN)
            .bind::<Text, _>(tenant.as_str())
            .bind::<SqlUuid, _>(session.as_uuid())
            .bind::<SqlUuid, _>(participant.as_uuid())
            .bind::<Timestamptz, _>(now)
            .get_result(conn)
            .await
            .optional()
            .map_err(store_error)?;
        Ok(ended.map(|ended| ended.expires_at))
    }
}

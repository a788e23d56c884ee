//! Short links: what a code stands for, by the hash of the code.

use diesel::prelude::{ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName};
use diesel::sql_types::{Binary, Int4, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use time::OffsetDateTime;
use uuid::Uuid;
use vcare_app::ports::{ShortLink, StoreError};
use vcare_domain::{ParticipantId, SessionId, SessionParts, TenantId};

use crate::errors::store_error;
use crate::schema::short_link;

fn corrupt(column: &'static str) -> StoreError {
    StoreError::Corrupt { table: "short_link", column }
}

#[derive(QueryableByName)]
struct LinkRow {
    #[diesel(sql_type = Text)]
    tenant_id: String,
    #[diesel(sql_type = SqlUuid)]
    session_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    participant_id: Uuid,
    #[diesel(sql_type = Int4)]
    token_version: i32,
    #[diesel(sql_type = Timestamptz)]
    issued_at: OffsetDateTime,
    #[diesel(sql_type = Timestamptz)]
    expires_at: OffsetDateTime,
}

impl LinkRow {
    fn restore(self) -> Result<ShortLink, StoreError> {
        Ok(ShortLink {
            tenant_id: TenantId::parse(self.tenant_id).map_err(|_| corrupt("tenant_id"))?,
            session_id: SessionId::from_uuid(self.session_id),
            participant_id: ParticipantId::from_uuid(self.participant_id),
            version: u32::try_from(self.token_version).map_err(|_| corrupt("token_version"))?,
            issued_at: self.issued_at,
            expires_at: self.expires_at,
        })
    }
}

/// Keeps it, unless it is kept already.
pub(crate) async fn keep(
    conn: &mut AsyncPgConnection,
    code_hash: [u8; 32],
    link: &ShortLink,
) -> Result<(), StoreError> {
    diesel::insert_into(short_link::table)
        .values((
            short_link::tenant_id.eq(link.tenant_id.as_str()),
            short_link::code_hash.eq(code_hash.as_slice()),
            short_link::session_id.eq(link.session_id.as_uuid()),
            short_link::participant_id.eq(link.participant_id.as_uuid()),
            short_link::token_version.eq(i32::try_from(link.version).map_err(|_| corrupt("token_version"))?),
            short_link::issued_at.eq(link.issued_at),
            short_link::expires_at.eq(link.expires_at),
        ))
        .on_conflict_do_nothing()
        .execute(conn)
        .await
        .map_err(store_error)?;
    Ok(())
}

/// Keeps the links of a visit that was moved at least until its new end.
pub(crate) async fn keep_until_end(mut pg: &AsyncPgConnection, visit: &SessionParts) -> Result<(), StoreError> {
    let end = visit.schedule.end();
    let links = short_link::table
        .filter(short_link::tenant_id.eq(visit.tenant_id.as_str()))
        .filter(short_link::session_id.eq(visit.id.as_uuid()))
        .filter(short_link::expires_at.lt(end));
    diesel::update(links).set(short_link::expires_at.eq(end)).execute(&mut pg).await.map_err(store_error)?;
    Ok(())
}

/// What that code stands for, whosever it is.
pub(crate) async fn find(conn: &mut AsyncPgConnection, code_hash: [u8; 32]) -> Result<Option<ShortLink>, StoreError> {
    let query =
        "SELECT tenant_id, session_id, participant_id, token_version, issued_at, expires_at FROM short_link_of($1)";
    let row: Option<LinkRow> = diesel::sql_query(query)
        .bind::<Binary, _>(code_hash.as_slice())
        .get_result(conn)
        .await
        .optional()
        .map_err(store_error)?;
    row.map(LinkRow::restore).transpose()
}

//! What is known of people's links between two probes.

use async_trait::async_trait;
use diesel::prelude::{AsChangeset, ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable};
use diesel_async::RunQueryDsl;
use serde::Deserialize;
use time::OffsetDateTime;
use uuid::Uuid;
use vcare_app::ports::{Links, StoreError};
use vcare_domain::{LinkLevel, LinkState, MediaMode, ParticipantId, SessionId};

use crate::errors::store_error;
use crate::schema::link_state;
use crate::unit_of_work::PgUnitOfWork;

/// A link as stored; also as JSON, in which a visit's rows come with the visit.
#[derive(Queryable, Deserialize)]
pub(crate) struct LinkRow {
    participant_id: Uuid,
    level: String,
    better: Option<String>,
    prefer: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    counted_since: OffsetDateTime,
    changes: i32,
}

/// A visit's links as one JSON array, for a statement that reads the visit.
pub(crate) const LINKS_OF_THE_VISIT: &str = "COALESCE((SELECT jsonb_agg(to_jsonb(link) - 'tenant_id' - 'session_id') \
     FROM link_state AS link WHERE link.tenant_id = virtual_session.tenant_id AND link.session_id = virtual_session.id), \
     '[]')";

#[derive(Insertable, AsChangeset)]
#[diesel(table_name = link_state, treat_none_as_null = true)]
struct LinkValues {
    level: &'static str,
    better: Option<&'static str>,
    prefer: Option<&'static str>,
    counted_since: OffsetDateTime,
    changes: i32,
}

impl LinkRow {
    pub(crate) fn restore(self) -> Result<(ParticipantId, LinkState), StoreError> {
        let corrupt = |column| StoreError::Corrupt { table: "link_state", column };
        let level = |name: &str, column| LinkLevel::from_name(name).ok_or(corrupt(column));
        let state = LinkState {
            level: level(&self.level, "level")?,
            better: self.better.map(|name| level(&name, "better")).transpose()?,
            prefer: self.prefer.map(|name| MediaMode::from_name(&name).ok_or(corrupt("prefer"))).transpose()?,
            counted_since: self.counted_since,
            changes: u8::try_from(self.changes).map_err(|_| corrupt("changes"))?,
        };
        Ok((ParticipantId::from_uuid(self.participant_id), state))
    }
}

pub(crate) struct PgLinks<'t>(pub(crate) &'t mut PgUnitOfWork);

#[async_trait]
impl Links for PgLinks<'_> {
    async fn find(&mut self, session: SessionId, who: ParticipantId) -> Result<Option<LinkState>, StoreError> {
        use link_state::dsl;
        let (conn, tenant) = self.0.parts();
        let row: Option<LinkRow> = dsl::link_state
            .find((tenant.as_str(), session.as_uuid(), who.as_uuid()))
            .select((dsl::participant_id, dsl::level, dsl::better, dsl::prefer, dsl::counted_since, dsl::changes))
            .first(conn)
            .await
            .optional()
            .map_err(store_error)?;
        Ok(row.map(LinkRow::restore).transpose()?.map(|(_, state)| state))
    }

    async fn put(&mut self, session: SessionId, who: ParticipantId, link: &LinkState) -> Result<(), StoreError> {
        use link_state::dsl;
        let values = || LinkValues {
            level: link.level.as_str(),
            better: link.better.map(LinkLevel::as_str),
            prefer: link.prefer.map(MediaMode::as_str),
            counted_since: link.counted_since,
            changes: i32::from(link.changes),
        };
        let (conn, tenant) = self.0.parts();
        diesel::insert_into(dsl::link_state)
            .values((
                dsl::tenant_id.eq(tenant.as_str()),
                dsl::session_id.eq(session.as_uuid()),
                dsl::participant_id.eq(who.as_uuid()),
                values(),
            ))
            .on_conflict((dsl::tenant_id, dsl::session_id, dsl::participant_id))
            .do_update()
            .set(values())
            .execute(conn)
            .await
            .map_err(store_error)?;
        Ok(())
    }
}

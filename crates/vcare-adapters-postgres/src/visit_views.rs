//! One visit, looked at by operators: its ids, states and times, and nothing of its people.

use diesel::dsl::exists;
use diesel::prelude::{
    ExpressionMethods, OptionalExtension, QueryDsl, Queryable, QueryableByName, Selectable, SelectableHelper,
};
use diesel::sql_types::{Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use time::OffsetDateTime;
use uuid::Uuid;
use vcare_app::ports::{EventView, StoreError, VisitId, VisitView};
use vcare_domain::{CancelCode, EncounterId, EncounterStatus, EventId, NoShowCode, ReasonCode, TenantId, Version};

use crate::errors::store_error;
use crate::job_views;
use crate::schema::{async_visit, tenant_config, virtual_session};

#[derive(Queryable, Selectable)]
#[diesel(table_name = virtual_session, check_for_backend(diesel::pg::Pg))]
struct LiveRow {
    tenant_id: String,
    status: String,
    version: i32,
    created_at: OffsetDateTime,
    scheduled_start: OffsetDateTime,
    scheduled_end: OffsetDateTime,
    started_at: Option<OffsetDateTime>,
    failed_at: Option<OffsetDateTime>,
    no_show_at: Option<OffsetDateTime>,
    no_show_code: Option<String>,
    cancelled_at: Option<OffsetDateTime>,
    cancel_code: Option<String>,
    ended_at: Option<OffsetDateTime>,
    updated_at: OffsetDateTime,
    encounter_status: Option<String>,
    encounter_id: Option<String>,
    charged_at: Option<OffsetDateTime>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = async_visit, check_for_backend(diesel::pg::Pg))]
struct AsyncRow {
    tenant_id: String,
    status: String,
    version: i32,
    submitted_at: OffsetDateTime,
    claimed_at: Option<OffsetDateTime>,
    responded_at: Option<OffsetDateTime>,
    closed_at: Option<OffsetDateTime>,
    updated_at: OffsetDateTime,
    encounter_status: Option<String>,
    encounter_id: Option<String>,
    charged_at: Option<OffsetDateTime>,
}

/// What both kinds have.
struct Row {
    table: &'static str,
    tenant_id: String,
    status: String,
    reason_code: Option<&'static str>,
    version: i32,
    times: Vec<(&'static str, Option<OffsetDateTime>)>,
    encounter_status: Option<String>,
    encounter_id: Option<String>,
    charged_at: Option<OffsetDateTime>,
}

impl From<LiveRow> for Row {
    fn from(row: LiveRow) -> Self {
        let times = vec![
            ("created_at", Some(row.created_at)),
            ("scheduled_start", Some(row.scheduled_start)),
            ("scheduled_end", Some(row.scheduled_end)),
            ("started_at", row.started_at),
            ("failed_at", row.failed_at),
            ("no_show_at", row.no_show_at),
            ("cancelled_at", row.cancelled_at),
            ("ended_at", row.ended_at),
            ("updated_at", Some(row.updated_at)),
        ];
        let reason_code = match (row.no_show_at, row.cancelled_at) {
            (Some(_), _) => Some(NoShowCode::restore(row.no_show_code.as_deref()).as_str()),
            (None, Some(_)) => Some(CancelCode::restore(row.cancel_code.as_deref()).as_str()),
            (None, None) => None,
        };
        Self {
            table: "virtual_session",
            tenant_id: row.tenant_id,
            status: row.status,
            reason_code,
            version: row.version,
            times,
            encounter_status: row.encounter_status,
            encounter_id: row.encounter_id,
            charged_at: row.charged_at,
        }
    }
}

impl From<AsyncRow> for Row {
    fn from(row: AsyncRow) -> Self {
        let times = vec![
            ("submitted_at", Some(row.submitted_at)),
            ("claimed_at", row.claimed_at),
            ("responded_at", row.responded_at),
            ("closed_at", row.closed_at),
            ("updated_at", Some(row.updated_at)),
        ];
        Self {
            table: "async_visit",
            tenant_id: row.tenant_id,
            status: row.status,
            reason_code: None,
            version: row.version,
            times,
            encounter_status: row.encounter_status,
            encounter_id: row.encounter_id,
            charged_at: row.charged_at,
        }
    }
}

/// The row of that id, by the key of its table: of each tenant that has settings it is looked up there.
macro_rules! row_of {
    ($pg:expr, $table:ident, $row:ty, $id:expr) => {{
        let settings = tenant_config::table.filter(tenant_config::tenant_id.eq($table::tenant_id));
        let row: Option<$row> = $table::table
            .filter($table::id.eq($id))
            .filter(exists(settings.select(tenant_config::tenant_id)))
            .select(<$row>::as_select())
            .first($pg)
            .await
            .optional()
            .map_err(store_error)?;
        row.map(Row::from)
    }};
}

/// The visit of that id.
pub(crate) async fn visit(pg: &mut AsyncPgConnection, id: VisitId) -> Result<Option<VisitView>, StoreError> {
    let (uuid, row) = match id {
        VisitId::Live(id) => (*id.as_uuid(), row_of!(pg, virtual_session, LiveRow, id.as_uuid())),
        VisitId::Async(id) => (*id.as_uuid(), row_of!(pg, async_visit, AsyncRow, id.as_uuid())),
    };
    let Some(row) = row else { return Ok(None) };
    let corrupt = |column| StoreError::Corrupt { table: row.table, column };
    let tenant_id = TenantId::parse(row.tenant_id).map_err(|_| corrupt("tenant_id"))?;
    let encounter = row.encounter_status.map(|name| EncounterStatus::from_name(&name));
    Ok(Some(VisitView {
        visit: id,
        status: row.status,
        reason_code: row.reason_code,
        version: u32::try_from(row.version).map(Version::new).map_err(|_| corrupt("version"))?,
        times: row.times.into_iter().filter_map(|(name, at)| Some((name, at?))).collect(),
        encounter: encounter.map(|known| known.ok_or(corrupt("encounter_status"))).transpose()?,
        encounter_id: row.encounter_id.map(EncounterId::parse).transpose().map_err(|_| corrupt("encounter_id"))?,
        charged_at: row.charged_at,
        jobs: job_views::jobs_of(pg, &tenant_id, &uuid).await?,
        events: events(pg, id).await?,
        tenant_id,
    }))
}

#[derive(QueryableByName)]
struct EventRow {
    #[diesel(sql_type = SqlUuid)]
    event_id: Uuid,
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = Timestamptz)]
    created_at: OffsetDateTime,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    acknowledged_at: Option<OffsetDateTime>,
}

async fn events(pg: &mut AsyncPgConnection, visit: VisitId) -> Result<Vec<EventView>, StoreError> {
    let rows: Vec<EventRow> =
        diesel::sql_query("SELECT event_id, subject, created_at, acknowledged_at FROM events_of_visit($1)")
            .bind::<Text, _>(visit.to_string())
            .load(pg)
            .await
            .map_err(store_error)?;
    let view = |row: EventRow| EventView {
        id: EventId::from_uuid(row.event_id),
        subject: row.subject,
        created_at: row.created_at,
        acknowledged_at: row.acknowledged_at,
    };
    Ok(rows.into_iter().map(view).collect())
}

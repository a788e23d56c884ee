//! What is not done yet: of one tenant for its administrators, of all for operators.

use async_trait::async_trait;
use diesel::dsl::{count_star, min};
use diesel::prelude::{ExpressionMethods, QueryDsl};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use time::OffsetDateTime;
use uuid::Uuid;
use vcare_app::ports::{
    Backlog, FailedVisit, ITEMS, JobFilter, JobKind, JobView, Oversight, StoreError, TenantView, Unsettled,
    UnsettledVisit, VisitId, VisitView,
};
use vcare_domain::{
    AsyncVisitId, EmergencyAccess, EncounterStatus, JobId, SessionId, SessionStatus, TenantId, Version,
};

use crate::clock::clock;
use crate::config::PgConfig;
use crate::connection::{Connections, DatabaseRole};
use crate::emergencies;
use crate::errors::store_error;
use crate::job_views;
use crate::schema::{async_visit, outbox, retry_job, tenant_config, virtual_session};
use crate::visit_views;

/// Looks into all tenants, under a role that can do nothing else.
pub struct PgOversight {
    connections: Connections,
}

impl PgOversight {
    /// Connects when it is first used.
    #[must_use]
    pub fn new(config: &PgConfig) -> Self {
        Self { connections: Connections::new(config, DatabaseRole::Operator) }
    }
}

#[async_trait]
impl Oversight for PgOversight {
    async fn now(&self) -> Result<OffsetDateTime, StoreError> {
        clock(&mut self.connections.unbound().await?.pg).await
    }

    async fn unsettled(&self, tenant: Option<&TenantId>) -> Result<Unsettled, StoreError> {
        unsettled(&mut self.connections.unbound().await?.pg, tenant).await
    }

    async fn jobs(
        &self,
        tenant: Option<&TenantId>,
        filter: JobFilter,
        kind: Option<JobKind>,
        limit: u16,
    ) -> Result<Vec<JobView>, StoreError> {
        job_views::jobs(&mut self.connections.unbound().await?.pg, tenant, filter, kind, limit).await
    }

    async fn tenants(&self) -> Result<Vec<TenantView>, StoreError> {
        tenants(&mut self.connections.unbound().await?.pg).await
    }

    async fn job(&self, id: JobId) -> Result<Option<JobView>, StoreError> {
        job_views::job(&mut self.connections.unbound().await?.pg, id).await
    }

    async fn job_of(&self, session: SessionId, kind: JobKind) -> Result<Option<JobView>, StoreError> {
        job_views::job_of(&mut self.connections.unbound().await?.pg, session, kind).await
    }

    async fn visit(&self, id: VisitId) -> Result<Option<VisitView>, StoreError> {
        visit_views::visit(&mut self.connections.unbound().await?.pg, id).await
    }

    async fn emergencies(
        &self,
        tenant: Option<&TenantId>,
        since: OffsetDateTime,
    ) -> Result<Vec<EmergencyAccess>, StoreError> {
        emergencies::granted_since(&mut self.connections.unbound().await?.pg, tenant, since).await
    }

    async fn outbox_by_subject(&self) -> Result<Vec<(String, u64, OffsetDateTime)>, StoreError> {
        outbox_by_subject(&mut self.connections.unbound().await?.pg).await
    }
}

async fn tenants(pg: &mut AsyncPgConnection) -> Result<Vec<TenantView>, StoreError> {
    use tenant_config::dsl;
    let rows: Vec<(String, i32, String, String, OffsetDateTime)> = tenant_config::table
        .select((dsl::tenant_id, dsl::version, dsl::video_backend, dsl::room_slug_prefix, dsl::updated_at))
        .order(dsl::tenant_id)
        .load(pg)
        .await
        .map_err(store_error)?;
    let corrupt = |column| StoreError::Corrupt { table: "tenant_config", column };
    let views = rows.into_iter().map(|(tenant, version, video_backend, room_slug_prefix, updated_at)| {
        Ok(TenantView {
            tenant_id: TenantId::parse(tenant).map_err(|_| corrupt("tenant_id"))?,
            version: u32::try_from(version).map(Version::new).map_err(|_| corrupt("version"))?,
            video_backend,
            room_slug_prefix,
            updated_at,
        })
    });
    views.collect()
}

/// What is not done yet, as far as the connection's role sees it.
pub(crate) async fn unsettled(pg: &mut AsyncPgConnection, tenant: Option<&TenantId>) -> Result<Unsettled, StoreError> {
    Ok(Unsettled {
        without_encounter: visits(pg, tenant, Lacking::Encounter).await?,
        without_charge: visits(pg, tenant, Lacking::Charge).await?,
        unacknowledged: events(pg, tenant).await?,
        parked: Backlog {
            items: job_views::jobs(pg, tenant, JobFilter::Parked, None, ITEMS).await?,
            ..parked(pg, tenant).await?
        },
        failed: failed(pg, tenant).await?,
    })
}

/// What a visit lacks.
#[derive(Clone, Copy)]
enum Lacking {
    Encounter,
    Charge,
}

/// Visits of both kinds.
async fn visits(
    pg: &mut AsyncPgConnection,
    tenant: Option<&TenantId>,
    lacking: Lacking,
) -> Result<Backlog<UnsettledVisit>, StoreError> {
    let (live, without_link) = (live_visits(pg, tenant, lacking).await?, async_visits(pg, tenant, lacking).await?);
    let mut items = [live.items, without_link.items].concat();
    items.sort_by_key(|visit| visit.ended_at);
    items.truncate(ITEMS.into());
    let oldest = live.oldest.into_iter().chain(without_link.oldest).min();
    Ok(Backlog { count: live.count + without_link.count, oldest, items })
}

/// The visits of a table that lack something, with the column that says when they ended.
macro_rules! visits_of {
    ($read:ident, $table:ident, $end:ident, $id:ident) => {
        async fn $read(
            pg: &mut AsyncPgConnection,
            tenant: Option<&TenantId>,
            lacking: Lacking,
        ) -> Result<Backlog<UnsettledVisit>, StoreError> {
            use $table::dsl;
            let lack = || {
                let mut query = $table::table.into_boxed();
                if let Some(tenant) = tenant {
                    query = query.filter(dsl::tenant_id.eq(tenant.as_str()));
                }
                match lacking {
                    Lacking::Encounter => query.filter(dsl::encounter_status.eq_any(["pending", "parked"])),
                    Lacking::Charge => {
                        query.filter(dsl::encounter_status.eq("created")).filter(dsl::charged_at.is_null())
                    }
                }
            };
            let (count, oldest): (i64, Option<OffsetDateTime>) =
                lack().select((count_star(), min(dsl::$end))).first(pg).await.map_err(store_error)?;
            let rows: Vec<VisitRow> = lack()
                .select((dsl::tenant_id, dsl::id, dsl::encounter_status, dsl::$end))
                .order((dsl::$end, dsl::id))
                .limit(i64::from(ITEMS))
                .load(pg)
                .await
                .map_err(store_error)?;
            let items = rows.into_iter().map(|row| unsettled_visit(stringify!($table), stringify!($end), row, $id));
            Ok(Backlog { count: counted(count), oldest, items: items.collect::<Result<_, StoreError>>()? })
        }
    };
}

visits_of!(live_visits, virtual_session, ended_at, live_id);
visits_of!(async_visits, async_visit, responded_at, async_id);

/// A visit as read: whose, which, what has become of its Encounter, when it ended.
type VisitRow = (String, Uuid, Option<String>, Option<OffsetDateTime>);

const fn live_id(id: Uuid) -> VisitId {
    VisitId::Live(SessionId::from_uuid(id))
}

const fn async_id(id: Uuid) -> VisitId {
    VisitId::Async(AsyncVisitId::from_uuid(id))
}

fn unsettled_visit(
    table: &'static str,
    end: &'static str,
    (tenant, id, encounter, ended_at): VisitRow,
    visit: fn(Uuid) -> VisitId,
) -> Result<UnsettledVisit, StoreError> {
    let corrupt = |column| StoreError::Corrupt { table, column };
    Ok(UnsettledVisit {
        tenant_id: TenantId::parse(tenant).map_err(|_| corrupt("tenant_id"))?,
        visit: visit(id),
        encounter: encounter.as_deref().and_then(EncounterStatus::from_name).ok_or(corrupt("encounter_status"))?,
        ended_at: ended_at.ok_or(corrupt(end))?,
    })
}

async fn failed(pg: &mut AsyncPgConnection, tenant: Option<&TenantId>) -> Result<Backlog<FailedVisit>, StoreError> {
    use virtual_session::dsl;
    let failed = || {
        let query = virtual_session::table.filter(dsl::status.eq(SessionStatus::Failed.as_str())).into_boxed();
        match tenant {
            Some(tenant) => query.filter(dsl::tenant_id.eq(tenant.as_str())),
            None => query,
        }
    };
    let (count, oldest): (i64, Option<OffsetDateTime>) =
        failed().select((count_star(), min(dsl::failed_at))).first(pg).await.map_err(store_error)?;
    let rows: Vec<(String, Uuid, Option<OffsetDateTime>)> = failed()
        .select((dsl::tenant_id, dsl::id, dsl::failed_at))
        .order((dsl::failed_at, dsl::id))
        .limit(i64::from(ITEMS))
        .load(pg)
        .await
        .map_err(store_error)?;
    let corrupt = |column| StoreError::Corrupt { table: "virtual_session", column };
    let items = rows.into_iter().map(|(tenant, id, failed_at)| {
        Ok(FailedVisit {
            tenant_id: TenantId::parse(tenant).map_err(|_| corrupt("tenant_id"))?,
            session_id: SessionId::from_uuid(id),
            failed_at: failed_at.ok_or(corrupt("failed_at"))?,
        })
    });
    Ok(Backlog { count: counted(count), oldest, items: items.collect::<Result<_, StoreError>>()? })
}

async fn events(pg: &mut AsyncPgConnection, tenant: Option<&TenantId>) -> Result<Backlog<()>, StoreError> {
    let mut query = outbox::table.into_boxed();
    if let Some(tenant) = tenant {
        query = query.filter(outbox::tenant_id.eq(tenant.as_str()));
    }
    let (count, oldest): (i64, Option<OffsetDateTime>) =
        query.select((count_star(), min(outbox::created_at))).first(pg).await.map_err(store_error)?;
    Ok(Backlog { count: counted(count), oldest, items: Vec::new() })
}

async fn parked(pg: &mut AsyncPgConnection, tenant: Option<&TenantId>) -> Result<Backlog<JobView>, StoreError> {
    let mut query = retry_job::table.filter(retry_job::state.eq("parked")).into_boxed();
    if let Some(tenant) = tenant {
        query = query.filter(retry_job::tenant_id.eq(tenant.as_str()));
    }
    let (count, oldest): (i64, Option<OffsetDateTime>) =
        query.select((count_star(), min(retry_job::created_at))).first(pg).await.map_err(store_error)?;
    Ok(Backlog { count: counted(count), oldest, items: Vec::new() })
}

fn counted(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

async fn outbox_by_subject(pg: &mut AsyncPgConnection) -> Result<Vec<(String, u64, OffsetDateTime)>, StoreError> {
    let rows: Vec<(String, i64, Option<OffsetDateTime>)> = outbox::table
        .group_by(outbox::subject)
        .select((outbox::subject, count_star(), min(outbox::created_at)))
        .order(count_star().desc())
        .load(pg)
        .await
        .map_err(store_error)?;
    let rows = rows.into_iter().filter_map(|(subject, count, oldest)| Some((subject, counted(count), oldest?)));
    Ok(rows.collect())
}

//! Pages of lists of visits, by a time and an id. An index leads to where the page begins; nothing is counted or skipped.

use diesel::PgJsonbExpressionMethods;
use diesel::dsl::sql;
use diesel::prelude::{BoolExpressionMethods, ExpressionMethods, NullableExpressionMethods, QueryDsl};
use diesel::sql_types::{Bool, Text, Timestamptz};
use diesel_async::AsyncPgConnection;
use vcare_app::ports::{
    AsyncVisitFilter, AsyncVisitPage, Order, PageCursor, RecordKeys, SessionFilter, SessionPage, StoreError,
};
use vcare_domain::{AppointmentId, AsyncVisitStatus, PatientId, SessionStatus, TenantId, UserId};

use crate::queries::{Lock, async_visits, sessions};
use crate::schema::{async_visit, virtual_session};
use crate::waiting::PATIENT_IS_PRESENT;

/// A visit's status, as it is stored.
const STATUS: &str = "CASE WHEN no_show_at IS NULL THEN status ELSE 'no_show' END";

/// Narrows a query to one page: sorts it by `time` and `id`, and begins after the cursor.
macro_rules! page {
    ($query:ident, $filter:ident, $time:expr, $id:expr) => {{
        // The first condition of a cursor is implied by the second; it lets the index be entered at the right place.
        if let Some(PageCursor { at, id }) = $filter.after {
            let same = $time.eq(at);
            $query = match $filter.order {
                Order::Ascending => $query.filter($time.ge(at)).filter($time.gt(at).or(same.and($id.gt(id)))),
                Order::Descending => $query.filter($time.le(at)).filter($time.lt(at).or(same.and($id.lt(id)))),
            };
        }
        $query = match $filter.order {
            Order::Ascending => $query.order(($time.asc(), $id.asc())),
            Order::Descending => $query.order(($time.desc(), $id.desc())),
        };
        // One more than asked for tells whether there is another page.
        $query.limit(i64::from($filter.limit.max(1)) + 1)
    }};
}

/// Leaves the page's own items, and answers the last of them if there are more.
fn cut<T>(items: &mut Vec<T>, limit: u8, place: impl Fn(&T) -> PageCursor) -> Option<PageCursor> {
    let limit = usize::from(limit.max(1));
    let more = items.len() > limit;
    items.truncate(limit);
    items.last().filter(|_| more).map(place)
}

/// One page of a tenant's live visits.
pub(crate) async fn session_page(
    pg: &mut AsyncPgConnection,
    keys: &dyn RecordKeys,
    tenant: &TenantId,
    filter: &SessionFilter,
) -> Result<SessionPage, StoreError> {
    use virtual_session::dsl;
    let mut query = sessions::of(tenant);
    if !filter.statuses.is_empty() {
        let statuses: Vec<&str> = filter.statuses.iter().map(|status| status.as_str()).collect();
        // A no-show is stored as cancelled.
        query = query.filter(sql::<Text>(STATUS).eq_any(statuses));
    }
    if let Some(appointment) = &filter.appointment_id {
        query = query.filter(dsl::appointment_id.eq(AppointmentId::as_str(appointment)));
    }
    if let Some(provider) = &filter.provider_id {
        query = query.filter(dsl::provider_id.eq(UserId::as_str(provider)));
    }
    if let Some((present, now)) = filter.present {
        let condition = sql::<Bool>(if present { "" } else { "NOT " }).sql(PATIENT_IS_PRESENT);
        query = query.filter(condition.bind::<Timestamptz, _>(now).sql("))"));
    }
    if let Some(patient) = &filter.patient_id {
        query = query.filter(dsl::patient_id.eq(PatientId::as_str(patient)));
    }
    if let Some(account) = &filter.visible_to {
        let account = UserId::as_str(account);
        let part = match filter.only_as_provider {
            true => serde_json::json!([{ "user_id": account, "role": "provider" }]),
            false => serde_json::json!([{ "user_id": account }]),
        };
        let own = dsl::participants
            .contains(part)
            .nullable()
            .or(dsl::provider_id.eq(account))
            .or(dsl::initiator_id.nullable().eq(account));
        let providers = serde_json::json!([{ "role": "provider" }]);
        let open = [SessionStatus::Scheduled, SessionStatus::Waiting, SessionStatus::Active];
        let nobodys = dsl::provider_id
            .is_null()
            .and(dsl::status.eq_any(open.map(SessionStatus::as_str)))
            .and(diesel::dsl::not(dsl::participants.contains(providers)));
        query = query.filter(own.or(nobodys.nullable()));
    }
    if let Some(from) = filter.from {
        query = query.filter(dsl::scheduled_start.ge(from));
    }
    if let Some(to) = filter.to {
        query = query.filter(dsl::scheduled_start.lt(to));
    }
    if let Some(since) = filter.updated_since {
        query = query.filter(dsl::updated_at.ge(since));
    }
    let query = page!(query, filter, dsl::scheduled_start, dsl::id);
    let rows = sessions::rows(pg, query, Lock::None).await?;
    let mut items = Vec::with_capacity(rows.len());
    for row in rows {
        items.push(row.restore(keys).await?.readable());
    }
    let next = cut(&mut items, filter.limit, |last| PageCursor {
        at: last.parts().schedule.start(),
        id: *last.parts().id.as_uuid(),
    });
    Ok(SessionPage { items, next })
}

/// One page of a tenant's async visits.
pub(crate) async fn async_visit_page(
    pg: &mut AsyncPgConnection,
    keys: &dyn RecordKeys,
    tenant: &TenantId,
    filter: &AsyncVisitFilter,
) -> Result<AsyncVisitPage, StoreError> {
    use async_visit::dsl;
    let mut query = async_visits::of(tenant);
    if !filter.statuses.is_empty() {
        let statuses: Vec<&str> = filter.statuses.iter().map(|status| status.as_str()).collect();
        query = query.filter(dsl::status.eq_any(statuses));
    }
    if let Some(at) = filter.claimable_at {
        let waiting = [AsyncVisitStatus::Submitted.as_str(), AsyncVisitStatus::UnderReview.as_str()];
        // The first condition lets the queue's own index be used.
        query = query
            .filter(dsl::status.eq_any(waiting))
            .filter(dsl::claimed_until.is_null().or(dsl::claimed_until.le(at)));
    }
    if let Some(patient) = &filter.patient_id {
        query = query.filter(dsl::patient_id.eq(PatientId::as_str(patient)));
    }
    if let Some(provider) = &filter.provider_id {
        query = query.filter(dsl::provider_id.eq(UserId::as_str(provider)));
    }
    if let Some(account) = &filter.visible_to {
        let account = UserId::as_str(account);
        let waiting = [AsyncVisitStatus::Submitted.as_str(), AsyncVisitStatus::UnderReview.as_str()];
        let queue = dsl::status.eq_any(waiting);
        let own = dsl::provider_id.eq(account).or(dsl::submitted_by.nullable().eq(account));
        query = query.filter(own.or(queue.nullable()));
    }
    if let Some(from) = filter.from {
        query = query.filter(dsl::submitted_at.ge(from));
    }
    if let Some(to) = filter.to {
        query = query.filter(dsl::submitted_at.lt(to));
    }
    if let Some(since) = filter.updated_since {
        query = query.filter(dsl::updated_at.ge(since));
    }
    let query = page!(query, filter, dsl::submitted_at, dsl::id);
    let rows = async_visits::rows(pg, query, Lock::None).await?;
    let mut items = Vec::with_capacity(rows.len());
    for row in rows {
        items.push(row.restore(keys).await?.aggregate);
    }
    let next = cut(&mut items, filter.limit, |last| PageCursor {
        at: last.parts().submitted_at,
        id: *last.parts().id.as_uuid(),
    });
    Ok(AsyncVisitPage { items, next })
}

//! Finished events on their way into the outbox.

use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{Array, Binary, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;
use vcare_app::Scope;
use vcare_app::events::AuditEntry;
use vcare_app::ports::StoreError;
use vcare_domain::{EventId, TenantId};

use crate::errors::store_error;

/// A finished event.
pub(crate) struct NewEvent {
    pub(crate) id: EventId,
    pub(crate) subject: &'static str,
    pub(crate) ordering_key: String,
    pub(crate) body: Vec<u8>,
}

/// An audit entry as a finished event.
pub(crate) fn audit_event(entry: AuditEntry, id: EventId, scope: &Scope) -> Result<NewEvent, StoreError> {
    let ordering_key = entry.resource_id.clone();
    let event = entry.into_event(id, scope);
    let body = serde_json::to_vec(&event).map_err(|error| StoreError::Faulty(Box::new(error)))?;
    Ok(NewEvent { id, subject: event.kind(), ordering_key, body })
}

/// Writes finished events of a tenant, in their order and in one statement.
pub(crate) async fn write_events<'e>(
    pg: &mut AsyncPgConnection,
    tenant: &TenantId,
    events: impl ExactSizeIterator<Item = &'e NewEvent>,
) -> Result<(), StoreError> {
    let mut insert = InsertEvents::new(tenant.as_str(), events.len());
    for event in events {
        insert.ids.push(*event.id.as_uuid());
        insert.subjects.push(event.subject);
        insert.ordering_keys.push(&event.ordering_key);
        insert.bodies.push(&event.body);
    }
    insert.execute(pg).await.map_err(store_error)?;
    Ok(())
}

/// The same text for any number of events, so that a connection prepares it once. What diesel makes of a list of rows, and
/// of `sql_query`, is prepared anew each time: a round trip, and most of what the statement costs.
struct InsertEvents<'e> {
    tenant: &'e str,
    ids: Vec<Uuid>,
    subjects: Vec<&'static str>,
    ordering_keys: Vec<&'e str>,
    bodies: Vec<&'e [u8]>,
}

impl<'e> InsertEvents<'e> {
    fn new(tenant: &'e str, events: usize) -> Self {
        Self {
            tenant,
            ids: Vec::with_capacity(events),
            subjects: Vec::with_capacity(events),
            ordering_keys: Vec::with_capacity(events),
            bodies: Vec::with_capacity(events),
        }
    }
}

impl QueryId for InsertEvents<'_> {
    type QueryId = InsertEvents<'static>;

    const HAS_STATIC_QUERY_ID: bool = true;
}

impl QueryFragment<Pg> for InsertEvents<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("INSERT INTO outbox (tenant_id, event_id, subject, ordering_key, body) SELECT ");
        out.push_bind_param::<Text, _>(self.tenant)?;
        // Rows come in the order of the arrays, and so are their positions.
        out.push_sql(", * FROM unnest(");
        out.push_bind_param::<Array<SqlUuid>, _>(&self.ids)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.subjects)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.ordering_keys)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Binary>, _>(&self.bodies)?;
        out.push_sql(")");
        Ok(())
    }
}

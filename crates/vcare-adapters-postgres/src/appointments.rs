//! Which live visit an appointment has.

use diesel::prelude::{ExpressionMethods, OptionalExtension, QueryDsl};
use diesel::sql_types::Text;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;
use vcare_app::ports::StoreError;
use vcare_domain::{AppointmentId, SessionId, SessionStatus, TenantId};

use crate::errors::store_error;
use crate::rows::stored_status;
use crate::schema::virtual_session;

/// Neither name holds a blank, so that no two appointments have one text. Two with one hash wait for each other, and that is
/// all.
const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtextextended('appointment ' || $1 || ' ' || $2, 0))";

/// Locks an appointment until the transaction ends.
pub(crate) async fn lock(
    pg: &mut AsyncPgConnection,
    tenant: &TenantId,
    appointment: &AppointmentId,
) -> Result<(), StoreError> {
    diesel::sql_query(LOCK)
        .bind::<Text, _>(tenant.as_str())
        .bind::<Text, _>(appointment.as_str())
        .execute(pg)
        .await
        .map_err(store_error)?;
    Ok(())
}

/// The visit of an appointment that was neither cancelled nor missed; of several, which earlier versions wrote, the oldest.
pub(crate) async fn visit(
    pg: &mut AsyncPgConnection,
    tenant: &TenantId,
    appointment: &AppointmentId,
) -> Result<Option<SessionId>, StoreError> {
    let free = SessionStatus::ALL.into_iter().filter(|status| status.leaves_appointment_free()).map(stored_status);
    let id: Option<Uuid> = virtual_session::table
        .filter(virtual_session::tenant_id.eq(tenant.as_str()))
        .filter(virtual_session::appointment_id.eq(appointment.as_str()))
        .filter(virtual_session::status.ne_all(free))
        .order(virtual_session::id)
        .select(virtual_session::id)
        .first(pg)
        .await
        .optional()
        .map_err(store_error)?;
    Ok(id.map(SessionId::from_uuid))
}

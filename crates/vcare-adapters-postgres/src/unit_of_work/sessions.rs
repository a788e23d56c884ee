//! The visits, inside a transaction.

use async_trait::async_trait;
use diesel::prelude::{ExpressionMethods, QueryDsl};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::future::join_all;
use vcare_app::Scope;
use vcare_app::events::session_event;
use vcare_app::ports::{NewJob, StoreError, TracedSession, VirtualSessions};
use vcare_domain::{AppointmentId, SessionEvent, SessionId, VirtualSession};

use super::PgUnitOfWork;
use crate::appointments;
use crate::errors::store_error;
use crate::new_events::NewEvent;
use crate::queries::{Lock, sessions};
use crate::rows::{NewSessionRow, SessionChanges, SessionRow, version_number};
use crate::schema::virtual_session;
use crate::short_links;

pub(super) struct PgSessions<'t>(pub(super) &'t mut PgUnitOfWork);

#[async_trait]
impl VirtualSessions for PgSessions<'_> {
    async fn find(&mut self, id: SessionId) -> Result<Option<VirtualSession>, StoreError> {
        // Locked: who decides on a visit decides on what it is until they commit.
        let (pg, tenant) = self.0.parts();
        sessions::one(pg, sessions::of(tenant).filter(virtual_session::id.eq(id.as_uuid())), Lock::NoKeyUpdate).await
    }

    async fn find_all(&mut self, ids: &[SessionId]) -> Result<Vec<VirtualSession>, StoreError> {
        let ids: Vec<_> = ids.iter().map(SessionId::as_uuid).collect();
        // PostgreSQL locks rows in the order in which it answers them.
        let (pg, tenant) = self.0.parts();
        let query = sessions::of(tenant).filter(virtual_session::id.eq_any(ids)).order(virtual_session::id);
        let rows = sessions::rows(pg, query, Lock::NoKeyUpdate).await?;
        rows.into_iter().map(SessionRow::restore).collect()
    }

    async fn lock_appointment(&mut self, appointment: &AppointmentId) -> Result<Option<SessionId>, StoreError> {
        let (pg, tenant) = self.0.parts();
        appointments::lock(pg, tenant, appointment).await?;
        // A statement of its own: it sees what was committed while the lock was waited for.
        appointments::visit(pg, tenant, appointment).await
    }

    async fn save(&mut self, session: &mut VirtualSession) -> Result<(), StoreError> {
        let trace = self.0.scope.trace.clone();
        self.save_all(&mut [TracedSession { session, trace: &trace }]).await
    }

    async fn save_all(&mut self, sessions: &mut [TracedSession<'_>]) -> Result<(), StoreError> {
        let pg = &self.0.conn.pg;
        // All are sent before the first is answered: many rows take hardly longer than one. And all are waited for, so that
        // none is still under way when the transaction is undone.
        let written = join_all(sessions.iter().map(|one| write_row(pg, one.session))).await;
        written.into_iter().collect::<Result<(), _>>()?;
        let mut events = Vec::new();
        for TracedSession { session, trace } in sessions.iter() {
            let scope = Scope { trace: (*trace).clone(), ..self.0.scope.clone() };
            for recorded in session.events() {
                let id = self.0.event_id();
                let (subject, body) = session_event(session.parts(), recorded, id, &scope)
                    .map_err(|error| StoreError::Faulty(Box::new(error)))?;
                events.push(NewEvent { id, subject, ordering_key: session.parts().id.to_string(), body });
            }
        }
        self.0.write_events(&events).await?;
        for TracedSession { session, trace } in sessions {
            for follow_up in session.follow_ups() {
                self.0.write_job(session.parts().id, NewJob::from(*follow_up), trace).await?;
            }
            session.mark_saved();
            self.0.saved.push((session.parts().id, session.version()));
        }
        Ok(())
    }
}

/// Writes a visit's row: a new one, or what changed since it was read.
async fn write_row(mut pg: &AsyncPgConnection, session: &VirtualSession) -> Result<(), StoreError> {
    let visit = session.parts();
    let Some(stored) = session.stored() else {
        let new = NewSessionRow::of(visit)?;
        diesel::insert_into(virtual_session::table).values(new).execute(&mut pg).await.map_err(store_error)?;
        return Ok(());
    };
    let row = virtual_session::table
        .find((visit.tenant_id.as_str(), visit.id.as_uuid()))
        .filter(virtual_session::version.eq(version_number(stored.version)));
    // With the charge, so that a visit that has its Encounter and was not charged can be found.
    let charged = session.events().iter().find_map(|recorded| match recorded.event {
        SessionEvent::Chargeable { .. } => Some(virtual_session::charged_at.eq(recorded.at)),
        _ => None,
    });
    let changes = (SessionChanges::of(visit)?, charged);
    let written = diesel::update(row).set(changes).execute(&mut pg).await.map_err(store_error)?;
    if written != 1 {
        return Err(StoreError::Conflict);
    }
    if visit.schedule != stored.schedule {
        short_links::keep_until_end(pg, visit).await?;
    }
    Ok(())
}

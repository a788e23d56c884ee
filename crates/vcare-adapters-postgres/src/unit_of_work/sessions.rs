//! The visits, inside a transaction.

use std::sync::Arc;

use async_trait::async_trait;
use diesel::prelude::{ExpressionMethods, QueryDsl};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::future::{join, join_all};
use time::OffsetDateTime;
use uuid::Uuid;
use vcare_app::Scope;
use vcare_app::events::session_event;
use vcare_app::ports::{NewJob, RecordCipher, RecordId, StoreError, TracedSession, VirtualSessions};
use vcare_domain::{AppointmentId, SessionEvent, SessionId, SessionParts, VirtualSession};

use super::PgUnitOfWork;
use crate::appointments;
use crate::errors::store_error;
use crate::new_events::NewEvent;
use crate::queries::{Lock, sessions};
use crate::record_keys::{KeyOfRecord, key_missing};
use crate::rows::{NewSessionRow, SessionChanges, SessionRow, SessionTexts, version_number};
use crate::schema::virtual_session;
use crate::short_links;

pub(super) struct PgSessions<'t>(pub(super) &'t mut PgUnitOfWork);

#[async_trait]
impl VirtualSessions for PgSessions<'_> {
    async fn find(&mut self, id: SessionId) -> Result<Option<VirtualSession>, StoreError> {
        // Locked: who decides on a visit decides on what it is until they commit.
        let (pg, tenant) = self.0.parts();
        let query = sessions::of(tenant).filter(virtual_session::id.eq(id.as_uuid()));
        let found = sessions::rows(pg, query, Lock::NoKeyUpdate).await?;
        Ok(self.open_all(found).await?.into_iter().next())
    }

    async fn find_all(&mut self, ids: &[SessionId]) -> Result<Vec<VirtualSession>, StoreError> {
        let ids: Vec<_> = ids.iter().map(SessionId::as_uuid).collect();
        // PostgreSQL locks rows in the order in which it answers them.
        let (pg, tenant) = self.0.parts();
        let query = sessions::of(tenant).filter(virtual_session::id.eq_any(ids)).order(virtual_session::id);
        let rows = sessions::rows(pg, query, Lock::NoKeyUpdate).await?;
        self.open_all(rows).await
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
        let mut rows = Vec::with_capacity(sessions.len());
        for one in sessions.iter() {
            rows.push(self.prepare(one.session).await?);
        }
        let pg = &self.0.conn.pg;
        // All are sent before the first is answered: many rows take hardly longer than one. And all are waited for, so that
        // none is still under way when the transaction is undone.
        let written = join_all(rows.into_iter().map(|row| row.write(pg))).await;
        for (record, cipher) in written.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten() {
            self.0.ciphers.keep(record, cipher);
        }
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

/// A visit's row, ready to be written.
struct PreparedRow<'a> {
    session: &'a VirtualSession,
    changes: SessionChanges<'a>,
    /// The encrypted texts. `None` when those that are stored stay as they are.
    sealed: Option<Option<Vec<u8>>>,
    /// The visit's key, when it gets one.
    new_key: Option<(KeyOfRecord, OffsetDateTime)>,
}

impl PgSessions<'_> {
    /// The visits of rows that were locked.
    async fn open_all(&mut self, rows: Vec<SessionRow>) -> Result<Vec<VirtualSession>, StoreError> {
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let id = row.session_id();
            let row = row.with_newest_keys(&self.0.conn.pg).await?;
            let restored = row.restore(&*self.0.keys).await?;
            found.push(self.0.opened(*id.as_uuid(), restored));
        }
        Ok(found)
    }

    async fn prepare<'a>(&self, session: &'a VirtualSession) -> Result<PreparedRow<'a>, StoreError> {
        let visit = session.parts();
        let mut changes = SessionChanges::of(visit)?;
        let texts = SessionTexts::take_from(&mut changes);
        let (record, ciphers) = (*visit.id.as_uuid(), &self.0.ciphers);
        let (sealed, new_key) = match ciphers.get(record) {
            _ if visit.erased_at.is_some() => (Some(None), None),
            Some(cipher) => (Some(Some(texts.seal(cipher)?)), None),
            None if texts.is_empty() => (None, None),
            // What was written now would take the place of what cannot be read.
            None if ciphers.is_missing(record) => return Err(key_missing()),
            None => {
                let (id, at) = (record_id(visit), self.0.now());
                match KeyOfRecord::find_or_draw(&self.0.conn.pg, &*self.0.keys, id, at).await {
                    Ok(key) => (Some(Some(texts.seal(&*key.cipher)?)), Some((key, at))),
                    // Care does not wait for a name.
                    Err(StoreError::Keys(error)) if !texts.holds_notes() => {
                        metrics::counter!("vcare_display_names_missing_total", "operation" => "seal").increment(1);
                        tracing::warn!(error = &error as &dyn std::error::Error, "names were not kept");
                        (None, None)
                    }
                    Err(error) => return Err(error),
                }
            }
        };
        Ok(PreparedRow { session, changes, sealed, new_key })
    }
}

const fn record_id(visit: &SessionParts) -> RecordId<'_> {
    RecordId { tenant: &visit.tenant_id, patient: &visit.patient_id, record: *visit.id.as_uuid() }
}

impl PreparedRow<'_> {
    /// Writes the row: a new one, or what changed since it was read. Answers the cipher of a new key.
    async fn write(self, pg: &AsyncPgConnection) -> Result<Option<(Uuid, Arc<dyn RecordCipher>)>, StoreError> {
        let Self { session, changes, sealed, new_key } = self;
        let visit = session.parts();
        let key = async {
            let Some((key, at)) = new_key else { return Ok(None) };
            Ok(Some((*visit.id.as_uuid(), key.store(pg, record_id(visit), at).await?)))
        };
        let (key, written) = join(key, write_row(pg, session, changes, sealed)).await;
        written?;
        key
    }
}

async fn write_row(
    mut pg: &AsyncPgConnection,
    session: &VirtualSession,
    changes: SessionChanges<'_>,
    sealed: Option<Option<Vec<u8>>>,
) -> Result<(), StoreError> {
    let visit = session.parts();
    let sealed = sealed.map(|sealed| virtual_session::sealed.eq(sealed));
    let Some(stored) = session.stored() else {
        let new = (NewSessionRow::of(visit, changes), sealed);
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
    let changes = (changes, sealed, charged);
    let written = diesel::update(row).set(changes).execute(&mut pg).await.map_err(store_error)?;
    if written != 1 {
        return Err(StoreError::Conflict);
    }
    if visit.schedule != stored.schedule {
        short_links::keep_until_end(pg, visit).await?;
    }
    Ok(())
}

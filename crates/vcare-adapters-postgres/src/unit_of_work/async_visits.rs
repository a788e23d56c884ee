//! The visits without a live link, inside a transaction.

use async_trait::async_trait;
use diesel::prelude::{ExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;
use vcare_app::events::async_visit_event;
use vcare_app::ports::{AsyncVisits, FirstSubmission, JobKind, NewJob, NewSubmission, RecordId, StoreError};
use vcare_domain::{AsyncVisit, AsyncVisitEvent, AsyncVisitId, FollowUp, SessionId};

use super::PgUnitOfWork;
use crate::async_visits::first_submission;
use crate::errors::store_error;
use crate::new_events::NewEvent;
use crate::queries::{Lock, async_visits};
use crate::record_keys::KeyOfRecord;
use crate::rows::{
    AsyncVisitChanges, AsyncVisitTexts, NewAsyncVisitRow, keyed_content_hash, seal_original, version_number,
};
use crate::schema::async_visit;

pub(super) struct PgAsyncVisits<'t>(pub(super) &'t mut PgUnitOfWork);

#[async_trait]
impl AsyncVisits for PgAsyncVisits<'_> {
    async fn find(&mut self, id: AsyncVisitId) -> Result<Option<AsyncVisit>, StoreError> {
        // Locked: who decides on a visit decides on what it is until they commit.
        let (pg, tenant, keys) = self.0.decrypting();
        let query = async_visits::of(tenant).filter(async_visit::id.eq(id.as_uuid()));
        let found = async_visits::one(pg, keys, query, Lock::NoKeyUpdate).await?;
        Ok(found.map(|found| self.0.opened(*id.as_uuid(), found)))
    }

    async fn submit(
        &mut self,
        visit: &mut AsyncVisit,
        new: &NewSubmission,
    ) -> Result<Option<FirstSubmission>, StoreError> {
        let parts = visit.parts();
        let record = RecordId { tenant: &parts.tenant_id, patient: &parts.patient_id, record: *parts.id.as_uuid() };
        let at = self.0.now();
        let drawn = KeyOfRecord::find_or_draw(&self.0.conn.pg, &*self.0.keys, record, at).await?;
        let texts = AsyncVisitTexts::of(parts).seal(&*drawn.cipher)?;
        let original = seal_original(&*drawn.cipher, &new.body)?;
        let content_hash = keyed_content_hash(&*drawn.cipher, &new.content_hash);
        // Waits for who is writing the same draft at this moment: then it is there, or it never came to be.
        let written = diesel::insert_into(async_visit::table)
            .values(NewAsyncVisitRow::of(parts, &content_hash, &texts, &original)?)
            .on_conflict((async_visit::tenant_id, async_visit::client_mutation_id))
            .do_nothing()
            .execute(&mut self.0.conn.pg)
            .await
            .map_err(store_error)?;
        if written == 0 {
            let draft = visit.parts().client_mutation_id;
            let (conn, tenant, keys) = self.0.decrypting();
            return first_submission(conn, keys, tenant, draft, &new.content_hash)
                .await?
                .map(Some)
                .ok_or(StoreError::Conflict);
        }
        drawn.store(&self.0.conn.pg, record, at).await?;
        self.tell(visit).await?;
        Ok(None)
    }

    async fn save(&mut self, visit: &mut AsyncVisit) -> Result<(), StoreError> {
        let parts = visit.parts();
        let stored = visit.stored().ok_or(StoreError::Conflict)?;
        let row = async_visit::table
            .find((parts.tenant_id.as_str(), parts.id.as_uuid()))
            .filter(async_visit::version.eq(version_number(stored)));
        // With the charge, so that a visit that has its Encounter and was not charged can be found.
        let charged = visit.events().iter().find_map(|recorded| match recorded.event {
            AsyncVisitEvent::Chargeable { .. } => Some(async_visit::charged_at.eq(recorded.at)),
            _ => None,
        });
        let sealed = match parts.erased_at {
            None => {
                Some(AsyncVisitTexts::of(parts).seal(self.0.cipher(*parts.id.as_uuid(), &parts.patient_id).await?)?)
            }
            Some(_) => None,
        };
        let changes = (AsyncVisitChanges::of(parts, sealed.as_deref())?, charged);
        let written = diesel::update(row).set(changes).execute(&mut self.0.conn.pg).await.map_err(store_error)?;
        if written != 1 {
            return Err(StoreError::Conflict);
        }
        self.tell(visit).await
    }
}

impl PgAsyncVisits<'_> {
    /// Writes a saved visit's events and its durable work.
    async fn tell(&mut self, visit: &mut AsyncVisit) -> Result<(), StoreError> {
        let mut events = Vec::new();
        for recorded in visit.events() {
            let id = self.0.event_id();
            let told = async_visit_event(visit.parts(), recorded, id, &self.0.scope);
            if let Some((subject, body)) = told.map_err(|error| StoreError::Faulty(Box::new(error)))? {
                events.push(NewEvent { id, subject, ordering_key: visit.parts().id.to_string(), body });
            }
        }
        self.0.write_events(&events).await?;
        if visit.follow_ups().contains(&FollowUp::CreateEncounter) {
            let subject = SessionId::from_uuid(*visit.parts().id.as_uuid());
            let trace = self.0.scope.trace.clone();
            self.0.write_job(subject, NewJob { kind: JobKind::CreateAsyncEncounter, due: None }, &trace).await?;
        }
        visit.mark_saved();
        Ok(())
    }
}

//! Visits are looked at.

use vcare_domain::{Participant, ParticipantId, ParticipantStatus, SessionId, VirtualSession};

use crate::actor::Caller;
use crate::app::App;
use crate::authorisation::Permission;
use crate::error::{AppError, Resource};
use crate::ports::{PageCursor, SessionFilter};

impl Caller {
    /// The caller's own part in a visit.
    ///
    /// # Errors
    /// [`AppError::NotFound`]: for who reads only what is their own, of the visit; for others, of the part.
    pub(crate) fn part_in<'s>(&self, session: &'s VirtualSession) -> Result<&'s Participant, AppError> {
        let visit = session.parts();
        let patient = match self.own_patient(Permission::SessionRead)? {
            Some(own) if own != visit.patient_id => return Err(AppError::NotFound(Resource::Session)),
            Some(_) => visit.patient(),
            None => None,
        };
        let own = visit.participants.iter().filter(|one| one.user_id.as_ref() == Some(&self.user_id));
        // Who was put out in one role may be there in another.
        let part = patient.into_iter().chain(own).min_by_key(|one| one.state.status() == ParticipantStatus::Removed);
        part.ok_or(AppError::NotFound(Resource::Participant))
    }
}

/// A visit, and who of those who come by link is there.
pub struct SeenSession {
    /// The visit.
    pub session: VirtualSession,
    /// Whose page or device was heard of a moment ago.
    pub there: Vec<ParticipantId>,
}

/// One page of visits, by planned start.
pub struct SeenPage {
    /// The visits.
    pub items: Vec<SeenSession>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<PageCursor>,
}

impl App {
    /// One visit.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::NotFound`] (also for another patient's visit), [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id, session_id = %id))]
    pub async fn read_session(&self, caller: &Caller, id: SessionId) -> Result<SeenSession, AppError> {
        caller.require(Permission::SessionRead)?;
        let own = caller.own_patient(Permission::SessionRead)?;
        let session = self.store.session(&caller.tenant_id, id).await?;
        let session = session
            .filter(|session| own.is_none_or(|own| session.parts().patient_id == own))
            .ok_or(AppError::NotFound(Resource::Session))?;
        let seen = self.seen(caller, vec![session]).await?.pop();
        seen.ok_or(AppError::NotFound(Resource::Session))
    }

    /// Visits with who is there of those who wait; asked for only where somebody does.
    async fn seen(&self, caller: &Caller, sessions: Vec<VirtualSession>) -> Result<Vec<SeenSession>, AppError> {
        let waits = |person: &Participant| person.state.status() == ParticipantStatus::Waiting;
        let asked = sessions.iter().map(VirtualSession::parts);
        let asked: Vec<_> = asked.filter(|visit| visit.participants.iter().any(waits)).map(|visit| visit.id).collect();
        let leases = match asked.is_empty() {
            true => Vec::new(),
            false => self.store.leases(&caller.tenant_id, &asked).await?,
        };
        let now = self.clock.now();
        let seen = sessions.into_iter().map(|session| {
            let id = session.parts().id;
            let live = leases.iter().filter(|(visit, lease)| *visit == id && lease.is_live(now));
            let there = live.map(|(_, lease)| lease.participant_id).collect();
            SeenSession { session, there }
        });
        Ok(seen.collect())
    }

    /// One page of visits, by planned start. A patient sees their own, whatever the filter says.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id))]
    pub async fn list_sessions(&self, caller: &Caller, mut filter: SessionFilter) -> Result<SeenPage, AppError> {
        caller.require(Permission::SessionRead)?;
        if let Some(own) = caller.own_patient(Permission::SessionRead)? {
            if filter.patient_id.as_ref().is_some_and(|asked| *asked != own) {
                return Ok(SeenPage { items: Vec::new(), next: None });
            }
            filter.patient_id = Some(own);
        }
        let page = self.store.sessions(&caller.tenant_id, &filter).await?;
        Ok(SeenPage { items: self.seen(caller, page.items).await?, next: page.next })
    }
}

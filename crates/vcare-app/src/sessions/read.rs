//! Visits are looked at.

use vcare_domain::{
    AccessDecision, Known, Participant, ParticipantId, ParticipantStatus, Relation, SessionId, VirtualSession,
    decide_access,
};

use crate::access::{Access, Audited, ViewedSession};
use crate::actor::{Caller, Role};
use crate::app::App;
use crate::authorisation::Permission;
use crate::error::{AppError, Resource};
use crate::ports::{PageCursor, SessionFilter};

/// What it takes to look.
const NEEDED: Permission = Permission::SessionRead;

impl Caller {
    /// The caller's own part in a visit that they may use.
    ///
    /// # Errors
    /// [`AppError::NotFound`] of the part.
    pub(crate) fn part_in<'s>(
        &self,
        session: &'s VirtualSession,
        access: &Access,
    ) -> Result<&'s Participant, AppError> {
        let visit = session.parts();
        let part = match access.relation {
            Relation::Own | Relation::Proxy => visit.patient(),
            // Who was put out in one role may be there in another.
            _ => {
                let own = visit.participants.iter().filter(|one| one.user_id.as_ref() == Some(&self.user_id));
                own.min_by_key(|one| one.state.status() == ParticipantStatus::Removed)
            }
        };
        part.ok_or(AppError::NotFound(Resource::Participant))
    }
}

/// A visit as it is shown, and who of those who come by link is there.
pub struct SeenSession {
    /// The visit.
    pub viewed: ViewedSession,
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
    /// [`AppError::Forbidden`], [`AppError::NotFound`] (also for a visit that is not the caller's to know of),
    /// [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id, session_id = %id))]
    pub async fn read_session(&self, caller: &Caller, id: SessionId) -> Result<SeenSession, AppError> {
        let about = Audited::session(id);
        let work = async {
            let (session, access) = self.session_for(caller, id, NEEDED).await?;
            let viewer = caller.viewer(&session, &access);
            let seen = self.seen(caller, vec![ViewedSession { session, viewer }]).await?.pop();
            let seen = seen.ok_or(AppError::NotFound(Resource::Session))?;
            self.audit_read(caller, &about, Some(access.relation), Vec::new()).await?;
            Ok(seen)
        };
        self.guarded(caller, NEEDED, about.clone(), work).await
    }

    /// Visits with who is there of those who wait; asked for only where somebody does.
    async fn seen(&self, caller: &Caller, sessions: Vec<ViewedSession>) -> Result<Vec<SeenSession>, AppError> {
        let waits = |person: &Participant| person.state.status() == ParticipantStatus::Waiting;
        let asked = sessions.iter().map(|viewed| viewed.session.parts());
        let asked: Vec<_> = asked.filter(|visit| visit.participants.iter().any(waits)).map(|visit| visit.id).collect();
        let leases = match asked.is_empty() {
            true => Vec::new(),
            false => self.store.leases(&caller.tenant_id, &asked).await?,
        };
        let now = self.clock.now();
        let seen = sessions.into_iter().map(|viewed| {
            let id = viewed.session.parts().id;
            let live = leases.iter().filter(|(visit, lease)| *visit == id && lease.is_live(now));
            let there = live.map(|(_, lease)| lease.participant_id).collect();
            SeenSession { viewed, there }
        });
        Ok(seen.collect())
    }

    /// One page of visits, by planned start: those that the caller may know of, each as they may see it. Who plans visits
    /// sees all of their tenant's, who cares for patients those in which they have a part and those that nobody cares for
    /// yet, a patient their own. With a patient named: also those of a patient who is in the caller's care, or for whom
    /// they act.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id))]
    pub async fn list_sessions(&self, caller: &Caller, mut filter: SessionFilter) -> Result<SeenPage, AppError> {
        let about = Audited::all("VirtualSession", caller);
        let work = async {
            let Some(known) = self.narrow(caller, &mut filter).await? else {
                self.audit_read(caller, &about, None, Vec::new()).await?;
                return Ok(SeenPage { items: Vec::new(), next: None });
            };
            let page = self.store.sessions(&caller.tenant_id, &filter).await?;
            let shown = page.items.into_iter().filter_map(|session| caller.view_of(session, &known)).collect();
            let items = self.seen(caller, shown).await?;
            let ids = items.iter().map(|seen| seen.viewed.session.parts().id.to_string()).collect();
            self.audit_read(caller, &about, None, ids).await?;
            Ok(SeenPage { items, next: page.next })
        };
        self.guarded(caller, NEEDED, about.clone(), work).await
    }

    /// Narrows a filter to what the caller may know of, and says what was learned of the patient that it names. `None`:
    /// there is nothing for them.
    async fn narrow(&self, caller: &Caller, filter: &mut SessionFilter) -> Result<Option<Known>, AppError> {
        let mut known = Known { proxy: Some(false), assigned: Some(false), emergency: Some(false) };
        if caller.only_for_their_own(NEEDED) {
            let asked = match &filter.patient_id {
                Some(asked) => asked.clone(),
                None => caller.own_patient(NEEDED)?.clone(),
            };
            if !caller.person().is_patient(&asked) {
                if self.acts_for(caller, &asked, NEEDED).await.is_err() {
                    return Ok(None);
                }
                known.proxy = Some(true);
            }
            filter.patient_id = Some(asked);
            return Ok(Some(known));
        }
        let (own, assigned) = match &filter.patient_id {
            Some(patient) if caller.person().is_patient(patient) => (true, false),
            Some(patient) if caller.cares_for_patients() => (false, self.is_assigned(caller, patient).await),
            _ => (false, false),
        };
        known.assigned = Some(assigned);
        if !caller.plans_visits() && !assigned && !own {
            filter.visible_to = Some(caller.user_id.clone());
        }
        Ok(Some(known))
    }
}

impl Caller {
    /// Whether the caller plans visits for a whole tenant.
    fn plans_visits(&self) -> bool {
        self.roles.iter().any(|role| !role.cares_for_patients() && *role != Role::Patient)
    }

    /// The visit as the caller may see it; `None` when they must not know of it.
    fn view_of(&self, session: VirtualSession, known: &Known) -> Option<ViewedSession> {
        let decided = decide_access(&self.person(), NEEDED, &session.facts(&self.user_id), known);
        let AccessDecision::Allowed(relation) = decided else { return None };
        let viewer = self.viewer(&session, &Access { relation, related_person: None });
        Some(ViewedSession { session, viewer })
    }
}

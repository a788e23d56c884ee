//! Visits are looked at.

use vcare_domain::{Audience, Participant, ParticipantId, ParticipantStatus, SessionId, SessionStatus, VirtualSession};

use crate::access::{Audited, ViewedSession};
use crate::actor::Caller;
use crate::app::App;
use crate::authorisation::Permission;
use crate::error::{AppError, Resource};
use crate::ports::{PageCursor, SessionFilter};
use crate::sessions::Names;

/// What it takes to look.
const NEEDED: Permission = Permission::SessionRead;

/// A visit as it is shown, and who of those who come by link is there.
pub struct SeenSession {
    /// The visit.
    pub viewed: ViewedSession,
    /// Whose page or device was heard of a moment ago.
    pub there: Vec<ParticipantId>,
    /// Who is seen in the video room although they were removed, or were not let in. Their video token may be an old one.
    pub uninvited: Vec<ParticipantId>,
    /// What people in it are called.
    pub names: Names,
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
    /// [`AppError::Forbidden`], [`AppError::NotFound`] (also for a visit that the caller may not see),
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

    /// Visits with who is there of those who wait, and who is in the room of those who should not be; asked for only where
    /// there are such people.
    async fn seen(&self, caller: &Caller, sessions: Vec<ViewedSession>) -> Result<Vec<SeenSession>, AppError> {
        let waits = |person: &Participant| person.state.status() == ParticipantStatus::Waiting;
        let asked = sessions.iter().map(|viewed| viewed.session.parts());
        let asked: Vec<_> = asked.filter(|visit| visit.participants.iter().any(waits)).map(|visit| visit.id).collect();
        let leases = match asked.is_empty() {
            true => Vec::new(),
            false => self.store.leases(&caller.tenant_id, &asked).await?,
        };
        let asked = sessions.iter().filter(|viewed| may_have_uninvited(&viewed.session));
        let asked: Vec<_> = asked.map(|viewed| viewed.session.parts().id).collect();
        let in_rooms = match asked.is_empty() {
            true => Vec::new(),
            false => self.store.in_rooms(&caller.tenant_id, &asked).await?,
        };
        let now = self.clock.now();
        // One pass over all of them: when the key store is down, that is noted once.
        let all: Vec<&VirtualSession> = sessions.iter().map(|viewed| &viewed.session).collect();
        let names = self.names_of(&all).await;
        let seen = sessions.into_iter().map(|viewed| {
            let visit = viewed.session.parts();
            let live = leases.iter().filter(|(id, lease)| *id == visit.id && lease.is_live(now));
            let there = live.map(|(_, lease)| lease.participant_id).collect();
            let in_room =
                in_rooms.iter().filter(|(id, _)| *id == visit.id).filter_map(|(_, id)| visit.participant(*id));
            let uninvited = in_room.filter(|person| !person.state.is_let_in()).map(|person| person.id).collect();
            let names = names.within(visit);
            SeenSession { viewed, there, uninvited, names }
        });
        Ok(seen.collect())
    }

    /// One page of visits, by planned start: those that the caller may see, each in their view. Schedulers and admins see all
    /// of their tenant's visits; clinicians those in which they take part and those without a provider; patients their own.
    /// With `patient_id`: also those of a patient in the caller's care, or whose proxy they are. With `present`: only those
    /// whose patient is in the waiting room and was heard from lately, or only the others. What a view does not show narrows
    /// no list: a visit is left out when the caller's view of it lacks what was asked about.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id))]
    pub async fn list_sessions(
        &self,
        caller: &Caller,
        mut filter: SessionFilter,
        present: Option<bool>,
    ) -> Result<SeenPage, AppError> {
        let about = Audited::all("VirtualSession", caller);
        let work = async {
            let Some(scope) = self.list_scope(caller, NEEDED, filter.patient_id.take()).await? else {
                self.audit_read(caller, &about, None, Vec::new()).await?;
                return Ok(SeenPage { items: Vec::new(), next: None });
            };
            (filter.patient_id, filter.visible_to) = (scope.patient_id, scope.visible_to);
            filter.present = present.map(|present| (present, self.clock.now()));
            let page = self.store.sessions(&caller.tenant_id, &filter).await?;
            let shown = page.items.into_iter().filter_map(|session| {
                let access = caller.access_on_list(NEEDED, &session.facts(&caller.user_id), &scope.known)?;
                let viewer = caller.viewer(&session, &access);
                shows_what_narrows(viewer.audience, &filter).then_some(ViewedSession { session, viewer })
            });
            let items = self.seen(caller, shown.collect()).await?;
            let ids = items.iter().map(|seen| seen.viewed.session.parts().id.to_string()).collect();
            self.audit_read(caller, &about, None, ids).await?;
            Ok(SeenPage { items, next: page.next })
        };
        self.guarded(caller, NEEDED, about.clone(), work).await
    }
}

/// Whether somebody may be in the room who was removed, or was not let in: a video token that was given out opens it until it
/// expires.
fn may_have_uninvited(session: &VirtualSession) -> bool {
    let visit = session.parts();
    let removed = |person: &Participant| person.state.status() == ParticipantStatus::Removed;
    let outside = |person: &Participant| !person.state.is_let_in();
    match session.status() {
        SessionStatus::Active => visit.participants.iter().any(outside),
        _ => !session.is_over() && visit.participants.iter().any(removed),
    }
}

/// Whether a view holds everything that the list is narrowed by: whoever does not see who the provider is, say, does not find
/// out by asking for one after the other.
fn shows_what_narrows(audience: Audience, filter: &SessionFilter) -> bool {
    match audience {
        Audience::Treating | Audience::Staff | Audience::Scheduler => true,
        Audience::Patient => filter.provider_id.is_none(),
        Audience::Guest => filter.provider_id.is_none() && filter.appointment_id.is_none() && filter.present.is_none(),
    }
}

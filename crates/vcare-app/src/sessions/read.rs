//! Visits are looked at.

use vcare_domain::{Participant, ParticipantId, ParticipantStatus, SessionId, SessionStatus, VirtualSession};

use crate::access::{Audited, ViewedSession};
use crate::actor::Caller;
use crate::app::App;
use crate::authorisation::Permission;
use crate::error::AppError;
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
            let seen = self.seen(caller, ViewedSession { session, viewer }).await?;
            self.audit_read(caller, &about, Some(access.relation), Vec::new()).await?;
            Ok(seen)
        };
        self.guarded(caller, NEEDED, about.clone(), work).await
    }

    /// A visit with who is there of those who wait, and who is in the room of those who should not be; asked for only where
    /// there are such people.
    async fn seen(&self, caller: &Caller, viewed: ViewedSession) -> Result<SeenSession, AppError> {
        let visit = viewed.session.parts();
        let waits = |person: &Participant| person.state.status() == ParticipantStatus::Waiting;
        let leases = match visit.participants.iter().any(waits) {
            true => self.store.leases(&caller.tenant_id, &[visit.id]).await?,
            false => Vec::new(),
        };
        let in_room = match may_have_uninvited(&viewed.session) {
            true => self.store.in_rooms(&caller.tenant_id, &[visit.id]).await?,
            false => Vec::new(),
        };
        let now = self.clock.now();
        let names = self.names_of(&[&viewed.session]).await;
        let live = leases.iter().filter(|(_, lease)| lease.is_live(now));
        let there = live.map(|(_, lease)| lease.participant_id).collect();
        let in_room = in_room.iter().filter_map(|(_, id)| visit.participant(*id));
        let uninvited = in_room.filter(|person| !person.state.is_let_in()).map(|person| person.id).collect();
        Ok(SeenSession { viewed, there, uninvited, names })
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

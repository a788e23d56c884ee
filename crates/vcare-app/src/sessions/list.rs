//! Visits are listed.

use vcare_domain::{Audience, ParticipantState, SessionId, SessionStatus, VirtualSession};

use crate::access::{Audited, ViewedSession};
use crate::actor::Caller;
use crate::app::App;
use crate::authorisation::Permission;
use crate::error::AppError;
use crate::lists::CursorScopeBuilder;
use crate::ports::{CursorScope, Paging, SessionFilter};
use crate::sessions::Names;

/// What it takes to look.
const NEEDED: Permission = Permission::SessionRead;

/// A visit as a list shows it.
pub struct ListedSession {
    /// The visit.
    pub viewed: ViewedSession,
    /// What people in it are called.
    pub names: Names,
    /// How the patient waits, when they do.
    pub patient_waits: Option<PatientWaits>,
}

/// How a patient waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PatientWaits {
    /// For so long, in whole seconds.
    pub seconds: u32,
    /// Whether their page or device was heard of a moment ago.
    pub present: bool,
}

/// One page of visits, by planned start.
pub struct SessionListPage {
    /// The visits.
    pub items: Vec<ListedSession>,
    /// The cursor of the next page; `None` on the last one.
    pub next: Option<String>,
}

impl App {
    /// One page of visits, by planned start: those that the caller may see, each in their view. Schedulers and admins see all
    /// of their tenant's visits; clinicians those in which they take part and those without a provider; patients their own.
    /// With `patient_id`: also those of a patient in the caller's care, or whose proxy they are. With `present`: only those
    /// whose patient is in the waiting room and was heard from lately, or only the others. What a view does not show narrows
    /// no list: a visit is left out when the caller's view of it lacks what was asked about.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::CursorMismatch`], [`AppError::Secrets`], [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id))]
    pub async fn list_sessions(
        &self,
        caller: &Caller,
        mut filter: SessionFilter,
        present: Option<bool>,
        paging: Paging,
    ) -> Result<SessionListPage, AppError> {
        let about = Audited::all("VirtualSession", caller);
        let work = async {
            filter.order = paging.order.unwrap_or_else(|| caller.default_order(NEEDED));
            let cursors = cursor_scope(caller, &filter, present);
            filter.after = self.page_start(&cursors, paging.cursor.as_deref()).await?;
            let hidden = caller.only_for_their_own(NEEDED) && !shows_what_is_filtered_by(Audience::Patient, &filter);
            let scope = self.list_scope(caller, NEEDED, filter.patient_id.take()).await?;
            let Some(scope) = scope.filter(|_| !hidden) else {
                self.audit_read(caller, &about, None, Vec::new()).await?;
                return Ok(SessionListPage { items: Vec::new(), next: None });
            };
            (filter.patient_id, filter.visible_to) = (scope.patient_id, scope.visible_to);
            filter.present = present.map(|present| (present, self.clock.now()));
            // Left out by the query, not only afterwards: that there is another page would tell guests of it, too.
            filter.only_as_provider = !shows_what_is_filtered_by(Audience::Guest, &filter);
            let page = self.store.sessions(&caller.tenant_id, &filter).await?;
            let shown = page.items.into_iter().filter_map(|session| {
                let access = caller.access_on_list(NEEDED, &session.facts(&caller.user_id), &scope.known)?;
                let viewer = caller.viewer(&session, &access);
                shows_what_is_filtered_by(viewer.audience, &filter).then_some(ViewedSession { session, viewer })
            });
            let items = self.listed(caller, shown.collect()).await?;
            let next = self.next_cursor(&cursors, page.next).await?;
            let ids = items.iter().map(|listed| listed.viewed.session.parts().id.to_string()).collect();
            self.audit_read(caller, &about, None, ids).await?;
            Ok(SessionListPage { items, next })
        };
        self.guarded(caller, NEEDED, about.clone(), work).await
    }

    /// Visits with what people are called, and how patients wait; who is there is asked for only where somebody waits.
    async fn listed(&self, caller: &Caller, sessions: Vec<ViewedSession>) -> Result<Vec<ListedSession>, AppError> {
        let waited_for = sessions.iter().filter(|viewed| waits_since(&viewed.session).is_some());
        let waited_for: Vec<SessionId> = waited_for.map(|viewed| viewed.session.parts().id).collect();
        let leases = match waited_for.is_empty() {
            true => Vec::new(),
            false => self.store.leases(&caller.tenant_id, &waited_for).await?,
        };
        let now = self.clock.now();
        // One pass over all of them: when the key store is down, that is noted once.
        let all: Vec<&VirtualSession> = sessions.iter().map(|viewed| &viewed.session).collect();
        let names = self.names_of(&all).await;
        let listed = sessions.into_iter().map(|viewed| {
            let visit = viewed.session.parts();
            let patient_waits = waits_since(&viewed.session).map(|since| {
                let is_there = |id| {
                    leases.iter().any(|(of, lease)| *of == visit.id && lease.participant_id == id && lease.is_live(now))
                };
                PatientWaits {
                    seconds: u32::try_from((now - since).whole_seconds().max(0)).unwrap_or(u32::MAX),
                    present: visit.patient().is_some_and(|patient| is_there(patient.id)),
                }
            });
            let names = names.within(visit);
            ListedSession { viewed, names, patient_waits }
        });
        Ok(listed.collect())
    }
}

/// Since when the patient waits; `None` when they do not, or nobody will come any more.
fn waits_since(session: &VirtualSession) -> Option<time::OffsetDateTime> {
    match session.parts().patient()?.state {
        ParticipantState::Waiting { since } if !session.is_over() => Some(since),
        _ => None,
    }
}

/// What a cursor of this list is bound to: everything that decides which visits are on it, and in which order. The length of its
/// pages is not part of it.
fn cursor_scope(caller: &Caller, filter: &SessionFilter, present: Option<bool>) -> CursorScope {
    CursorScopeBuilder::list("sessions", caller, filter.order)
        .several("status", filter.statuses.iter().map(|status| SessionStatus::as_str(*status)))
        .one("patientId", filter.patient_id.as_ref().map(|patient| patient.as_str()))
        .one("appointmentId", filter.appointment_id.as_ref().map(|appointment| appointment.as_str()))
        .one("providerId", filter.provider_id.as_ref().map(|provider| provider.as_str()))
        .one("present", present)
        .time("from", filter.from)
        .time("to", filter.to)
        .time("updatedSince", filter.updated_since)
        .done()
}

/// Whether a view has all fields by which the list is filtered. Otherwise who may not see a field, as the provider, could find it
/// out by filtering for one value after the other.
fn shows_what_is_filtered_by(audience: Audience, filter: &SessionFilter) -> bool {
    match audience {
        Audience::Treating | Audience::Staff | Audience::Scheduler => true,
        Audience::Patient => filter.provider_id.is_none(),
        Audience::Guest => filter.provider_id.is_none() && filter.appointment_id.is_none() && filter.present.is_none(),
    }
}

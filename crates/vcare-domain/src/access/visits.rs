//! What a visit knows about a person's relation to it.

use crate::access::{Person, Relation, Role};
use crate::async_visit::{AsyncVisit, AsyncVisitState};
use crate::participant::{Participant, ParticipantRole, ParticipantStatus};
use crate::session::VirtualSession;
use crate::text::{PatientId, UserId};

/// What a visit knows by itself of one person's relation to it.
#[derive(Debug, Clone)]
pub struct VisitFacts<'a> {
    /// The patient.
    pub patient: &'a PatientId,
    /// Who cares for the patient in it: its providers, or who has claimed or answered it.
    pub treating: Vec<&'a UserId>,
    /// Whether the person sent it for the patient.
    pub submitted: bool,
    /// Whether the person takes part as an interpreter or observer.
    pub takes_part: bool,
    /// Whether the person created it.
    pub created: bool,
    /// Whether the person was removed from it. Then neither creating it nor a visit without a provider gives them access.
    pub removed: bool,
    /// Whether any clinician may take it over: it has no provider, or is not answered yet.
    pub open: bool,
}

impl VisitFacts<'_> {
    /// Whether the relation holds for the person in that role, of those that the visit knows; `false` for those that are
    /// known elsewhere.
    pub(super) fn holds(&self, relation: Relation, role: Role, person: &Person<'_>) -> bool {
        match relation {
            Relation::Own => person.is_patient(self.patient),
            Relation::Treating => self.treating.contains(&person.user_id),
            Relation::Submitter => self.submitted,
            Relation::Invited => self.takes_part,
            Relation::Pool => self.open && !self.removed,
            // Who cares for patients plans only what they have created.
            Relation::Scheduling => !role.cares_for_patients() || (self.created && !self.removed),
            Relation::Proxy | Relation::Assigned | Relation::Emergency => false,
        }
    }
}

fn is_removed(participant: &Participant) -> bool {
    participant.state.status() == ParticipantStatus::Removed
}

impl VirtualSession {
    /// Who cares for the patient in this visit: its providers who were not removed, and the planned one.
    #[must_use]
    pub fn treating(&self) -> Vec<&UserId> {
        let visit = self.parts();
        let providers = || visit.participants.iter().filter(|one| one.role == ParticipantRole::Provider);
        let mut treating: Vec<_> =
            providers().filter(|one| !is_removed(one)).filter_map(|one| one.user_id.as_ref()).collect();
        let planned = visit.provider_id.as_ref();
        treating.extend(planned.filter(|user| !providers().any(|one| one.user_id.as_ref() == Some(*user))));
        treating
    }

    /// What the visit knows of that account's relation to it.
    #[must_use]
    pub fn facts(&self, user: &UserId) -> VisitFacts<'_> {
        let visit = self.parts();
        let treating = self.treating();
        let own = || visit.participants.iter().filter(|one| one.user_id.as_ref() == Some(user));
        let takes_part = own().any(|one| one.role != ParticipantRole::Provider && !is_removed(one));
        let removed = own().any(is_removed) && !takes_part && !treating.contains(&user);
        VisitFacts {
            patient: &visit.patient_id,
            open: treating.is_empty() && !self.is_over(),
            treating,
            submitted: false,
            takes_part,
            created: visit.initiator_id == *user,
            removed,
        }
    }
}

impl AsyncVisit {
    /// What the visit knows of that account's relation to it. It stays in the queue until it is answered, so that a second
    /// clinician who claims it gets a conflict and not a 404.
    #[must_use]
    pub fn facts(&self, user: &UserId) -> VisitFacts<'_> {
        let visit = self.parts();
        let open = matches!(visit.state, AsyncVisitState::Submitted | AsyncVisitState::UnderReview(_));
        VisitFacts {
            patient: &visit.patient_id,
            treating: visit.state.provider().into_iter().collect(),
            submitted: visit.submitted_by == *user,
            takes_part: false,
            created: false,
            removed: false,
            open,
        }
    }
}

impl<'a> VisitFacts<'a> {
    /// A visit that does not exist.
    #[must_use]
    pub const fn of_nobody(patient: &'a PatientId) -> Self {
        Self {
            patient,
            treating: Vec::new(),
            submitted: false,
            takes_part: false,
            created: false,
            removed: false,
            open: false,
        }
    }
}

//! What a visit without a live link holds.

use std::fmt;

use time::OffsetDateTime;

use crate::async_visit::ComplaintCode;
use crate::encounter::EncounterRecord;
use crate::ids::{AsyncVisitId, ClientMutationId, SessionId};
use crate::session::Version;
use crate::text::{
    AppointmentId, ChiefComplaint, LanguageTag, NodeId, PatientId, RelatedPersonId, ResponseText, Symptom, TenantId,
    UserId,
};

/// The most photos and voice notes of a visit.
pub const MAX_ATTACHMENTS: u8 = 10;

/// The most symptoms of a visit.
pub const MAX_SYMPTOMS: usize = 50;

/// The most that is added to an answer. Who has more to say advises to talk.
pub const MAX_ADDENDA: usize = 20;

/// Everything a visit holds. Only the aggregate changes it; a store writes and restores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsyncVisitParts {
    /// The visit.
    pub id: AsyncVisitId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// The facility, when the submitter's token named one.
    pub node_id: Option<NodeId>,
    /// Whom it is for.
    pub patient_id: PatientId,
    /// The patient whom the Encounter is written for, where that is another record: the one that took the place of
    /// [`Self::patient_id`] in a merge.
    pub encounter_patient_id: Option<PatientId>,
    /// The appointment it fulfils.
    pub appointment_id: Option<AppointmentId>,
    /// The live visit that it goes on with.
    pub session_id: Option<SessionId>,
    /// The draft's name, given by the phone.
    pub client_mutation_id: ClientMutationId,
    /// Who sent it: the patient, or a clinician for them.
    pub submitted_by: UserId,
    /// Who sent it, when they act for the patient.
    pub related_person: Option<RelatedPersonId>,
    /// Why the patient asks for help.
    pub chief_complaint: ChiefComplaint,
    /// The complaint's code, where the sender had one.
    pub complaint_code: Option<ComplaintCode>,
    /// What they feel, at most [`MAX_SYMPTOMS`].
    pub symptoms: Vec<Symptom>,
    /// The language they wrote in.
    pub locale: Option<LanguageTag>,
    /// How many photos and voice notes come with it, sooner or later; at most [`MAX_ATTACHMENTS`].
    pub attachments_expected: u8,
    /// When it was written, by the phone's clock: kept as said, and worth no more than that clock. `None` when the phone did
    /// not say.
    pub authored_at: Option<OffsetDateTime>,
    /// When it arrived, by ours.
    pub submitted_at: OffsetDateTime,
    /// Where it stands.
    pub state: AsyncVisitState,
    /// How often it was changed.
    pub version: Version,
    /// When it was last changed.
    pub updated_at: OffsetDateTime,
    /// When everything that people wrote in it was erased; the texts are [`ERASED`] then.
    ///
    /// [`ERASED`]: crate::ERASED
    pub erased_at: Option<OffsetDateTime>,
}

impl AsyncVisitParts {
    /// The patient whom Encounter and charge name.
    #[must_use]
    pub fn encounter_patient(&self) -> &PatientId {
        self.encounter_patient_id.as_ref().unwrap_or(&self.patient_id)
    }
}

/// A clinician's hold on a visit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Whose.
    pub by: UserId,
    /// Since when.
    pub claimed_at: OffsetDateTime,
    /// Until when nobody else may take it.
    pub until: OffsetDateTime,
}

/// What a clinician answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Who.
    pub by: UserId,
    /// When they took the visit up.
    pub claimed_at: OffsetDateTime,
    /// When they answered.
    pub responded_at: OffsetDateTime,
    /// Their words.
    pub text: ResponseText,
    /// What they advise to do next.
    pub advice: Advice,
    /// What they added later, in order; at most [`MAX_ADDENDA`]. The answer itself never changes.
    pub addenda: Vec<Addendum>,
    /// What has become of the Encounter.
    pub encounter: EncounterRecord,
}

impl Response {
    /// Whole seconds from taking the visit up to the answer. Nobody measured how much of it was work.
    #[must_use]
    pub fn seconds(&self) -> u32 {
        u32::try_from((self.responded_at - self.claimed_at).whole_seconds()).unwrap_or(0)
    }
}

/// What a clinician added to their answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addendum {
    /// Who.
    pub by: UserId,
    /// When.
    pub at: OffsetDateTime,
    /// Their words.
    pub text: ResponseText,
}

/// What is to be done after the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Advice {
    /// Nothing more.
    #[default]
    None,
    /// Talk, by a live visit.
    LiveVisit,
    /// Come to the clinic.
    InPerson,
}

impl Advice {
    /// Every advice.
    pub const ALL: [Self; 3] = [Self::None, Self::LiveVisit, Self::InPerson];

    /// The advice's name in answers, events and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::LiveVisit => "live_visit",
            Self::InPerson => "in_person",
        }
    }

    /// The advice of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|advice| advice.as_str() == name)
    }
}

/// Where a visit stands, with what is true only there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AsyncVisitState {
    /// Arrived; nobody has taken it up.
    Submitted,
    /// A clinician has taken it up. When the claim's time is over it is theirs until somebody else takes it.
    UnderReview(Claim),
    /// Answered.
    Responded(Response),
    /// Over. Final, but for its Encounter.
    Closed {
        /// What was answered.
        response: Response,
        /// When it was closed.
        closed_at: OffsetDateTime,
    },
}

impl AsyncVisitState {
    /// The state without its data.
    #[must_use]
    pub const fn status(&self) -> AsyncVisitStatus {
        match self {
            Self::Submitted => AsyncVisitStatus::Submitted,
            Self::UnderReview(_) => AsyncVisitStatus::UnderReview,
            Self::Responded(_) => AsyncVisitStatus::Responded,
            Self::Closed { .. } => AsyncVisitStatus::Closed,
        }
    }

    /// Who holds it.
    #[must_use]
    pub const fn claim(&self) -> Option<&Claim> {
        match self {
            Self::UnderReview(claim) => Some(claim),
            Self::Submitted | Self::Responded(_) | Self::Closed { .. } => None,
        }
    }

    /// What was answered.
    #[must_use]
    pub const fn response(&self) -> Option<&Response> {
        match self {
            Self::Responded(response) | Self::Closed { response, .. } => Some(response),
            Self::Submitted | Self::UnderReview(_) => None,
        }
    }

    /// When it was closed.
    #[must_use]
    pub const fn closed_at(&self) -> Option<OffsetDateTime> {
        match self {
            Self::Closed { closed_at, .. } => Some(*closed_at),
            Self::Submitted | Self::UnderReview(_) | Self::Responded(_) => None,
        }
    }

    /// Who cares: who holds it, or answered it.
    #[must_use]
    pub fn provider(&self) -> Option<&UserId> {
        self.claim().map(|claim| &claim.by).or_else(|| self.response().map(|response| &response.by))
    }
}

/// [`AsyncVisitState`] without its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AsyncVisitStatus {
    /// Arrived; nobody has taken it up.
    Submitted,
    /// A clinician has taken it up.
    UnderReview,
    /// Answered.
    Responded,
    /// Over. Final.
    Closed,
}

impl AsyncVisitStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Submitted, Self::UnderReview, Self::Responded, Self::Closed];

    /// The status' name in answers, events and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::UnderReview => "under_review",
            Self::Responded => "responded",
            Self::Closed => "closed",
        }
    }

    /// The status of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

impl fmt::Display for AsyncVisitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

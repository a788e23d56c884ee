//! Whether an attachment belongs to the submission or to the answer of an async visit.

use crate::async_visit::{AsyncVisitParts, AsyncVisitState};
use crate::text::UserId;
use crate::upload::{Upload, UploadRefusal, Uploader};

/// The part of an async visit that an attachment belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UploadPlace {
    /// The submission: by its submitter, the patient, or a proxy.
    Submission,
    /// The answer: by the clinician who has claimed the visit.
    Answer,
}

impl UploadPlace {
    /// Both parts.
    pub const ALL: [Self; 2] = [Self::Submission, Self::Answer];

    /// The name in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Submission => "submission",
            Self::Answer => "answer",
        }
    }

    /// Where an upload of that account belongs in a visit; `None` when the account may not add to it.
    #[must_use]
    pub fn of(visit: &AsyncVisitParts, owner: &UserId, uploader: Option<Uploader>) -> Option<Self> {
        if visit.submitted_by == *owner || uploader == Some(Uploader::Patient) {
            Some(Self::Submission)
        } else if visit.state.provider() == Some(owner) {
            Some(Self::Answer)
        } else {
            None
        }
    }

    /// Whether that account may begin an upload for a visit now, and where it belongs. Nothing is added after the answer.
    ///
    /// # Errors
    /// [`UploadRefusal::Answered`].
    pub fn to_begin(
        visit: &AsyncVisitParts,
        owner: &UserId,
        uploader: Uploader,
    ) -> Result<Option<Self>, UploadRefusal> {
        let place = Self::of(visit, owner, Some(uploader));
        match visit.state {
            AsyncVisitState::Responded(_) | AsyncVisitState::Closed { .. } if place.is_some() => {
                Err(UploadRefusal::Answered)
            }
            _ => Ok(place),
        }
    }
}

impl Upload {
    /// Where it belongs in a visit; `None` when the visit does not take it.
    #[must_use]
    pub fn place_in(&self, visit: &AsyncVisitParts) -> Option<UploadPlace> {
        let parts = self.parts();
        let same = parts.patient_id == visit.patient_id && parts.slot.client_mutation_id == visit.client_mutation_id;
        if same { UploadPlace::of(visit, &parts.owner_id, parts.uploader) } else { None }
    }
}

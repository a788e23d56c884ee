//! What is written into a chart.

use time::OffsetDateTime;

use crate::ai::{AiDraft, ContentHash, Delivery, DraftState, TextHashes};
use crate::ids::{AiDraftId, SessionId};
use crate::session::VirtualSession;
use crate::text::{AiModel, PatientId, SummaryText, TenantId, UserId};

/// A machine's summary that a clinician accepted, for the patient's chart. There is no other way to make one than
/// [`ChartNote::of`].
#[derive(Debug, Clone)]
pub struct ChartNote {
    tenant: TenantId,
    draft: AiDraftId,
    session: SessionId,
    patient: PatientId,
    model: AiModel,
    template: String,
    accepted_by: UserId,
    accepted_at: OffsetDateTime,
    content_hash: ContentHash,
    human_edited: bool,
    text: SummaryText,
}

impl ChartNote {
    /// The note of a draft that was accepted and is not in the chart yet; `None` for any other, for another visit's, and
    /// for a text that is not the one that was accepted.
    #[must_use]
    pub fn of(draft: &AiDraft, visit: &VirtualSession, text: SummaryText, hashes: TextHashes) -> Option<Self> {
        let (draft, visit) = (draft.parts(), visit.parts());
        let DraftState::Accepted { decision, content_hash, human_edited, delivery } = &draft.state else { return None };
        let owed = matches!(delivery, Delivery::Owed { .. } | Delivery::Parked { .. });
        if !owed || draft.session_id != visit.id || draft.tenant_id != visit.tenant_id || !hashes.are_of(*content_hash)
        {
            return None;
        }
        Some(Self {
            tenant: draft.tenant_id.clone(),
            draft: draft.id,
            session: draft.session_id,
            patient: visit.patient_id.clone(),
            model: draft.model.clone(),
            template: draft.template.clone(),
            accepted_by: decision.by.clone(),
            accepted_at: decision.at,
            content_hash: hashes.content,
            human_edited: *human_edited,
            text,
        })
    }

    /// Whose chart it is in: the tenant.
    #[must_use]
    pub const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The draft it was.
    #[must_use]
    pub const fn draft(&self) -> AiDraftId {
        self.draft
    }

    /// The visit.
    #[must_use]
    pub const fn session(&self) -> SessionId {
        self.session
    }

    /// The patient.
    #[must_use]
    pub const fn patient(&self) -> &PatientId {
        &self.patient
    }

    /// Which model drafted it.
    #[must_use]
    pub const fn model(&self) -> &AiModel {
        &self.model
    }

    /// By which template.
    #[must_use]
    pub fn template(&self) -> &str {
        &self.template
    }

    /// Who answers for it.
    #[must_use]
    pub const fn accepted_by(&self) -> &UserId {
        &self.accepted_by
    }

    /// Since when.
    #[must_use]
    pub const fn accepted_at(&self) -> OffsetDateTime {
        self.accepted_at
    }

    /// The text's hash, without a key: the chart has the text.
    #[must_use]
    pub const fn content_hash(&self) -> ContentHash {
        self.content_hash
    }

    /// Whether it is not word for word what the machine drafted.
    #[must_use]
    pub const fn human_edited(&self) -> bool {
        self.human_edited
    }

    /// The text.
    #[must_use]
    pub const fn text(&self) -> &SummaryText {
        &self.text
    }
}

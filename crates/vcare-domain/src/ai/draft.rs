//! The AiDraft aggregate: a summary from the machine's hand to the clinician's decision.

use time::OffsetDateTime;

use crate::ai::parts::{
    AiDraftParts, Decision, Delivery, DraftEvent, DraftRefusal, DraftState, DraftStatus, EditedSummary, NewDraft,
    RecordedDraft, SUMMARY_TEMPLATE, SealedText,
};
use crate::session::{Author, Outcome, Version};
use crate::text::NoteId;

/// A machine's summary of a visit.
#[derive(Debug, Clone)]
pub struct AiDraft {
    parts: AiDraftParts,
    stored: Option<Version>,
    events: Vec<RecordedDraft>,
}

impl AiDraft {
    /// A new draft, for its author to decide on.
    #[must_use]
    pub fn create(new: NewDraft, author: &Author, now: OffsetDateTime) -> Self {
        let parts = AiDraftParts {
            id: new.id,
            tenant_id: new.tenant_id,
            session_id: author.session(),
            requested_by: author.user().clone(),
            model: new.model,
            template: SUMMARY_TEMPLATE.to_owned(),
            transcript_hash: new.transcript_hash,
            draft_hash: new.draft_hash,
            state: DraftState::Pending { text: new.text },
            version: Version::FIRST,
            created_at: now,
            expires_at: new.expires_at,
        };
        Self { parts, stored: None, events: vec![RecordedDraft { at: now, event: DraftEvent::Drafted }] }
    }

    /// A draft as it was stored.
    #[must_use]
    pub const fn restore(parts: AiDraftParts) -> Self {
        let stored = Some(parts.version);
        Self { parts, stored, events: Vec::new() }
    }

    /// Everything the draft holds, for reading.
    #[must_use]
    pub const fn parts(&self) -> &AiDraftParts {
        &self.parts
    }

    /// The version that is in the store: `None` for a draft that was never saved.
    #[must_use]
    pub const fn stored(&self) -> Option<Version> {
        self.stored
    }

    /// What happened and is not saved yet, oldest first.
    #[must_use]
    pub fn events(&self) -> &[RecordedDraft] {
        &self.events
    }

    /// Called by the store after a save.
    pub fn mark_saved(&mut self) {
        self.stored = Some(self.parts.version);
        self.events.clear();
    }

    /// Where it stands, without its data.
    #[must_use]
    pub const fn status(&self) -> DraftStatus {
        match self.parts.state {
            DraftState::Pending { .. } => DraftStatus::Pending,
            DraftState::Accepted { .. } => DraftStatus::Accepted,
            DraftState::Declined(_) => DraftStatus::Declined,
            DraftState::Expired { .. } => DraftStatus::Expired,
        }
    }

    /// The text, where one is still held.
    #[must_use]
    pub const fn text(&self) -> Option<&SealedText> {
        match &self.parts.state {
            DraftState::Pending { text }
            | DraftState::Accepted { delivery: Delivery::Owed { text } | Delivery::Parked { text }, .. } => Some(text),
            DraftState::Accepted { delivery: Delivery::Done { .. }, .. }
            | DraftState::Declined(_)
            | DraftState::Expired { .. } => None,
        }
    }

    /// Accepts it, as it is or as the clinician made it. From here on it is owed to the chart.
    ///
    /// # Errors
    /// [`DraftRefusal`].
    pub fn accept(
        &mut self,
        author: &Author,
        edited: Option<EditedSummary>,
        at: OffsetDateTime,
    ) -> Result<Outcome, DraftRefusal> {
        let text = self.undecided(author, at)?;
        let drafted = self.parts.draft_hash;
        let EditedSummary { text, hash } = edited.unwrap_or(EditedSummary { text, hash: drafted });
        self.parts.state = DraftState::Accepted {
            decision: Decision { by: author.user().clone(), at },
            content_hash: hash,
            human_edited: hash != drafted,
            delivery: Delivery::Owed { text },
        };
        Ok(self.applied(at, DraftEvent::Accepted))
    }

    /// Declines it. Its text is gone at once.
    ///
    /// # Errors
    /// [`DraftRefusal`].
    pub fn decline(&mut self, author: &Author, at: OffsetDateTime) -> Result<Outcome, DraftRefusal> {
        self.undecided(author, at)?;
        self.parts.state = DraftState::Declined(Decision { by: author.user().clone(), at });
        Ok(self.applied(at, DraftEvent::Declined))
    }

    /// Notes that its time is over, if it is and nobody has decided. Its text is gone at once.
    pub fn expire(&mut self, now: OffsetDateTime) -> Outcome {
        match self.parts.state {
            DraftState::Pending { .. } if now >= self.parts.expires_at => {
                self.parts.state = DraftState::Expired { at: now };
                self.applied(now, DraftEvent::Expired)
            }
            _ => Outcome::AlreadyApplied,
        }
    }

    /// Notes that it is in the chart. Its text is gone at once.
    ///
    /// # Errors
    /// [`DraftRefusal::NotAccepted`].
    pub fn record_delivery(&mut self, note: NoteId, at: OffsetDateTime) -> Result<Outcome, DraftRefusal> {
        let DraftState::Accepted { delivery, .. } = &mut self.parts.state else {
            return Err(DraftRefusal::NotAccepted);
        };
        if let Delivery::Done { .. } = delivery {
            return Ok(Outcome::AlreadyApplied);
        }
        *delivery = Delivery::Done { note, at };
        Ok(self.applied(at, DraftEvent::Delivered))
    }

    /// Notes that the chart refuses it.
    ///
    /// # Errors
    /// [`DraftRefusal::NotAccepted`].
    pub fn park_delivery(&mut self, at: OffsetDateTime) -> Result<Outcome, DraftRefusal> {
        let DraftState::Accepted { delivery, .. } = &mut self.parts.state else {
            return Err(DraftRefusal::NotAccepted);
        };
        match delivery {
            Delivery::Owed { text } => {
                *delivery = Delivery::Parked { text: text.clone() };
                Ok(self.applied(at, DraftEvent::Parked))
            }
            Delivery::Parked { .. } | Delivery::Done { .. } => Ok(Outcome::AlreadyApplied),
        }
    }

    /// The text of a draft that waits for a decision.
    ///
    /// # Errors
    /// [`DraftRefusal::AlreadyDecided`], [`DraftRefusal::Expired`].
    pub fn waiting(&self, now: OffsetDateTime) -> Result<&SealedText, DraftRefusal> {
        match &self.parts.state {
            DraftState::Pending { .. } if now >= self.parts.expires_at => Err(DraftRefusal::Expired),
            DraftState::Pending { text } => Ok(text),
            DraftState::Expired { .. } => Err(DraftRefusal::Expired),
            DraftState::Accepted { .. } | DraftState::Declined(_) => {
                Err(DraftRefusal::AlreadyDecided { status: self.status() })
            }
        }
    }

    /// The text of a draft that this author may decide on now.
    fn undecided(&self, author: &Author, now: OffsetDateTime) -> Result<SealedText, DraftRefusal> {
        if author.session() != self.parts.session_id {
            return Err(DraftRefusal::OfAnotherSession);
        }
        self.waiting(now).cloned()
    }

    fn applied(&mut self, at: OffsetDateTime, event: DraftEvent) -> Outcome {
        self.parts.version = self.parts.version.next();
        self.events.push(RecordedDraft { at, event });
        Outcome::Applied
    }
}

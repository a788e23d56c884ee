//! The parts of a visit's row that are JSON: participants and media segments.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;
use vcare_domain::{
    FreeText, LinkUse, Locale, MediaMode, MediaSegment, Participant, ParticipantId, ParticipantRole, ParticipantState,
    ParticipantStatus, RelatedPersonId, SealedName, SegmentCause, TimeSpan, UserId,
};

use crate::rows::{noted, reason};

/// A participant. `since` is the time of the state; `reason` only a removed one has. Its code is in [`RemovalsDocument`].
///
/// [`RemovalsDocument`]: super::reasons::RemovalsDocument
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ParticipantDocument {
    id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    user_id: Option<String>,
    role: String,
    status: String,
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none", default)]
    since: Option<OffsetDateTime>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    reason: Option<String>,
    token_version: u32,
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none", default)]
    joined_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none", default)]
    let_in_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none", default)]
    left_at: Option<OffsetDateTime>,
}

impl From<&Participant> for ParticipantDocument {
    fn from(participant: &Participant) -> Self {
        let (since, reason) = match &participant.state {
            ParticipantState::Invited => (None, None),
            ParticipantState::Waiting { since } | ParticipantState::Active { since } => (Some(*since), None),
            ParticipantState::Admitted { at } | ParticipantState::Disconnected { at } => (Some(*at), None),
            ParticipantState::Removed { at, reason } => (Some(*at), Some(noted(reason, FreeText::as_str).to_owned())),
        };
        Self {
            id: *participant.id.as_uuid(),
            user_id: participant.user_id.as_ref().map(|user| user.as_str().to_owned()),
            role: participant.role.as_str().to_owned(),
            status: participant.state.status().as_str().to_owned(),
            since,
            reason,
            token_version: participant.token_version,
            joined_at: participant.joined_at,
            let_in_at: participant.let_in_at,
            left_at: participant.left_at,
        }
    }
}

impl ParticipantDocument {
    /// The participant; `None` when the document makes no sense.
    pub(super) fn restore(self) -> Option<Participant> {
        let state = match (ParticipantStatus::from_name(&self.status)?, self.since) {
            (ParticipantStatus::Invited, _) => ParticipantState::Invited,
            (ParticipantStatus::Waiting, Some(since)) => ParticipantState::Waiting { since },
            (ParticipantStatus::Admitted, Some(at)) => ParticipantState::Admitted { at },
            (ParticipantStatus::Active, Some(since)) => ParticipantState::Active { since },
            (ParticipantStatus::Disconnected, Some(at)) => ParticipantState::Disconnected { at },
            (ParticipantStatus::Removed, Some(at)) => {
                ParticipantState::Removed { at, reason: reason(None, self.reason.as_deref(), FreeText::parse).ok()? }
            }
            (_, None) => return None,
        };
        let user_id = match self.user_id {
            Some(user) => Some(UserId::parse(user).ok()?),
            None => None,
        };
        Some(Participant {
            id: ParticipantId::from_uuid(self.id),
            user_id,
            role: ParticipantRole::from_name(&self.role)?,
            state,
            token_version: self.token_version,
            joined_at: self.joined_at,
            let_in_at: self.let_in_at,
            left_at: self.left_at,
            stays: Vec::new(),
            link: None,
            related_person: None,
            name: None,
            language: None,
        })
    }
}

/// Who comes in the patient's place, by participant.
#[derive(Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct RelatedPersonsDocument(BTreeMap<Uuid, String>);

impl RelatedPersonsDocument {
    pub(super) fn of(participants: &[Participant]) -> Self {
        let related = participants.iter().filter_map(|one| {
            let related = one.related_person.as_ref()?;
            Some((*one.id.as_uuid(), related.as_str().to_owned()))
        });
        Self(related.collect())
    }

    /// Notes them; `None` when one of them makes no sense.
    pub(super) fn restore(self, participants: &mut [Participant]) -> Option<()> {
        for (id, related) in self.0 {
            let one = participants.iter_mut().find(|one| *one.id.as_uuid() == id)?;
            one.related_person = Some(RelatedPersonId::parse(related).ok()?);
        }
        Some(())
    }
}

/// What people are called and which language they read, by participant.
#[derive(Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct PeopleDocument(BTreeMap<Uuid, PersonDocument>);

/// A name is sealed: `key_version` says with which version of the tenant's key.
#[derive(Serialize, Deserialize)]
struct PersonDocument {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    key_version: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    language: Option<String>,
}

impl PeopleDocument {
    pub(super) fn of(participants: &[Participant]) -> Self {
        let described = participants.iter().filter(|one| one.name.is_some() || one.language.is_some());
        let people = described.map(|one| {
            let document = PersonDocument {
                name: one.name.as_ref().map(|name| STANDARD_NO_PAD.encode(&name.bytes)),
                key_version: one.name.as_ref().map(|name| name.key_version),
                language: one.language.map(|language| language.as_str().to_owned()),
            };
            (*one.id.as_uuid(), document)
        });
        Self(people.collect())
    }

    /// Gives each participant what was noted of them; `None` when a document makes no sense.
    pub(super) fn restore(self, participants: &mut [Participant]) -> Option<()> {
        for (id, document) in self.0 {
            let one = participants.iter_mut().find(|one| *one.id.as_uuid() == id)?;
            one.name = match (document.name, document.key_version) {
                (Some(name), Some(key_version)) => {
                    Some(SealedName { key_version, bytes: STANDARD_NO_PAD.decode(name).ok()? })
                }
                (None, None) => None,
                _ => return None,
            };
            one.language = match document.language {
                Some(language) => Some(Locale::from_name(&language)?),
                None => None,
            };
        }
        Some(())
    }
}

/// What participants' links are used for, by participant.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct LinksDocument(BTreeMap<Uuid, LinkDocument>);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LinkDocument {
    mode: String,
    cap_kbps: u32,
}

impl LinksDocument {
    pub(super) fn of(participants: &[Participant]) -> Self {
        let links = participants.iter().filter_map(|participant| {
            let link = participant.link?;
            let document = LinkDocument { mode: link.mode.as_str().to_owned(), cap_kbps: link.cap_kbps };
            Some((*participant.id.as_uuid(), document))
        });
        Self(links.collect())
    }

    /// Gives each participant their link; `None` when a document makes no sense.
    pub(super) fn restore(self, participants: &mut [Participant]) -> Option<()> {
        for participant in participants {
            if let Some(LinkDocument { mode, cap_kbps }) = self.0.get(participant.id.as_uuid()) {
                participant.link = Some(LinkUse { mode: MediaMode::from_name(mode)?, cap_kbps: *cap_kbps });
            }
        }
        Some(())
    }
}

/// When participants were in the visit, by participant.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct StaysDocument(BTreeMap<Uuid, Vec<StayDocument>>);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StayDocument {
    #[serde(with = "time::serde::rfc3339")]
    from: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none", default)]
    to: Option<OffsetDateTime>,
}

impl StaysDocument {
    pub(super) fn of(participants: &[Participant]) -> Self {
        let inside = participants.iter().filter(|one| !one.stays.is_empty());
        let stays = inside.map(|one| {
            let stays = one.stays.iter().map(|stay| StayDocument { from: stay.from, to: stay.to });
            (*one.id.as_uuid(), stays.collect())
        });
        Self(stays.collect())
    }

    /// The participants with their stays. A row of the version before has none.
    pub(super) fn restore(mut self, participants: Vec<Participant>) -> Vec<Participant> {
        let restored = participants.into_iter().map(|one| {
            let stays = self.0.remove(one.id.as_uuid()).unwrap_or_default();
            one.with_stays(stays.into_iter().map(|stay| TimeSpan { from: stay.from, to: stay.to }).collect())
        });
        restored.collect()
    }
}

/// A media segment.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SegmentDocument {
    mode: String,
    #[serde(with = "time::serde::rfc3339")]
    from: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none", default)]
    to: Option<OffsetDateTime>,
    cause: String,
}

impl From<&MediaSegment> for SegmentDocument {
    fn from(segment: &MediaSegment) -> Self {
        Self {
            mode: segment.mode.as_str().to_owned(),
            from: segment.from,
            to: segment.to,
            cause: segment.cause.as_str().to_owned(),
        }
    }
}

impl SegmentDocument {
    /// The segment; `None` when the document makes no sense.
    pub(super) fn restore(self) -> Option<MediaSegment> {
        Some(MediaSegment {
            mode: MediaMode::from_name(&self.mode)?,
            from: self.from,
            to: self.to,
            cause: SegmentCause::from_name(&self.cause)?,
        })
    }
}

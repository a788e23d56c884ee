//! Reasons as stored: a code in a column of its own, and a note in the column that the version before has.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;
use vcare_domain::{Participant, ParticipantState, Reason, ReasonCode, RemovalCode};

/// Stands where there is no note, for a version before this one, which reads no row without one. Long enough for the check of
/// `emergency_access`.
pub(crate) const NO_NOTE: &str = "no note was given";

/// The note as stored.
pub(crate) fn noted<'a, C, N>(reason: &'a Reason<C, N>, text: impl FnOnce(&'a N) -> &'a str) -> &'a str {
    reason.note.as_ref().map_or(NO_NOTE, text)
}

/// The reason of what was stored. Only a version that knows codes writes a row without a note.
///
/// # Errors
/// What is wrong with the note.
pub(crate) fn reason<'a, C: ReasonCode, N, E>(
    code: Option<&str>,
    note: Option<&'a str>,
    parse: impl FnOnce(&'a str) -> Result<N, E>,
) -> Result<Reason<C, N>, E> {
    let note = note.filter(|note| code.is_none() || *note != NO_NOTE);
    Ok(Reason { code: C::restore(code), note: note.map(parse).transpose()? })
}

/// The codes of those who were removed, by participant.
#[derive(Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct RemovalsDocument(BTreeMap<Uuid, RemovalDocument>);

#[derive(Serialize, Deserialize)]
struct RemovalDocument {
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    code: String,
}

impl RemovalsDocument {
    pub(super) fn of(participants: &[Participant]) -> Self {
        let removals = participants.iter().filter_map(|one| {
            let ParticipantState::Removed { at, reason } = &one.state else { return None };
            Some((*one.id.as_uuid(), RemovalDocument { at: *at, code: reason.code.as_str().to_owned() }))
        });
        Self(removals.collect())
    }

    /// Gives each removal its code, unless it is of another removal of the same participant.
    pub(super) fn restore(self, participants: &mut [Participant]) {
        for one in participants {
            let ParticipantState::Removed { at, reason } = &mut one.state else { continue };
            if let Some(removal) = self.0.get(one.id.as_uuid()).filter(|removal| removal.at == *at) {
                reason.code = RemovalCode::restore(Some(&removal.code));
                reason.note.take_if(|note| note.as_str() == NO_NOTE);
            }
        }
    }
}

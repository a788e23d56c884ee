//! Why something was done: a code of a closed list, which everybody may read who sees the visit, and a note in people's own
//! words, which is only for those who care for the patient.

use crate::text::FreeText;
use crate::words::words;

words! {
    /// Why a visit was called off before it began.
    CancelCode {
        /// The patient, or a person who acts for them, asked for it.
        PatientRequest = "patient_request",
        /// For a medical reason, which only the note tells.
        Clinical = "clinical",
        /// The patient is seen in another way: at the clinic, at a hospital, in another visit.
        SeenElsewhere = "seen_elsewhere",
        /// The provider cannot come.
        ProviderUnavailable = "provider_unavailable",
        /// No interpreter can come.
        InterpreterUnavailable = "interpreter_unavailable",
        /// Power, network or a device does not work.
        TechnicalProblem = "technical_problem",
        /// The visit was planned twice.
        Duplicate = "duplicate",
        /// An error in the plan, or another matter of the administration.
        Administrative = "administrative",
        /// Another reason, or none was chosen from the list.
        Other = "other",
    }

    /// Why a participant was removed from a visit.
    RemovalCode {
        /// Not the person who was meant: a wrong account, a forwarded link.
        WrongPerson = "wrong_person",
        /// Their part is done.
        NoLongerNeeded = "no_longer_needed",
        /// They disturbed the visit.
        Disruptive = "disruptive",
        /// The patient, or a person who acts for them, asked for it.
        PatientRequest = "patient_request",
        /// Power, network or their device does not work.
        TechnicalProblem = "technical_problem",
        /// Another reason, or none was chosen from the list.
        Other = "other",
    }

    /// Why a visit is a no-show.
    NoShowCode {
        /// The patient did not come. Also where none was chosen from the list: it is what a no-show says.
        PatientAbsent = "patient_absent",
        /// The provider did not come, and the patient left.
        ProviderAbsent = "provider_absent",
        /// The patient could not be reached: neither by the link nor by phone.
        Unreachable = "unreachable",
        /// Another reason.
        Other = "other",
    }

    /// Why a clinician took emergency access to a patient.
    EmergencyCode {
        /// The patient's life is in danger.
        LifeThreatening = "life_threatening",
        /// The patient needs care before a person who cares for them can be reached.
        UrgentCare = "urgent_care",
        /// The clinician takes over for a colleague.
        Handover = "handover",
        /// The patient, or a person who acts for them, asked for it.
        PatientRequest = "patient_request",
        /// Another reason, or none was chosen from the list.
        Other = "other",
    }
}

/// A closed list of reasons.
pub trait ReasonCode: Copy + Eq + 'static {
    /// What a reason is whose code nobody gave.
    const UNSTATED: Self;

    /// Every code of the list.
    fn all() -> &'static [Self];

    /// The code's word.
    fn word(self) -> &'static str;

    /// The code of that word.
    #[must_use]
    fn from_word(word: &str) -> Option<Self> {
        Self::all().iter().copied().find(|one| one.word() == word)
    }

    /// The code that was stored: none by a version that knew no codes, or a word that only a later version knows.
    #[must_use]
    fn restore(word: Option<&str>) -> Self {
        word.and_then(Self::from_word).unwrap_or(Self::UNSTATED)
    }
}

macro_rules! reason_codes {
    ($($name:ident: $unstated:ident;)*) => {$(
        impl ReasonCode for $name {
            const UNSTATED: Self = Self::$unstated;

            fn all() -> &'static [Self] {
                Self::ALL
            }

            fn word(self) -> &'static str {
                self.as_str()
            }
        }
    )*};
}

reason_codes! {
    CancelCode: Other;
    RemovalCode: Other;
    NoShowCode: PatientAbsent;
    EmergencyCode: Other;
}

/// Why a reason was refused that must be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoReason {
    /// Neither a code nor a note.
    #[error("must be there, or a code that says why")]
    Missing,
    /// A code that says nothing by itself.
    #[error("must be there: this code says nothing by itself")]
    OnlyUnstated,
}

/// A reason: a code, and a note that may be missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason<C, N = FreeText> {
    /// Which of the list.
    pub code: C,
    /// What somebody wrote beside it: may tell about a person.
    pub note: Option<N>,
}

impl<C: ReasonCode, N> Reason<C, N> {
    /// A reason without a note.
    #[must_use]
    pub const fn of(code: C) -> Self {
        Self { code, note: None }
    }

    /// A note whose writer chose no code.
    #[must_use]
    pub const fn noted(note: N) -> Self {
        Self { code: C::UNSTATED, note: Some(note) }
    }

    /// What was given of both, where a reason must be given. A code that says something is enough, and so is a note.
    ///
    /// # Errors
    /// [`NoReason`].
    pub fn given(code: Option<C>, note: Option<N>) -> Result<Self, NoReason> {
        match (code, note) {
            (None, None) => Err(NoReason::Missing),
            (Some(code), None) if code == C::UNSTATED => Err(NoReason::OnlyUnstated),
            (code, note) => Ok(Self { code: code.unwrap_or(C::UNSTATED), note }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note() -> FreeText {
        FreeText::parse("brother Habib came to the ward").unwrap()
    }

    #[test]
    fn a_code_or_a_note_is_a_reason_and_other_needs_a_note() {
        let given = Reason::<CancelCode>::given;
        assert_eq!(given(Some(CancelCode::Duplicate), None), Ok(Reason::of(CancelCode::Duplicate)));
        assert_eq!(given(None, Some(note())), Ok(Reason { code: CancelCode::Other, note: Some(note()) }));
        assert_eq!(given(Some(CancelCode::Other), Some(note())), Ok(Reason::noted(note())));
        assert_eq!(given(None, None), Err(NoReason::Missing));
        assert_eq!(given(Some(CancelCode::Other), None), Err(NoReason::OnlyUnstated));
    }

    fn restores<C: ReasonCode + std::fmt::Debug>() {
        for code in C::all() {
            assert_eq!(C::restore(Some(code.word())), *code);
            // As the database's check has it.
            let plain = |c: char| c.is_ascii_lowercase() || c == '_';
            assert!(code.word().len() <= 40 && code.word().chars().all(plain), "{code:?}");
        }
        for unknown in [None, Some("a_word_of_a_later_version"), Some("")] {
            assert_eq!(C::restore(unknown), C::UNSTATED, "{unknown:?}");
        }
    }

    #[test]
    fn every_code_is_restored_from_its_word_and_an_unknown_word_reads_as_unstated() {
        restores::<CancelCode>();
        restores::<RemovalCode>();
        restores::<NoShowCode>();
        restores::<EmergencyCode>();
    }

    #[test]
    fn a_note_is_not_printed() {
        let shown = format!("{:?}", Reason::<CancelCode>::noted(note()));
        assert!(shown.contains("Other") && !shown.contains("Habib"), "{shown}");
    }
}

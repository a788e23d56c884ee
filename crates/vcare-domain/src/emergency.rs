//! Emergency access: who must know at once about a patient who is not in their care says why, and may for a short while.

use std::fmt;

use time::{Duration, OffsetDateTime};

use crate::ids::{EmergencyAccessId, VisitId};
use crate::reason::{EmergencyCode, Reason};
use crate::text::{PatientId, TenantId, UserId, is_bidi_override};

/// How long an emergency access lasts.
pub const EMERGENCY_LASTS: Duration = Duration::minutes(30);

/// Why a reason was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEmergencyReason {
    /// Too little to be a reason.
    #[error("must be at least {min} characters")]
    TooShort {
        /// The fewest characters it may have.
        min: usize,
    },
    /// Longer than it is kept.
    #[error("must be at most {max} characters")]
    TooLong {
        /// The most characters it may have.
        max: usize,
    },
    /// A character that a line of text does not have, or that makes it read as another.
    #[error("holds a character that is not allowed: any script, in one line, without control characters")]
    Character,
}

/// Why somebody needs access at once, in their words: may tell about the patient, and is never printed by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct EmergencyReason(String);

impl EmergencyReason {
    /// The fewest characters it may have.
    pub const MIN_CHARS: usize = 10;
    /// The most characters it may have.
    pub const MAX_CHARS: usize = 200;

    /// Checks a reason from outside. White space around it is not part of it.
    ///
    /// # Errors
    /// [`InvalidEmergencyReason`].
    pub fn parse(text: &str) -> Result<Self, InvalidEmergencyReason> {
        let text = text.trim();
        let length = text.chars().count();
        if length < Self::MIN_CHARS {
            return Err(InvalidEmergencyReason::TooShort { min: Self::MIN_CHARS });
        }
        if length > Self::MAX_CHARS {
            return Err(InvalidEmergencyReason::TooLong { max: Self::MAX_CHARS });
        }
        if text.chars().any(|c| c.is_control() || is_bidi_override(c)) {
            return Err(InvalidEmergencyReason::Character);
        }
        Ok(Self(text.to_owned()))
    }

    /// The reason, without white space around it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for EmergencyReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmergencyReason(…)")
    }
}

/// What an emergency access is granted for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEmergencyAccess {
    /// The access.
    pub id: EmergencyAccessId,
    /// The tenant of both.
    pub tenant_id: TenantId,
    /// Who needs it.
    pub user_id: UserId,
    /// The person.
    pub patient_id: PatientId,
    /// Why.
    pub reason: Reason<EmergencyCode, EmergencyReason>,
    /// The visit at which it was needed, when it was one.
    pub visit: Option<VisitId>,
}

/// One person's access to one patient, for a short while. What was granted is never changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmergencyAccess {
    /// The access.
    pub id: EmergencyAccessId,
    /// The tenant of both.
    pub tenant_id: TenantId,
    /// Who has it.
    pub user_id: UserId,
    /// To whom.
    pub patient_id: PatientId,
    /// Why.
    pub reason: Reason<EmergencyCode, EmergencyReason>,
    /// The visit at which it was needed, when it was one.
    pub visit: Option<VisitId>,
    /// Since when.
    pub granted_at: OffsetDateTime,
    /// Until when; at that moment it is over.
    pub expires_at: OffsetDateTime,
}

impl EmergencyAccess {
    /// Grants it from now on, for [`EMERGENCY_LASTS`].
    #[must_use]
    pub fn grant(new: NewEmergencyAccess, now: OffsetDateTime) -> Self {
        let NewEmergencyAccess { id, tenant_id, user_id, patient_id, reason, visit } = new;
        let expires_at = now + EMERGENCY_LASTS;
        Self { id, tenant_id, user_id, patient_id, reason, visit, granted_at: now, expires_at }
    }

    /// Whether it holds at that moment.
    #[must_use]
    pub fn is_open(&self, now: OffsetDateTime) -> bool {
        self.granted_at <= now && now < self.expires_at
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-03-01 09:00 UTC);

    fn access() -> EmergencyAccess {
        let new = NewEmergencyAccess {
            id: EmergencyAccessId::from_uuid(Uuid::from_u128(7)),
            tenant_id: TenantId::parse("hosp-kabul").unwrap(),
            user_id: UserId::parse("dr-9").unwrap(),
            patient_id: PatientId::parse("pat-ahmad").unwrap(),
            reason: Reason::noted(EmergencyReason::parse("unconscious on arrival").unwrap()),
            visit: None,
        };
        EmergencyAccess::grant(new, NOW)
    }

    #[test]
    fn an_emergency_access_holds_for_half_an_hour_and_not_at_its_end() {
        let access = access();
        assert_eq!(access.expires_at - access.granted_at, Duration::minutes(30));
        let open = |after| access.is_open(NOW + after);
        assert!(open(Duration::ZERO) && open(Duration::minutes(30) - Duration::MILLISECOND));
        assert!(!open(Duration::minutes(30)) && !open(Duration::DAY));
        assert!(!open(-Duration::SECOND), "not before it was granted");
    }

    #[test]
    fn a_reason_is_counted_in_characters_without_the_white_space_around_it() {
        let ten = "بیهوش رسید";
        assert_eq!(ten.chars().count(), 10);
        assert_eq!(EmergencyReason::parse(&format!(" \n{ten}\t ")).unwrap().as_str(), ten);
        let nine: String = ten.chars().take(9).collect();
        for short in ["", "  \n ", &nine, "emergency          "] {
            assert_eq!(EmergencyReason::parse(short), Err(InvalidEmergencyReason::TooShort { min: 10 }), "{short:?}");
        }
        assert!(EmergencyReason::parse(&"د".repeat(200)).is_ok());
        assert_eq!(EmergencyReason::parse(&"د".repeat(201)), Err(InvalidEmergencyReason::TooLong { max: 200 }));
    }

    #[test]
    fn a_reason_is_one_line_that_reads_as_it_is_written() {
        for bad in
            ["no pulse\nno breath", "no pulse\u{0}, no breath", "no pulse\u{202E}, no breath", "tab\tin the middle"]
        {
            assert_eq!(EmergencyReason::parse(bad), Err(InvalidEmergencyReason::Character), "{bad:?}");
        }
    }

    #[test]
    fn neither_reason_nor_people_are_printed() {
        let shown = format!("{:?}", access());
        for hidden in ["unconscious", "dr-9", "pat-ahmad"] {
            assert!(!shown.contains(hidden), "{shown}");
        }
    }
}

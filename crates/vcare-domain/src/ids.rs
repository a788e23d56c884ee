//! Typed ids. In the database a UUIDv7; for people and neighbours a prefixed ULID (`vsn_01J…`): the same 128 bits.

use std::fmt;
use std::str::FromStr;

use ulid::Ulid;
use uuid::Uuid;

/// A text that is not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an id of the form {prefix}_ and 26 characters of Crockford's base 32")]
pub struct InvalidId {
    /// The prefix the id should have had, without the underscore.
    pub prefix: &'static str,
}

macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// The text in front of the underscore when the id is shown.
            pub const PREFIX: &'static str = $prefix;

            /// Wraps a UUID that is known to be an id of this kind.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID, as stored.
            #[must_use]
            pub const fn as_uuid(&self) -> &Uuid {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}_{}", $prefix, Ulid(self.0.as_u128()))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                // 26 characters hold 130 bits; the parser would drop the upper two, and one id would have four texts.
                text.strip_prefix(concat!($prefix, "_"))
                    .filter(|rest| matches!(rest.as_bytes().first(), Some(b'0'..=b'7')))
                    .and_then(|rest| Ulid::from_string(rest).ok())
                    .map(|ulid| Self(Uuid::from_u128(ulid.0)))
                    .ok_or(InvalidId { prefix: $prefix })
            }
        }
    )*};
}

typed_ids! {
    /// A telehealth visit.
    SessionId = "vsn";
    /// One person's part in one visit.
    ParticipantId = "vsp";
    /// A visit without a live link.
    AsyncVisitId = "avs";
    /// An upload on its way to an async visit.
    UploadId = "upl";
    /// A published event; also its `Nats-Msg-Id`.
    EventId = "evt";
    /// A summary that waits for a clinician.
    AiDraftId = "drf";
    /// One emergency access of one person to one patient.
    EmergencyAccessId = "vea";
    /// A piece of durable work.
    JobId = "job";
    /// Proof of holding a job's lease: a worker whose lease was taken over can no longer write.
    LeaseToken = "lse";
}

/// A visit, with a live link or without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VisitId {
    /// With one.
    Live(SessionId),
    /// Without.
    Async(AsyncVisitId),
}

impl fmt::Display for VisitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Live(id) => fmt::Display::fmt(id, f),
            Self::Async(id) => fmt::Display::fmt(id, f),
        }
    }
}

/// A text that is not the id of a visit of either kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected the id of a visit, vsn_… or avs_…")]
pub struct InvalidVisitId;

impl FromStr for VisitId {
    type Err = InvalidVisitId;

    fn from_str(text: &str) -> Result<Self, InvalidVisitId> {
        let live = text.parse().map(Self::Live);
        live.or_else(|_| text.parse().map(Self::Async)).map_err(|_| InvalidVisitId)
    }
}

/// A text that is not the name of a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a UUID with hyphens, drawn once for this draft")]
pub struct InvalidClientMutationId;

/// The name that a phone gave a draft, before any server heard of it: the same draft sent again carries the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientMutationId(Uuid);

impl ClientMutationId {
    /// Checks a name from outside. Upper and lower case name the same.
    ///
    /// # Errors
    /// [`InvalidClientMutationId`], also for the UUIDs of all zeros and all ones: they are what a phone sends that drew none,
    /// and all such drafts would be one.
    pub fn parse(text: &str) -> Result<Self, InvalidClientMutationId> {
        let hyphenated = text.len() == 36;
        let uuid = Uuid::try_parse(text).ok().filter(|uuid| hyphenated && !uuid.is_nil() && !uuid.is_max());
        uuid.map(Self).ok_or(InvalidClientMutationId)
    }

    /// A name that was checked when it was stored.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The UUID, as stored.
    #[must_use]
    pub const fn as_uuid(&self) -> &Uuid {
        &self.0
    }
}

impl fmt::Display for ClientMutationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.hyphenated(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_from_what_it_shows() {
        let id = SessionId::from_uuid(Uuid::from_u128(0x0192_f00d_0000_7000_8000_0000_0000_0001));
        assert!(id.to_string().starts_with("vsn_01"));
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let id = ParticipantId::from_uuid(Uuid::from_u128(7));
        assert_eq!(id.to_string().parse::<SessionId>(), Err(InvalidId { prefix: "vsn" }));
        for text in ["", "vsn_", "vsn_123", "vsn_ZZZZZZZZZZZZZZZZZZZZZZZZZZZ", "vsn_0000000000000000000000000!"] {
            assert!(text.parse::<SessionId>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_text_of_more_than_128_bits_is_refused() {
        assert!("vsn_8ZZZZZZZZZZZZZZZZZZZZZZZZZ".parse::<SessionId>().is_err());
    }

    #[test]
    fn a_visit_of_either_kind_reads_back_from_what_it_shows() {
        let live = VisitId::Live(SessionId::from_uuid(Uuid::from_u128(7)));
        let without_link = VisitId::Async(AsyncVisitId::from_uuid(Uuid::from_u128(7)));
        for visit in [live, without_link] {
            assert_eq!(visit.to_string().parse(), Ok(visit));
        }
        let other = ParticipantId::from_uuid(Uuid::from_u128(7)).to_string();
        assert_eq!(other.parse::<VisitId>(), Err(InvalidVisitId));
    }

    #[test]
    fn a_draft_is_named_by_one_uuid_in_one_form() {
        let lower = ClientMutationId::parse("7f4df2a6-3c7e-4c4a-9d0b-2f1f0a6f5e11");
        assert_eq!(ClientMutationId::parse("7F4DF2A6-3C7E-4C4A-9D0B-2F1F0A6F5E11"), lower);
        assert_eq!(lower.map(|name| name.to_string()), Ok("7f4df2a6-3c7e-4c4a-9d0b-2f1f0a6f5e11".to_owned()));
        for bad in [
            "",
            "draft-1",
            "7f4df2a63c7e4c4a9d0b2f1f0a6f5e11",
            "{7f4df2a6-3c7e-4c4a-9d0b-2f1f0a6f5e11}",
            "00000000-0000-0000-0000-000000000000",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
        ] {
            assert_eq!(ClientMutationId::parse(bad), Err(InvalidClientMutationId), "{bad}");
        }
    }
}

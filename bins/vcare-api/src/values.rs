//! What single values of requests and responses look like: closed sets of words, ids, texts. Each is described once, by the
//! domain's own words and limits, and every field and parameter refers to it.

use std::borrow::Cow;

use serde::Serialize;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};
use vcare_domain as domain;

fn text(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description.trim()))
}

/// Sets of words, each the domain's: a new word is described as soon as it can be answered.
macro_rules! closed_sets {
    ($($(#[doc = $doc:literal])+ $name:ident: $($source:ty),+;)*) => {$(
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
        #[serde(transparent)]
        pub struct $name(&'static str);

        impl $name {
            /// The word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                self.0
            }
        }

        $(impl From<$source> for $name {
            fn from(one: $source) -> Self {
                Self(one.as_str())
            }
        })+

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let mut words: Vec<&'static str> = Vec::new();
                for word in [$(<$source>::ALL.iter().map(|one| one.as_str()).collect::<Vec<_>>()),+].concat() {
                    if !words.contains(&word) {
                        words.push(word);
                    }
                }
                text(concat!($($doc),+)).enum_values(Some(words)).into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    )*};
}

closed_sets! {
    /// State of a session.
    SessionStatus: domain::SessionStatus;
    /// State of an async visit.
    AsyncVisitStatus: domain::AsyncVisitStatus;
    /// State of a session, an async visit, a participant or an AI summary draft.
    AnyStatus: domain::SessionStatus, domain::AsyncVisitStatus, domain::ParticipantStatus, domain::DraftStatus;
    /// State of a participant.
    ParticipantStatus: domain::ParticipantStatus;
    /// Role of a participant.
    ParticipantRole: domain::ParticipantRole;
    /// Medium in which a session is held.
    MediaMode: domain::MediaMode;
    /// Why a segment began.
    SegmentCause: domain::SegmentCause;
    /// Why a link should be used as it says. `recovering`: another good probe is needed. `too_often`: probed too often this minute.
    LinkReason: domain::LinkReason;
    /// Why a session ended.
    EndCause: domain::EndCause;
    /// State of the FHIR Encounter. `pending`: follows by itself. `parked`: refused by the FHIR gateway, a person must look.
    EncounterStatus: domain::EncounterStatus;
    /// Why a session was cancelled. `clinical`: for a medical reason, which only the note tells. `other`: the note tells it, if any.
    CancelReasonCode: domain::CancelCode;
    /// Why a participant was removed. `other`: the note tells it, if any.
    RemovalReasonCode: domain::RemovalCode;
    /// Why a session is a no-show.
    NoShowReasonCode: domain::NoShowCode;
    /// Why a clinician takes emergency access. `other` needs a reason in words.
    EmergencyReasonCode: domain::EmergencyCode;
    /// Why a session is cancelled, as in `CancelReasonCode`, or a participant is removed, as in `RemovalReasonCode`. `other` needs a note.
    ReasonCode: domain::CancelCode, domain::RemovalCode;
    /// Video backend.
    VideoBackend: domain::VideoBackend;
    /// Language of the user interface, as a BCP 47 tag.
    Locale: domain::Locale;
    /// Whether sessions may be recorded.
    RecordingPolicy: domain::RecordingPolicy;
    /// `waiting_room`, or `direct_join` once admitted.
    Destination: domain::Entry;
    /// `alive`: a heartbeat; the next one follows within 120 seconds. `lost`, `restored`: what happened.
    ConnectionState: domain::Heard;
    /// What the clinician advises to do next.
    FollowUp: domain::Advice;
    /// `submission`: sent in with the async visit. `answer`: by the clinician who responds.
    AttachmentPart: domain::UploadPlace;
    /// Media type of an attachment, by its content.
    AttachmentType: domain::MediaType;
    /// Why an attachment is rejected.
    RejectReason: domain::RejectReason;
    /// A consent that must be on file.
    ConsentGate: vcare_app::Gate;
    /// Order of a list. `asc`: the earliest first. `desc`: the latest first.
    ListOrder: vcare_app::ports::Order;
    /// Kind of durable work.
    JobKind: vcare_app::ports::JobKind;
}

/// Texts of one form. They describe fields; what is in them was checked by the domain.
macro_rules! forms {
    ($($(#[doc = $doc:literal])+ $name:ident: $pattern:literal, $example:literal;)*) => {$(
        $(#[doc = $doc])+
        #[derive(Debug)]
        pub enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                text(concat!($($doc),+)).pattern(Some($pattern)).examples([$example]).into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    )*};
}

forms! {
    /// Id of a session.
    SessionId: "^vsn_[0-7][0-9A-HJKMNP-TV-Z]{25}$", "vsn_01KA8Z0Q3CJ9XW2V5T7N4B6M8R";
    /// Id of a participant.
    ParticipantId: "^vsp_[0-7][0-9A-HJKMNP-TV-Z]{25}$", "vsp_01KA8Z0Q3CJ9XW2V5T7N4B6M8S";
    /// Id of an async visit.
    AsyncVisitId: "^avs_[0-7][0-9A-HJKMNP-TV-Z]{25}$", "avs_01KA8Z0Q3CJ9XW2V5T7N4B6M8T";
    /// Id of a session or an async visit.
    VisitId: "^(vsn|avs)_[0-7][0-9A-HJKMNP-TV-Z]{25}$", "vsn_01KA8Z0Q3CJ9XW2V5T7N4B6M8R";
    /// Id of an upload.
    UploadId: "^upl_[0-7][0-9A-HJKMNP-TV-Z]{25}$", "upl_01KA8Z0Q3CJ9XW2V5T7N4B6M8R";
    /// Id of a job.
    JobId: "^job_[0-7][0-9A-HJKMNP-TV-Z]{25}$", "job_01KA8Z0Q3CJ9XW2V5T7N4B6M8R";
    /// Id of an AI summary draft.
    DraftId: "^drf_[0-7][0-9A-HJKMNP-TV-Z]{25}$", "drf_01KA8Z0Q3CJ9XW2V5T7N4B6M8R";
    /// UUID that an app draws once for a draft and sends with it every time.
    ClientMutationId: "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$", "7f4df2a6-3c7e-4c4a-9d0b-2f1f0a6f5e11";
    /// Id of a tenant.
    TenantId: "^[A-Za-z0-9_.-]{1,64}$", "kabul-central-hospital";
    /// Id of a node (facility, ward) of the tenant's hierarchy.
    NodeId: "^[A-Za-z0-9_.-]{1,64}$", "ward-3";
    /// Id of a FHIR Patient.
    PatientId: "^[A-Za-z0-9_.-]{1,64}$", "pat-0001";
    /// Id of a FHIR RelatedPerson.
    RelatedPersonId: "^[A-Za-z0-9_.-]{1,64}$", "rel-0001";
    /// Id of a FHIR Appointment.
    AppointmentId: "^[A-Za-z0-9_.-]{1,64}$", "appt-0001";
    /// Id of a FHIR Encounter.
    EncounterId: "^[A-Za-z0-9_.-]{1,64}$", "enc-0001";
    /// Id of a thread of the communication service.
    ThreadId: "^[A-Za-z0-9_.-]{1,128}$", "thr_01KA8Z0Q3CJ9XW2V5T7N4B6M8R";
    /// Id of an account: `sub` of its access tokens.
    UserId: "^[A-Za-z0-9_.:@|-]{1,128}$", "7d0c2b54-3c55-4f0a-8a0e-6f1f6f0f2a21";
    /// Language that somebody wrote in, as a BCP 47 tag.
    LanguageTag: "^[A-Za-z0-9-]{1,35}$", "fa-AF";
    /// IANA name of a time zone.
    TimeZone: "^[A-Za-z0-9/_+-]{1,64}$", "Asia/Kabul";
}

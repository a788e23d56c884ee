//! What each operation refuses: its problem codes, written into its description with an example of each.
//!
//! Most follow from what the description says anyway: who signs in may be nobody, a body may be too long, a session may not
//! be there. [`OWN`] has the rest, one line an operation. A code that is answered and stands nowhere fails the API's tests.

use std::collections::{BTreeMap, BTreeSet};

use utoipa::Modify;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Content, OpenApi, Ref, RefOr, Response};

use super::headers;
use crate::problem::{Code, PROBLEM_JSON};

/// Who signs in.
const SIGNED_IN: &[Code] = &[
    Code::ValidationError,
    Code::Unauthorized,
    Code::AccessTokenExpired,
    Code::AccessDenied,
    Code::IdentityProviderUnavailable,
];
/// Who comes by link.
const BY_LINK: &[Code] = &[Code::TokenExpired, Code::TokenInvalid];
/// A body.
const BODY: &[Code] = &[Code::ValidationError, Code::PayloadTooLarge];
/// What everybody may be told.
const ALWAYS: &[Code] = &[Code::InternalError, Code::ServiceUnavailable];

/// A change, which somebody else may make at the same moment, of something that has states.
const CHANGE: &[Code] = &[Code::InvalidStatusTransition, Code::ConcurrentUpdate, Code::SubjectErased];
/// An `Idempotency-Key` under which the answer is kept.
const KEYED: &[Code] = &[Code::IdempotencyKeyReused];
/// The gates before a visit.
const GATES: &[Code] =
    &[Code::ModuleNotLicensed, Code::LicenceServiceUnavailable, Code::ConsentRequired, Code::ConsentServiceUnavailable];
/// The tenant's settings, and among them a video backend.
const SETTINGS: &[Code] = &[Code::VideoProviderUnavailable];
/// A change of the tenant's settings.
const SETTINGS_CHANGE: &[Code] =
    &[Code::ConfigNotFound, Code::ConcurrentUpdate, Code::SettingTaken, Code::PreconditionRequired];
/// The video backend itself.
const VIDEO: &[Code] = &[Code::VideoProviderUnavailable, Code::ProviderQuotaExceeded];
/// A machine.
const MACHINE: &[Code] = &[
    Code::InvalidStatusTransition,
    Code::ConsentRequired,
    Code::ConsentServiceUnavailable,
    Code::TooManyAtOnce,
    Code::AiRefused,
    Code::AiUnavailable,
    Code::SubjectErased,
];
/// Bytes of an upload.
const BYTES: &[Code] = &[
    Code::PayloadTooLarge,
    Code::ChecksumMismatch,
    Code::UploadOffsetConflict,
    Code::ConcurrentUpdate,
    Code::SubjectErased,
];

/// An attachment, by a link.
const OPENED: &[Code] = &[Code::ValidationError, Code::AttachmentNotFound, Code::LinkExpired, Code::SubjectErased];

/// What an operation refuses beside what its description tells anyway.
const OWN: &[(&str, &[&[Code]])] = &[
    ("listSessions", &[&[Code::CursorMismatch]]),
    ("listAsyncVisits", &[&[Code::CursorMismatch]]),
    (
        "createSession",
        &[
            GATES,
            VIDEO,
            KEYED,
            &[Code::AppointmentHasVisit, Code::RecordingDisabled, Code::ConcurrentUpdate, Code::SubjectErased],
        ],
    ),
    ("inviteParticipant", &[CHANGE, KEYED, SETTINGS, &[Code::PatientAlreadyInvited, Code::MaxParticipantsExceeded]]),
    ("issueJoinToken", &[CHANGE, KEYED, SETTINGS, &[Code::ProvidersSignIn, Code::MaxParticipantsExceeded]]),
    ("removeParticipant", &[CHANGE, KEYED]),
    ("joinSessionAsProvider", &[CHANGE, VIDEO, &[Code::ParticipantRemoved, Code::MaxParticipantsExceeded]]),
    ("admitParticipant", &[CHANGE, KEYED, VIDEO, &[Code::ParticipantNotInWaitingRoom, Code::ProviderNotInSession]]),
    ("startMessageFallback", &[CHANGE]),
    ("endSession", &[CHANGE]),
    ("cancelSession", &[CHANGE, KEYED]),
    ("markNoShow", &[CHANGE, KEYED]),
    ("rescheduleSession", &[CHANGE, KEYED, SETTINGS, &[Code::SessionOverlaps]]),
    ("announceDelay", &[CHANGE, KEYED]),
    ("announceDelayByToken", &[BY_LINK, CHANGE, &[Code::AccessDenied]]),
    ("cancelSessionByToken", &[BY_LINK, CHANGE, &[Code::AccessDenied]]),
    ("withdrawRecordingConsent", &[CHANGE, KEYED]),
    ("reportConnection", &[CHANGE, KEYED, SETTINGS, &[Code::ParticipantNotFound, Code::ParticipantRemoved]]),
    ("submitLinkProbe", &[CHANGE, SETTINGS, &[Code::ParticipantNotFound, Code::ParticipantRemoved]]),
    ("joinSessionByGet", &[BY_LINK, CHANGE, VIDEO, &[Code::ValidationError]]),
    ("joinSession", &[BY_LINK, CHANGE, VIDEO, &[Code::JoinedOnAnotherDevice]]),
    ("getWaitingRoomStatus", &[&[Code::ValidationError, Code::InvalidStatusTransition, Code::JoinedOnAnotherDevice]]),
    ("reportConnectionByToken", &[CHANGE, SETTINGS]),
    ("submitLinkProbeByToken", &[CHANGE, SETTINGS]),
    ("getClinic", &[&[Code::TokenInvalid, Code::RateLimited]]),
    ("resolveShortLink", &[BY_LINK, &[Code::RateLimited]]),
    ("transcribeAudio", &[MACHINE, &[Code::UnsupportedMediaType, Code::UploadStalled]]),
    ("createSummaryDraft", &[MACHINE, KEYED, &[Code::DraftAlreadyDecided, Code::DraftExpired, Code::ConcurrentUpdate]]),
    ("acceptSummary", &[CHANGE, KEYED, &[Code::DraftNotFound, Code::DraftAlreadyDecided, Code::DraftExpired]]),
    ("submitAsyncVisit", &[GATES, &[Code::ClientMutationIdTaken, Code::ConcurrentUpdate, Code::SubjectErased]]),
    ("continueSessionAsync", &[CHANGE, GATES, &[Code::ClientMutationIdTaken]]),
    ("claimAsyncVisit", &[CHANGE, &[Code::AlreadyClaimed]]),
    ("releaseAsyncVisit", &[CHANGE, &[Code::NotClaimedByYou]]),
    ("respondAsyncVisit", &[CHANGE, &[Code::NotClaimedByYou]]),
    ("addAddendum", &[CHANGE, &[Code::NotClaimedByYou, Code::MaxAddendaExceeded]]),
    ("closeAsyncVisit", &[CHANGE]),
    ("getConfig", &[&[Code::ConfigNotFound]]),
    ("updateConfig", &[SETTINGS_CHANGE]),
    ("patchConfig", &[SETTINGS_CHANGE, &[Code::UnsupportedMediaType]]),
    (
        "createUpload",
        &[
            BYTES,
            &[
                Code::UnsupportedMediaType,
                Code::InvalidStatusTransition,
                Code::UploadNotFound,
                Code::UploadDiffers,
                Code::TooManyUploads,
            ],
        ],
    ),
    ("getUploadOffset", &[&[Code::UnsupportedMediaType, Code::UploadExpired, Code::UploadLost]]),
    ("appendToUpload", &[BYTES, &[Code::UnsupportedMediaType, Code::UploadExpired, Code::UploadLost]]),
    (
        "overrideUploadMethod",
        &[BYTES, &[Code::UnsupportedMediaType, Code::UploadExpired, Code::UploadLost, Code::UploadInVisit]],
    ),
    ("deleteUpload", &[&[Code::UploadInVisit, Code::ConcurrentUpdate]]),
    ("downloadAttachment", &[OPENED, &[Code::RangeNotSatisfiable]]),
    ("describeAttachment", &[OPENED]),
    ("downloadProbeBytes", &[&[Code::ValidationError]]),
    ("closeConference", &[SETTINGS, &[Code::ConcurrentUpdate]]),
    ("reportOccupantJoined", &[SETTINGS, &[Code::SessionNotFound, Code::ConcurrentUpdate]]),
    ("reportOccupantLeft", &[SETTINGS, &[Code::SessionNotFound, Code::ConcurrentUpdate]]),
    ("reportRoomDestroyed", &[SETTINGS, &[Code::SessionNotFound, Code::ConcurrentUpdate]]),
    ("reportRecording", &[CHANGE, &[Code::SessionNotFound]]),
];

/// What a code means of one operation, where that is more than it always means.
const MEANT: &[(&str, Code, &str)] = &[
    ("joinSessionByGet", Code::InvalidStatusTransition, "the visit is over, or was cancelled"),
    ("joinSession", Code::InvalidStatusTransition, "the visit is over, or was cancelled"),
    ("getWaitingRoomStatus", Code::InvalidStatusTransition, "the visit is over, or was cancelled"),
    ("reportConnectionByToken", Code::InvalidStatusTransition, "the visit is over, or was cancelled"),
    ("submitLinkProbeByToken", Code::InvalidStatusTransition, "the visit is over, or was cancelled"),
    ("transcribeAudio", Code::InvalidStatusTransition, "the session is not active"),
    ("transcribeAudio", Code::AccessDenied, "not a clinician, or no provider of this session"),
    ("createSummaryDraft", Code::InvalidStatusTransition, "the session has not begun, or was cancelled"),
    ("createUpload", Code::InvalidStatusTransition, "the visit was answered; nothing is added to it any more"),
    ("createSummaryDraft", Code::AccessDenied, "not a clinician, or no provider of this session"),
    ("createSummaryDraft", Code::DraftAlreadyDecided, "this key's draft does not wait any more"),
    ("createSummaryDraft", Code::DraftExpired, "this key's draft does not wait any more"),
    ("continueSessionAsync", Code::InvalidStatusTransition, "the session has not failed"),
    ("reportRecording", Code::InvalidStatusTransition, "nobody has come to the visit yet"),
    ("updateConfig", Code::ConfigNotFound, "the tenant has no settings yet: `If-None-Match: *` creates them"),
    (
        "updateConfig",
        Code::OptimisticLockConflict,
        "not at the version that `If-Match` names, but at `currentVersion`; or there already, where `If-None-Match` says that there are none",
    ),
    ("patchConfig", Code::ConfigNotFound, "the tenant has no settings yet: PUT creates them"),
];

/// Refuse nobody: they tell how the process is, or what tus can do.
const NEVER: [&str; 6] =
    ["getTusCapabilities", "getUploadTusCapabilities", "getHealth", "getLiveness", "getReadiness", "getMetrics"];

/// The codes that an operation answers.
fn codes(path: &str, id: &str, operation: &Operation) -> BTreeSet<Code> {
    if NEVER.contains(&id) {
        return BTreeSet::new();
    }
    let mut all = vec![ALWAYS];
    for (scheme, codes) in
        [("accessToken", SIGNED_IN), ("internalToken", &[Code::Unauthorized]), ("joinToken", BY_LINK)]
    {
        let needed = SecurityRequirement::new(scheme, [""; 0]);
        if operation.security.iter().flatten().any(|one| *one == needed) {
            all.push(codes);
        }
    }
    if let Some(RefOr::T(body)) = &operation.request_body {
        all.push(BODY);
        if body.content.contains_key("application/json") {
            all.push(&[Code::UnsupportedMediaType]);
        }
    }
    let parameters = operation.parameters.iter().flatten().filter_map(|parameter| match parameter {
        RefOr::T(parameter) => Some(parameter.name.as_str()),
        RefOr::Ref(_) => None,
    });
    for parameter in parameters {
        all.push(match parameter {
            "If-Match" => &[Code::OptimisticLockConflict],
            "Tus-Resumable" => &[Code::TusVersionUnsupported],
            "sessionId" => &[Code::SessionNotFound],
            "participantId" => &[Code::ParticipantNotFound],
            "asyncVisitId" => &[Code::AsyncVisitNotFound],
            "uploadId" if path.contains("/uploads/") => &[Code::UploadNotFound],
            _ => &[],
        });
    }
    all.extend(OWN.iter().filter(|own| own.0 == id).flat_map(|own| own.1));
    all.into_iter().flatten().copied().collect()
}

fn meaning(id: &str, code: Code) -> &'static str {
    MEANT.iter().find(|meant| meant.0 == id && meant.1 == code).map_or(code.means(), |meant| meant.2)
}

/// An answer with one of these codes, which have one status.
fn refusal(id: &str, codes: &[Code], mut response: Response) -> Response {
    let words = codes.iter().map(|code| format!("`{}`: {}", code.as_str(), meaning(id, *code)));
    let own = Some(response.description).filter(|words| !words.is_empty());
    response.description = own.into_iter().chain(words).collect::<Vec<_>>().join(". ");
    let mut content = Content::new(Some(Ref::from_schema_name("Problem")));
    for code in codes {
        let example = Ref::new(format!("#/components/examples/{}", code.as_str()));
        content.examples.insert(code.as_str().to_owned(), RefOr::Ref(example));
        for (name, _) in code.example().headers() {
            headers::add(&mut response, name.as_str());
        }
        if (id, *code) == ("patchConfig", Code::UnsupportedMediaType) {
            headers::add(&mut response, "Accept-Patch");
        }
        // The protocol's frame writes it, around the problem.
        if *code == Code::TusVersionUnsupported {
            headers::add(&mut response, "Tus-Version");
        }
    }
    response.content.insert(PROBLEM_JSON.to_owned(), content.into());
    response
}

fn describe(path: &str, operation: &mut Operation) {
    let id = operation.operation_id.clone().unwrap_or_default();
    let mut by_status = BTreeMap::<u16, Vec<Code>>::new();
    for code in codes(path, &id, operation) {
        by_status.entry(code.status()).or_default().push(code);
    }
    let responses = &mut operation.responses.responses;
    for (status, codes) in by_status {
        let described = match responses.remove(&status.to_string()) {
            Some(RefOr::T(response)) => response,
            _ => Response::default(),
        };
        responses.insert(status.to_string(), refusal(&id, &codes, described).into());
    }
}

/// What is answered where no operation is.
const ELSEWHERE: [(&str, Code); 2] = [("NothingHere", Code::NotFound), ("OtherMethod", Code::MethodNotAllowed)];

/// Writes what is refused into the description.
pub struct Refusals;

impl Modify for Refusals {
    fn modify(&self, openapi: &mut OpenApi) {
        for (path, item) in &mut openapi.paths.paths {
            for operation in super::operations(item) {
                describe(path, operation);
            }
        }
        let components = openapi.components.get_or_insert_default();
        for code in Code::ALL {
            let mut body = serde_json::to_value(code.example().details()).unwrap_or_default();
            body.sort_all_objects();
            let example = ExampleBuilder::new().summary(code.means()).value(Some(body)).build();
            components.examples.insert(code.as_str().to_owned(), example.into());
        }
        for (name, code) in ELSEWHERE {
            components.responses.insert(name.to_owned(), refusal("", &[code], Response::default()).into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_of_an_operation_and_says_what_nothing_else_does() {
        let document = serde_json::to_value(crate::openapi::document()).unwrap();
        let operations =
            document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values());
        let ids: BTreeSet<&str> = operations.map(|operation| operation["operationId"].as_str().unwrap()).collect();
        let lines = OWN.iter().map(|own| own.0);
        let named: Vec<&str> = lines.clone().chain(MEANT.iter().map(|meant| meant.0)).chain(NEVER).collect();
        for id in named {
            assert!(ids.contains(id), "there is no operation {id}");
        }
        assert_eq!(lines.clone().collect::<BTreeSet<_>>().len(), lines.count(), "an operation has two lines");
    }
}

//! What is refused by a visit's state, or by a gate.

use actix_web::http::StatusCode;
use vcare_app::GateBlock;
use vcare_domain::{AsyncVisitRefusal, Refusal};

use super::Problem;

pub(super) fn refused(refusal: &Refusal) -> Problem {
    let code = match refusal {
        Refusal::InvalidTransition { .. } => "INVALID_STATUS_TRANSITION",
        Refusal::VersionConflict { .. } => "OPTIMISTIC_LOCK_CONFLICT",
        Refusal::NotWaiting { .. } => "PARTICIPANT_NOT_IN_WAITING_ROOM",
        Refusal::ProviderNotInSession => "PROVIDER_NOT_IN_SESSION",
        Refusal::ParticipantRemoved => "PARTICIPANT_REMOVED",
        Refusal::PatientAlreadyInvited => "PATIENT_ALREADY_INVITED",
        Refusal::ProvidersSignIn => "PROVIDERS_SIGN_IN",
        Refusal::NotItsProvider => "ACCESS_DENIED",
        Refusal::TooManyParticipants { .. } => "MAX_PARTICIPANTS_EXCEEDED",
        // Only durable work gives a visit up, and it is answered by nobody.
        Refusal::PatientNotLost | Refusal::PatientAwaited { .. } => "INVALID_STATUS_TRANSITION",
        // These two are turned into something else before they come here; they are as good as unknown.
        Refusal::ParticipantNotFound | Refusal::TokenSuperseded => "PARTICIPANT_NOT_FOUND",
    };
    let status = match refusal {
        Refusal::TooManyParticipants { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::ParticipantNotFound | Refusal::TokenSuperseded => StatusCode::NOT_FOUND,
        Refusal::NotItsProvider => StatusCode::FORBIDDEN,
        _ => StatusCode::CONFLICT,
    };
    let mut problem = Problem::new(status, code).detail(refusal);
    match refusal {
        Refusal::VersionConflict { current } => problem.0.current_version = Some(current.get()),
        Refusal::InvalidTransition { from, .. } => problem.0.current_status = Some(from.as_str()),
        Refusal::NotWaiting { status } => problem.0.current_status = Some(status.as_str()),
        _ => {}
    }
    problem
}

pub(super) fn async_refused(refusal: &AsyncVisitRefusal) -> Problem {
    let code = match refusal {
        AsyncVisitRefusal::InvalidTransition { .. } => "INVALID_STATUS_TRANSITION",
        AsyncVisitRefusal::VersionConflict { .. } => "OPTIMISTIC_LOCK_CONFLICT",
        AsyncVisitRefusal::ClaimedByAnother { .. } => "ALREADY_CLAIMED",
        AsyncVisitRefusal::NotTheClaimer { .. } => "NOT_CLAIMED_BY_YOU",
    };
    let mut problem = Problem::new(StatusCode::CONFLICT, code).detail(refusal);
    match refusal {
        AsyncVisitRefusal::VersionConflict { current } => problem.0.current_version = Some(current.get()),
        AsyncVisitRefusal::InvalidTransition { from, .. } => problem.0.current_status = Some(from.as_str()),
        AsyncVisitRefusal::ClaimedByAnother { until } => problem.0.claimed_until = Some(*until),
        AsyncVisitRefusal::NotTheClaimer { .. } => {}
    }
    problem
}

pub(super) fn blocked(block: GateBlock) -> Problem {
    let (status, code) = match block {
        GateBlock::NotLicensed => (StatusCode::FORBIDDEN, "MODULE_NOT_LICENSED"),
        GateBlock::RecordingDisabled => (StatusCode::FORBIDDEN, "RECORDING_DISABLED"),
        GateBlock::ConsentRequired(_) | GateBlock::ProviderConsentRequired(_) => {
            (StatusCode::FORBIDDEN, "CONSENT_REQUIRED")
        }
        GateBlock::LicenceUnavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "LICENCE_SERVICE_UNAVAILABLE"),
        GateBlock::ConsentUnavailable { .. } => (StatusCode::SERVICE_UNAVAILABLE, "CONSENT_SERVICE_UNAVAILABLE"),
        GateBlock::VideoQuotaExceeded { .. } => (StatusCode::SERVICE_UNAVAILABLE, "PROVIDER_QUOTA_EXCEEDED"),
        GateBlock::VideoUnavailable(_) | GateBlock::VideoNotConfigured => {
            (StatusCode::SERVICE_UNAVAILABLE, "VIDEO_PROVIDER_UNAVAILABLE")
        }
    };
    let mut problem = Problem::new(status, code).detail(block);
    problem.0.gate = block.consent_gate().map(vcare_app::Gate::as_str);
    let asked = match block {
        GateBlock::VideoQuotaExceeded { retry_after } => retry_after,
        _ => None,
    };
    let seconds = asked.and_then(|asked| u32::try_from(asked.whole_seconds()).ok()).unwrap_or(5).clamp(1, 3600);
    if status == StatusCode::SERVICE_UNAVAILABLE { problem.retry_after(seconds) } else { problem }
}

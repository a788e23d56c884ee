//! What is refused by a visit's state, or by a gate.

use vcare_app::GateBlock;
use vcare_domain::{AsyncVisitRefusal, InvalidSchedule, Refusal};

use super::{Code, Problem};

pub(super) fn refused(refusal: &Refusal) -> Problem {
    let code = match refusal {
        Refusal::InvalidTransition { .. } => Code::InvalidStatusTransition,
        Refusal::VersionConflict { .. } => Code::OptimisticLockConflict,
        Refusal::NotWaiting { .. } => Code::ParticipantNotInWaitingRoom,
        Refusal::ProviderNotInSession => Code::ProviderNotInSession,
        Refusal::ParticipantRemoved => Code::ParticipantRemoved,
        Refusal::PatientAlreadyInvited => Code::PatientAlreadyInvited,
        Refusal::ProvidersSignIn => Code::ProvidersSignIn,
        Refusal::NotItsProvider | Refusal::NamedByOthers | Refusal::NotThePatient => Code::AccessDenied,
        Refusal::Schedule(_) | Refusal::DelayHasPassed { .. } => Code::ValidationError,
        Refusal::TooManyParticipants { .. } => Code::MaxParticipantsExceeded,
        // Only durable work gives a visit up, and it is answered by nobody.
        Refusal::PatientNotLost | Refusal::PatientAwaited { .. } | Refusal::PatientCame | Refusal::NotDue { .. } => {
            Code::InvalidStatusTransition
        }
        // These two are turned into something else before they come here; they are as good as unknown.
        Refusal::ParticipantNotFound | Refusal::TokenSuperseded => Code::ParticipantNotFound,
    };
    let mut problem = Problem::new(code).detail(refusal);
    match refusal {
        Refusal::DelayHasPassed { .. } => return Problem::field("minutes", refusal.clone()),
        Refusal::Schedule(schedule) => return invalid_schedule(*schedule),
        Refusal::VersionConflict { current } => problem.0.current_version = Some(current.get()),
        Refusal::InvalidTransition { from, .. } => problem.0.current_status = Some(from.as_str()),
        Refusal::NotWaiting { status } => problem.0.current_status = Some(status.as_str()),
        _ => {}
    }
    problem
}

pub(super) fn invalid_schedule(schedule: InvalidSchedule) -> Problem {
    let field = match schedule {
        InvalidSchedule::OutOfRange | InvalidSchedule::HasPassed => "scheduledStart",
        InvalidSchedule::EndsBeforeStart | InvalidSchedule::TooLong => "scheduledEnd",
    };
    Problem::field(field, schedule)
}

pub(super) fn async_refused(refusal: &AsyncVisitRefusal) -> Problem {
    let code = match refusal {
        AsyncVisitRefusal::InvalidTransition { .. } => Code::InvalidStatusTransition,
        AsyncVisitRefusal::VersionConflict { .. } => Code::OptimisticLockConflict,
        AsyncVisitRefusal::ClaimedByAnother { .. } => Code::AlreadyClaimed,
        AsyncVisitRefusal::NotTheClaimer { .. } => Code::NotClaimedByYou,
        AsyncVisitRefusal::TooManyAddenda { .. } => Code::MaxAddendaExceeded,
        AsyncVisitRefusal::Erased => Code::SubjectErased,
    };
    let mut problem = Problem::new(code).detail(refusal);
    match refusal {
        AsyncVisitRefusal::VersionConflict { current } => problem.0.current_version = Some(current.get()),
        AsyncVisitRefusal::InvalidTransition { from, .. } => problem.0.current_status = Some(from.as_str()),
        AsyncVisitRefusal::ClaimedByAnother { until } => problem.0.claimed_until = Some(*until),
        AsyncVisitRefusal::NotTheClaimer { .. }
        | AsyncVisitRefusal::TooManyAddenda { .. }
        | AsyncVisitRefusal::Erased => {}
    }
    problem
}

pub(super) fn blocked(block: GateBlock) -> Problem {
    let code = match block {
        GateBlock::NotLicensed => Code::ModuleNotLicensed,
        GateBlock::RecordingDisabled => Code::RecordingDisabled,
        GateBlock::ConsentRequired(_) | GateBlock::ProviderConsentRequired(_) => Code::ConsentRequired,
        GateBlock::LicenceUnavailable(_) => Code::LicenceServiceUnavailable,
        GateBlock::ConsentUnavailable { .. } => Code::ConsentServiceUnavailable,
        GateBlock::VideoQuotaExceeded { .. } => Code::ProviderQuotaExceeded,
        GateBlock::VideoUnavailable(_) | GateBlock::VideoNotConfigured => Code::VideoProviderUnavailable,
    };
    let mut problem = Problem::new(code).detail(block);
    problem.0.gate = block.consent_gate().map(vcare_app::Gate::as_str);
    let asked = match block {
        GateBlock::VideoQuotaExceeded { retry_after } => retry_after,
        _ => None,
    };
    let seconds = asked.and_then(|asked| u32::try_from(asked.whole_seconds()).ok()).unwrap_or(5).clamp(1, 3600);
    if code.status() == 503 { problem.retry_after(seconds) } else { problem }
}

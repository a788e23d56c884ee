//! The gates in front of every visit. They fail closed: no answer is a no.

use std::fmt;

use time::Duration;
use tokio::join;
use vcare_domain::{NodeId, PatientId, TenantConfig, TenantId};

use crate::actor::{Scope, TraceContext};
use crate::app::{App, Neighbours};
use crate::authorisation::Permission;
use crate::error::AppError;
use crate::events::AuditEntry;
use crate::ports::{ConsentDecision, ConsentSubject, LicenceStatus, NeighbourError, StoreError, VideoError};

/// A consent that must be on file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Gate {
    /// For any visit.
    TelehealthConsent,
    /// For recording it.
    RecordingConsent,
    /// For having it written down by a machine.
    AiTranscription,
}

impl Gate {
    /// Every gate.
    pub const ALL: [Self; 3] = [Self::TelehealthConsent, Self::RecordingConsent, Self::AiTranscription];

    /// The gate's name in answers, events and towards access-policy.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TelehealthConsent => "telehealth_consent",
            Self::RecordingConsent => "recording_consent",
            Self::AiTranscription => "ai_transcription_consent",
        }
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a visit was not created, or something was not done in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GateBlock {
    /// The tenant has not licensed virtual care.
    #[error("virtual care is not licensed for this tenant")]
    NotLicensed,
    /// The licence service did not answer.
    #[error("the licence service did not answer")]
    LicenceUnavailable(#[source] NeighbourError),
    /// Consent is not on file.
    #[error("{0} is not on file")]
    ConsentRequired(Gate),
    /// The consent of one who cares is not on file.
    #[error("{0} of a provider in the visit is not on file")]
    ProviderConsentRequired(Gate),
    /// The consent service did not answer.
    #[error("the consent service did not answer")]
    ConsentUnavailable {
        /// The first gate that could not be asked.
        gate: Gate,
        /// What went wrong.
        #[source]
        cause: NeighbourError,
    },
    /// The tenant has its visits never recorded.
    #[error("this tenant's visits are not recorded")]
    RecordingDisabled,
    /// The video backend is not up.
    #[error("the video backend is not available")]
    VideoUnavailable(#[source] NeighbourError),
    /// The tenant's quota at its video provider is used up for now.
    #[error("the video provider's quota is used up")]
    VideoQuotaExceeded {
        /// How long the provider wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// The tenant has no video backend.
    #[error("no video backend is configured for this tenant")]
    VideoNotConfigured,
}

impl GateBlock {
    /// The consent gate that blocked, if one did: such a block is audited whatever its cause.
    #[must_use]
    pub const fn consent_gate(self) -> Option<Gate> {
        match self {
            Self::ConsentRequired(gate)
            | Self::ProviderConsentRequired(gate)
            | Self::ConsentUnavailable { gate, .. } => Some(gate),
            _ => None,
        }
    }

    /// A fixed word for metrics and audit entries.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NotLicensed => "not_licensed",
            Self::LicenceUnavailable(_) => "licence_unavailable",
            Self::ConsentRequired(_) => "consent_missing",
            Self::ProviderConsentRequired(_) => "provider_consent_missing",
            Self::ConsentUnavailable { .. } => "consent_unavailable",
            Self::RecordingDisabled => "recording_disabled",
            Self::VideoUnavailable(_) => "video_unavailable",
            Self::VideoQuotaExceeded { .. } => "video_quota_exceeded",
            Self::VideoNotConfigured => "video_not_configured",
        }
    }
}

/// What is asked of the gates.
pub(crate) struct Question<'a> {
    pub tenant: &'a TenantId,
    pub node: Option<&'a NodeId>,
    pub patient: &'a PatientId,
    pub consents: &'a [Gate],
    pub config: Option<&'a TenantConfig>,
    pub trace: &'a TraceContext,
}

/// Asks licence, consents and video health side by side, and answers in that order: the consents that are on file.
pub(crate) async fn pass(neighbours: &Neighbours, question: &Question<'_>) -> Result<Vec<ConsentDecision>, AppError> {
    let Question { tenant, node, patient, consents, config, trace } = question;
    let (licence, consent, video) = join!(
        neighbours.licence.check(tenant, *node, trace),
        neighbours.consent.check(tenant, ConsentSubject::Patient(patient), consents, trace),
        async {
            match config {
                Some(config) => neighbours.video.of(config.video_backend()).health(config, trace).await,
                None => Err(VideoError::NotConfigured),
            }
        },
    );
    metrics::gauge!("vcare_backend_health_check_success").set(if video.is_ok() { 1.0 } else { 0.0 });
    let outcome = licence_gate(licence).and_then(|()| consent_gates(consents, consent)).map_err(AppError::from);
    counted(outcome.and_then(|consents| video.map(|()| consents).map_err(AppError::from)))
}

/// The same for a visit that needs no room.
pub(crate) async fn pass_without_room(
    neighbours: &Neighbours,
    question: &Question<'_>,
) -> Result<Vec<ConsentDecision>, AppError> {
    let Question { tenant, node, patient, consents, trace, .. } = question;
    let (licence, consent) = join!(
        neighbours.licence.check(tenant, *node, trace),
        neighbours.consent.check(tenant, ConsentSubject::Patient(patient), consents, trace),
    );
    counted(licence_gate(licence).and_then(|()| consent_gates(consents, consent)).map_err(AppError::from))
}

fn counted<T>(outcome: Result<T, AppError>) -> Result<T, AppError> {
    let reason = match &outcome {
        Ok(_) => "passed",
        Err(AppError::Blocked(block)) => block.reason(),
        Err(_) => "keys_unavailable",
    };
    metrics::counter!("vcare_gate_outcomes_total", "outcome" => reason).increment(1);
    outcome
}

impl App {
    /// Leaves an audit entry of what a consent gate kept from happening to somebody; of other blocks, nothing.
    pub(crate) async fn audit_gate_block(
        &self,
        scope: &Scope,
        subject: ConsentSubject<'_>,
        attempted: Permission,
        block: GateBlock,
    ) -> Result<(), StoreError> {
        let entry = AuditEntry::consent_gate_blocked(block, subject, attempted, self.clock.now());
        let Some(entry) = entry else { return Ok(()) };
        let mut tx = self.store.begin("audit_gate_block", scope).await?;
        tx.audit(entry).await?;
        tx.commit().await
    }
}

fn licence_gate(answer: Result<LicenceStatus, NeighbourError>) -> Result<(), GateBlock> {
    match answer {
        Ok(LicenceStatus::Active) => Ok(()),
        Ok(LicenceStatus::Inactive) => Err(GateBlock::NotLicensed),
        Err(cause) => Err(GateBlock::LicenceUnavailable(cause)),
    }
}

/// The service may answer about other gates, or fewer: what was not granted by name is not granted. Answers the decisions.
pub(crate) fn consent_gates(
    asked: &[Gate],
    answer: Result<Vec<ConsentDecision>, NeighbourError>,
) -> Result<Vec<ConsentDecision>, GateBlock> {
    let first = asked.first().copied().unwrap_or(Gate::TelehealthConsent);
    let decisions = answer.map_err(|cause| GateBlock::ConsentUnavailable { gate: first, cause })?;
    let granted = |gate: &Gate| decisions.iter().any(|decision| decision.gate == *gate && decision.granted);
    match asked.iter().find(|gate| !granted(gate)) {
        Some(missing) => Err(GateBlock::ConsentRequired(*missing)),
        None => Ok(decisions),
    }
}

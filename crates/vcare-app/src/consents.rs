//! Evidence of consent: which consent, in which version, opened a gate for a visit.

use std::collections::BTreeMap;

use time::OffsetDateTime;
use vcare_domain::{ConsentId, ConsentVersion, PatientId, UserId, VisitId};

use crate::events::{AuditAction, AuditEntry, AuditOutcome};
use crate::gates::Gate;
use crate::ports::{ConsentDecision, ConsentSubject};
use crate::timestamp::Timestamp;

/// What access-policy has on file for a consent, as far as it says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConsentRecord {
    /// The consent's id, for example of a FHIR Consent.
    pub id: Option<ConsentId>,
    /// The version of its text or of the record.
    pub version: Option<ConsentVersion>,
    /// When it was given.
    pub given_at: Option<OffsetDateTime>,
}

/// Whose consent it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConsentHolder {
    /// The patient's.
    Patient(PatientId),
    /// A provider's.
    Provider(UserId),
}

/// A consent that opened a gate for a visit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReliedOnConsent {
    /// Whose it is.
    pub holder: ConsentHolder,
    /// The gate that it opened.
    pub gate: Gate,
    /// What is on file.
    pub record: ConsentRecord,
    /// When the gate was passed.
    pub at: OffsetDateTime,
}

impl ConsentHolder {
    /// The kind of holder in rows and audit entries: `patient` or `provider`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Patient(_) => "patient",
            Self::Provider(_) => "provider",
        }
    }

    /// The id of the patient, or of the provider's account.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Patient(patient) => patient.as_str(),
            Self::Provider(user) => user.as_str(),
        }
    }
}

impl From<ConsentSubject<'_>> for ConsentHolder {
    fn from(subject: ConsentSubject<'_>) -> Self {
        match subject {
            ConsentSubject::Patient(patient) => Self::Patient(patient.clone()),
            ConsentSubject::Provider(user) => Self::Provider(user.clone()),
        }
    }
}

/// The consents among decisions that opened a gate.
pub(crate) fn relied_on(
    subject: ConsentSubject<'_>,
    decisions: Vec<ConsentDecision>,
    at: OffsetDateTime,
) -> Vec<ReliedOnConsent> {
    let granted = decisions.into_iter().filter(|decision| decision.granted);
    let consent = |decision: ConsentDecision| ReliedOnConsent {
        holder: subject.into(),
        gate: decision.gate,
        record: decision.record,
        at,
    };
    granted.map(consent).collect()
}

impl AuditEntry {
    /// A consent opened a gate for a visit: `CONSENT_RELIED_ON`.
    #[must_use]
    pub fn consent_relied_on(visit: VisitId, consent: &ReliedOnConsent) -> Self {
        let ReliedOnConsent { holder, gate, record, at } = consent;
        let known = [
            ("consentId", record.id.as_ref().map(|id| id.as_str().to_owned())),
            ("consentVersion", record.version.as_ref().map(|version| version.as_str().to_owned())),
            ("consentedAt", record.given_at.and_then(|at| Timestamp(at).text())),
        ];
        let mut metadata = BTreeMap::from([("gate", gate.as_str().to_owned()), ("holder", holder.kind().to_owned())]);
        metadata.extend(known.into_iter().filter_map(|(name, value)| Some((name, value?))));
        Self {
            event_type: "CONSENT_RELIED_ON",
            resource_type: match visit {
                VisitId::Live(_) => "VirtualSession",
                VisitId::Async(_) => "AsyncVisit",
            },
            resource_id: visit.to_string(),
            action: AuditAction::Evaluate,
            outcome: AuditOutcome::Success,
            metadata,
            shown: Vec::new(),
            at: *at,
        }
    }
}

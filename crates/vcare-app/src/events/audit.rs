//! Audit entries: published as `virtual_care.audit.recorded.v1`.

use std::collections::BTreeMap;

use time::OffsetDateTime;
use vcare_domain::{
    AiDraftParts, DraftEvent, DraftState, EmergencyAccess, EventId, PatientId, Relation, SessionId, TenantId, VisitId,
};

use crate::access::Audited;
use crate::actor::Scope;
use crate::authorisation::Permission;
use crate::events::CloudEvent;
use crate::events::data::AuditRecorded;
use crate::gates::GateBlock;
use crate::ports::{ConsentSubject, JobKind, KeyPurpose, SecretName};

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditAction {
    /// A rule was evaluated.
    Evaluate,
    /// Something came to be.
    Create,
    /// Something was changed.
    Update,
    /// Something is no more.
    Delete,
    /// Somebody was shown something.
    Read,
}

/// How it came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditOutcome {
    /// It happened.
    Success,
    /// It was refused, or went wrong.
    Failure,
}

/// An entry for audit-service. Holds ids and fixed words only, but for why an operator requeued jobs.
#[derive(Debug, Clone)]
pub struct AuditEntry {
    /// What kind of thing happened.
    pub event_type: &'static str,
    /// On what kind of thing.
    pub resource_type: &'static str,
    /// On which.
    pub resource_id: String,
    /// What was done.
    pub action: AuditAction,
    /// How it came out.
    pub outcome: AuditOutcome,
    /// What explains it.
    pub metadata: BTreeMap<&'static str, String>,
    /// The ids of what was shown on a list.
    pub shown: Vec<String>,
    /// When.
    pub at: OffsetDateTime,
}

impl AuditOutcome {
    /// The outcome's name in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
        }
    }
}

impl AuditEntry {
    /// The subject of audit entries.
    pub const SUBJECT: &'static str = "virtual_care.audit.recorded.v1";

    /// A consent gate kept something from happening to somebody, whatever its cause; `None` for other blocks.
    #[must_use]
    pub fn consent_gate_blocked(
        block: GateBlock,
        subject: ConsentSubject<'_>,
        attempted: Permission,
        at: OffsetDateTime,
    ) -> Option<Self> {
        let (resource_type, resource_id) = match subject {
            ConsentSubject::Patient(patient) => ("Patient", patient.as_str()),
            ConsentSubject::Provider(user) => ("User", user.as_str()),
        };
        Some(Self {
            event_type: "CONSENT_GATE_BLOCKED",
            resource_type,
            resource_id: resource_id.to_owned(),
            action: AuditAction::Evaluate,
            outcome: AuditOutcome::Failure,
            metadata: BTreeMap::from([
                ("gate", block.consent_gate()?.as_str().to_owned()),
                ("reason", block.reason().to_owned()),
                ("attemptedAction", attempted.as_str().to_owned()),
            ]),
            shown: Vec::new(),
            at,
        })
    }

    /// Somebody is shown something, in that relation to it. `shown`: the ids of what is on a list.
    #[must_use]
    pub(crate) fn read(about: &Audited, relation: Option<Relation>, shown: Vec<String>, at: OffsetDateTime) -> Self {
        Self {
            event_type: "RECORD_READ",
            resource_type: about.kind,
            resource_id: about.id.clone(),
            action: AuditAction::Read,
            outcome: AuditOutcome::Success,
            metadata: relation.into_iter().map(|relation| ("relation", relation.as_str().to_owned())).collect(),
            shown,
            at,
        }
    }

    /// Somebody was refused something, or asked for what is not there or not theirs to know of.
    #[must_use]
    pub(crate) fn denied(about: &Audited, attempted: Permission, reason: &'static str, at: OffsetDateTime) -> Self {
        Self {
            event_type: "ACCESS_DENIED",
            resource_type: about.kind,
            resource_id: about.id.clone(),
            action: if attempted.is_read() { AuditAction::Read } else { AuditAction::Evaluate },
            outcome: AuditOutcome::Failure,
            metadata: BTreeMap::from([
                ("attemptedAction", attempted.as_str().to_owned()),
                ("reason", reason.to_owned()),
            ]),
            shown: Vec::new(),
            at,
        }
    }

    /// Somebody who does not care for the patient in a visit called it off or ended it.
    #[must_use]
    pub(crate) fn decided_by_staff(
        session: SessionId,
        permission: Permission,
        relation: Relation,
        at: OffsetDateTime,
    ) -> Self {
        Self {
            event_type: "VISIT_CHANGED_BY_STAFF",
            resource_type: "VirtualSession",
            resource_id: session.to_string(),
            action: AuditAction::Update,
            outcome: AuditOutcome::Success,
            metadata: BTreeMap::from([
                ("attemptedAction", permission.as_str().to_owned()),
                ("relation", relation.as_str().to_owned()),
            ]),
            shown: Vec::new(),
            at,
        }
    }

    /// A recording that was begun came to nothing.
    #[must_use]
    pub fn recording_failed(session: SessionId, started_at: Option<OffsetDateTime>, at: OffsetDateTime) -> Self {
        let started_at = started_at.map(|at| ("startedAtUnix", at.unix_timestamp().to_string()));
        Self {
            event_type: "RECORDING_FAILED",
            resource_type: "VirtualSession",
            resource_id: session.to_string(),
            action: AuditAction::Create,
            outcome: AuditOutcome::Failure,
            metadata: started_at.into_iter().collect(),
            shown: Vec::new(),
            at,
        }
    }

    /// Something was recorded although nobody had consented to it.
    #[must_use]
    pub fn recorded_without_consent(session: SessionId, at: OffsetDateTime) -> Self {
        Self {
            event_type: "RECORDED_WITHOUT_CONSENT",
            resource_type: "VirtualSession",
            resource_id: session.to_string(),
            action: AuditAction::Create,
            outcome: AuditOutcome::Success,
            metadata: BTreeMap::new(),
            shown: Vec::new(),
            at,
        }
    }

    /// A tenant's secret was set. Says which and in what version, and nothing of its value.
    #[must_use]
    pub fn secret_set(name: SecretName, version: u32, at: OffsetDateTime) -> Self {
        let action = if version == 1 { AuditAction::Create } else { AuditAction::Update };
        Self::of_secret("SECRET_SET", name.as_str(), action, Some(version), at)
    }

    /// A tenant's secret was removed.
    #[must_use]
    pub fn secret_removed(name: SecretName, at: OffsetDateTime) -> Self {
        Self::of_secret("SECRET_REMOVED", name.as_str(), AuditAction::Delete, None, at)
    }

    /// A derived key has a new version.
    #[must_use]
    pub fn key_rotated(purpose: KeyPurpose, version: u32, at: OffsetDateTime) -> Self {
        Self::of_secret("SECRET_ROTATED", purpose.as_str(), AuditAction::Update, Some(version), at)
    }

    /// The versions of a derived key before that one were ended.
    #[must_use]
    pub fn key_retired(purpose: KeyPurpose, version: u32, at: OffsetDateTime) -> Self {
        Self::of_secret("SECRET_RETIRED", purpose.as_str(), AuditAction::Delete, Some(version), at)
    }

    /// An operator was shown a derived secret.
    #[must_use]
    pub fn secret_revealed(purpose: KeyPurpose, version: u32, at: OffsetDateTime) -> Self {
        Self::of_secret("SECRET_REVEALED", purpose.as_str(), AuditAction::Read, Some(version), at)
    }

    fn of_secret(
        event_type: &'static str,
        which: &'static str,
        action: AuditAction,
        version: Option<u32>,
        at: OffsetDateTime,
    ) -> Self {
        Self {
            event_type,
            resource_type: "TenantSecret",
            resource_id: which.to_owned(),
            action,
            outcome: AuditOutcome::Success,
            metadata: version.into_iter().map(|version| ("version", version.to_string())).collect(),
            shown: Vec::new(),
            at,
        }
    }

    /// A tenant's settings were changed: by name.
    #[must_use]
    pub fn config_updated(tenant: &TenantId, changed_fields: &[&'static str], at: OffsetDateTime) -> Self {
        Self {
            event_type: "CONFIG_UPDATED",
            resource_type: "TenantConfig",
            resource_id: tenant.to_string(),
            action: AuditAction::Update,
            outcome: AuditOutcome::Success,
            metadata: BTreeMap::from([("changedCount", changed_fields.len().to_string())]),
            shown: Vec::new(),
            at,
        }
    }

    /// A tenant was deleted, with all that it had set.
    #[must_use]
    pub fn config_deleted(tenant: &TenantId, at: OffsetDateTime) -> Self {
        Self {
            event_type: "CONFIG_DELETED",
            resource_type: "TenantConfig",
            resource_id: tenant.to_string(),
            action: AuditAction::Delete,
            outcome: AuditOutcome::Success,
            metadata: BTreeMap::new(),
            shown: Vec::new(),
            at,
        }
    }

    /// Somebody took emergency access to a patient. Says which, at which visit, and why as a code; no note.
    #[must_use]
    pub fn emergency_access(access: &EmergencyAccess) -> Self {
        let visit = access.visit.map(|visit| ("visit", visit.to_string()));
        Self {
            event_type: "EMERGENCY_ACCESS",
            resource_type: "Patient",
            resource_id: access.patient_id.as_str().to_owned(),
            action: AuditAction::Read,
            outcome: AuditOutcome::Success,
            metadata: [("accessId", access.id.to_string()), ("reasonCode", access.reason.code.as_str().to_owned())]
                .into_iter()
                .chain(visit)
                .collect(),
            shown: Vec::new(),
            at: access.granted_at,
        }
    }

    /// Somebody took a job in hand: `JOB_REQUEUED` or `JOB_PARKED`.
    #[must_use]
    pub fn job(event_type: &'static str, session: SessionId, kind: JobKind, at: OffsetDateTime) -> Self {
        Self {
            event_type,
            resource_type: "Job",
            resource_id: kind.visit(session).to_string(),
            action: AuditAction::Update,
            outcome: AuditOutcome::Success,
            metadata: BTreeMap::from([("kind", kind.as_str().to_owned())]),
            shown: Vec::new(),
            at,
        }
    }

    /// The same, with why an operator did it.
    #[must_use]
    pub fn because(mut self, reason: Option<&str>) -> Self {
        self.metadata.extend(reason.map(|reason| ("reason", reason.to_owned())));
        self
    }

    /// An operator has a visit's Encounter written for another record of the patient.
    #[must_use]
    pub fn repointed(visit: VisitId, patient: &PatientId, at: OffsetDateTime) -> Self {
        let resource_type = match visit {
            VisitId::Live(_) => "VirtualSession",
            VisitId::Async(_) => "AsyncVisit",
        };
        Self {
            event_type: "ENCOUNTER_REPOINTED",
            resource_type,
            resource_id: visit.to_string(),
            action: AuditAction::Update,
            outcome: AuditOutcome::Success,
            metadata: BTreeMap::from([("patientId", patient.as_str().to_owned())]),
            shown: Vec::new(),
            at,
        }
    }

    /// Something happened to a machine's draft. Says what it is of and what it was made into, by hashes, and nothing of
    /// what is in it.
    #[must_use]
    pub fn ai_draft(draft: &AiDraftParts, event: DraftEvent, at: OffsetDateTime) -> Self {
        let (event_type, action, outcome) = match event {
            DraftEvent::Drafted => ("AI_SUMMARY_DRAFTED", AuditAction::Create, AuditOutcome::Success),
            DraftEvent::Accepted => ("AI_SUMMARY_ACCEPTED", AuditAction::Update, AuditOutcome::Success),
            DraftEvent::Declined => ("AI_SUMMARY_DECLINED", AuditAction::Delete, AuditOutcome::Success),
            DraftEvent::Expired => ("AI_SUMMARY_EXPIRED", AuditAction::Delete, AuditOutcome::Success),
            DraftEvent::Delivered => ("AI_SUMMARY_DELIVERED", AuditAction::Update, AuditOutcome::Success),
            DraftEvent::Parked => ("AI_SUMMARY_REFUSED_BY_CHART", AuditAction::Update, AuditOutcome::Failure),
        };
        let mut metadata = BTreeMap::from([
            ("sessionId", draft.session_id.to_string()),
            ("draftHash", draft.draft_hash.to_string()),
            ("transcriptHash", draft.transcript_hash.to_string()),
        ]);
        if let DraftState::Accepted { content_hash, human_edited, .. } = &draft.state {
            metadata.insert("contentHash", content_hash.to_string());
            metadata.insert("humanEdited", human_edited.to_string());
        }
        Self {
            event_type,
            resource_type: "AiDraft",
            resource_id: draft.id.to_string(),
            action,
            outcome,
            metadata,
            shown: Vec::new(),
            at,
        }
    }

    /// The entry as an event.
    #[must_use]
    pub fn into_event(self, id: EventId, scope: &Scope) -> CloudEvent<AuditRecorded> {
        let data = AuditRecorded {
            event_type: self.event_type,
            actor_id: scope.actor.id(),
            actor_type: scope.actor.kind(),
            resource_type: self.resource_type,
            resource_id: self.resource_id,
            action: match self.action {
                AuditAction::Evaluate => "EVALUATE",
                AuditAction::Create => "CREATE",
                AuditAction::Update => "UPDATE",
                AuditAction::Delete => "DELETE",
                AuditAction::Read => "READ",
            },
            outcome: match self.outcome {
                AuditOutcome::Success => "SUCCESS",
                AuditOutcome::Failure => "FAILURE",
            },
            metadata: self.metadata,
            resource_ids: self.shown,
        };
        CloudEvent::new(Self::SUBJECT, id, self.at, scope, data)
    }
}

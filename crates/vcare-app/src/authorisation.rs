//! Who may do what: the whole matrix, in one place. A golden file under `docs/` shows it.

use vcare_domain::PatientId;

use crate::actor::{Caller, Role};
use crate::error::AppError;

/// Something a signed-in caller may or may not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Create a visit.
    SessionCreate,
    /// Read visits: staff those of their tenant, patients their own.
    SessionRead,
    /// Invite further people, and issue join tokens.
    SessionInvite,
    /// Join as a provider.
    SessionJoin,
    /// Let people in from the waiting room.
    SessionAdmit,
    /// Put people out.
    SessionRemove,
    /// Call a visit off.
    SessionCancel,
    /// Go on in messages.
    SessionFallBack,
    /// End a visit.
    SessionEnd,
    /// Tell of one's own connection in a visit.
    ConnectionReport,
    /// Have one's own link probed.
    LinkProbe,
    /// Note that the consent to recording was withdrawn.
    RecordingWithdraw,
    /// Have what is said in a visit written down by a machine.
    AiTranscribe,
    /// Have a visit summed up by a machine.
    AiSummary,
    /// Decide whether a machine's summary goes into the chart.
    AiAcceptSummary,
    /// Send a visit without a live link: staff for any patient, patients for themselves.
    AsyncVisitSubmit,
    /// Read visits without a live link, and what was written in them: patients their own.
    AsyncVisitRead,
    /// Take such a visit up, give it back, answer it.
    AsyncVisitReview,
    /// Close such a visit.
    AsyncVisitClose,
    /// Upload attachments for async visits: staff for their patients, patients for themselves.
    AsyncVisitUpload,
    /// Read the tenant's settings.
    ConfigRead,
    /// Change the tenant's settings.
    ConfigWrite,
    /// Try the tenant's video backend.
    ConfigTest,
    /// See which visits lack their Encounter or charge.
    ReconciliationRead,
}

impl Permission {
    /// Every permission.
    pub const ALL: [Self; 24] = [
        Self::SessionCreate,
        Self::SessionRead,
        Self::SessionInvite,
        Self::SessionJoin,
        Self::SessionAdmit,
        Self::SessionRemove,
        Self::SessionCancel,
        Self::SessionFallBack,
        Self::SessionEnd,
        Self::ConnectionReport,
        Self::LinkProbe,
        Self::RecordingWithdraw,
        Self::AiTranscribe,
        Self::AiSummary,
        Self::AiAcceptSummary,
        Self::AsyncVisitSubmit,
        Self::AsyncVisitRead,
        Self::AsyncVisitReview,
        Self::AsyncVisitClose,
        Self::AsyncVisitUpload,
        Self::ConfigRead,
        Self::ConfigWrite,
        Self::ConfigTest,
        Self::ReconciliationRead,
    ];

    /// The permission's name, in the platform's spelling of scopes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SessionCreate => "virtual_care:session:create",
            Self::SessionRead => "virtual_care:session:read",
            Self::SessionInvite => "virtual_care:session:invite",
            Self::SessionJoin => "virtual_care:session:join",
            Self::SessionAdmit => "virtual_care:session:admit",
            Self::SessionRemove => "virtual_care:session:remove",
            Self::SessionCancel => "virtual_care:session:cancel",
            Self::SessionFallBack => "virtual_care:session:fall_back",
            Self::LinkProbe => "virtual_care:link:probe",
            Self::SessionEnd => "virtual_care:session:end",
            Self::ConnectionReport => "virtual_care:session:connection",
            Self::RecordingWithdraw => "virtual_care:recording:withdraw",
            Self::AiTranscribe => "virtual_care:ai:transcribe",
            Self::AiSummary => "virtual_care:ai:summary",
            Self::AiAcceptSummary => "virtual_care:ai:accept_summary",
            Self::AsyncVisitSubmit => "virtual_care:async_visit:create",
            Self::AsyncVisitRead => "virtual_care:async_visit:read",
            Self::AsyncVisitReview => "virtual_care:async_visit:review",
            Self::AsyncVisitClose => "virtual_care:async_visit:close",
            Self::AsyncVisitUpload => "virtual_care:async_visit:upload",
            Self::ConfigRead => "virtual_care:config:read",
            Self::ConfigWrite => "virtual_care:config:write",
            Self::ConfigTest => "virtual_care:config:test",
            Self::ReconciliationRead => "virtual_care:reconciliation:read",
        }
    }

    /// The roles that hold it.
    #[must_use]
    pub const fn roles(self) -> &'static [Role] {
        use Role::{Admin, Clinician, NursePractitioner, Patient, PlatformAdmin, Scheduler, TenantAdmin};
        match self {
            Self::SessionCreate | Self::SessionInvite | Self::SessionCancel => {
                &[Clinician, NursePractitioner, Scheduler, Admin]
            }
            Self::SessionRead | Self::LinkProbe => {
                &[Clinician, NursePractitioner, Scheduler, Admin, TenantAdmin, PlatformAdmin, Patient]
            }
            Self::SessionJoin => &[Clinician, NursePractitioner],
            Self::ConnectionReport => &[Clinician, NursePractitioner, Patient],
            Self::SessionAdmit | Self::SessionRemove | Self::SessionFallBack => &[Clinician, NursePractitioner, Admin],
            Self::SessionEnd => &[Clinician, Admin],
            // Whoever cares for the patient hears it from them; saying no to being recorded must never be hard.
            Self::RecordingWithdraw => &[Clinician, NursePractitioner, Admin],
            // Who answers for it is the author.
            Self::AiTranscribe | Self::AiSummary | Self::AiAcceptSummary => &[Clinician],
            // They are full of what patients wrote: only for those who care, and for the patient.
            Self::AsyncVisitSubmit | Self::AsyncVisitRead | Self::AsyncVisitUpload => {
                &[Clinician, NursePractitioner, Patient]
            }
            Self::AsyncVisitReview | Self::AsyncVisitClose => &[Clinician, NursePractitioner],
            Self::ConfigWrite => &[TenantAdmin, PlatformAdmin],
            Self::ConfigRead | Self::ConfigTest | Self::ReconciliationRead => &[Admin, TenantAdmin, PlatformAdmin],
        }
    }
}

impl Caller {
    /// Lets the caller pass if one of their roles holds the permission.
    ///
    /// # Errors
    /// [`AppError::Forbidden`].
    pub fn require(&self, permission: Permission) -> Result<(), AppError> {
        if permission.roles().iter().any(|role| self.roles.contains(role)) {
            Ok(())
        } else {
            Err(AppError::Forbidden { permission })
        }
    }

    /// Whether nobody but a patient holds the permission in them: then it is for what is their own.
    pub(crate) fn only_for_their_own(&self, permission: Permission) -> bool {
        let staff = |role: &Role| *role != Role::Patient && permission.roles().contains(role);
        !self.roles.iter().any(staff)
    }

    /// The only patient about whom the caller may use the permission; `None` for staff, who may use it about any patient of
    /// their tenant.
    pub(crate) fn own_patient(&self, permission: Permission) -> Result<Option<PatientId>, AppError> {
        if !self.only_for_their_own(permission) {
            return Ok(None);
        }
        let own = self.patient_id.clone().or_else(|| PatientId::parse(self.user_id.as_str()).ok());
        own.map(Some).ok_or(AppError::Forbidden { permission })
    }
}

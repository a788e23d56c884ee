//! What can be asked for: a permission for each kind of request.

use crate::access::Role;

/// Something a signed-in caller may or may not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Create a visit.
    SessionCreate,
    /// Read visits: staff those of their tenant, patients their own.
    SessionRead,
    /// Invite further people.
    SessionInvite,
    /// Issue somebody's join link.
    SessionLink,
    /// Join as a provider.
    SessionJoin,
    /// Let people in from the waiting room.
    SessionAdmit,
    /// Put people out.
    SessionRemove,
    /// Call a visit off.
    SessionCancel,
    /// Move a visit to another time.
    SessionReschedule,
    /// Note that the patient did not come.
    SessionNoShow,
    /// Say that one comes later than planned.
    SessionDelay,
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
    pub const ALL: [Self; 28] = [
        Self::SessionCreate,
        Self::SessionRead,
        Self::SessionInvite,
        Self::SessionLink,
        Self::SessionJoin,
        Self::SessionAdmit,
        Self::SessionRemove,
        Self::SessionCancel,
        Self::SessionReschedule,
        Self::SessionNoShow,
        Self::SessionDelay,
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
            Self::SessionLink => "virtual_care:session:join_token",
            Self::SessionJoin => "virtual_care:session:join",
            Self::SessionAdmit => "virtual_care:session:admit",
            Self::SessionRemove => "virtual_care:session:remove",
            Self::SessionCancel => "virtual_care:session:cancel",
            Self::SessionReschedule => "virtual_care:session:reschedule",
            Self::SessionNoShow => "virtual_care:session:no_show",
            Self::SessionDelay => "virtual_care:session:delay",
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

    /// The roles that can hold it. What somebody in such a role may do to one visit depends on their relation to it:
    /// [`super::Relation::permits`].
    #[must_use]
    pub const fn roles(self) -> &'static [Role] {
        use Role::{Admin, Clinician, NursePractitioner, Patient, PlatformAdmin, Scheduler, TenantAdmin};
        match self {
            Self::SessionCreate | Self::SessionInvite | Self::SessionReschedule | Self::SessionNoShow => {
                &[Clinician, NursePractitioner, Scheduler, Admin]
            }
            Self::SessionDelay => &[Patient],
            Self::SessionLink | Self::SessionCancel => &[Clinician, NursePractitioner, Scheduler, Admin, Patient],
            Self::SessionRead | Self::LinkProbe => {
                &[Clinician, NursePractitioner, Scheduler, Admin, TenantAdmin, PlatformAdmin, Patient]
            }
            Self::SessionJoin | Self::SessionRemove | Self::SessionFallBack => &[Clinician, NursePractitioner],
            Self::ConnectionReport => &[Clinician, NursePractitioner, Patient],
            Self::SessionAdmit | Self::SessionEnd => &[Clinician, NursePractitioner, Admin],
            // Who cares for the patient hears it from them, and the patient says it: it must never be hard.
            Self::RecordingWithdraw => &[Clinician, NursePractitioner, Patient],
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

    /// Whether it is about looking only. What somebody is shown depends on their closest relation, so that one is asked
    /// for even where a more distant one would do.
    #[must_use]
    pub const fn is_read(self) -> bool {
        matches!(self, Self::SessionRead | Self::AsyncVisitRead | Self::ConfigRead | Self::ReconciliationRead)
    }
}

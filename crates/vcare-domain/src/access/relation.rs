//! A person's relation to a visit or its patient.

use crate::access::{Permission, Role};
use crate::participant::ParticipantRole;

/// A caller's relation to a visit. Several may hold at once; the closest that permits the action counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Relation {
    /// The patient. Excludes every other relation: nobody may treat themselves.
    Own,
    /// A provider of the visit who was not removed, or the planned one; of an async visit, who has claimed or answered it.
    /// Closer than a proxy, so that a provider's own visits do not depend on access-policy.
    Treating,
    /// Acts for the patient, as access-policy says: a guardian, a mother for her child.
    Proxy,
    /// Sent an async visit for the patient.
    Submitter,
    /// Takes part without caring for the patient: an interpreter, an observer with an account.
    Invited,
    /// The patient is in this person's care, as access-policy says.
    Assigned,
    /// Has opened an emergency access to the patient.
    Emergency,
    /// A clinician or nurse practitioner, and the visit has no provider yet.
    Pool,
    /// Plans visits: schedulers and admins of all, and who created this one.
    Scheduling,
}

/// What a relation that is known elsewhere depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outside {
    /// access-policy: does the person act for the patient?
    Proxy,
    /// access-policy: is the patient in the person's care?
    Assigned,
    /// The store: has the person opened an emergency access to the patient?
    Emergency,
}

/// Who an answer is for. Each has a view of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Audience {
    /// The patient or a proxy: their own part.
    Patient,
    /// A participant who does not care for the patient: their own part, and the times.
    Guest,
    /// Those who plan visits: times, people and states; of reasons the codes, and nothing clinical.
    Scheduler,
    /// Those who may know everything about the patient, but are no provider of the visit.
    Staff,
    /// The providers of the visit.
    Treating,
}

impl Audience {
    /// The audience's name in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::Guest => "guest",
            Self::Scheduler => "scheduler",
            Self::Staff => "staff",
            Self::Treating => "treating",
        }
    }
}

impl Relation {
    /// Every relation, the closest first.
    pub const ALL: [Self; 9] = [
        Self::Own,
        Self::Treating,
        Self::Proxy,
        Self::Submitter,
        Self::Invited,
        Self::Assigned,
        Self::Emergency,
        Self::Pool,
        Self::Scheduling,
    ];

    /// The relation's name in audit entries and documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Own => "self",
            Self::Proxy => "proxy",
            Self::Treating => "treating",
            Self::Submitter => "submitter",
            Self::Invited => "invited",
            Self::Assigned => "assigned",
            Self::Emergency => "emergency",
            Self::Pool => "pool",
            Self::Scheduling => "scheduling",
        }
    }

    /// Who an answer is for in this relation.
    #[must_use]
    pub const fn audience(self) -> Audience {
        match self {
            Self::Own | Self::Proxy => Audience::Patient,
            Self::Treating => Audience::Treating,
            Self::Invited => Audience::Guest,
            Self::Submitter | Self::Assigned | Self::Emergency => Audience::Staff,
            Self::Pool | Self::Scheduling => Audience::Scheduler,
        }
    }

    /// What it depends on, when that is known elsewhere.
    #[must_use]
    pub const fn outside(self) -> Option<Outside> {
        match self {
            Self::Proxy => Some(Outside::Proxy),
            Self::Assigned => Some(Outside::Assigned),
            Self::Emergency => Some(Outside::Emergency),
            _ => None,
        }
    }

    /// Whether somebody in this role can stand in this relation to a visit at all.
    #[must_use]
    pub const fn is_for(self, role: Role) -> bool {
        match self {
            Self::Own | Self::Proxy => matches!(role, Role::Patient),
            Self::Treating | Self::Submitter | Self::Assigned | Self::Emergency | Self::Pool => {
                role.cares_for_patients()
            }
            Self::Invited => true,
            // Who cares for patients plans visits, too: those that they have created.
            Self::Scheduling => !matches!(role, Role::Patient),
        }
    }

    /// Whether somebody who may invite in this relation may invite to that role. Care for the patient is handed over by a
    /// provider of the visit or by who plans it; and only a provider of the visit may invite their own account.
    #[must_use]
    pub fn may_invite(self, role: ParticipantRole, own_account: bool) -> bool {
        match self {
            Self::Treating => true,
            Self::Assigned => role != ParticipantRole::Provider && !own_account,
            _ => !own_account,
        }
    }

    /// Whether somebody who may issue a join link in this relation may issue that participant's: patients and proxies only
    /// the patient's.
    #[must_use]
    pub fn may_issue_link_of(self, participant: ParticipantRole) -> bool {
        !matches!(self, Self::Own | Self::Proxy) || participant == ParticipantRole::Patient
    }

    /// Whether somebody who may issue a join link in this relation may say what its holder is called. Patients and proxies may
    /// not: in the video room a name says who somebody is.
    #[must_use]
    pub const fn may_name_people(self) -> bool {
        !matches!(self, Self::Own | Self::Proxy)
    }

    /// Whether somebody in this role and relation may use the permission. Whether the visit is in a state for it, the visit
    /// says.
    #[must_use]
    pub fn permits(self, role: Role, permission: Permission) -> bool {
        use Permission as P;
        let by_relation = match self {
            Self::Own | Self::Proxy => matches!(
                permission,
                P::SessionRead
                    | P::SessionLink
                    | P::SessionCancel
                    | P::SessionDelay
                    | P::ConnectionReport
                    | P::LinkProbe
                    | P::RecordingWithdraw
                    | P::AsyncVisitSubmit
                    | P::AsyncVisitRead
                    | P::AsyncVisitUpload
            ),
            Self::Treating => !matches!(
                permission,
                P::SessionCreate
                    | P::SessionDelay
                    | P::ConfigRead
                    | P::ConfigWrite
                    | P::ConfigTest
                    | P::ReconciliationRead
            ),
            Self::Submitter => matches!(permission, P::AsyncVisitRead | P::AsyncVisitUpload),
            Self::Invited => matches!(permission, P::SessionRead | P::ConnectionReport | P::LinkProbe),
            Self::Assigned => matches!(
                permission,
                P::SessionRead
                    | P::SessionInvite
                    | P::SessionLink
                    | P::SessionCancel
                    | P::SessionReschedule
                    | P::SessionNoShow
                    | P::AsyncVisitSubmit
                    | P::AsyncVisitRead
                    | P::AsyncVisitReview
            ),
            Self::Emergency => matches!(permission, P::SessionRead | P::SessionJoin | P::AsyncVisitRead),
            Self::Pool => {
                matches!(permission, P::SessionRead | P::SessionJoin | P::AsyncVisitRead | P::AsyncVisitReview)
            }
            Self::Scheduling => match permission {
                P::SessionRead
                | P::SessionInvite
                | P::SessionLink
                | P::SessionCancel
                | P::SessionReschedule
                | P::SessionNoShow => true,
                P::SessionAdmit | P::SessionEnd => matches!(role, Role::Admin),
                _ => false,
            },
        };
        by_relation && self.is_for(role) && permission.roles().contains(&role)
    }
}

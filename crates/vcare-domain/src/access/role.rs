//! What somebody is on the platform.

/// A role of the platform's identity provider. Roles that are not listed give no right and are dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Cares for patients.
    Clinician,
    /// Cares for patients.
    NursePractitioner,
    /// Plans visits.
    Scheduler,
    /// Runs a facility.
    Admin,
    /// Configures a tenant.
    TenantAdmin,
    /// Runs the platform.
    PlatformAdmin,
    /// Is cared for, or acts for somebody who is.
    Patient,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 7] = [
        Self::Clinician,
        Self::NursePractitioner,
        Self::Scheduler,
        Self::Admin,
        Self::TenantAdmin,
        Self::PlatformAdmin,
        Self::Patient,
    ];

    /// The role's name in tokens.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clinician => "clinician",
            Self::NursePractitioner => "nurse_practitioner",
            Self::Scheduler => "scheduler",
            Self::Admin => "admin",
            Self::TenantAdmin => "tenant_admin",
            Self::PlatformAdmin => "platform_admin",
            Self::Patient => "patient",
        }
    }

    /// The role of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// Whether somebody in this role can be the provider of a visit.
    #[must_use]
    pub const fn cares_for_patients(self) -> bool {
        matches!(self, Self::Clinician | Self::NursePractitioner)
    }
}

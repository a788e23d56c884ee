//! What a caller's roles and token say, before any visit is looked at. Their relation to one visit is decided in
//! [`crate::access`].

use vcare_domain::PatientId;

pub use vcare_domain::Permission;

use crate::actor::{Caller, Role};
use crate::error::AppError;

impl Caller {
    /// Lets the caller pass if one of their roles can hold the permission.
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

    /// The patient that the caller is.
    ///
    /// # Errors
    /// [`AppError::Forbidden`] when the token does not say which patient: the role alone does not.
    pub(crate) fn own_patient(&self, permission: Permission) -> Result<&PatientId, AppError> {
        self.patient_id.as_ref().ok_or(AppError::Forbidden { permission })
    }
}

//! Lists of visits hold only visits that the caller may see.

use vcare_domain::{AccessDecision, Known, PatientId, Permission, Relation, UserId, VisitFacts, decide_access};

use super::Access;
use crate::actor::Caller;
use crate::app::App;
use crate::error::AppError;

/// What a list is narrowed to before it is read. Each visit that is found is decided on by the access policy as well.
pub(crate) struct ListScope {
    /// Only visits of this patient; `None`: of every patient.
    pub patient_id: Option<PatientId>,
    /// Only visits with which this account has something to do; `None`: all of them.
    pub visible_to: Option<UserId>,
    /// What is known about the caller and the patient. Nothing more is asked for a list.
    pub known: Known,
}

impl Caller {
    /// Whether one of the caller's roles plans the visits of the whole tenant and gives them that permission.
    fn plans_all(&self, permission: Permission) -> bool {
        let plans = |role: &&_| Relation::Scheduling.permits(**role, permission);
        self.roles.iter().filter(plans).any(|role| !role.cares_for_patients())
    }

    /// How the caller may see a visit on a list; `None`: it is left out.
    pub(crate) fn access_on_list(
        &self,
        permission: Permission,
        visit: &VisitFacts<'_>,
        known: &Known,
    ) -> Option<Access> {
        match decide_access(&self.person(), permission, visit, known) {
            AccessDecision::Allowed(relation) => Some(Access { relation, related_person: None }),
            AccessDecision::Ask(_) | AccessDecision::Denied => None,
        }
    }
}

impl App {
    /// What a caller's list is narrowed to. `patient`: the one that they ask for, if any. `None`: the list is empty.
    ///
    /// # Errors
    /// [`AppError::Forbidden`] for a patient whose token does not say which patient they are.
    pub(crate) async fn list_scope(
        &self,
        caller: &Caller,
        permission: Permission,
        patient: Option<PatientId>,
    ) -> Result<Option<ListScope>, AppError> {
        let mut known = Known::NOTHING;
        if caller.only_for_their_own(permission) {
            let patient = match patient {
                Some(patient) => patient,
                None => caller.own_patient(permission)?.clone(),
            };
            if !caller.person().is_patient(&patient) {
                if self.acts_for(caller, &patient, permission).await.is_err() {
                    return Ok(None);
                }
                known.proxy = Some(true);
            }
            return Ok(Some(ListScope { patient_id: Some(patient), visible_to: None, known }));
        }
        let own = patient.as_ref().is_some_and(|patient| caller.person().is_patient(patient));
        let assigned = match &patient {
            Some(patient) if !own && caller.cares_for_patients() => self.is_assigned(caller, patient).await,
            _ => false,
        };
        known.assigned = Some(assigned);
        let all = own || assigned || caller.plans_all(permission);
        let visible_to = if all { None } else { Some(caller.user_id.clone()) };
        Ok(Some(ListScope { patient_id: patient, visible_to, known }))
    }
}

//! The decision.

use crate::access::{Outside, Permission, Relation, Role, VisitFacts};
use crate::text::{PatientId, UserId};

/// Somebody who signed in, as the policy sees them.
#[derive(Debug, Clone, Copy)]
pub struct Person<'a> {
    /// The account.
    pub user_id: &'a UserId,
    /// The patient they are, when their token says so. A patient's role alone says nothing of which patient that is.
    pub patient_id: Option<&'a PatientId>,
    /// What they are.
    pub roles: &'a [Role],
}

impl Person<'_> {
    /// Whether they are that patient.
    #[must_use]
    pub fn is_patient(&self, patient: &PatientId) -> bool {
        self.patient_id == Some(patient)
    }
}

/// What was learned elsewhere of a person and a patient; `None`: not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Known {
    /// Whether the person acts for the patient.
    pub proxy: Option<bool>,
    /// Whether the patient is in the person's care.
    pub assigned: Option<bool>,
    /// Whether the person has opened an emergency access to the patient.
    pub emergency: Option<bool>,
}

impl Known {
    /// Everything was asked, and no relation holds.
    pub const NOTHING: Self = Self { proxy: Some(false), assigned: Some(false), emergency: Some(false) };

    /// What is known to that question.
    #[must_use]
    pub const fn of(&self, outside: Outside) -> Option<bool> {
        match outside {
            Outside::Proxy => self.proxy,
            Outside::Assigned => self.assigned,
            Outside::Emergency => self.emergency,
        }
    }

    /// Notes an answer.
    pub const fn learn(&mut self, outside: Outside, holds: bool) {
        match outside {
            Outside::Proxy => self.proxy = Some(holds),
            Outside::Assigned => self.assigned = Some(holds),
            Outside::Emergency => self.emergency = Some(holds),
        }
    }
}

/// What the policy says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Yes, in that relation.
    Allowed(Relation),
    /// It depends on that. Ask, note the answer, decide again.
    Ask(Outside),
    /// No.
    Denied,
}

/// Decides whether somebody may use a permission on a visit.
///
/// The closest relation counts that permits it. For what only looks, a closer relation that is not known yet is asked for
/// first, as it decides what is shown; for everything else any relation that is known to hold will do.
#[must_use]
pub fn decide(person: &Person<'_>, permission: Permission, visit: &VisitFacts<'_>, known: &Known) -> Decision {
    let own = [Relation::Own];
    let candidates: &[Relation] = if person.is_patient(visit.patient) { &own } else { &Relation::ALL[1..] };
    let mut open = None;
    for relation in candidates {
        let mut roles = person.roles.iter().filter(|role| relation.permits(**role, permission)).peekable();
        if roles.peek().is_none() {
            continue;
        }
        let holds = match relation.outside() {
            Some(outside) => known.of(outside),
            None => Some(roles.any(|role| visit.holds(*relation, *role, person))),
        };
        match holds {
            Some(true) if open.is_none() || !permission.is_read() => return Decision::Allowed(*relation),
            Some(_) => {}
            None => open = open.or(relation.outside()),
        }
    }
    open.map_or(Decision::Denied, Decision::Ask)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A role never gets by a relation what the role cannot hold.
    #[test]
    fn a_relation_permits_nothing_that_the_role_cannot_hold() {
        for relation in Relation::ALL {
            for role in Role::ALL {
                for permission in Permission::ALL {
                    if relation.permits(role, permission) {
                        assert!(permission.roles().contains(&role), "{relation:?} {role:?} {permission:?}");
                    }
                }
            }
        }
    }

    /// Every permission on a visit is somebody's; a permission that nobody gets is a route that nobody can use.
    #[test]
    fn every_role_that_can_hold_a_permission_on_a_visit_gets_it_in_some_relation() {
        let elsewhere = [
            Permission::SessionCreate,
            Permission::ConfigRead,
            Permission::ConfigWrite,
            Permission::ConfigTest,
            Permission::ReconciliationRead,
        ];
        for permission in Permission::ALL.into_iter().filter(|permission| !elsewhere.contains(permission)) {
            for role in permission.roles() {
                let some = Relation::ALL.into_iter().any(|relation| relation.permits(*role, permission));
                assert!(some, "{role:?} never gets {permission:?}");
            }
        }
    }
}

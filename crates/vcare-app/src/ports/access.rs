//! A person's relation to a patient, as access-policy knows it.

use async_trait::async_trait;
use vcare_domain::{PatientId, RelatedPersonId, TenantId, UserId};

use crate::actor::TraceContext;
use crate::ports::NeighbourError;

/// What access-policy is asked about somebody and a patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskedRelation {
    /// The patient is in this person's care.
    Assigned,
    /// The person acts for the patient: a guardian, a mother for her child.
    Proxy,
}

/// A question to access-policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelationQuestion<'a> {
    /// The person.
    pub user: &'a UserId,
    /// The patient.
    pub patient: &'a PatientId,
    /// The relation.
    pub relation: AskedRelation,
}

/// What access-policy says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RelationAnswer {
    /// They do not have it.
    Denied,
    /// The patient is in their care.
    Assigned,
    /// They act for the patient.
    Proxy {
        /// What they are to the patient, in the chart.
        related_person: RelatedPersonId,
    },
}

/// The platform's access-policy.
#[async_trait]
pub trait AccessPolicy: Send + Sync {
    /// Asks whether a person has a relation to a patient. A valid answer confirms or denies the relation that was asked for;
    /// anything else is an error, and must not be taken as a yes.
    async fn evaluate(
        &self,
        tenant: &TenantId,
        question: &RelationQuestion<'_>,
        trace: &TraceContext,
    ) -> Result<RelationAnswer, NeighbourError>;
}

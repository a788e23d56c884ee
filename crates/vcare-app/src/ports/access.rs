//! Who stands how to a patient, by access-policy.

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
    /// About whom.
    pub user: &'a UserId,
    /// To whom they may stand in that relation.
    pub patient: &'a PatientId,
    /// The relation.
    pub relation: AskedRelation,
}

/// What access-policy says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RelationAnswer {
    /// They do not stand in it.
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
    /// Asks whether somebody stands in a relation to a patient. A good answer is about the relation that was asked for, or
    /// denies it; whatever else comes is an error, and nobody may take it for a yes.
    async fn evaluate(
        &self,
        tenant: &TenantId,
        question: &RelationQuestion<'_>,
        trace: &TraceContext,
    ) -> Result<RelationAnswer, NeighbourError>;
}

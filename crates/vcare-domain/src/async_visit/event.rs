//! What happened to a visit without a live link.

use crate::text::EncounterId;

/// A fact about a visit. Everything else a subscriber needs is read off the visit itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AsyncVisitEvent {
    /// It arrived.
    Submitted,
    /// A clinician took it up, or holds it for longer.
    Claimed,
    /// Who held it gave it back.
    Released,
    /// It was answered.
    Responded,
    /// Who answered added to the answer.
    AddendumAdded,
    /// It is over.
    Closed,
    /// The FHIR gateway refuses the Encounter as invalid; a person must look.
    EncounterParked,
    /// The Encounter is in the chart: the visit can be charged, once.
    Chargeable {
        /// The Encounter.
        encounter: EncounterId,
    },
}

//! What has become of a visit's FHIR Encounter.

use crate::text::{EncounterId, PatientId};

/// An Encounter as it is in the chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartedEncounter {
    /// Its id.
    pub id: EncounterId,
    /// Whose it is, where the chart said so: after a merge not the patient whom the visit was planned for.
    pub patient: Option<PatientId>,
}

impl From<EncounterId> for ChartedEncounter {
    /// One of the patient it was asked for.
    fn from(id: EncounterId) -> Self {
        Self { id, patient: None }
    }
}

/// The Encounter of an ended visit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EncounterRecord {
    /// Nothing took place: no Encounter, no charge. Final.
    NotRequired,
    /// Durable work is under way.
    Pending,
    /// The FHIR gateway refused it as invalid: a person must look. Can be taken up again.
    Parked,
    /// It stands in the chart, and the charge was emitted. Final.
    Created(EncounterId),
}

/// [`EncounterRecord`] without its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EncounterStatus {
    /// Nothing took place.
    NotRequired,
    /// Under way.
    Pending,
    /// A person must look.
    Parked,
    /// In the chart.
    Created,
}

impl EncounterStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::NotRequired, Self::Pending, Self::Parked, Self::Created];

    /// The status' name in answers and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotRequired => "not_required",
            Self::Pending => "pending",
            Self::Parked => "parked",
            Self::Created => "created",
        }
    }

    /// The status of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

impl EncounterRecord {
    /// The record without its data.
    #[must_use]
    pub const fn status(&self) -> EncounterStatus {
        match self {
            Self::NotRequired => EncounterStatus::NotRequired,
            Self::Pending => EncounterStatus::Pending,
            Self::Parked => EncounterStatus::Parked,
            Self::Created(_) => EncounterStatus::Created,
        }
    }

    /// The Encounter's id, once it is in the chart.
    #[must_use]
    pub const fn id(&self) -> Option<&EncounterId> {
        match self {
            Self::Created(id) => Some(id),
            Self::NotRequired | Self::Pending | Self::Parked => None,
        }
    }
}

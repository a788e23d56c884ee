//! Turns what happened to a visit without a live link into events.

use serde::Serialize;
use vcare_domain::{AsyncVisitEvent, AsyncVisitParts, EncounterId, EventId, Recorded, Response, UserId};

use crate::actor::Scope;
use crate::events::CloudEvent;
use crate::events::data::{
    AsyncVisitAddendumAdded, AsyncVisitChanged, AsyncVisitChargeable, AsyncVisitClaimed, AsyncVisitResponded,
    AsyncVisitSubmitted,
};
use crate::timestamp::Timestamp;

/// An event's subject and its finished bytes.
type Finished = (&'static str, Vec<u8>);

/// The published form of what happened; `None` for what cannot have happened to such a visit. `visit` is the visit after
/// the change.
///
/// # Errors
/// Only if JSON cannot be written, which is a fault of the types in [`crate::events::data`].
pub fn async_visit_event(
    visit: &AsyncVisitParts,
    recorded: &Recorded<AsyncVisitEvent>,
    id: EventId,
    scope: &Scope,
) -> Result<Option<Finished>, serde_json::Error> {
    let mapper = Mapper { visit, recorded, id, scope };
    mapper.map()
}

struct Mapper<'a> {
    visit: &'a AsyncVisitParts,
    recorded: &'a Recorded<AsyncVisitEvent>,
    id: EventId,
    scope: &'a Scope,
}

impl Mapper<'_> {
    fn map(&self) -> Result<Option<Finished>, serde_json::Error> {
        match &self.recorded.event {
            AsyncVisitEvent::Submitted => self.event("virtual_care.async_visit.submitted.v1", Some(self.submitted())),
            AsyncVisitEvent::Claimed => self.event("virtual_care.async_visit.claimed.v1", self.claimed()),
            AsyncVisitEvent::Released => self.event("virtual_care.async_visit.released.v1", Some(self.changed())),
            AsyncVisitEvent::Responded => self.event("virtual_care.async_visit.responded.v1", self.responded()),
            AsyncVisitEvent::AddendumAdded => {
                self.event("virtual_care.async_visit.addendum_added.v1", self.addendum_added())
            }
            AsyncVisitEvent::Closed => self.event("virtual_care.async_visit.closed.v1", Some(self.changed())),
            AsyncVisitEvent::EncounterParked => {
                self.event("virtual_care.async_visit.encounter.parked.v1", Some(self.changed()))
            }
            AsyncVisitEvent::Chargeable { encounter } => {
                self.event("virtual_care.billing.async_visit_chargeable.v1", self.chargeable(encounter))
            }
        }
    }

    fn event(&self, kind: &'static str, data: Option<impl Serialize>) -> Result<Option<Finished>, serde_json::Error> {
        let Some(data) = data else { return Ok(None) };
        let event = CloudEvent::new(kind, self.id, self.recorded.at, self.scope, data);
        Ok(Some((kind, serde_json::to_vec(&event)?)))
    }

    fn appointment_id(&self) -> Option<String> {
        self.visit.appointment_id.as_ref().map(ToString::to_string)
    }

    fn session_id(&self) -> Option<String> {
        self.visit.session_id.as_ref().map(ToString::to_string)
    }

    fn patient_id(&self) -> String {
        self.visit.patient_id.as_str().to_owned()
    }

    fn response(&self) -> Option<&Response> {
        self.visit.state.response()
    }

    fn submitted(&self) -> AsyncVisitSubmitted {
        let visit = self.visit;
        AsyncVisitSubmitted {
            async_visit_id: visit.id.to_string(),
            patient_id: self.patient_id(),
            appointment_id: self.appointment_id(),
            session_id: self.session_id(),
            client_mutation_id: visit.client_mutation_id.to_string(),
            submitted_by: account(&visit.submitted_by),
            attachments_expected: visit.attachments_expected,
            authored_at: Timestamp(visit.authored_at.unwrap_or(visit.submitted_at)),
            submitted_at: Timestamp(visit.submitted_at),
            version: visit.version.get(),
        }
    }

    fn claimed(&self) -> Option<AsyncVisitClaimed> {
        let claim = self.visit.state.claim()?;
        Some(AsyncVisitClaimed {
            async_visit_id: self.visit.id.to_string(),
            patient_id: self.patient_id(),
            provider_id: account(&claim.by),
            claimed_at: Timestamp(claim.claimed_at),
            claimed_until: Timestamp(claim.until),
            version: self.visit.version.get(),
        })
    }

    fn responded(&self) -> Option<AsyncVisitResponded> {
        let response = self.response()?;
        Some(AsyncVisitResponded {
            async_visit_id: self.visit.id.to_string(),
            patient_id: self.patient_id(),
            appointment_id: self.appointment_id(),
            session_id: self.session_id(),
            provider_id: account(&response.by),
            follow_up: response.advice.as_str(),
            responded_at: Timestamp(response.responded_at),
            version: self.visit.version.get(),
        })
    }

    fn addendum_added(&self) -> Option<AsyncVisitAddendumAdded> {
        let addenda = &self.response()?.addenda;
        let newest = addenda.last()?;
        Some(AsyncVisitAddendumAdded {
            async_visit_id: self.visit.id.to_string(),
            patient_id: self.patient_id(),
            provider_id: account(&newest.by),
            number: u32::try_from(addenda.len()).ok()?,
            added_at: Timestamp(newest.at),
            version: self.visit.version.get(),
        })
    }

    fn changed(&self) -> AsyncVisitChanged {
        AsyncVisitChanged {
            async_visit_id: self.visit.id.to_string(),
            patient_id: self.patient_id(),
            status: self.visit.state.status().as_str(),
            occurred_at: Timestamp(self.recorded.at),
            version: self.visit.version.get(),
        }
    }

    fn chargeable(&self, encounter: &EncounterId) -> Option<AsyncVisitChargeable> {
        let response = self.response()?;
        Some(AsyncVisitChargeable {
            async_visit_id: self.visit.id.to_string(),
            encounter_id: encounter.to_string(),
            patient_id: self.visit.encounter_patient().as_str().to_owned(),
            appointment_id: self.appointment_id(),
            session_id: self.session_id(),
            provider_id: account(&response.by),
            facility_id: self.visit.node_id.as_ref().map(ToString::to_string),
            started_at: Timestamp(response.claimed_at),
            ended_at: Timestamp(response.responded_at),
            duration_seconds: response.seconds(),
        })
    }
}

fn account(user: &UserId) -> String {
    user.as_str().to_owned()
}

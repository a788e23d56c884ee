//! Every event type the service publishes, with its JSON Schema and a sample.
//!
//! The schemas, the samples and an AsyncAPI document are generated from here into `contracts/events/`. A schema is strict,
//! so that the code cannot drift from it unseen; a subscriber must not be, and ignores what it does not know.

mod asyncapi;
mod samples;

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, RestrictFormats};
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

use crate::events::data::{
    AsyncVisitAddendumAdded, AsyncVisitChanged, AsyncVisitChargeable, AsyncVisitClaimed, AsyncVisitResponded,
    AsyncVisitSubmitted, AuditRecorded, ConfigUpdated, EmergencyAccessGranted, FallbackInitiated,
    FallbackThreadCreated, JoinTokenIssued, LinkChanged, MediaModeChanged, ParticipantChanged, ParticipantRemoved,
    PatientDelayed, RecordingAvailable, RecordingWithdrawn, SessionCancelled, SessionChanged, SessionChargeable,
    SessionCreated, SessionEnded, SessionNoShow, SessionRescheduled, SessionStarted, SubjectErased,
};
use crate::events::{AuditEntry, CONFIG_UPDATED, CloudEvent, EMERGENCY_ACCESS, SUBJECT_ERASED};

pub use asyncapi::asyncapi;
pub use samples::{SampleError, samples};

/// A published event type.
#[derive(Debug, Clone, Copy)]
pub struct EventType {
    /// Its CloudEvents `type`, which is also the subject it is published under.
    pub subject: &'static str,
    /// What happened, in three words.
    pub title: &'static str,
    /// What happened, in a sentence.
    pub description: &'static str,
    envelope: fn() -> Value,
}

/// Every published event type.
pub const EVENT_TYPES: [EventType; 36] = [
    event::<SessionCreated>(
        "virtual_care.session.created.v1",
        "Visit created",
        "A visit was created: all gates were passed and its room is reserved.",
    ),
    event::<ParticipantChanged>(
        "virtual_care.session.participant.invited.v1",
        "Participant invited",
        "A further person was invited to a visit.",
    ),
    event::<JoinTokenIssued>(
        "virtual_care.session.participant.join_token_issued.v1",
        "Join token issued",
        "A participant was given a new link; every older one of theirs is dead.",
    ),
    event::<ParticipantChanged>(
        "virtual_care.session.participant.joined.v1",
        "Participant joined",
        "Somebody came: to the waiting room, or back into the visit, or as its provider.",
    ),
    event::<ParticipantChanged>(
        "virtual_care.session.participant.admitted.v1",
        "Participant admitted",
        "Somebody was let in from the waiting room; `actorId` tells by whom.",
    ),
    event::<ParticipantRemoved>(
        "virtual_care.session.participant.removed.v1",
        "Participant removed",
        "Somebody was put out of a visit; `actorId` tells by whom, `reasonCode` why. The note stays in the service.",
    ),
    event::<ParticipantChanged>(
        "virtual_care.session.participant.disconnected.v1",
        "Participant disconnected",
        "Somebody in a visit lost the connection and may come back.",
    ),
    event::<LinkChanged>(
        "virtual_care.session.participant.link_changed.v1",
        "Participant's link changed",
        "Somebody's link carries more or less than before, or they asked for less.",
    ),
    event::<SessionStarted>(
        "virtual_care.session.started.v1",
        "Visit started",
        "The patient was admitted: the visit began.",
    ),
    event::<MediaModeChanged>(
        "virtual_care.session.media_mode.changed.v1",
        "Media mode changed",
        "A visit goes on in another medium: video, audio or messages.",
    ),
    event::<SessionCancelled>(
        "virtual_care.session.cancelled.v1",
        "Visit cancelled",
        "A visit was called off before it began; `reasonCode` tells why. The note stays in the service.",
    ),
    event::<SessionChanged>(
        "virtual_care.session.failed.v1",
        "Visit failed",
        "The connection was lost for longer than the reconnect window. The visit may be resumed for a while, a clinician may end it, \
         and it ends by itself after a day.",
    ),
    event::<SessionChanged>(
        "virtual_care.session.resumed.v1",
        "Visit resumed",
        "Patient or provider came back to a visit that had failed: it goes on, as the same visit.",
    ),
    event::<SessionRescheduled>(
        "virtual_care.session.rescheduled.v1",
        "Visit rescheduled",
        "A visit that has not begun was moved to another time. The links that were sent keep working.",
    ),
    event::<PatientDelayed>(
        "virtual_care.session.patient_delayed.v1",
        "Patient delayed",
        "The patient said that they come later than planned. A later one replaces it; rescheduling the visit revokes it.",
    ),
    event::<SessionNoShow>(
        "virtual_care.session.no_show.v1",
        "No-show",
        "The patient did not come, or what else `reasonCode` says. There is no Encounter and no charge.",
    ),
    event::<FallbackInitiated>(
        "virtual_care.session.fallback.initiated.v1",
        "Fallback initiated",
        "A visit goes on in messages. Create its thread under `idempotencyKey`, unless there is one under that key.",
    ),
    event::<FallbackThreadCreated>(
        "virtual_care.session.fallback.thread_created.v1",
        "Fallback thread created",
        "The thread is there in which a visit goes on. Once a visit.",
    ),
    event::<SessionChanged>(
        "virtual_care.session.fallback.parked.v1",
        "Fallback parked",
        "The communication-service refuses the visit's thread: a person must look.",
    ),
    event::<SessionEnded>(
        "virtual_care.session.ended.v1",
        "Visit ended",
        "A visit is over. Where something took place, its Encounter and its charge follow.",
    ),
    event::<RecordingWithdrawn>(
        "virtual_care.session.recording.withdrawn.v1",
        "Recording consent withdrawn",
        "The patient's consent to recording was withdrawn during the visit: nothing may be recorded from here on.",
    ),
    event::<RecordingAvailable>(
        "virtual_care.session.recording.available.v1",
        "Recording available",
        "A recording is finished, during the visit or after its end. Once a recording.",
    ),
    event::<SessionChanged>(
        "virtual_care.session.encounter.parked.v1",
        "Encounter parked",
        "The FHIR gateway refuses the visit's Encounter as invalid: a person must look.",
    ),
    event::<SessionChargeable>(
        "virtual_care.billing.session_chargeable.v1",
        "Visit chargeable",
        "The visit's Encounter is in the chart, and the visit can be charged. Once a visit.",
    ),
    event::<AsyncVisitSubmitted>(
        "virtual_care.async_visit.submitted.v1",
        "Async visit submitted",
        "A visit without a live link arrived: its patient waits for an answer. Once a draft, however often it is sent.",
    ),
    event::<AsyncVisitClaimed>(
        "virtual_care.async_visit.claimed.v1",
        "Async visit claimed",
        "A clinician took a visit without a live link up, or holds it for longer.",
    ),
    event::<AsyncVisitChanged>(
        "virtual_care.async_visit.released.v1",
        "Async visit released",
        "Who held a visit without a live link gave it back to the queue.",
    ),
    event::<AsyncVisitResponded>(
        "virtual_care.async_visit.responded.v1",
        "Async visit responded",
        "A clinician answered a visit without a live link. Its Encounter and its charge follow.",
    ),
    event::<AsyncVisitAddendumAdded>(
        "virtual_care.async_visit.addendum_added.v1",
        "Async visit's answer added to",
        "The clinician who answered a visit without a live link added to the answer. The answer itself stays as it is.",
    ),
    event::<AsyncVisitChanged>(
        "virtual_care.async_visit.closed.v1",
        "Async visit closed",
        "An answered visit without a live link is over.",
    ),
    event::<AsyncVisitChanged>(
        "virtual_care.async_visit.encounter.parked.v1",
        "Async visit's Encounter parked",
        "The FHIR gateway refuses the Encounter of a visit without a live link as invalid: a person must look.",
    ),
    event::<AsyncVisitChargeable>(
        "virtual_care.billing.async_visit_chargeable.v1",
        "Async visit chargeable",
        "The Encounter of a visit without a live link is in the chart, and the visit can be charged. Once a visit.",
    ),
    event::<ConfigUpdated>(
        CONFIG_UPDATED,
        "Settings changed",
        "A tenant's settings were changed: by name, never by value.",
    ),
    event::<EmergencyAccessGranted>(
        EMERGENCY_ACCESS,
        "Emergency access taken",
        "Somebody who does not care for a patient opened an emergency access to the patient for half an hour. Notify the \
         treating providers and compliance. Published once for each access.",
    ),
    event::<SubjectErased>(
        SUBJECT_ERASED,
        "Patient erased",
        "What was written about a patient was erased in this service. Erase what you hold of it, unless you must keep it. The \
         patient's visits stay as ids, times and states.",
    ),
    event::<AuditRecorded>(AuditEntry::SUBJECT, "Audit entry recorded", "Something happened that must be on record."),
];

const fn event<D: JsonSchema>(subject: &'static str, title: &'static str, description: &'static str) -> EventType {
    EventType { subject, title, description, envelope: schema_of::<CloudEvent<D>> }
}

impl EventType {
    /// The JSON Schema of the whole event, `data` and all.
    #[must_use]
    pub fn schema(&self) -> Value {
        let mut schema = (self.envelope)();
        schema["$id"] = json!(format!("urn:ghasi:virtual-care:event:{}", self.subject));
        schema["title"] = json!(self.title);
        schema["description"] = json!(self.description);
        for field in ["type", "subject"] {
            schema["properties"][field]["const"] = json!(self.subject);
        }
        schema
    }
}

fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let settings = settings.with(|settings| settings.inline_subschemas = true);
    // `uint32` is no format of JSON Schema; strict validators stumble over it.
    let settings = settings.with_transform(RestrictFormats::default()).with_transform(RecursiveTransform(never_null));
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// What there is not is left out of an event, never null.
fn never_null(schema: &mut Schema) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = &types[..] {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
}

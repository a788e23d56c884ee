//! A visit as a FHIR R4 Encounter.

use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use vcare_app::ports::{
    EncounterDraft, EncounterKind, EncounterPart, EncounterParticipant, Individual, Period, VirtualService,
};
use vcare_app::timestamp::Timestamp;
use vcare_domain::{ComplaintCode, MediaMode, VideoBackend};

/// The Encounter of a finished visit, as R4 has it: `class` is one Coding, `appointment` an array that is left out when
/// there is none, times have a zone. It has no `id`: some servers refuse a conditional create whose id differs from the
/// match.
#[must_use]
pub fn encounter_resource(draft: &EncounterDraft) -> Value {
    let mut encounter = Map::new();
    let mut set = |name: &str, value| encounter.insert(name.to_owned(), value);
    set("resourceType", json!("Encounter"));
    set("identifier", json!([{"system": draft.identifier_system, "value": draft.identifier_value}]));
    set("status", json!("finished"));
    set("class", coding("http://terminology.hl7.org/CodeSystem/v3-ActCode", "VR", "virtual"));
    set("subject", reference("Patient", draft.patient_id.as_str()));
    let types: Vec<Value> = std::iter::once(json!({"coding": [telemedicine()]}))
        .chain(draft.kinds.iter().map(|kind| json!({"coding": [kind_of(*kind)]})))
        .collect();
    set("type", Value::Array(types));
    if let Some(service) = &draft.virtual_service {
        set("extension", json!([virtual_service(service)]));
    }
    if let Some(reason) = &draft.reason {
        set("reasonCode", json!([{"coding": [reason_coding(reason)]}]));
    }
    let participants: Vec<Value> = draft.participants.iter().map(participant).collect();
    if !participants.is_empty() {
        set("participant", Value::Array(participants));
    }
    if let Some(appointment) = &draft.appointment_id {
        set("appointment", json!([reference("Appointment", appointment.as_str())]));
    }
    set("period", period(draft.period));
    if let Some(seconds) = draft.length_seconds {
        set("length", json!({"value": seconds, "unit": "s", "system": "http://unitsofmeasure.org", "code": "s"}));
    }
    if let Some(node) = &draft.node_id {
        set("serviceProvider", reference("Organization", node.as_str()));
    }
    Value::Object(encounter)
}

/// What every visit of ours is, in a code system that others know.
fn telemedicine() -> Value {
    coding("http://snomed.info/sct", "448337001", "Telemedicine consultation with patient (procedure)")
}

/// How it was held, in a code system of ours.
fn kind_of(kind: EncounterKind) -> Value {
    let (code, display) = match kind {
        EncounterKind::Live(MediaMode::Video) => ("video", "Video visit"),
        EncounterKind::Live(MediaMode::Audio) => ("audio", "Audio visit"),
        EncounterKind::Live(MediaMode::Message) => ("messages", "Visit in messages"),
        EncounterKind::StoreAndForward => ("store-and-forward", "Store-and-forward visit"),
    };
    coding("urn:ghasi:virtual-care:encounter-type", code, display)
}

/// R5's `Encounter.virtualService` as the extension that R4 has for it.
fn virtual_service(service: &VirtualService) -> Value {
    let (code, display) = match service.backend {
        VideoBackend::Jitsi => ("jitsi", "Jitsi Meet"),
        VideoBackend::Zoom => ("zoom", "Zoom"),
    };
    json!({
        "url": "http://hl7.org/fhir/5.0/StructureDefinition/extension-Encounter.virtualService",
        "extension": [
            {"url": "channelType", "valueCoding": coding("urn:ghasi:virtual-care:video-backend", code, display)},
            {"url": "address", "valueUrl": service.address.as_str()},
        ],
    })
}

/// Who took part by profession, and who acted for the patient, who is the subject. An interpreter is `translator`, the code
/// that R4's value set has for it; `TRANS` in v3-ParticipationType is a transcriber.
fn participant(person: &EncounterParticipant) -> Value {
    const PARTICIPATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";
    let individual = match &person.individual {
        Individual::Practitioner(user) => practitioner(user.as_str()),
        Individual::RelatedPerson(related) => reference("RelatedPerson", related.as_str()),
    };
    let part = match person.part {
        EncounterPart::PrimaryPerformer => coding(PARTICIPATION, "PPRF", "primary performer"),
        EncounterPart::SecondaryPerformer => coding(PARTICIPATION, "SPRF", "secondary performer"),
        EncounterPart::Translator => {
            coding("http://terminology.hl7.org/CodeSystem/participant-type", "translator", "Translator")
        }
        EncounterPart::Proxy => return json!({"period": period(person.period), "individual": individual}),
    };
    json!({"type": [{"coding": [part]}], "period": period(person.period), "individual": individual})
}

/// By reference when the account's id can be a FHIR id, else by identifier: one odd account name must not make the
/// whole Encounter invalid.
fn practitioner(user: &str) -> Value {
    if is_fhir_id(user) {
        reference("Practitioner", user)
    } else {
        json!({"type": "Practitioner", "identifier": {"system": "urn:ghasi:identity:user", "value": user}})
    }
}

fn reason_coding(reason: &ComplaintCode) -> Value {
    let mut coding = json!({"system": reason.system.as_str(), "code": reason.code.as_str()});
    if let Some(display) = &reason.display {
        coding["display"] = json!(display.as_str());
    }
    coding
}

fn coding(system: &str, code: &str, display: &str) -> Value {
    json!({"system": system, "code": code, "display": display})
}

fn reference(kind: &str, id: &str) -> Value {
    json!({ "reference": format!("{kind}/{id}") })
}

fn period(period: Period) -> Value {
    json!({"start": instant(period.start), "end": instant(period.end)})
}

fn instant(at: OffsetDateTime) -> Value {
    serde_json::to_value(Timestamp(at)).unwrap_or(Value::Null)
}

/// Whether a text is a FHIR id: 1 to 64 of letters, digits, `-` and `.`.
pub(crate) fn is_fhir_id(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.');
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use vcare_domain::{AppointmentId, HttpsUrl, NodeId, PatientId, UserId};

    use super::*;

    fn person(user: &str, part: EncounterPart) -> EncounterParticipant {
        let period = Period { start: datetime!(2026-11-23 10:00:05 UTC), end: datetime!(2026-11-23 10:20 UTC) };
        EncounterParticipant { individual: Individual::Practitioner(UserId::parse(user).unwrap()), part, period }
    }

    fn draft() -> EncounterDraft {
        EncounterDraft {
            identifier_system: "urn:ghasi:virtual-care:session",
            identifier_value: "0192f00d-0000-7000-8000-000000000001".to_owned(),
            patient_id: PatientId::parse("pat-1").unwrap(),
            reason: Some(
                ComplaintCode::restore("http://hl7.org/fhir/sid/icd-10".to_owned(), "R05".to_owned(), None).unwrap(),
            ),
            appointment_id: Some(AppointmentId::parse("appt-1").unwrap()),
            node_id: Some(NodeId::parse("node-1").unwrap()),
            kinds: vec![EncounterKind::Live(MediaMode::Video), EncounterKind::Live(MediaMode::Message)],
            virtual_service: Some(VirtualService {
                backend: VideoBackend::Zoom,
                address: HttpsUrl::parse("https://zoom.example/j/123").unwrap(),
            }),
            participants: vec![
                person("dr-9", EncounterPart::PrimaryPerformer),
                person("dr-10", EncounterPart::SecondaryPerformer),
                person("tr-1", EncounterPart::Translator),
            ],
            period: Period { start: datetime!(2026-11-23 14:30 +4:30), end: datetime!(2026-11-23 10:20 UTC) },
            length_seconds: Some(1200),
        }
    }

    #[test]
    fn a_visit_is_the_encounter_that_r4_validators_take() {
        let times = json!({"start": "2026-11-23T10:00:05.000Z", "end": "2026-11-23T10:20:00.000Z"});
        assert_eq!(
            encounter_resource(&draft()),
            json!({
                "resourceType": "Encounter",
                "identifier": [{
                    "system": "urn:ghasi:virtual-care:session",
                    "value": "0192f00d-0000-7000-8000-000000000001",
                }],
                "status": "finished",
                "class": {
                    "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "VR", "display": "virtual",
                },
                "type": [
                    {"coding": [{
                        "system": "http://snomed.info/sct", "code": "448337001",
                        "display": "Telemedicine consultation with patient (procedure)",
                    }]},
                    {"coding": [{
                        "system": "urn:ghasi:virtual-care:encounter-type", "code": "video", "display": "Video visit",
                    }]},
                    {"coding": [{
                        "system": "urn:ghasi:virtual-care:encounter-type", "code": "messages",
                        "display": "Visit in messages",
                    }]},
                ],
                "extension": [{
                    "url": "http://hl7.org/fhir/5.0/StructureDefinition/extension-Encounter.virtualService",
                    "extension": [
                        {"url": "channelType", "valueCoding": {
                            "system": "urn:ghasi:virtual-care:video-backend", "code": "zoom", "display": "Zoom",
                        }},
                        {"url": "address", "valueUrl": "https://zoom.example/j/123"},
                    ],
                }],
                "subject": {"reference": "Patient/pat-1"},
                "reasonCode": [{"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "R05"}]}],
                "participant": [
                    {
                        "type": [{"coding": [{
                            "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
                            "code": "PPRF", "display": "primary performer",
                        }]}],
                        "period": times,
                        "individual": {"reference": "Practitioner/dr-9"},
                    },
                    {
                        "type": [{"coding": [{
                            "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
                            "code": "SPRF", "display": "secondary performer",
                        }]}],
                        "period": times,
                        "individual": {"reference": "Practitioner/dr-10"},
                    },
                    {
                        "type": [{"coding": [{
                            "system": "http://terminology.hl7.org/CodeSystem/participant-type",
                            "code": "translator", "display": "Translator",
                        }]}],
                        "period": times,
                        "individual": {"reference": "Practitioner/tr-1"},
                    },
                ],
                "appointment": [{"reference": "Appointment/appt-1"}],
                "period": {"start": "2026-11-23T10:00:00.000Z", "end": "2026-11-23T10:20:00.000Z"},
                "length": {"value": 1200, "unit": "s", "system": "http://unitsofmeasure.org", "code": "s"},
                "serviceProvider": {"reference": "Organization/node-1"},
            })
        );
    }

    #[test]
    fn what_a_visit_did_not_have_is_left_out_and_not_empty() {
        let bare = EncounterDraft {
            reason: None,
            appointment_id: None,
            node_id: None,
            kinds: Vec::new(),
            virtual_service: None,
            participants: Vec::new(),
            length_seconds: None,
            ..draft()
        };
        let encounter = encounter_resource(&bare);
        for name in ["reasonCode", "appointment", "serviceProvider", "participant", "length", "extension", "id"] {
            assert!(encounter.get(name).is_none(), "{name}");
        }
    }

    #[test]
    fn an_account_whose_name_is_no_fhir_id_is_named_by_identifier() {
        let odd =
            EncounterDraft { participants: vec![person("dr:9@clinic", EncounterPart::PrimaryPerformer)], ..draft() };
        let individual = &encounter_resource(&odd)["participant"][0]["individual"];
        assert_eq!(individual["identifier"]["value"], "dr:9@clinic");
        assert!(individual.get("reference").is_none());
    }
}

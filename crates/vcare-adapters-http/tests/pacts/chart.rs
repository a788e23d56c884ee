//! patient-chart-service: a note, and the text that goes into it.

use serde_json::{Value, json};
use time::Duration;
use time::macros::datetime;
use uuid::Uuid;
use vcare_adapters_http::HttpChartNotes;
use vcare_app::ports::{ChartError, ChartNotes};
use vcare_domain::{
    AiDraft, AiDraftId, AiDraftParts, AiModel, ChartNote, ContentHash, Decision, Delivery, DraftState, HttpsUrl,
    KeyedHash, NewSession, NoteId, ParticipantId, PatientId, Room, RoomName, SUMMARY_TEMPLATE, Schedule, SealedText,
    SessionId, SummaryText, TextHashes, TimeZoneName, UserId, Version, VideoBackend, VirtualSession,
};
use vcare_testkit::pacts::{Interaction, Matcher, Request, Response, Rules};

use crate::contract::{Contract, ours};
use crate::kabul;
use crate::support::{client, neighbour, trace};

const TEXT: &str = "The cough is better.";
/// SHA-256 of it.
const HASH: [u8; 32] = [
    30, 83, 170, 171, 119, 38, 138, 53, 235, 19, 43, 5, 177, 219, 168, 237, 119, 239, 55, 167, 101, 167, 23, 217, 44,
    215, 152, 103, 232, 55, 209, 118,
];

/// The note of an accepted draft of that number.
fn note(number: u128) -> ChartNote {
    let now = datetime!(2026-11-23 10:00 UTC);
    let clinician = UserId::parse("dr-9").unwrap();
    let visit = NewSession {
        id: SessionId::from_uuid(Uuid::from_u128(100)),
        tenant_id: kabul(),
        node_id: None,
        patient_id: PatientId::parse("pat-1").unwrap(),
        patient_participant_id: ParticipantId::from_uuid(Uuid::from_u128(101)),
        appointment_id: None,
        provider: Some((clinician.clone(), ParticipantId::from_uuid(Uuid::from_u128(102)))),
        initiator_id: clinician.clone(),
        video_backend: VideoBackend::Jitsi,
        room: Room {
            name: RoomName::parse("kabul-abcdefgh").unwrap(),
            url: HttpsUrl::parse("https://meet.example/kabul-abcdefgh").unwrap(),
        },
        schedule: Schedule::plan(now, None, TimeZoneName::utc(), now).unwrap(),
        recording_enabled: false,
    };
    let visit = VirtualSession::create(visit, now);
    let sealed = SealedText { key_id: "key".to_owned(), bytes: vec![1; 40] };
    let hashes = TextHashes { content: ContentHash::from_bytes(HASH), keyed: KeyedHash::from_bytes([8; 32]) };
    let draft = AiDraft::restore(AiDraftParts {
        id: AiDraftId::from_uuid(Uuid::from_u128(number)),
        tenant_id: kabul(),
        session_id: visit.parts().id,
        requested_by: clinician.clone(),
        model: AiModel::parse("model-1").unwrap(),
        template: SUMMARY_TEMPLATE.to_owned(),
        transcript_hash: KeyedHash::from_bytes([9; 32]),
        draft_hash: hashes.keyed,
        state: DraftState::Accepted {
            decision: Decision { by: clinician, at: now },
            content_hash: hashes.keyed,
            human_edited: false,
            delivery: Delivery::Owed { text: sealed },
        },
        version: Version::FIRST,
        created_at: now,
        expires_at: now,
    });
    ChartNote::of(&draft, &visit, SummaryText::parse(TEXT).unwrap(), hashes).unwrap()
}

fn provenance() -> Value {
    let visit = SessionId::from_uuid(Uuid::from_u128(100));
    json!({
        "aiGenerated": true,
        "aiModel": "model-1",
        "aiTemplate": SUMMARY_TEMPLATE,
        "aiAcceptedBy": "dr-9",
        "aiAcceptedAt": "2026-11-23T10:00:00.000Z",
        "humanEdited": false,
        "contentHash": ContentHash::from_bytes(HASH).to_string(),
        "virtualSessionId": visit.to_string(),
        "encounterIdentifier": format!("urn:ghasi:virtual-care:session|{}", visit.as_uuid()),
    })
}

/// Its key is a UUID of its own; `key` is an example.
fn of_chart(path: &str, key: u128, body: Value) -> Request {
    ours("POST", path)
        .header("X-Tenant-Id", "kabul")
        .header("Idempotency-Key", &Uuid::from_u128(key).to_string())
        .body("application/json", body)
        .matching(Rules::new().header("Idempotency-Key", "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"))
}

fn create(key: u128) -> Request {
    let body = json!({"patientId": "pat-1", "title": "Summary of a virtual visit", "metadata": provenance()});
    of_chart("/v1/clinical-notes", key, body)
}

fn accept(key: u128) -> Request {
    let body = json!({
        "sectionKey": "summary",
        "feature": SUMMARY_TEMPLATE,
        "modelVersion": "model-1",
        "content": TEXT,
        "contentHash": ContentHash::from_bytes(HASH).to_string(),
        "metadata": provenance(),
    });
    of_chart("/v1/clinical-notes/note_1/ai-accepted", key, body)
        .path_of_state("/v1/clinical-notes/${noteId}/ai-accepted")
        .matching(Rules::new().path("^/v1/clinical-notes/[A-Za-z0-9_.-]+/ai-accepted$"))
}

fn made(status: u16) -> Response {
    Response::json(status, "application/json", json!({"data": {"noteId": "note_1"}}))
        .matching(Rules::new().body("$.data.noteId", Matcher::regex("^[A-Za-z0-9][A-Za-z0-9_.-]*$")))
}

fn refusal(status: u16) -> Response {
    Response::json(status, "application/json", json!({"error": {"code": "CODE"}}))
        .matching(Rules::new().body("$.error.code", Matcher::TYPE))
}

async fn written(port: u16, number: u128) -> Result<NoteId, ChartError> {
    let chart = HttpChartNotes::new(client(), neighbour(&format!("http://127.0.0.1:{port}")));
    chart.write(&note(number), Duration::seconds(5), &trace()).await
}

#[tokio::test]
async fn the_contract_with_the_chart_makes_a_note_and_puts_the_text_in() {
    let mut contract = Contract::with("patient-chart-service");
    let note = Interaction::new("a note for an accepted summary", create(1), made(201))
        .given("a patient has a chart", &json!({"patientId": "pat-1"}));
    let text = Interaction::new("the text of an accepted summary", accept(2), made(200))
        .given("a draft of a note is there", &json!({"patientId": "pat-1"}));
    let told = contract.says([note.clone(), text], async |port| written(port, 1).await);
    assert_eq!(told.await, Ok(NoteId::parse("note_1").unwrap()));

    let misused = Interaction::new("a note for an accepted summary", create(3), refusal(409))
        .given("an Idempotency-Key was used for another note", &json!({"key": Uuid::from_u128(3).to_string()}));
    let told = contract.says([misused], async |port| written(port, 2).await);
    assert_eq!(told.await, Err(ChartError::Refused { status: 409 }));

    let gone = Interaction::new("the text of an accepted summary", accept(4), refusal(404))
        .given("there is no such note", &json!({}));
    let told = contract.says([note, gone], async |port| written(port, 1).await);
    assert_eq!(told.await, Err(ChartError::Refused { status: 404 }));
    contract.must_be_committed();
}

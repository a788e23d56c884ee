//! communication-service: the thread in which a visit goes on.

use serde_json::json;
use time::Duration;
use uuid::Uuid;
use vcare_adapters_http::HttpMessagingThreads;
use vcare_app::ports::{MessagingThreads, NeighbourFault, ThreadDraft, ThreadError};
use vcare_domain::{PatientId, SessionId, ThreadId, UserId};
use vcare_testkit::pacts::{Interaction, Matcher, Response, Rules};

use crate::contract::{Contract, ours};
use crate::kabul;
use crate::support::{client, neighbour, trace};

fn refusal(status: u16, code: &str) -> Response {
    Response::json(status, "application/json", json!({"success": false, "error": {"code": code}}))
}

#[tokio::test]
async fn the_contract_with_communication_service_makes_a_thread_or_says_why_not() {
    let mut contract = Contract::with("communication-service");
    let thread = json!({"threadId": "thr_1"});
    let made = Response::json(201, "application/json", thread)
        .matching(Rules::new().body("$.threadId", Matcher::regex(r"^[A-Za-z0-9][A-Za-z0-9_.:-]*$")));
    let refused = |status, code| json!({"status": status, "code": code});
    let table = [
        (None, made, Ok(ThreadId::parse("thr_1").unwrap())),
        (
            Some(refused(422, "VALIDATION_ERROR")),
            refusal(422, "VALIDATION_ERROR"),
            Err(ThreadError::Refused { reason: "invalid" }),
        ),
        (
            Some(refused(403, "MODULE_NOT_LICENSED")),
            refusal(403, "MODULE_NOT_LICENSED"),
            Err(ThreadError::Refused { reason: "not_licensed" }),
        ),
    ];
    for ((state, response, expected), number) in table.into_iter().zip(1..) {
        let interaction = interaction(number, response);
        let interaction = match &state {
            Some(params) => interaction.given("new threads are refused", params),
            None => interaction.given("new threads are taken", &json!({})),
        };
        assert_eq!(contract.says([interaction], async |port| made_at(port, number).await).await, expected);
    }
    let denied = interaction(4, refusal(403, "FORBIDDEN")).given("new threads are refused", &refused(403, "FORBIDDEN"));
    let told = contract.says([denied], async |port| made_at(port, 4).await).await;
    let Err(ThreadError::Unavailable(error)) = told else { panic!("it heals: {told:?}") };
    assert_eq!(error.fault, NeighbourFault::Status(403));
    contract.must_be_committed();
}

fn key(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn interaction(number: u128, response: Response) -> Interaction {
    let request = ours("POST", "/v1/communication/threads")
        .header("Idempotency-Key", &key(number).to_string())
        .header("X-Tenant-Id", "kabul")
        .body(
            "application/json",
            json!({
                "participantIds": ["dr-9", "usr-1"], "patientId": "pat-1", "subject": "Telehealth visit",
                "sessionId": "vsn_00000000000000000000000001",
            }),
        );
    Interaction::new("a thread for a visit", request, response)
}

async fn made_at(port: u16, number: u128) -> Result<ThreadId, ThreadError> {
    let draft = ThreadDraft {
        idempotency_key: key(number),
        session_id: SessionId::from_uuid(Uuid::from_u128(1)),
        participant_ids: vec![UserId::parse("dr-9").unwrap(), UserId::parse("usr-1").unwrap()],
        patient_id: PatientId::parse("pat-1").unwrap(),
        subject: "Telehealth visit",
    };
    let threads = HttpMessagingThreads::new(client(), neighbour(&format!("http://127.0.0.1:{port}")));
    threads.create_thread(&kabul(), &draft, Duration::seconds(5), &trace()).await
}

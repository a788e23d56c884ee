//! The communication-service: a thread, a refusal that a person must look at, or something that heals.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use support::{Reply, Request, Stub, answer, client, json, neighbour, trace};
use time::Duration;
use uuid::Uuid;
use vcare_adapters_http::HttpMessagingThreads;
use vcare_app::ports::{MessagingThreads, NeighbourFault, ThreadDraft, ThreadError};
use vcare_domain::{PatientId, SessionId, TenantId, ThreadId, UserId};

const GOOD: &str = r#"{"threadId":"thr_1","createdAt":"2026-03-01T09:00:00Z","participantIds":["usr_1"]}"#;

fn draft() -> ThreadDraft {
    ThreadDraft {
        idempotency_key: Uuid::from_u128(7),
        session_id: SessionId::from_uuid(Uuid::from_u128(1)),
        participant_ids: vec![UserId::parse("usr_1").unwrap(), UserId::parse("usr_2").unwrap()],
        patient_id: PatientId::parse("pat-1").unwrap(),
        subject: "Telehealth visit",
    }
}

async fn asked(reply: Reply) -> (Result<ThreadId, ThreadError>, Vec<Request>) {
    let stub = Stub::replying(vec![reply]).await;
    let threads = HttpMessagingThreads::new(client(), neighbour(&stub.url()));
    let tenant = TenantId::parse("kabul").unwrap();
    (threads.create_thread(&tenant, &draft(), Duration::seconds(5), &trace()).await, stub.requests())
}

fn refusal(status: &str, code: &str) -> Reply {
    let body = format!(r#"{{"success":false,"error":{{"code":"{code}","message":"no","details":null}}}}"#);
    json(status, &body)
}

#[tokio::test]
async fn a_thread_is_asked_for_under_its_key() {
    for status in ["201 Created", "200 OK"] {
        let (thread, requests) = asked(json(status, GOOD)).await;
        assert_eq!(thread, Ok(ThreadId::parse("thr_1").unwrap()));
        let [request] = &requests[..] else { panic!("asked {} times", requests.len()) };
        assert_eq!(request.line, "POST /v1/communication/threads HTTP/1.1");
        assert_eq!(request.header("idempotency-key"), Some("00000000-0000-0000-0000-000000000007"));
        assert_eq!(request.header("x-tenant-id"), Some("kabul"));
        let body: serde_json::Value = serde_json::from_str(&request.body).unwrap();
        let expected = serde_json::json!({
            "participantIds": ["usr_1", "usr_2"], "patientId": "pat-1", "subject": "Telehealth visit",
            "sessionId": "vsn_00000000000000000000000001",
        });
        assert_eq!(body, expected);
    }
}

#[tokio::test]
async fn what_cannot_heal_is_told_from_what_does() {
    for (status, code, reason) in [
        ("400 Bad Request", "VALIDATION_ERROR", "invalid"),
        ("422 Unprocessable Entity", "VALIDATION_ERROR", "invalid"),
        ("403 Forbidden", "MODULE_NOT_LICENSED", "not_licensed"),
    ] {
        assert_eq!(asked(refusal(status, code)).await.0, Err(ThreadError::Refused { reason }), "{status}");
    }
    for (status, code, number) in [
        ("403 Forbidden", "FORBIDDEN", 403),
        ("401 Unauthorized", "UNAUTHORIZED", 401),
        ("404 Not Found", "NOT_FOUND", 404),
        ("409 Conflict", "CONFLICT", 409),
        ("429 Too Many Requests", "RATE_LIMITED", 429),
        ("503 Service Unavailable", "DEPENDENCY_UNAVAILABLE", 503),
    ] {
        let Err(ThreadError::Unavailable(error)) = asked(refusal(status, code)).await.0 else { panic!("{status}") };
        assert_eq!((error.neighbour, error.fault), ("communication", NeighbourFault::Status(number)));
    }
}

#[tokio::test]
async fn an_answer_that_names_no_thread_is_none() {
    let ten_megabytes = "x".repeat(10 * 1024 * 1024);
    for (what, reply) in [
        ("HTML", answer("200 OK\r\ncontent-type: text/html", "<h1>Please sign in</h1>")),
        ("HTML for a refusal", answer("403 Forbidden\r\ncontent-type: text/html", "<h1>MODULE_NOT_LICENSED</h1>")),
        ("half JSON", json("201 Created", &GOOD[..20])),
        ("no thread", json("201 Created", "{}")),
        ("an odd thread", json("201 Created", r#"{"threadId":"../x y"}"#)),
        ("no content", json("204 No Content", "")),
        ("a redirect", answer("302 Found\r\nlocation: http://127.0.0.1/", "")),
        ("10 MB", json("201 Created", &ten_megabytes)),
        ("nothing", Reply::Close),
    ] {
        let error = asked(reply).await.0.unwrap_err();
        assert!(matches!(error, ThreadError::Unavailable(_)), "{what}: {error:?}");
        assert!(!error.to_string().contains("sign in"), "{error}");
    }
}

//! Why a visit goes on in messages: for those who care for the patient, and for nobody else.

use serde_json::{Value, json};

use crate::support::TestApp;

const WHY: &str = "د ناروغ مور نه اوري";

#[tokio::test(flavor = "multi_thread")]
async fn us_008_those_who_treat_the_patient_see_the_reason_and_nobody_else_does() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let path = visit.path("/fallback-message");
    app.post(&app.token("clinician"), &path, &json!({"reason": WHY})).await.expect(200);
    assert_eq!(app.read(&visit).await["messagingReason"], WHY);
    app.invite_colleague(&visit, "nurse_practitioner-1").await;
    let read = app.get(&app.token("nurse_practitioner"), &visit.path("")).await.expect(200);
    assert_eq!(read.body["messagingReason"], WHY);
    for role in ["patient", "scheduler"] {
        let read = app.get(&app.token(role), &visit.path("")).await.expect(200);
        assert!(read.body.get("messagingReason").is_none(), "{role}: {}", read.body);
    }
    let carries = format!("%{WHY}%");
    let query = "SELECT count(*) FROM outbox WHERE convert_from(body, 'UTF8') LIKE $1";
    let events = app.database.query_one(query, &[&carries]).await.unwrap();
    assert_eq!(events.get::<_, i64>(0), 0, "no event carries it");
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_a_reason_may_be_left_out_and_a_wrong_one_changes_nothing() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let path = visit.path("/fallback-message");
    for wrong in [json!(""), json!("x".repeat(501)), json!("a\u{1b}[31m")] {
        let refused = app.post(&app.token("clinician"), &path, &json!({"reason": wrong})).await;
        let refused = refused.refused(400, "VALIDATION_ERROR");
        assert_eq!(refused.body["errors"][0]["pointer"], "/reason", "{}", refused.body);
    }
    assert!(app.standins.threads().is_empty());
    app.fall_back(&visit).await.expect(200);
    assert_eq!(app.read(&visit).await["messagingReason"], Value::Null);
}

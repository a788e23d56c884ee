//! Further people are invited.

use serde_json::{Value, json};
use time::Duration;
use vcare_domain::TenantConfigDraft;

use crate::support::{TENANT, TestApp, scope};

const INVITED: &str = "virtual_care.session.participant.invited.v1";

#[tokio::test(flavor = "multi_thread")]
async fn an_interpreter_is_invited_comes_by_link_and_waits_like_a_patient() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let invited = app.invite(&visit, &json!({"role": "interpreter", "userId": "tr-1"})).await.expect(201);
    // The visit was changed, not created.
    assert_eq!((invited.header("location"), invited.header("etag")), ("", "\"2\""));
    let interpreter = invited.body["participants"].as_array().unwrap().last().unwrap();
    assert_eq!((&interpreter["role"], &interpreter["status"]), (&json!("interpreter"), &json!("invited")));
    assert_eq!(interpreter["userId"], "tr-1");
    let id = interpreter["id"].as_str().unwrap();
    let event = app.only_event(INVITED).await;
    assert_eq!((&event["data"]["participantId"], &event["data"]["role"]), (&json!(id), &json!("interpreter")));

    let token = app.join_token_of(&visit, id).await;
    assert_eq!(app.join(&token).await.expect(200).body["destination"], "waiting_room");
    let joined = app.only_event("virtual_care.session.participant.joined.v1").await;
    assert_eq!(
        (&joined["data"]["role"], &joined["data"]["participantStatus"]),
        (&json!("interpreter"), &json!("waiting"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_invited_already_in_that_role_is_not_invited_twice() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let wish = json!({"role": "interpreter", "userId": "tr-1"});
    let first = app.invite(&visit, &wish).await.expect(201).body;
    assert_eq!(app.invite(&visit, &wish).await.expect(201).body, first);
    app.only_event(INVITED).await;
    // People without an account cannot be told apart: each is one more.
    app.invite(&visit, &json!({"role": "observer"})).await.expect(201);
    let all = app.invite(&visit, &json!({"role": "observer"})).await.expect(201).body;
    assert_eq!(all["participants"].as_array().unwrap().len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_provider_is_invited_by_account_and_signs_in() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    app.invite(&visit, &json!({"role": "provider"})).await.names_field("userId");
    app.invite(&visit, &json!({"role": "surgeon"})).await.names_field("role");
    app.invite(&visit, &json!({"role": "provider", "userId": "clinician-2"})).await.expect(201);
    let joined = app.come(&app.other_clinician(), &visit).await.expect(200).body;
    assert_eq!(
        (&joined["participant"]["userId"], &joined["participant"]["status"]),
        (&json!("clinician-2"), &json!("active"))
    );
    // The visit is still its first provider's.
    assert_eq!(app.read(&visit).await["providerId"], "clinician-1");
    assert_eq!(app.read(&visit).await["participants"].as_array().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_has_one_patient_from_the_start() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    app.invite(&visit, &json!({"role": "patient"})).await.refused(409, "PATIENT_ALREADY_INVITED");
    assert_eq!(app.read(&visit).await["version"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_visit_takes_nobody_more_until_somebody_is_put_out() {
    let app = TestApp::start().await;
    let mut settings = TenantConfigDraft::new(app.standins.jitsi_url(), "kabul");
    settings.max_participants = 3;
    app.app.set_tenant_config(&scope(TENANT), settings).await.unwrap();
    let visit = app.visit().await;
    let interpreter = app.interpreter(&visit).await;
    app.invite(&visit, &json!({"role": "observer"})).await.refused(422, "MAX_PARTICIPANTS_EXCEEDED");
    app.come_in_emergency(&app.other_clinician(), &visit).await.refused(422, "MAX_PARTICIPANTS_EXCEEDED");
    app.remove(&visit, &interpreter, "not needed").await.expect(200);
    app.invite_colleague(&visit, "clinician-2").await;
    app.come(&app.other_clinician(), &visit).await.expect(200);
    // Their place is taken.
    let path = visit.path(&format!("/participants/{interpreter}/join-token"));
    app.post(&app.token("clinician"), &path, &json!({})).await.refused(422, "MAX_PARTICIPANTS_EXCEEDED");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_invited_to_a_visit_that_is_over() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    app.clock.advance(Duration::MINUTE);
    app.end(&visit).await.expect(200);
    let answer = app.invite(&visit, &json!({"role": "observer"})).await.refused(409, "INVALID_STATUS_TRANSITION");
    assert_eq!(answer.body["currentStatus"], "ended");
    assert_eq!(answer.body.get("errors"), None::<&Value>);
}

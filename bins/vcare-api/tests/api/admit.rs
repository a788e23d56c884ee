//! VCARE-US-003: let somebody in from the waiting room.

use serde_json::{Value, json};
use time::Duration;

use crate::support::{TENANT, TestApp, VideoUrl};

const STARTED: &str = "virtual_care.session.started.v1";
const ADMITTED: &str = "virtual_care.session.participant.admitted.v1";

#[tokio::test(flavor = "multi_thread")]
async fn us_003_a_waiting_patient_is_admitted_and_the_session_begins() {
    let app = TestApp::start().await;
    let (visit, _) = app.waiting_visit().await;
    app.clock.advance(Duration::minutes(2));
    let admitted = app.admit(&visit).await.expect(200).body;
    assert_eq!(admitted["participant"]["id"], visit.patient.as_str());
    assert_eq!(admitted["participant"]["status"], "admitted");
    assert_eq!(admitted["version"], 4);
    let session = app.read(&visit).await;
    assert_eq!((&session["status"], &session["actualStart"]), (&json!("active"), &json!(app.minutes_ahead(0))));
    assert_eq!(session["segments"], json!([{"mode": "video", "start": app.minutes_ahead(0), "cause": "started"}]));
    // Who admits is there by it.
    assert_eq!(app.participant(&visit, &visit.provider).await["status"], "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn us_003_the_video_url_holds_a_token_that_jitsi_takes() {
    let app = TestApp::start().await;
    let (visit, _) = app.waiting_visit().await;
    let url = app.admit(&visit).await.expect(200).text("videoJoinUrl");
    let session = app.read(&visit).await;
    let room = session["roomUrl"].as_str().unwrap();
    assert!(url.starts_with(&format!("{room}#jwt=%22ey")) && !url.contains('?'), "{url}");
    let video = VideoUrl::read(TENANT, &url).await;
    assert_eq!(video.room, room);
    let now = app.now().unix_timestamp();
    assert_eq!(
        video.claims,
        json!({
            "iss": "vcare", "aud": "vcare", "sub": "meet.jitsi", "room": session["roomName"],
            // Prosody allows no leeway for clocks that differ; planned end and an hour.
            "nbf": now - 30, "iat": now, "exp": now + 2 * 60 * 60,
            "context": {
                "user": {"id": visit.provider, "moderator": true},
                "features": {"recording": false, "transcription": false, "livestreaming": false},
            },
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn us_003_who_does_not_wait_cannot_be_admitted() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let answer = app.admit(&visit).await.refused(409, "PARTICIPANT_NOT_IN_WAITING_ROOM");
    assert_eq!(answer.body["currentStatus"], "invited");
    let token = app.join_token(&visit).await;
    app.join(&token).await.expect(200);
    app.admit(&visit).await.expect(200);
    let answer = app.admit(&visit).await.refused(409, "PARTICIPANT_NOT_IN_WAITING_ROOM");
    assert_eq!(answer.body["currentStatus"], "admitted");
    app.remove(&visit, &visit.patient, "wrong link").await.expect(200);
    let answer = app.admit(&visit).await.refused(409, "PARTICIPANT_NOT_IN_WAITING_ROOM");
    assert_eq!(answer.body["currentStatus"], "removed");
    let unknown = visit.path("/admit/vsp_01KA8Z0Q3CJ9XW2V5T7N4B6M8S");
    app.post(&app.token("clinician"), &unknown, &json!({})).await.refused(404, "PARTICIPANT_NOT_FOUND");
    app.clock.advance(Duration::MINUTE);
    app.end(&visit).await.expect(200);
    app.admit(&visit).await.refused(409, "INVALID_STATUS_TRANSITION");
}

#[tokio::test(flavor = "multi_thread")]
async fn us_003_the_patients_admission_starts_the_session_once() {
    let app = TestApp::start().await;
    let (visit, _) = app.waiting_visit().await;
    app.admit(&visit).await.expect(200);
    let interpreter = app.interpreter(&visit).await;
    app.join(&app.join_token_of(&visit, &interpreter).await).await.expect(200);
    let path = visit.path(&format!("/admit/{interpreter}"));
    app.post(&app.token("clinician"), &path, &json!({})).await.expect(200);
    let event = app.only_event(STARTED).await;
    assert_eq!(event["data"]["sessionId"], visit.id.as_str());
    assert_eq!(event["data"]["providerId"], "clinician-1");
    assert_eq!(event["data"]["actualStart"], app.minutes_ahead(0));
    assert_eq!(app.events_of(ADMITTED).await.len(), 2);
}

/// Somebody else than the patient may be let in first: that begins nothing.
#[tokio::test(flavor = "multi_thread")]
async fn us_003_an_interpreters_admission_starts_nothing() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let interpreter = app.interpreter(&visit).await;
    app.join(&app.join_token_of(&visit, &interpreter).await).await.expect(200);
    let path = visit.path(&format!("/admit/{interpreter}"));
    app.post(&app.token("clinician"), &path, &json!({})).await.expect(200);
    assert_eq!(app.read(&visit).await["status"], "waiting");
    assert!(app.events_of(STARTED).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn us_003_audit_learns_who_admitted_whom_and_when() {
    let app = TestApp::start().await;
    let (visit, _) = app.waiting_visit().await;
    app.clock.advance(Duration::minutes(3));
    app.admit(&visit).await.expect(200);
    let event = app.only_event(ADMITTED).await;
    assert_eq!(
        event["data"],
        json!({
            "sessionId": visit.id, "participantId": visit.patient, "role": "patient", "participantStatus": "admitted",
            "sessionStatus": "active", "actorId": "clinician-1", "occurredAt": app.minutes_ahead(0), "version": 4,
        })
    );
    // The provider came by deciding, and is published to have come.
    let types = app.event_types().await;
    let joined = "virtual_care.session.participant.joined.v1";
    assert_eq!(types[types.len() - 3..], [joined, ADMITTED, STARTED]);
}

#[tokio::test(flavor = "multi_thread")]
async fn us_003_others_may_admit_only_while_a_provider_is_in_the_session() {
    let app = TestApp::start().await;
    let (visit, _) = app.waiting_visit().await;
    let (nurse, admin) = (app.token("nurse_practitioner"), app.token("admin"));
    app.admit_as(&admin, &visit).await.refused(409, "PROVIDER_NOT_IN_SESSION");
    for other in [&nurse, &app.other_clinician()] {
        app.admit_as(other, &visit).await.refused(404, "SESSION_NOT_FOUND");
    }
    app.come(&app.token("clinician"), &visit).await.expect(200);
    let admitted = app.admit_as(&admin, &visit).await.expect(200).body;
    assert_eq!(admitted["participant"]["status"], "admitted");
    // Nobody is given another person's token.
    assert_eq!(admitted["videoJoinUrl"], Value::Null);
    assert_eq!(app.only_event(ADMITTED).await["data"]["actorId"], "admin-1");
}

#[tokio::test(flavor = "multi_thread")]
async fn us_003_a_nurse_practitioner_who_joins_may_admit() {
    let app = TestApp::start().await;
    let (visit, _) = app.waiting_visit().await;
    let nurse = app.token("nurse_practitioner");
    app.invite_colleague(&visit, "nurse_practitioner-1").await;
    let joined = app.come(&nurse, &visit).await.expect(200).body;
    assert_eq!(
        (&joined["participant"]["role"], &joined["participant"]["status"]),
        (&json!("provider"), &json!("active"))
    );
    let admitted = app.admit_as(&nurse, &visit).await.expect(200);
    let video = VideoUrl::read(TENANT, &admitted.text("videoJoinUrl")).await;
    assert_eq!(video.claims["context"]["user"], json!({"id": joined["participant"]["id"], "moderator": true}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clinician_joins_and_joining_again_changes_nothing() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let clinician = app.token("clinician");
    let first = app.come(&clinician, &visit).await.expect(200);
    assert_eq!(first.body["participant"]["id"], visit.provider.as_str());
    let video = VideoUrl::read(TENANT, &first.text("videoJoinUrl")).await;
    assert_eq!(video.claims["context"]["user"]["moderator"], true);
    assert_eq!(app.read(&visit).await["status"], "waiting");
    let again = app.come(&clinician, &visit).await.expect(200);
    assert_eq!((&again.body["version"], &first.body["version"]), (&json!(2), &json!(2)));
    assert_eq!(app.events_of("virtual_care.session.participant.joined.v1").await.len(), 1);

    // A removed provider cannot come back by themselves: they have no part in the visit any more.
    app.remove(&visit, &visit.provider, "double booked").await.expect(200);
    app.come(&clinician, &visit).await.refused(403, "ACCESS_DENIED");
    let again = json!({"role": "provider", "userId": "clinician-1"});
    app.post(&app.token("scheduler"), &visit.path("/participants"), &again).await.expect(201);
    app.come(&clinician, &visit).await.expect(200);
    app.cancel(&visit, "snow").await.expect(200);
    let answer = app.come(&clinician, &visit).await.refused(409, "INVALID_STATUS_TRANSITION");
    assert_eq!(answer.body["currentStatus"], "cancelled");
}

//! VCARE-US-002: come by link and wait.

use reqwest::Method;
use serde_json::json;
use time::Duration;

use crate::support::{CONSENTED, OTHER_TENANT, TENANT, TestApp, VideoUrl, Visit, claims};

const JOINED: &str = "virtual_care.session.participant.joined.v1";

#[tokio::test(flavor = "multi_thread")]
async fn us_002_a_good_join_token_leads_to_the_waiting_room() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let token = app.join_token(&visit).await;
    let joined = app.join(&token).await.expect(200).body;
    assert_eq!(
        joined,
        json!({
            "destination": "waiting_room", "url": format!("https://care.example/visit#{token}"),
            // As the token was checked: this join is what opens the waiting room.
            "sessionStatus": "scheduled", "scheduledStart": app.minutes_ahead(30), "opensAt": app.minutes_ahead(0), "timeZone": "Asia/Kabul", "version": 3,
            // Nobody can know how long it takes where no visit was held yet.
            "placeInLine": 1, "locale": "en", "serverTime": app.minutes_ahead(0), "clinic": joined["clinic"],
        })
    );
    let session = app.read(&visit).await;
    assert_eq!((&session["status"], &session["version"]), (&json!("waiting"), &json!(3)));
    let patient = app.participant(&visit, &visit.patient).await;
    assert_eq!((&patient["status"], &patient["joinedAt"]), (&json!("waiting"), &json!(app.minutes_ahead(0))));

    // Reloading changes nothing, but now the session is seen waiting.
    app.clock.advance(Duration::MINUTE);
    let again = app.join(&token).await.expect(200).body;
    assert_eq!((&again["sessionStatus"], &again["destination"]), (&json!("waiting"), &json!("waiting_room")));
    assert_eq!((&again["version"], &again["url"]), (&json!(3), &joined["url"]));
    assert_eq!(app.participant(&visit, &visit.patient).await, patient);
}

#[tokio::test(flavor = "multi_thread")]
async fn us_002_an_expired_join_token_is_401_token_expired() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let token = app.join_token(&visit).await;
    // Planned from 30 to 60 min from now, and an hour of grace.
    assert_eq!(claims(&token)["exp"], (app.now() + Duration::minutes(120)).unix_timestamp());
    app.clock.advance(Duration::minutes(120) - Duration::SECOND);
    app.join_status(&token).await.expect(200);
    app.clock.advance(Duration::SECOND);
    app.join(&token).await.refused(401, "TOKEN_EXPIRED");
    app.join_by_post(&token).await.refused(401, "TOKEN_EXPIRED");
    app.join_status(&token).await.refused(401, "TOKEN_EXPIRED");
    assert_eq!(app.read(&visit).await["status"], "scheduled");
    assert!(app.events_of(JOINED).await.is_empty());
}

/// A visit that runs late: who is in the waiting room or the visit gets a link that opens long enough.
#[tokio::test(flavor = "multi_thread")]
async fn us_002_a_link_that_is_issued_late_opens_for_an_hour_more() {
    let app = TestApp::start().await;
    let (visit, token) = app.active_visit().await;
    app.clock.advance(Duration::minutes(150));
    // Who came in time keeps getting in, however late it is.
    assert_eq!(app.join(&token).await.expect(200).body["destination"], "direct_join");
    let token = app.join_token(&visit).await;
    // The person who was inside is admitted again.
    assert_eq!(app.join(&token).await.expect(200).body["destination"], "waiting_room");
    app.admit(&visit).await.expect(200);
    assert_eq!(app.join(&token).await.expect(200).body["destination"], "direct_join");
    app.clock.advance(Duration::minutes(59));
    app.join(&token).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn us_002_a_join_token_of_a_session_that_is_over_is_409() {
    let app = TestApp::start().await;
    let (visit, waiting) = app.waiting_visit().await;
    app.cancel(&visit, "power cut").await.expect(200);
    for answer in [app.join(&waiting).await, app.join_by_post(&waiting).await, app.join_status(&waiting).await] {
        let answer = answer.refused(409, "INVALID_STATUS_TRANSITION");
        assert_eq!(answer.body["currentStatus"], "cancelled");
    }
    let (visit, admitted) = app.active_visit().await;
    app.clock.advance(Duration::MINUTE);
    app.end(&visit).await.expect(200);
    let answer = app.join(&admitted).await.refused(409, "INVALID_STATUS_TRANSITION");
    assert_eq!(answer.body["currentStatus"], "ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn us_002_entering_the_waiting_room_is_published_once() {
    let app = TestApp::start().await;
    let (visit, token) = app.waiting_visit().await;
    app.join(&token).await.expect(200);
    app.join_by_post(&token).await.expect(200);
    let event = app.only_event(JOINED).await;
    assert_eq!(
        event["data"],
        json!({
            "sessionId": visit.id, "participantId": visit.patient, "role": "patient", "participantStatus": "waiting",
            "sessionStatus": "waiting", "actorId": visit.patient, "occurredAt": app.minutes_ahead(0), "version": 3,
        })
    );
    assert_eq!(event["tenantid"], TENANT);
}

#[tokio::test(flavor = "multi_thread")]
async fn us_002_the_same_goes_with_the_token_in_the_body() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let token = app.join_token(&visit).await;
    let joined = app.join_by_post(&token).await.expect(200).body;
    assert_eq!((&joined["destination"], &joined["sessionStatus"]), (&json!("waiting_room"), &json!("scheduled")));
    assert_eq!(app.join_by_post(&token).await.expect(200).body["sessionStatus"], "waiting");
    assert_eq!(app.only_event(JOINED).await["data"]["role"], "patient");
    app.admit(&visit).await.expect(200);
    assert_eq!(app.join_by_post(&token).await.expect(200).body["destination"], "direct_join");
}

#[tokio::test(flavor = "multi_thread")]
async fn us_002_a_join_token_says_who_may_come_where_and_until_when() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let token = app.join_token(&visit).await;
    assert_eq!(
        claims(&token),
        json!({
            "aud": "vcare-join", "tenantId": TENANT, "sessionId": visit.id, "participantId": visit.patient, "role": "patient", "ver": 1,
            "iat": app.now().unix_timestamp(), "exp": (app.now() + Duration::minutes(120)).unix_timestamp(),
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn us_002_what_is_no_join_token_of_ours_opens_nothing() {
    let app = TestApp::start().await;
    let (visit, token) = app.active_visit().await;
    let video = app.join(&token).await.expect(200).text("url");
    let video = video.split("%22").nth(1).unwrap().to_owned();
    let (body, signature) = token.rsplit_once('.').unwrap();
    let (header, claims) = body.split_once('.').unwrap();
    let spoilt = if signature.starts_with('A') { "B" } else { "A" };
    let bad = [
        "x".to_owned(),
        format!("{body}.{spoilt}{}", &signature[1..]),
        format!("{body}."),
        // `{"alg":"none"}`
        format!("eyJhbGciOiJub25lIn0.{claims}."),
        format!("{header}.{claims}"),
        // The three kinds of token never stand in for each other.
        video,
        app.token("patient"),
        "x".repeat(9000),
    ];
    for bad in bad {
        app.join_by_post(&bad).await.refused(401, "TOKEN_INVALID");
        app.join_status(&bad).await.refused(401, "TOKEN_INVALID");
        if bad.len() < 8000 {
            app.join(&bad).await.refused(401, "TOKEN_INVALID");
        }
    }
    app.send(app.request(Method::GET, "/sessions/join/status")).await.refused(401, "TOKEN_INVALID");
    app.send(app.request(Method::GET, "/sessions/join")).await.names_field("token");
    app.get(&token, &visit.path("")).await.refused(401, "UNAUTHORIZED");
}

#[tokio::test(flavor = "multi_thread")]
async fn us_002_who_comes_early_waits_and_is_told_when_the_waiting_room_opens() {
    let app = TestApp::start().await;
    let mut wish = app.wish();
    wish["scheduledStart"] = json!(app.minutes_ahead(60 * 24 * 3));
    wish["timeZone"] = json!("Asia/Dubai");
    let visit = Visit::of(&app.post(&app.token("clinician"), "/sessions", &wish).await.expect(201).body);
    let joined = app.join(&app.join_token(&visit).await).await.expect(200).body;
    assert_eq!(joined["destination"], "waiting_room");
    assert_eq!(
        (&joined["opensAt"], &joined["timeZone"]),
        (&json!(app.minutes_ahead(60 * 24 * 3 - 30)), &json!("Asia/Dubai"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn us_002_once_admitted_the_same_link_leads_straight_in() {
    let app = TestApp::start().await;
    let (visit, token) = app.active_visit().await;
    let version = app.read(&visit).await["version"].clone();
    let first = app.join(&token).await.expect(200).body;
    assert_eq!((&first["destination"], &first["sessionStatus"]), (&json!("direct_join"), &json!("active")));
    let video = VideoUrl::read(TENANT, first["url"].as_str().unwrap()).await;
    assert_eq!(video.claims["context"]["user"], json!({"id": visit.patient, "moderator": false}));
    let session = app.read(&visit).await;
    assert_eq!((json!(video.room), &video.claims["room"]), (session["roomUrl"].clone(), &session["roomName"]));

    // A reload is led there again, with a fresh token, and changes nothing.
    app.clock.advance(Duration::minutes(5));
    let again = app.join(&token).await.expect(200).body;
    assert_ne!(again["url"], first["url"]);
    let video = VideoUrl::read(TENANT, again["url"].as_str().unwrap()).await;
    assert_eq!(video.claims["iat"], app.now().unix_timestamp());
    assert_eq!(app.read(&visit).await["version"], version);
    // The patient's coming, and the clinician's by admitting.
    assert_eq!(app.events_of(JOINED).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn us_002_who_waits_can_look_how_they_stand_for_a_hundred_bytes() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let token = app.join_token(&visit).await;
    let status = app.join_status(&token).await.expect(200);
    assert_eq!(
        status.body,
        json!({"destination": "waiting_room", "participantStatus": "invited", "sessionStatus": "scheduled", "version": 2})
    );
    assert!(status.bytes.len() < 128, "{}", status.bytes.len());
    // Looking changes nothing: not even a link scanner enters the waiting room by it.
    assert_eq!(app.read(&visit).await["version"], 2);
    app.join(&token).await.expect(200);
    assert_eq!(app.join_status(&token).await.expect(200).body["participantStatus"], "waiting");
    app.admit(&visit).await.expect(200);
    let query = app.send(app.request(Method::GET, &format!("/sessions/join/status?token={token}"))).await.expect(200);
    assert_eq!(
        query.body,
        json!({"destination": "direct_join", "participantStatus": "admitted", "sessionStatus": "active", "version": 4})
    );
}

/// The token names its tenant, and its key is the tenant's: another hospital's link is as good as none here.
#[tokio::test(flavor = "multi_thread")]
async fn us_002_two_tenants_links_are_signed_with_two_keys() {
    let app = TestApp::start().await;
    let here = app.join_token(&app.visit().await).await;
    let clinician = app.token_of(OTHER_TENANT, "clinician-1", "clinician");
    let wish = json!({"patientId": CONSENTED, "scheduledStart": app.minutes_ahead(30)});
    let visit = Visit::of(&app.post(&clinician, "/sessions", &wish).await.expect(201).body);
    let path = visit.path(&format!("/participants/{}/join-token", visit.patient));
    let there = app.post(&clinician, &path, &json!({})).await.expect(201).text("joinToken");
    app.join(&there).await.expect(200);
    let part = |token: &str, n: usize| token.split('.').nth(n).unwrap().to_owned();
    let mixed = format!("{}.{}.{}", part(&here, 0), part(&here, 1), part(&there, 2));
    app.join(&mixed).await.refused(401, "TOKEN_INVALID");
}

//! One appointment has one live visit.

use futures_util::future::join_all;
use serde_json::{Value, json};
use time::Duration;
use vcare_testkit::Name;

use crate::support::{Answer, OTHER_TENANT, TENANT, TestApp, Visit};

/// Chance decides who is first, so each race is run a few times.
const ROUNDS: usize = 4;

fn again(wish: &Value, minutes: &str) -> Value {
    let mut other = wish.clone();
    other["scheduledStart"] = json!(minutes);
    other
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_visit_for_an_appointment_is_refused_and_names_the_first() {
    let app = TestApp::start().await;
    let (clinician, wish) = (app.token("clinician"), app.wish());
    let first = app.post(&clinician, "/sessions", &wish).await.expect(201);
    app.standins.clear_requests(Name::Jitsi);
    for token in [clinician.clone(), app.other_clinician(), app.token("scheduler")] {
        let refused = app.post(&token, "/sessions", &again(&wish, &app.minutes_ahead(60))).await;
        assert_eq!(refused.refused(409, "APPOINTMENT_HAS_VISIT").body["sessionId"], first.body["id"]);
    }
    assert_eq!(app.count("virtual_session").await, 1);
    // Nothing was asked and nothing reserved for it.
    assert!(app.standins.requests(Name::Jitsi).is_empty());
    // Another tenant's appointment of the same id is another appointment, and without an appointment there is no limit.
    let elsewhere = app.token_of(OTHER_TENANT, "clinician-1", "clinician");
    app.post(&elsewhere, "/sessions", &wish).await.expect(201);
    let mut free = wish.clone();
    free.as_object_mut().unwrap().remove("appointmentId");
    for _ in 0..2 {
        app.post(&clinician, "/sessions", &free).await.expect(201);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_that_did_not_take_place_leaves_its_appointment_free() {
    let app = TestApp::start().await;
    let (clinician, wish) = (app.token("clinician"), app.wish());
    let first = Visit::of(&app.post(&clinician, "/sessions", &wish).await.expect(201).body);
    app.cancel(&first, "snow").await.expect(200);
    let second = app.post(&clinician, "/sessions", &wish).await.expect(201);
    let refused = app.post(&clinician, "/sessions", &wish).await.refused(409, "APPOINTMENT_HAS_VISIT");
    assert_eq!(refused.body["sessionId"], second.body["id"]);
    // One that took place has used it up.
    let second = Visit::of(&second.body);
    let link = app.join_token(&second).await;
    app.join(&link).await.expect(200);
    app.admit(&second).await.expect(200);
    app.clock.advance(time::Duration::MINUTE);
    app.end(&second).await.expect(200);
    app.post(&clinician, "/sessions", &wish).await.refused(409, "APPOINTMENT_HAS_VISIT");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_creates_for_one_appointment_at_once_one_wins() {
    let app = TestApp::start().await;
    let tokens = [app.token("clinician"), app.other_clinician(), app.token("scheduler")];
    for round in 1..=ROUNDS {
        let wish = app.wish();
        let all = tokens.iter().cycle().take(6).map(|token| app.post(token, "/sessions", &wish));
        let (won, lost): (Vec<Answer>, Vec<Answer>) =
            join_all(all).await.into_iter().partition(|answer| answer.status == 201);
        assert_eq!((won.len(), lost.len()), (1, 5));
        for answer in lost {
            assert_eq!(answer.refused(409, "APPOINTMENT_HAS_VISIT").body["sessionId"], won[0].body["id"]);
        }
        assert_eq!(app.events_of("virtual_care.session.created.v1").await.len(), round);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_create_again_is_answered_as_before_and_not_refused() {
    let app = TestApp::start().await;
    let clinician = app.token("clinician");
    for round in 0..ROUNDS {
        let (wish, key) = (app.wish(), format!("key-{round}"));
        let all = (0..6).map(|_| app.post_once(&clinician, "/sessions", &wish, &key));
        let answers: Vec<Answer> = join_all(all).await.into_iter().map(|answer| answer.expect(201)).collect();
        assert!(answers.iter().all(|answer| answer.bytes == answers[0].bytes));
        // Under another key it is another request.
        app.post_once(&clinician, "/sessions", &wish, &format!("other-{round}"))
            .await
            .refused(409, "APPOINTMENT_HAS_VISIT");
        assert_eq!(app.post_once(&clinician, "/sessions", &wish, &key).await.expect(201).bytes, answers[0].bytes);
    }
}

/// Earlier versions wrote several visits for one appointment, and one of them may still run.
#[tokio::test(flavor = "multi_thread")]
async fn visits_of_one_appointment_that_are_there_already_go_on() {
    let app = TestApp::start().await;
    let (first, second) = (app.visit().await, app.visit().await);
    let both = "UPDATE virtual_session SET appointment_id = 'appt-twice' WHERE tenant_id = $1";
    app.database.execute(both, &[&TENANT]).await.unwrap();
    let mut wish = app.wish();
    wish["appointmentId"] = json!("appt-twice");
    let refused = app.post(&app.token("clinician"), "/sessions", &wish).await.refused(409, "APPOINTMENT_HAS_VISIT");
    assert_eq!(refused.body["sessionId"], json!(first.id), "the oldest is named");
    for visit in [&first, &second] {
        let link = app.join_token(visit).await;
        app.join(&link).await.expect(200);
        app.admit(visit).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_that_nobody_came_to_leaves_its_appointment_free() {
    let app = TestApp::start().await;
    let (clinician, wish) = (app.token("clinician"), app.wish());
    let visit = Visit::of(&app.post(&clinician, "/sessions", &wish).await.expect(201).body);
    app.post(&clinician, "/sessions", &wish).await.refused(409, "APPOINTMENT_HAS_VISIT");
    app.clock.advance(Duration::minutes(30));
    app.post(&clinician, &visit.path("/no-show"), &json!({})).await.expect(200);
    app.post(&clinician, "/sessions", &wish).await.expect(201);
}

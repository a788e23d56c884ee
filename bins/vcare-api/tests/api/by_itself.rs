//! Visits that nobody ends, that are resumed, and to which nobody came.

use serde_json::{Value, json};
use time::Duration;
use vcare_app::jobs::WorkReport;
use vcare_app::ports::JobKind;

use crate::support::{TestApp, Visit};

const CHARGEABLE: &str = "virtual_care.billing.session_chargeable.v1";
const NO_SHOW: &str = "virtual_care.session.no_show.v1";
/// Chance decides who is first, so each race is run a few times.
const ROUNDS: usize = 4;
const END: JobKind = JobKind::EndByItself;
const DONE: WorkReport = WorkReport { done: 1, parked: 0, later: 0, failed: 0 };
const LATER: WorkReport = WorkReport { done: 0, parked: 0, later: 1, failed: 0 };

/// Ten minutes together; then the provider's device leaves the room, and half a minute later the patient's.
pub async fn left_by_everybody(app: &TestApp) -> Visit {
    let (visit, _) = app.active_visit().await;
    let read = app.read(&visit).await;
    let (room, people) = (read["roomName"].as_str().unwrap(), read["participants"].as_array().unwrap());
    let provider = people.iter().find(|one| one["role"] == "provider").unwrap()["id"].as_str().unwrap();
    app.seen_to_join(room, provider, "laptop").await.expect(204);
    app.seen_to_join(room, &visit.patient, "phone").await.expect(204);
    app.clock.advance(Duration::minutes(10));
    app.seen_to_leave(room, provider, "laptop").await.expect(204);
    app.clock.advance(Duration::seconds(30));
    app.seen_to_leave(room, &visit.patient, "phone").await.expect(204);
    visit
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_that_everybody_left_ends_by_itself_with_its_encounter_and_charge() {
    let app = TestApp::start().await;
    let visit = left_by_everybody(&app).await;
    app.clock.advance(Duration::minutes(9));
    assert_eq!(app.work(END).await, LATER, "somebody may come back");
    assert_eq!(app.read(&visit).await["status"], "active");
    app.clock.advance(Duration::minutes(1));
    assert_eq!(app.work(END).await, DONE);
    let read = app.read(&visit).await;
    assert_eq!((&read["status"], &read["endCause"]), (&json!("ended"), &json!("everybody_left")));
    // A worker writes the Encounter when the lease of whoever ended the visit has run out.
    app.clock.advance(Duration::minutes(1));
    app.work(JobKind::CreateEncounter).await;
    let charge = app.only_event(CHARGEABLE).await;
    assert_eq!((&charge["data"]["durationSeconds"], &charge["data"]["endedAt"]), (&json!(600), &read["actualEnd"]));
    let encounter = app.standins.encounters().remove(0);
    assert_eq!((&encounter["length"]["value"], &encounter["period"]["end"]), (&json!(600), &read["actualEnd"]));
    assert_eq!(app.work(END).await, WorkReport::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_to_which_somebody_came_back_does_not_end() {
    let app = TestApp::start().await;
    let visit = left_by_everybody(&app).await;
    let clinician = app.token("clinician");
    app.clock.advance(Duration::minutes(9));
    app.post(&clinician, &visit.path("/join"), &json!({})).await.expect(200);
    app.clock.advance(Duration::minutes(1));
    assert_eq!(app.work(END).await, DONE, "there is nothing to do, and the job is over");
    assert_eq!(app.read(&visit).await["status"], "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_power_cut_the_same_link_resumes_the_visit_which_has_one_encounter_and_one_charge() {
    let app = TestApp::start().await;
    let (visit, token) = app.lost_visit().await;
    app.give_up().await;
    assert_eq!(app.read(&visit).await["status"], "failed");
    assert_eq!(app.join(&token).await.expect(200).body["destination"], "direct_join");
    app.only_event("virtual_care.session.resumed.v1").await;
    let before = app.read(&visit).await;
    assert_eq!((&before["status"], before["segments"].as_array().unwrap().len()), (&json!("active"), 2));
    app.clock.advance(Duration::minutes(5));
    let ended = app.end(&visit).await.expect(200).body;
    assert_eq!(ended["segments"][0], before["segments"][0], "what was held before stays");
    let charge = app.only_event(CHARGEABLE).await;
    assert_eq!(charge["data"]["durationSeconds"], ended["secondsTogether"]);
    assert_eq!(app.standins.encounters().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_come_is_a_no_show_once_however_many_workers_look() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let token = app.join_token(&visit).await;
    // Planned for half an hour from now; 60 minutes after that it is a no-show.
    app.clock.advance(Duration::minutes(89));
    assert_eq!(app.app.end_visits_not_held().await.unwrap(), 0);
    app.clock.advance(Duration::minutes(1));
    let (one, two) = tokio::join!(app.app.end_visits_not_held(), app.app.end_visits_not_held());
    assert_eq!(one.unwrap() + two.unwrap(), 1);
    assert_eq!(app.read(&visit).await["status"], "no_show");
    app.only_event(NO_SHOW).await;
    let late = app.join(&token).await.refused(409, "INVALID_STATUS_TRANSITION");
    assert_eq!(late.body["currentStatus"], "no_show");
    assert_eq!(app.end(&visit).await.refused(409, "INVALID_STATUS_TRANSITION").body["currentStatus"], "no_show");
    assert!(app.standins.encounters().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clinician_notes_a_no_show_and_nobody_else_who_has_no_part_in_the_visit() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let path = visit.path("/no-show");
    let clinician = app.token("clinician");
    app.post(&clinician, &path, &json!({})).await.refused(409, "INVALID_STATUS_TRANSITION");
    app.clock.advance(Duration::minutes(30));
    app.post(&app.other_clinician(), &path, &json!({})).await.refused(404, "SESSION_NOT_FOUND");
    let noted = app.post(&clinician, &path, &json!({})).await.expect(200).body;
    assert_eq!((&noted["status"], &noted["encounterStatus"]), (&json!("no_show"), &Value::Null));
    assert_eq!(app.post(&clinician, &path, &json!({})).await.expect(200).body, noted);
    app.only_event(NO_SHOW).await;
    // A patient who is in the waiting room has come.
    let (waits, _) = app.waiting_visit().await;
    app.clock.advance(Duration::minutes(60));
    app.post(&clinician, &waits.path("/no-show"), &json!({})).await.refused(409, "INVALID_STATUS_TRANSITION");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_comes_back_as_a_visit_ends_by_itself_is_in_it_or_told_that_it_is_over() {
    let app = TestApp::start().await;
    for round in 1..=ROUNDS {
        let visit = left_by_everybody(&app).await;
        let (clinician, path) = (app.token("clinician"), visit.path("/join"));
        app.clock.advance(Duration::minutes(10));
        let body = json!({});
        let (report, joined) = tokio::join!(app.work(END), app.post(&clinician, &path, &body));
        assert_eq!(report, DONE, "round {round}");
        let status = app.read(&visit).await["status"].clone();
        match joined.status {
            200 => assert_eq!(status, "active", "round {round}"),
            409 => assert_eq!(status, "ended", "round {round}"),
            other => panic!("round {round}: {other} {}", joined.body),
        }
        app.end(&visit).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_that_is_resumed_and_ended_at_once_ends_once_with_one_charge() {
    let app = TestApp::start().await;
    for round in 1..=ROUNDS {
        let (visit, token) = app.lost_visit().await;
        app.give_up().await;
        let (joined, ended) = tokio::join!(app.join(&token), app.end(&visit));
        assert!(matches!(joined.status, 200 | 409), "round {round}: {} {}", joined.status, joined.body);
        let ended = ended.expect(200).body;
        assert_eq!(app.read(&visit).await["status"], "ended", "round {round}");
        let charges = app.events_of(CHARGEABLE).await;
        assert_eq!((charges.len(), app.standins.encounters().len()), (round, round));
        assert_eq!(charges[round - 1]["data"]["durationSeconds"], ended["durationSeconds"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patient_who_comes_as_the_visit_becomes_a_no_show_waits_or_is_told() {
    let app = TestApp::start().await;
    for round in 1..=ROUNDS {
        let (visit, token) = app.missed_visit().await;
        app.clock.advance(Duration::minutes(60));
        let (joined, noted) = tokio::join!(app.join(&token), app.app.end_visits_not_held());
        let status = app.read(&visit).await["status"].clone();
        match (joined.status, noted.unwrap()) {
            (200, 0) => assert_eq!(status, "waiting", "round {round}"),
            (409, 1) => assert_eq!(status, "no_show", "round {round}"),
            other => panic!("round {round}: {other:?} {}", joined.body),
        }
        if status == "waiting" {
            app.cancel(&visit, "the patient asked for it").await.expect(200);
        }
    }
}

//! VCARE-US-008: a visit goes on in messages, whatever the communication-service does.

mod heard;
mod offer;
mod reason;

use reqwest::Method;
use serde_json::json;
use time::Duration;
use tokio::task::JoinSet;
use vcare_app::jobs::WorkReport;
use vcare_app::ports::JobKind;
use vcare_testkit::{Mode, Name};

use crate::support::{Answer, CONSENTED, OTHER_TENANT, Program, TestApp, Visit};

const THREAD: JobKind = JobKind::CreateThread;
const INITIATED: &str = "virtual_care.session.fallback.initiated.v1";
const CREATED: &str = "virtual_care.session.fallback.thread_created.v1";
const PARKED: &str = "virtual_care.session.fallback.parked.v1";
const NOTHING: WorkReport = WorkReport { done: 0, parked: 0, later: 0, failed: 0 };

impl TestApp {
    pub async fn fall_back(&self, visit: &Visit) -> Answer {
        self.post(&self.token("clinician"), &visit.path("/fallback-message"), &json!({})).await
    }

    /// A visit whose patient was lost, and that was given up.
    pub async fn failed_visit(&self) -> Visit {
        let (visit, _) = self.lost_visit().await;
        self.give_up().await;
        visit
    }

    /// An active visit whose patient's connection was lost after five minutes, and the patient's join token.
    pub async fn lost_visit(&self) -> (Visit, String) {
        let (visit, token) = self.active_visit().await;
        let room = self.read(&visit).await["roomName"].as_str().unwrap().to_owned();
        self.seen_to_join(&room, &visit.patient, "phone").await.expect(204);
        self.clock.advance(Duration::minutes(5));
        self.seen_to_leave(&room, &visit.patient, "phone").await.expect(204);
        self.clock.advance(Duration::MINUTE);
        (visit, token)
    }

    /// The reconnect window is over, and the worker sees it.
    pub async fn give_up(&self) {
        assert_eq!(self.work(JobKind::FailLostVisit).await.done, 1);
    }
}

/// The thread is there, published once, and no work is left.
async fn has_one_thread(app: &TestApp, visit: &Visit) -> String {
    let threads = app.standins.threads();
    assert_eq!(threads.len(), 1, "{threads:?}");
    let thread = threads[0]["threadId"].as_str().unwrap().to_owned();
    let read = app.read(visit).await;
    assert_eq!((&read["messagingThreadId"], &read["messagingStatus"]), (&json!(thread), &json!("created")));
    let event = app.only_event(CREATED).await;
    assert_eq!(event["data"]["messagingThreadId"], thread);
    assert_eq!(event["data"]["sessionId"], visit.id);
    let left = "SELECT count(*) FROM retry_job WHERE kind = 'create_thread'";
    assert_eq!(app.database.query_one(left, &[]).await.unwrap().get::<_, i64>(0), 0);
    thread
}

async fn job(app: &TestApp) -> (String, i32, Option<String>) {
    let query = "SELECT state, attempts, last_error FROM retry_job WHERE kind = 'create_thread'";
    let row = app.database.query_one(query, &[]).await.unwrap();
    (row.get(0), row.get(1), row.get(2))
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_in_a_failed_visit_a_thread_is_made_and_answered() {
    let app = TestApp::start().await;
    let visit = app.failed_visit().await;
    let answer = app.fall_back(&visit).await.expect(200);
    let thread = has_one_thread(&app, &visit).await;
    assert_eq!(answer.body, json!({"messagingThreadId": thread}));
    assert_eq!(app.read(&visit).await["status"], "failed", "a clinician still ends it");
    app.end(&visit).await.expect(200);
    assert_eq!(app.only_event("virtual_care.billing.session_chargeable.v1").await["data"]["durationSeconds"], 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_the_event_and_the_request_ask_for_the_same_thread_under_the_same_key() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    app.fall_back(&visit).await.expect(200);
    has_one_thread(&app, &visit).await;
    let types = app.event_types().await;
    let position = |kind: &str| types.iter().position(|one| one == kind).unwrap();
    assert!(position(INITIATED) < position(CREATED));
    let asked = &app.standins.requests(Name::Communication)[0];
    assert_eq!(
        asked.body,
        json!({
            "participantIds": ["clinician-1"], "patientId": CONSENTED, "sessionId": visit.id,
            "subject": "Telehealth visit",
        })
    );
    let event = &app.only_event(INITIATED).await["data"];
    assert_eq!(event["idempotencyKey"].as_str(), asked.header("idempotency-key"));
    for field in ["participantIds", "patientId", "sessionId"] {
        assert_eq!(event[field], asked.body[field], "{field}");
    }
    assert_eq!((&event["providerId"], &event["status"]), (&json!("clinician-1"), &json!("active")));
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_the_event_is_published_when_the_fallback_is_initiated_also_while_the_service_is_down() {
    let app = TestApp::start().await;
    let visit = app.failed_visit().await;
    app.standins.set_mode(Name::Communication, Mode::DOWN);
    app.fall_back(&visit).await.expect(202);
    let event = app.only_event(INITIATED).await;
    assert_eq!((&event["data"]["sessionId"], &event["data"]["status"]), (&json!(visit.id), &json!("failed")));
    assert!(event["data"].get("messagingThreadId").is_none(), "there is none yet");
    assert!(app.events_of(CREATED).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_a_visit_that_is_neither_active_nor_failed_does_not_fall_back() {
    let app = TestApp::start().await;
    let scheduled = app.visit().await;
    let (waiting, _) = app.waiting_visit().await;
    let cancelled = app.visit().await;
    app.cancel(&cancelled, "another day").await.expect(200);
    let (ended, _) = app.active_visit().await;
    app.end(&ended).await.expect(200);
    for (visit, status) in [(scheduled, "scheduled"), (waiting, "waiting"), (cancelled, "cancelled"), (ended, "ended")]
    {
        let refused = app.fall_back(&visit).await.refused(409, "INVALID_STATUS_TRANSITION");
        assert_eq!(refused.body["currentStatus"], status);
    }
    assert!(app.standins.threads().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_an_active_visit_goes_on_in_messages_and_is_missed_by_nobody() {
    let app = TestApp::start().await;
    let (visit, token) = app.active_visit().await;
    let room = app.read(&visit).await["roomName"].as_str().unwrap().to_owned();
    app.seen_to_join(&room, &visit.patient, "phone").await.expect(204);
    app.clock.advance(Duration::minutes(2));
    app.seen_to_leave(&room, &visit.patient, "phone").await.expect(204);
    app.clock.advance(Duration::seconds(30));
    app.fall_back(&visit).await.expect(200);
    app.clock.advance(Duration::minutes(10));
    assert_eq!(app.work(JobKind::FailLostVisit).await.done, 1, "there is nothing to do");
    let read = app.read(&visit).await;
    assert_eq!((&read["status"], &read["mediaMode"]), (&json!("active"), &json!("message")));
    app.join(&token).await.expect(200);
    let read = app.read(&visit).await;
    assert_eq!(
        (&read["segments"][1]["mode"], &read["segments"][1]["cause"]),
        (&json!("video"), &json!("link_recovered"))
    );
    app.clock.advance(Duration::MINUTE);
    app.end(&visit).await.expect(200);
    let charge = app.only_event("virtual_care.billing.session_chargeable.v1").await;
    assert_eq!(charge["data"]["secondsPerMode"], json!({"video": 180, "audio": 0, "message": 0}));
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_asking_again_answers_the_same_thread() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let first = app.fall_back(&visit).await.expect(200);
    app.clock.advance(Duration::HOUR);
    app.invite_colleague(&visit, "nurse_practitioner-1").await;
    for token in [app.token("clinician"), app.token("nurse_practitioner")] {
        let path = visit.path("/fallback-message");
        assert_eq!(app.post(&token, &path, &json!({})).await.expect(200).body, first.body);
        assert_eq!(app.post_once(&token, &path, &json!({}), "again").await.expect(200).body, first.body);
    }
    has_one_thread(&app, &visit).await;
    assert_eq!(app.standins.requests(Name::Communication).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_while_the_service_is_down_the_wish_stands_and_the_thread_follows() {
    for mode in [Mode::DOWN, Mode::down_with(401), Mode::down_with(404), Mode::down_with(429), Mode::WRONG] {
        let app = TestApp::start().await;
        let visit = app.failed_visit().await;
        app.standins.set_mode(Name::Communication, mode);
        let answer = app.fall_back(&visit).await.expect(202);
        assert_eq!(answer.body, json!({}));
        assert_eq!(app.read(&visit).await["messagingStatus"], "pending");
        assert_eq!(app.fall_back(&visit).await.expect(202).body, answer.body, "still on its way");
        assert!(app.events_of(CREATED).await.is_empty());
        app.clock.advance(Duration::seconds(7));
        assert_eq!(app.work(THREAD).await, WorkReport { later: 1, ..NOTHING });
        assert_eq!(app.work(THREAD).await, NOTHING, "not before its time");
        app.standins.set_mode(Name::Communication, Mode::UP);
        app.clock.advance(Duration::minutes(1));
        assert_eq!(app.work(THREAD).await, WorkReport { done: 1, ..NOTHING });
        has_one_thread(&app, &visit).await;
        app.fall_back(&visit).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_a_slow_service_is_waited_for_no_longer_than_a_request_may() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    app.standins.set_mode(Name::Communication, Mode::SLOW.after(std::time::Duration::from_millis(1500)));
    app.fall_back(&visit).await.expect(202);
    assert_eq!(job(&app).await, ("open".to_owned(), 1, Some("timed_out".to_owned())));
    // It was made all the same, and nobody heard of it. The same key finds it.
    app.clock.advance(Duration::MINUTE);
    assert_eq!(app.work(THREAD).await.done, 1);
    has_one_thread(&app, &visit).await;
    let asked = app.standins.requests(Name::Communication);
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0].header("idempotency-key"), asked[1].header("idempotency-key"));
    assert_eq!(asked[0].body, asked[1].body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_cannot_heal_waits_for_a_person_and_everybody_sees_it() {
    for (status, code, error) in [(403, "MODULE_NOT_LICENSED", "not_licensed"), (400, "VALIDATION_ERROR", "invalid")] {
        let app = TestApp::start().await;
        let (visit, _) = app.active_visit().await;
        app.standins.refuse_threads(Some((status, code)));
        app.fall_back(&visit).await.expect(202);
        assert_eq!(job(&app).await, ("parked".to_owned(), 1, Some(error.to_owned())));
        assert_eq!(app.read(&visit).await["messagingStatus"], "parked");
        app.only_event(PARKED).await;
        app.clock.advance(Duration::DAY);
        assert_eq!(app.work(THREAD).await, NOTHING);
        let told = app.get(&app.token("admin"), "/reconciliation").await.expect(200);
        assert_eq!(told.body["jobsParked"]["count"], 1, "{}", told.body);

        // Somebody mended it and lets the job be tried, or a clinician asks again: one thread in any case.
        app.standins.refuse_threads(None);
        let id = visit.id.parse().unwrap();
        assert!(app.app.requeue_job(&crate::support::scope("hosp-kabul"), id, THREAD, None).await.unwrap());
        assert_eq!(app.work(THREAD).await.done, 1);
        app.fall_back(&visit).await.expect(200);
        has_one_thread(&app, &visit).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_refusal_a_clinician_may_ask_again() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    app.standins.refuse_threads(Some((403, "MODULE_NOT_LICENSED")));
    app.fall_back(&visit).await.expect(202);
    app.standins.refuse_threads(None);
    let nurse = app.token("nurse_practitioner");
    app.invite_colleague(&visit, "nurse_practitioner-1").await;
    app.post(&nurse, &visit.path("/fallback-message"), &json!({})).await.expect(200);
    has_one_thread(&app, &visit).await;
    assert_eq!(app.events_of(INITIATED).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_for_our_credentials_is_nobodys_fault_and_heals() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    app.standins.refuse_threads(Some((403, "FORBIDDEN")));
    app.fall_back(&visit).await.expect(202);
    assert_eq!(job(&app).await, ("open".to_owned(), 1, Some("status".to_owned())));
    app.standins.refuse_threads(None);
    app.clock.advance(Duration::MINUTE);
    assert_eq!(app.work(THREAD).await.done, 1);
    has_one_thread(&app, &visit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sets_a_thread_aside_and_the_visit_says_so() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    app.standins.set_mode(Name::Communication, Mode::DOWN);
    app.fall_back(&visit).await.expect(202);
    let scope = crate::support::scope("hosp-kabul");
    assert!(app.app.park_job(&scope, visit.id.parse().unwrap(), THREAD).await.unwrap());
    assert_eq!(app.read(&visit).await["messagingStatus"], "parked");
    assert_eq!(job(&app).await.0, "parked");
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_two_who_fall_back_at_once_get_one_thread() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let mut requests = JoinSet::new();
    app.invite_colleague(&visit, "nurse_practitioner-1").await;
    for role in ["clinician", "nurse_practitioner", "nurse_practitioner", "clinician", "clinician"] {
        let request = app.request(Method::POST, &visit.path("/fallback-message")).bearer_auth(app.token(role));
        requests.spawn(async move { request.send().await.unwrap().status().as_u16() });
    }
    let statuses = requests.join_all().await;
    assert!(statuses.iter().all(|status| matches!(status, 200 | 202)) && statuses.contains(&200), "{statuses:?}");
    has_one_thread(&app, &visit).await;
    assert_eq!(app.events_of(INITIATED).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_who_dies_between_the_wish_and_the_thread_loses_nothing() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    app.standins.set_mode(Name::Communication, Mode::SLOW.after(std::time::Duration::from_millis(800)));
    let request = app.request(Method::POST, &visit.path("/fallback-message")).bearer_auth(app.token("clinician"));
    let asking = tokio::spawn(request.send());
    app.until_asked(Name::Communication).await;
    // A worker that took over meanwhile, as if who asked had died: the lease of the first attempt has run out.
    app.clock.advance(Duration::seconds(30));
    assert_eq!(app.work(THREAD).await.done, 1);
    asking.await.unwrap().unwrap();
    has_one_thread(&app, &visit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_service_is_left_alone_and_keeps_no_encounter_from_being_written() {
    let app = TestApp::start().await;
    app.standins.set_mode(Name::Communication, Mode::DOWN);
    app.standins.set_mode(Name::Fhir, Mode::DOWN);
    let mut visits = Vec::new();
    for _ in 0..7 {
        let (visit, _) = app.active_visit().await;
        app.fall_back(&visit).await.expect(202);
        app.clock.advance(Duration::SECOND);
        app.end(&visit).await.expect(200);
        visits.push(visit);
    }
    let asked = app.standins.requests(Name::Communication).len();
    assert_eq!(asked, 5, "after five failures in a row nobody waits for it");
    app.standins.set_mode(Name::Fhir, Mode::UP);
    app.clock.advance(Duration::minutes(2));
    assert_eq!(app.write_encounters().await.done, 7);
    assert_eq!(app.work(THREAD).await.taken(), 1, "one finds out");
    app.standins.set_mode(Name::Communication, Mode::UP);
    app.clock.advance(Duration::minutes(2));
    assert_eq!(app.work(THREAD).await.done, 7, "the thread comes after the end, too");
    assert_eq!((app.standins.threads().len(), app.events_of(CREATED).await.len()), (7, 7));
}

#[tokio::test(flavor = "multi_thread")]
async fn falling_back_heeds_the_version_that_was_seen_and_the_tenant() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let path = visit.path("/fallback-message");
    app.post(&app.token("clinician"), &path, &json!({"version": 1})).await.refused(409, "OPTIMISTIC_LOCK_CONFLICT");
    let outside = app.token_of(OTHER_TENANT, "clinician-1", "clinician");
    app.post(&outside, &path, &json!({})).await.refused(404, "SESSION_NOT_FOUND");
    for role in ["scheduler", "patient", "tenant_admin", "platform_admin"] {
        app.post(&app.token(role), &path, &json!({})).await.refused(403, "ACCESS_DENIED");
    }
    assert!(app.standins.threads().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_attempt_beside_the_answer_is_counted_as_those_of_workers_are() {
    let app = Program::start("").await;
    let counted = async |outcome: &str, count: u32| {
        let line = format!("vcare_job_attempts_total{{kind=\"create_thread\",outcome=\"{outcome}\"}} {count}\n");
        let metrics = app.metrics().await;
        assert!(metrics.contains(&line), "{line}{metrics}");
    };
    counted("later", 0).await;
    app.standins.set_mode(Name::Communication, Mode::DOWN);
    let (visit, _) = app.active_visit().await;
    app.fall_back(&visit).await.expect(202);
    counted("later", 1).await;
    counted("done", 0).await;
}

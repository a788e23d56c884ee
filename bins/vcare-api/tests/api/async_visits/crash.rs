//! Whoever dies in the middle of a change leaves nothing of it behind, and nothing is lost that was committed.

use std::time::Duration as Patience;

use serde_json::json;
use time::Duration;
use time::macros::datetime;
use tokio::task::JoinHandle;
use uuid::Uuid;
use vcare_api::routes::async_visits::visit_body;
use vcare_app::async_visits::SubmitAsyncVisit;
use vcare_app::jobs::WorkReport;
use vcare_app::ports::JobKind;
use vcare_app::{App, AppError, Caller, Role};
use vcare_domain::{
    Advice, AsyncVisitId, ChiefComplaint, ClaimLease, ClientMutationId, PatientId, ResponseText, UserId,
};
use vcare_testkit::{Mode, Name};

use crate::support::{CONSENTED, TENANT, TestApp, scope};

const PATIENCE: Patience = Patience::from_secs(30);
const CHARGEABLE: &str = "virtual_care.billing.async_visit_chargeable.v1";

/// `clinician-1`, for what is not done over HTTP.
pub(super) fn caller() -> Caller {
    let scope = scope(TENANT);
    Caller {
        tenant_id: scope.tenant_id,
        user_id: UserId::parse("clinician-1").unwrap(),
        roles: vec![Role::Clinician],
        node_id: None,
        patient_id: None,
        name: None,
        emergency: None,
        trace: scope.trace,
    }
}

/// A good draft of that name.
pub(super) fn wish(name: u128) -> SubmitAsyncVisit {
    SubmitAsyncVisit {
        client_mutation_id: ClientMutationId::from_uuid(Uuid::from_u128(name)),
        patient_id: PatientId::parse(CONSENTED).unwrap(),
        appointment_id: None,
        chief_complaint: ChiefComplaint::parse("ټوخی").unwrap(),
        complaint_code: None,
        symptoms: Vec::new(),
        locale: None,
        attachments_expected: 0,
        authored_at: Some(datetime!(2026-11-20 1:45 UTC)),
        content_hash: [1; 32],
    }
}

/// What a clinician does with a visit.
#[derive(Debug, Clone, Copy)]
enum Step {
    Submit,
    Claim,
    Release,
    Respond,
    Close,
}

async fn take(app: App, step: Step, id: AsyncVisitId) -> Result<(), AppError> {
    let caller = caller();
    match step {
        Step::Submit => app.submit_async_visit(&caller, wish(7), &visit_body).await.map(|_| ()),
        Step::Claim => app.claim_async_visit(&caller, id, ClaimLease::default(), None).await.map(|_| ()),
        Step::Release => app.release_async_visit(&caller, id, None).await.map(|_| ()),
        Step::Respond => {
            let text = ResponseText::parse("rest").unwrap();
            app.respond_async_visit(&caller, id, text, Advice::None, None).await.map(|_| ())
        }
        Step::Close => app.close_async_visit(&caller, id, None).await.map(|_| ()),
    }
}

fn begin(app: &TestApp, step: Step, id: AsyncVisitId) -> JoinHandle<Result<(), AppError>> {
    tokio::spawn(take(app.app.clone(), step, id))
}

/// Everything that a change would change.
async fn state(app: &TestApp) -> String {
    let all = "SELECT concat((SELECT string_agg(t::text, '' ORDER BY id) FROM async_visit t),
                             (SELECT count(*) FROM outbox), (SELECT count(*) FROM retry_job))";
    app.database.query_one(all, &[]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_dies_before_the_commit_of_a_change_leaves_nothing_and_the_same_again_is_done_once() {
    let app = TestApp::start().await;
    // The gateway is down, so that the answer's Encounter does not change the visit beside us.
    app.standins.set_mode(Name::Fhir, Mode::DOWN);
    let id: AsyncVisitId = app.submitted().await.parse().unwrap();
    let steps = [Step::Submit, Step::Claim, Step::Release, Step::Claim, Step::Respond, Step::Close];
    for step in steps {
        let before = state(&app).await;
        // It gets as far as its event, and dies there: right before the commit.
        let owner = app.database.client().await.unwrap();
        owner.batch_execute("BEGIN; LOCK TABLE outbox IN EXCLUSIVE MODE").await.unwrap();
        let dying = begin(&app, step, id);
        let waits = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
                                    AND usename = 'vcare_service' AND wait_event_type = 'Lock')";
        app.database.until(waits, PATIENCE).await.unwrap();
        dying.abort();
        assert!(dying.await.unwrap_err().is_cancelled(), "{step:?}");
        let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()
                    AND usename = 'vcare_service' AND wait_event_type = 'Lock'";
        app.database.rows(kill, &[]).await.unwrap();
        app.database
            .until(
                "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
                            AND usename = 'vcare_service' AND wait_event_type = 'Lock')",
                PATIENCE,
            )
            .await
            .unwrap();
        owner.batch_execute("ROLLBACK").await.unwrap();
        assert_eq!(state(&app).await, before, "{step:?} left something");
        begin(&app, step, id).await.unwrap().unwrap();
        assert_ne!(state(&app).await, before, "{step:?} did nothing");
        let done = state(&app).await;
        begin(&app, step, id).await.unwrap().unwrap();
        assert_eq!(state(&app).await, done, "{step:?} twice is more than once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn us_013_who_dies_after_an_answer_leaves_its_encounter_to_the_worker_which_charges_once() {
    let app = TestApp::start().await;
    app.standins.set_mode(Name::Fhir, Mode::SLOW.after(Patience::from_secs(20)));
    let id: AsyncVisitId = app.claimed().await.parse().unwrap();
    let dying = begin(&app, Step::Respond, id);
    app.database.until("SELECT status = 'responded' FROM async_visit", PATIENCE).await.unwrap();
    dying.abort();
    assert!(dying.await.unwrap_err().is_cancelled());
    app.standins.set_mode(Name::Fhir, Mode::UP);
    assert_eq!(app.work(JobKind::CreateAsyncEncounter).await.taken(), 0, "the first lease still runs");
    app.clock.advance(Duration::minutes(1));
    let done = WorkReport { done: 1, ..WorkReport::default() };
    assert_eq!(app.work(JobKind::CreateAsyncEncounter).await, done);
    assert_eq!(app.read_async(&id.to_string()).await["encounterStatus"], "created");
    assert_eq!(app.standins.encounters().len(), 1);
    app.only_event(CHARGEABLE).await;
}

/// A worker that died between its record and the end of its job, as if both had not been one commit.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_found_again_after_its_encounter_asks_nobody_and_charges_nothing() {
    let app = TestApp::start().await;
    app.standins.set_mode(Name::Fhir, Mode::DOWN);
    let id = app.claimed().await;
    app.respond(&id).await.expect(200);
    app.standins.set_mode(Name::Fhir, Mode::UP);
    app.database.execute("CREATE TABLE kept AS SELECT * FROM retry_job", &[]).await.unwrap();
    app.clock.advance(Duration::minutes(2));
    assert_eq!(app.work(JobKind::CreateAsyncEncounter).await.done, 1);
    app.database.execute("INSERT INTO retry_job SELECT * FROM kept", &[]).await.unwrap();
    app.standins.clear_requests(Name::Fhir);
    assert_eq!(app.work(JobKind::CreateAsyncEncounter).await.done, 1);
    assert!(app.standins.requests(Name::Fhir).is_empty());
    app.only_event(CHARGEABLE).await;
    assert_eq!(app.count("retry_job").await, 0);
    assert_eq!(app.review(&id, "close", &json!({})).await.expect(200).body["status"], "closed");
}

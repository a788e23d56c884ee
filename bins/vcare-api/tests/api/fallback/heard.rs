//! The communication-service publishes that a thread was created: whichever comes first, that or its answer, records it.

use serde_json::{Value, json};
use time::Duration;
use uuid::Uuid;
use vcare_app::ports::{JobKind, MessageOutcome, RefusedMessage, ThreadCreated, ThreadSubscriber};
use vcare_domain::{PatientId, TenantId, ThreadId};
use vcare_testkit::{Mode, Name};

use super::{CREATED, INITIATED, THREAD};
use crate::support::{CONSENTED, OTHER_TENANT, TENANT, TestApp, Visit};

fn message(visit: &Visit, key: &Value, thread: &str) -> ThreadCreated {
    ThreadCreated {
        tenant_id: TenantId::parse(TENANT).unwrap(),
        session_id: visit.id.parse().unwrap(),
        idempotency_key: Uuid::try_parse(key.as_str().unwrap()).unwrap(),
        patient_id: Some(PatientId::parse(CONSENTED).unwrap()),
        thread_id: ThreadId::parse(thread).unwrap(),
    }
}

/// A visit that fell back while the communication-service did not answer, and what it may publish of it.
async fn pending(app: &TestApp) -> (Visit, ThreadCreated) {
    let (visit, _) = app.active_visit().await;
    app.standins.set_mode(Name::Communication, Mode::DOWN);
    app.fall_back(&visit).await.expect(202);
    let key = app.only_event(INITIATED).await["data"]["idempotencyKey"].clone();
    let created = message(&visit, &key, "thr_1");
    (visit, created)
}

async fn thread(app: &TestApp, visit: &Visit) -> (Value, Value) {
    let read = app.read(visit).await;
    (read["messagingThreadId"].clone(), read["messagingStatus"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn us_008_the_event_records_the_thread_while_the_interface_is_down_and_the_job_asks_for_none() {
    let app = TestApp::start().await;
    let (visit, created) = pending(&app).await;
    assert_eq!(app.app.thread_created(&created).await.unwrap(), MessageOutcome::Recorded);
    assert_eq!(thread(&app, &visit).await, (json!("thr_1"), json!("created")));
    let event = app.only_event(CREATED).await;
    assert_eq!(
        (&event["data"]["messagingThreadId"], &event["actorid"]),
        (&json!("thr_1"), &json!("system:communication"))
    );
    let asked = app.standins.requests(Name::Communication).len();
    assert_eq!(app.work(THREAD).await.done, 1, "the job ends");
    assert_eq!(app.standins.requests(Name::Communication).len(), asked, "and asks for nothing");
    assert_eq!(app.count("retry_job").await, 0);
    assert_eq!(app.fall_back(&visit).await.expect(200).body, json!({"messagingThreadId": "thr_1"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_changes_nothing_before_and_after_the_answer() {
    let app = TestApp::start().await;
    let (visit, created) = pending(&app).await;
    assert_eq!(app.app.thread_created(&created).await.unwrap(), MessageOutcome::Recorded);
    let before = app.read(&visit).await;
    for _ in 0..3 {
        assert_eq!(app.app.thread_created(&created).await.unwrap(), MessageOutcome::Repeated);
    }
    assert_eq!(app.read(&visit).await, before);
    app.only_event(CREATED).await;

    // The other way about: the answer was first.
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let answered = app.fall_back(&visit).await.expect(200).text("messagingThreadId");
    let key = app.only_event(INITIATED).await["data"]["idempotencyKey"].clone();
    let heard = app.app.thread_created(&message(&visit, &key, &answered)).await.unwrap();
    assert_eq!(heard, MessageOutcome::Repeated);
    app.only_event(CREATED).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_event_and_the_answer_at_once_one_records_the_thread() {
    let app = TestApp::start().await;
    let (visit, created) = pending(&app).await;
    app.standins.set_mode(Name::Communication, Mode::UP);
    app.clock.advance(Duration::MINUTE);
    let (heard, worked) = tokio::join!(app.app.thread_created(&created), app.work(THREAD));
    let heard = heard.unwrap();
    let (id, status) = thread(&app, &visit).await;
    assert_eq!(status, "created");
    app.only_event(CREATED).await;
    match heard {
        MessageOutcome::Recorded => assert_eq!(id, "thr_1"),
        // The stand-in made a thread of another id, as it never heard of this one.
        MessageOutcome::Refused(RefusedMessage::AnotherThread) => assert_ne!(id, "thr_1"),
        other => panic!("{other:?} {worked:?}"),
    }
    app.clock.advance(Duration::minutes(2));
    app.work(THREAD).await;
    assert_eq!(app.count("retry_job").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_does_not_fit_changes_nothing() {
    let app = TestApp::start().await;
    let (visit, created) = pending(&app).await;
    let scheduled = app.visit().await;
    let others = TenantId::parse(OTHER_TENANT).unwrap();
    let key = |id: &str| vcare_app::threads::thread_key(id.parse().unwrap());
    let unknown = "vsn_01KA8Z0Q3CJ9XW2V5T7N4B6M8R";
    let table = [
        (ThreadCreated { tenant_id: others, ..created.clone() }, RefusedMessage::UnknownVisit),
        (
            ThreadCreated { session_id: unknown.parse().unwrap(), idempotency_key: key(unknown), ..created.clone() },
            RefusedMessage::UnknownVisit,
        ),
        (ThreadCreated { idempotency_key: Uuid::from_u128(1), ..created.clone() }, RefusedMessage::WrongKey),
        (
            ThreadCreated { patient_id: Some(PatientId::parse("pat-other").unwrap()), ..created.clone() },
            RefusedMessage::WrongPatient,
        ),
        (
            ThreadCreated {
                session_id: scheduled.id.parse().unwrap(),
                idempotency_key: key(&scheduled.id),
                ..created.clone()
            },
            RefusedMessage::NotInitiated,
        ),
    ];
    let before = (app.read(&visit).await, app.read(&scheduled).await);
    for (message, refused) in table {
        assert_eq!(app.app.thread_created(&message).await.unwrap(), MessageOutcome::Refused(refused));
    }
    assert_eq!((app.read(&visit).await, app.read(&scheduled).await), before);
    assert!(app.events_of(CREATED).await.is_empty());
    assert_eq!(app.app.thread_created(&created).await.unwrap(), MessageOutcome::Recorded);
    let another = ThreadCreated { thread_id: ThreadId::parse("thr_2").unwrap(), ..created };
    let heard = app.app.thread_created(&another).await.unwrap();
    assert_eq!(heard, MessageOutcome::Refused(RefusedMessage::AnotherThread));
    assert_eq!(thread(&app, &visit).await.0, "thr_1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_that_was_refused_before_is_recorded_and_its_parked_job_ends() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    app.standins.refuse_threads(Some((403, "MODULE_NOT_LICENSED")));
    app.fall_back(&visit).await.expect(202);
    assert_eq!(thread(&app, &visit).await.1, "parked");
    let key = app.only_event(INITIATED).await["data"]["idempotencyKey"].clone();
    let heard = app.app.thread_created(&message(&visit, &key, "thr_1")).await.unwrap();
    assert_eq!(heard, MessageOutcome::Recorded);
    assert_eq!(app.work(JobKind::CreateThread).await.done, 1);
    assert_eq!(app.count("retry_job").await, 0, "nobody need look any more");
    assert_eq!(thread(&app, &visit).await, (json!("thr_1"), json!("created")));
}

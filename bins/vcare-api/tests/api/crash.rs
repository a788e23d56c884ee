//! Real processes that are killed: nothing that was committed is lost, and nothing happens twice.

mod clocks;
pub mod place;

use std::time::Duration;

use reqwest::Method;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use uuid::Uuid;
use vcare_app::ports::Ids;
use vcare_domain::SessionId;
use vcare_testkit::{Mode, Name, SeededIds};

use self::place::{Caller, Gone, Place};
use crate::support::Visit;

#[tokio::test(flavor = "multi_thread")]
async fn an_api_killed_between_commit_and_publish_loses_no_event() {
    let mut place = Place::start(false).await;
    let visit = place.caller().create().await.unwrap();
    place.kill_api().await;
    // The session, and the consent that it relied on.
    place.until("SELECT count(*) = 2 FROM outbox").await;
    place.nats.restart().await.unwrap();
    place.api.restart().await.unwrap();
    let messages = place.all_events_arrived().await;
    let subjects: Vec<&str> = messages.iter().map(|message| message.subject.as_str()).collect();
    assert_eq!(subjects, ["virtual_care.session.created.v1", "virtual_care.audit.recorded.v1"]);
    assert_eq!(messages[0].json()["data"]["sessionId"], visit.id);
    assert_eq!(messages[1].json()["data"]["resourceId"], visit.id);
}

/// Several clinicians who hold one short visit after another. Whatever is answered is told; they stop when they are told
/// to, or when the API is gone.
struct Crowd {
    tasks: JoinSet<()>,
    answers: mpsc::UnboundedReceiver<String>,
    stop: watch::Sender<bool>,
    /// The visits whose creation was answered.
    created: Vec<String>,
}

impl Crowd {
    fn of(caller: &Caller, people: usize) -> Self {
        let (tell, answers) = mpsc::unbounded_channel();
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for _ in 0..people {
            let (caller, tell, stopped) = (caller.clone(), tell.clone(), stopped.clone());
            tasks.spawn(async move { while !*stopped.borrow() && hold_a_visit(&caller, &tell).await.is_ok() {} });
        }
        Self { tasks, answers, stop, created: Vec::new() }
    }

    /// Waits for so many further steps.
    async fn steps(&mut self, count: usize) {
        for _ in 0..count {
            let step = tokio::time::timeout(Duration::from_secs(30), self.answers.recv()).await;
            self.note(step.expect("nobody is answered any more").expect("everybody has gone"));
        }
    }

    fn note(&mut self, step: String) {
        if step.starts_with("vsn_") {
            self.created.push(step);
        }
    }

    /// Waits until everybody has gone; answers the visits they had created.
    async fn disperse(mut self) -> Vec<String> {
        self.stop.send_replace(true);
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
        while let Ok(step) = self.answers.try_recv() {
            self.note(step);
        }
        self.created
    }
}

async fn hold_a_visit(caller: &Caller, tell: &mpsc::UnboundedSender<String>) -> Result<(), Gone> {
    let visit = caller.create().await?;
    let _ = tell.send(visit.id.clone());
    caller.begin(&visit).await?;
    let _ = tell.send("begun".to_owned());
    caller.end(&visit).await?;
    let _ = tell.send("ended".to_owned());
    Ok(())
}

/// Numbers that differ from run to run; the seed is named when a test fails.
pub struct Chance(SeededIds, pub u64);

impl Chance {
    pub fn of(place: &Place) -> Self {
        let name = place.database.name().trim_start_matches("vcare_test_");
        let seed = Uuid::parse_str(name).unwrap().as_u64_pair().1;
        Self(SeededIds::new(seed), seed)
    }

    pub fn below(&self, limit: u8) -> usize {
        let mut byte = [0];
        self.0.fill_random(&mut byte);
        usize::from(byte[0] % limit)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_killed_at_any_moment_publishes_what_it_committed_in_order_and_once() {
    let mut place = Place::start(true).await;
    let chance = Chance::of(&place);
    for _ in 0..5 {
        let mut crowd = Crowd::of(&place.caller(), 6);
        crowd.steps(1 + chance.below(40)).await;
        place.kill_api().await;
        let created = crowd.disperse().await;
        let committed = place.committed().await;
        for visit in &created {
            assert!(committed.contains_key(visit), "{visit} was answered and is gone; seed {}", chance.1);
        }
        place.api.restart().await.unwrap();
    }
    let messages = place.all_events_arrived().await;
    assert!(messages.len() > 20, "{}; seed {}", messages.len(), chance.1);
    each_visit_tells_a_whole_story(&place).await;
}

/// The row of every visit and its events agree: nothing of a change is there without the rest of it.
async fn each_visit_tells_a_whole_story(place: &Place) {
    let query = "SELECT s.id, s.status,
                        ARRAY(SELECT split_part(subject, 'virtual_care.session.', 2) FROM committed c
                              WHERE c.ordering_key = $1 ORDER BY position)
                 FROM virtual_session s WHERE s.id = $2";
    let all = place.database.rows("SELECT id FROM virtual_session", &[]).await.unwrap();
    for row in all {
        let id: Uuid = row.get(0);
        let key = SessionId::from_uuid(id).to_string();
        let row = place.database.query_one(query, &[&key, &id]).await.unwrap();
        let (status, events): (&str, Vec<String>) = (row.get(1), row.get(2));
        let count = |kind: &str| events.iter().filter(|event| *event == kind).count();
        assert_eq!(events.first().map(String::as_str), Some("created.v1"), "{key} {events:?}");
        assert_eq!(count("created.v1"), 1, "{key} {events:?}");
        assert_eq!(count("started.v1"), usize::from(matches!(status, "active" | "ended")), "{key} {status} {events:?}");
        assert_eq!(count("ended.v1"), usize::from(status == "ended"), "{key} {status} {events:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn care_goes_on_without_nats_and_its_events_flow_when_it_is_back() {
    let mut place = Place::start(false).await;
    let caller = place.caller();
    let health = caller.send(Method::GET, "/health", None).await.unwrap().expect(200);
    assert_eq!(health.body["status"], "degraded");
    let mut crowd = Crowd::of(&caller, 3);
    crowd.steps(9).await;
    place.until("SELECT (SELECT count(*) FROM outbox) = (SELECT count(*) FROM committed)").await;
    place.nats.restart().await.unwrap();
    // Taken up again while care goes on, and lost a second time in the middle of it.
    place.until("SELECT (SELECT count(*) FROM outbox) < (SELECT count(*) FROM committed)").await;
    crowd.steps(6).await;
    place.nats.kill();
    crowd.steps(6).await;
    place.until("SELECT EXISTS (SELECT FROM outbox)").await;
    place.nats.restart().await.unwrap();
    crowd.steps(3).await;
    crowd.disperse().await;
    let messages = place.all_events_arrived().await;
    assert!(messages.len() > 24, "{}", messages.len());
    each_visit_tells_a_whole_story(&place).await;
    let health = caller.send(Method::GET, "/health", None).await.unwrap().expect(200);
    assert_eq!(health.body["status"], "up");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_killed_before_the_encounter_leaves_it_to_the_worker_which_charges_once() {
    let mut place = Place::start(true).await;
    let place_of = |visit: &Visit| *visit.id.parse::<SessionId>().unwrap().as_uuid();
    let caller = place.caller();
    let visit = caller.create().await.unwrap();
    caller.begin(&visit).await.unwrap();
    let row = format!("FROM virtual_session WHERE id = '{}'", place_of(&visit));
    place.until(&format!("SELECT now() - started_at > interval '1 second' {row}")).await;
    place.standins.set_mode(Name::Fhir, Mode::SLOW.after(Duration::from_secs(3)));
    let ending = {
        let (caller, visit) = (caller.clone(), visit.clone());
        tokio::spawn(async move { caller.end(&visit).await })
    };
    place.until(&format!("SELECT status = 'ended' {row}")).await;
    place.kill_api().await;
    assert!(ending.await.unwrap().is_err(), "the API was killed before it answered");
    place.standins.set_mode(Name::Fhir, Mode::UP);
    let due = "SELECT due_at > now() AND lease_token IS NOT NULL FROM retry_job";
    assert!(place.database.query_one(due, &[]).await.unwrap().get::<_, bool>(0), "the first lease still runs");
    place.database.execute("CREATE TABLE lease AS SELECT due_at FROM retry_job", &[]).await.unwrap();

    // Two workers, as a deployment has.
    let workers = [place.worker().await, place.worker().await];
    place.until(&format!("SELECT encounter_status = 'created' {row}")).await;
    place.until("SELECT now() >= due_at AND NOT EXISTS (SELECT FROM retry_job) FROM lease").await;
    place.api.restart().await.unwrap();
    let again = place.caller().end(&visit).await.unwrap();
    assert_eq!(again.body["encounterStatus"], "created");
    assert_eq!(place.standins.encounters().len(), 1);
    let messages = place.all_events_arrived().await;
    let charges = messages.iter().filter(|message| message.subject == "virtual_care.billing.session_chargeable.v1");
    assert_eq!(charges.count(), 1);
    drop(workers);
}

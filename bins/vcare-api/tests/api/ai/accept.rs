//! A clinician decides, and what was accepted comes into the chart once.

use serde_json::{Value, json};
use time::Duration;
use tokio_util::sync::CancellationToken;
use vcare_app::jobs::WorkReport;
use vcare_app::ports::JobKind;
use vcare_domain::SessionId;
use vcare_testkit::{Mode, Name};

use crate::support::{CONSENTED, TENANT, TestApp, scope};

const DRAFT: &str = "Cough improving; poor sleep.";

/// The one note that is in the chart.
fn only_note(app: &TestApp) -> Value {
    let mut notes = app.standins.notes();
    assert_eq!(notes.len(), 1, "{notes:#?}");
    assert_eq!(notes[0]["sections"].as_array().unwrap().len(), 1, "{notes:#?}");
    notes.remove(0)
}

/// So that there is something to be done.
async fn accepted_while_the_chart_is(app: &TestApp, mode: Mode) -> (crate::support::Visit, String) {
    let (visit, _) = app.active_visit().await;
    let draft = app.draft(&visit).await;
    app.standins.set_mode(Name::Chart, mode);
    let answer = app.accept(&visit, &draft).await.expect(202);
    assert_eq!((&answer.body["status"], &answer.body["chartStatus"]), (&json!("accepted"), &json!("pending")));
    (visit, draft)
}

#[tokio::test(flavor = "multi_thread")]
async fn us_012_an_accepted_summary_is_pushed_with_its_provenance() {
    let app = TestApp::start().await;
    app.standins.ai().write(DRAFT);
    let (visit, _) = app.active_visit().await;
    let draft = app.draft(&visit).await;
    let accepted_at = app.minutes_ahead(0);
    let answer = app.accept(&visit, &draft).await.expect(200).body;
    let note = only_note(&app);
    assert_eq!(
        answer,
        json!({
            "draftId": draft, "status": "accepted", "chartStatus": "delivered", "noteId": note["noteId"],
            "humanEdited": false,
        })
    );
    assert_eq!(note["patientId"], CONSENTED);
    let metadata = &note["metadata"];
    assert_eq!((&metadata["aiGenerated"], &metadata["aiModel"]), (&json!(true), &json!("standin-1")));
    assert_eq!((&metadata["aiAcceptedBy"], &metadata["aiAcceptedAt"]), (&json!("clinician-1"), &json!(accepted_at)));
    assert_eq!((&metadata["humanEdited"], &metadata["virtualSessionId"]), (&json!(false), &json!(visit.id)));
    let id: SessionId = visit.id.parse().unwrap();
    let encounter = format!("urn:ghasi:virtual-care:session|{}", id.as_uuid().hyphenated());
    assert_eq!(metadata["encounterIdentifier"], encounter);
    let section = &note["sections"][0];
    assert_eq!((&section["content"], &section["feature"]), (&json!(DRAFT), &json!("vcare-session-summary-v1")));
    // The chart itself has checked that the hash is the text's.
    assert_eq!(metadata["contentHash"], section["contentHash"]);
    assert_eq!(app.standins.requests(Name::Chart)[0].header("x-tenant-id"), Some(TENANT));
    assert!(!app.a_text_is_held().await, "it is erased once it is delivered");
    assert_eq!(app.count("retry_job").await, 0);
    assert_eq!(app.draft_audit().await, ["AI_SUMMARY_DRAFTED", "AI_SUMMARY_ACCEPTED", "AI_SUMMARY_DELIVERED"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn us_012_a_declined_summary_is_written_nowhere_and_erased() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let draft = app.draft(&visit).await;
    let answer = app.decline(&visit, &draft).await.expect(200).body;
    assert_eq!(answer, json!({"draftId": draft, "status": "declined"}));
    assert!(!app.a_text_is_held().await);
    app.clock.advance(Duration::HOUR);
    assert_eq!(app.write_notes().await, WorkReport::default());
    assert!(app.standins.requests(Name::Chart).is_empty());
    assert_eq!(app.draft_audit().await, ["AI_SUMMARY_DRAFTED", "AI_SUMMARY_DECLINED"]);
    let entry = app.events_of("virtual_care.audit.recorded.v1").await.pop().unwrap();
    assert_eq!((&entry["data"]["actorId"], &entry["data"]["resourceId"]), (&json!("clinician-1"), &json!(draft)));
}

#[tokio::test(flavor = "multi_thread")]
async fn us_012_accepted_alone_is_enough_where_one_draft_waits() {
    let app = TestApp::start().await;
    app.standins.ai().write(DRAFT);
    let (clinician, (visit, _)) = (app.token("clinician"), app.active_visit().await);
    let yes = json!({"accepted": true});
    let none = app.decide(&clinician, &visit, &yes).await.names_field("draftId");
    assert_eq!(none.body["errors"][0]["detail"], "no draft waits for a decision");
    let draft = app.draft(&visit).await;
    let path = visit.path("/ai/accept-summary");
    let first = app.post_once(&clinician, &path, &yes, "key-1").await.expect(200);
    assert_eq!((&first.body["draftId"], &first.body["status"]), (&json!(draft), &json!("accepted")));
    assert_eq!(only_note(&app)["metadata"]["aiAcceptedBy"], "clinician-1");
    // The same again is about the same draft, also when another one waits by then.
    assert_eq!(app.post_once(&clinician, &path, &yes, "key-1").await.expect(200).body, first.body);
    let second = app.draft(&visit).await;
    assert_eq!(app.post_once(&clinician, &path, &yes, "key-1").await.expect(200).body, first.body);
    app.post_once(&clinician, &path, &json!({"accepted": false}), "key-1").await.refused(422, "IDEMPOTENCY_KEY_REUSED");
    // Of several, one must be named.
    let third = app.draft(&visit).await;
    for decision in [&yes, &json!({"accepted": false}), &json!({"accepted": true, "draftId": null})] {
        let several = app.decide(&clinician, &visit, decision).await.names_field("draftId");
        assert_eq!(several.body["errors"][0]["detail"], "several drafts wait for a decision: name one");
    }
    app.decline(&visit, &second).await.expect(200);
    let declined = app.decide(&clinician, &visit, &json!({"accepted": false})).await.expect(200).body;
    assert_eq!((&declined["draftId"], &declined["status"]), (&json!(third), &json!("declined")));
    // One whose time is over waits no more.
    app.draft(&visit).await;
    app.clock.advance(Duration::hours(24));
    app.decide(&app.token("clinician"), &visit, &yes).await.names_field("draftId");
    assert_eq!(app.standins.notes().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn us_012_a_draft_that_is_not_named_is_its_providers_alone() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    app.draft(&visit).await;
    let yes = json!({"accepted": true});
    app.decide(&app.other_clinician(), &visit, &yes).await.refused(404, "SESSION_NOT_FOUND");
    let elsewhere = app.token_of(crate::support::OTHER_TENANT, "clinician-1", "clinician");
    app.decide(&elsewhere, &visit, &yes).await.refused(404, "SESSION_NOT_FOUND");
    // Two at once decide once.
    let clinician = app.token("clinician");
    let (one, two) = tokio::join!(app.decide(&clinician, &visit, &yes), app.decide(&clinician, &visit, &yes));
    let (won, lost) = if one.status == 200 { (one, two) } else { (two, one) };
    won.expect(200);
    assert!(matches!(lost.status, 400 | 409), "{}", lost.body);
    assert_eq!(app.standins.notes().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_clinician_made_of_a_draft_goes_into_the_chart_in_its_place() {
    let app = TestApp::start().await;
    app.standins.ai().write(DRAFT);
    let (visit, _) = app.active_visit().await;
    let clinician = app.token("clinician");
    let edited = "ټوخی ښه شوی.\nSleep: poor.";
    let decision = json!({"draftId": app.draft(&visit).await, "accepted": true, "editedText": edited});
    assert_eq!(app.decide(&clinician, &visit, &decision).await.expect(200).body["humanEdited"], true);
    let note = only_note(&app);
    assert_eq!((&note["sections"][0]["content"], &note["metadata"]["humanEdited"]), (&json!(edited), &json!(true)));
    // Sent back word for word it is the machine's.
    let decision = json!({"draftId": app.draft(&visit).await, "accepted": true, "editedText": DRAFT});
    assert_eq!(app.decide(&clinician, &visit, &decision).await.expect(200).body["humanEdited"], false);
    assert!(!app.a_text_is_held().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_made_once() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    for (first, status) in [(true, "accepted"), (false, "declined")] {
        let draft = app.draft(&visit).await;
        let decide = async |accepted: bool| {
            app.decide(&app.token("clinician"), &visit, &json!({"draftId": draft, "accepted": accepted})).await
        };
        decide(first).await.expect(200);
        for accepted in [true, false] {
            let refused = decide(accepted).await.refused(409, "DRAFT_ALREADY_DECIDED");
            assert_eq!(refused.body["currentStatus"], status);
        }
    }
    only_note(&app);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_decision_under_the_same_key_is_answered_again() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let draft = app.draft(&visit).await;
    let (clinician, path) = (app.token("clinician"), visit.path("/ai/accept-summary"));
    let accept = json!({"draftId": draft, "accepted": true});
    app.standins.set_mode(Name::Chart, Mode::DOWN);
    let first = app.post_once(&clinician, &path, &accept, "decision-1").await.expect(202);
    app.standins.set_mode(Name::Chart, Mode::UP);
    app.clock.advance(Duration::MINUTE);
    assert_eq!(app.write_notes().await.done, 1);
    // As it is by now.
    let again = app.post_once(&clinician, &path, &accept, "decision-1").await.expect(200);
    assert_eq!((&first.body["chartStatus"], &again.body["chartStatus"]), (&json!("pending"), &json!("delivered")));
    let other = json!({"draftId": draft, "accepted": false});
    app.post_once(&clinician, &path, &other, "decision-1").await.refused(422, "IDEMPOTENCY_KEY_REUSED");
    only_note(&app);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_yes_and_no_at_once_one_wins() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let mut accepted = 0;
    for _ in 0..12 {
        let draft = app.draft(&visit).await;
        let (yes, no) = tokio::join!(app.accept(&visit, &draft), app.decline(&visit, &draft));
        let mut statuses = [yes.status, no.status];
        accepted += usize::from(yes.status == 200);
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "{} {}", yes.body, no.body);
    }
    assert_eq!(app.standins.notes().len(), accepted);
    assert!(!app.a_text_is_held().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_chart_is_away_an_accepted_summary_is_owed_and_follows_once() {
    let app = TestApp::start().await;
    for mode in [Mode::DOWN, Mode::down_with(401), Mode::SLOW, Mode::WRONG] {
        let before = app.standins.notes().len();
        let (_, draft) = accepted_while_the_chart_is(&app, mode).await;
        assert!(app.a_text_is_held().await);
        for _ in 0..30 {
            app.clock.advance(Duration::seconds(20));
            assert_eq!(app.write_notes().await.done, 0, "{mode:?}");
        }
        app.standins.set_mode(Name::Chart, Mode::UP);
        app.clock.advance(Duration::minutes(2));
        let (one, other) = tokio::join!(app.write_notes(), app.write_notes());
        assert_eq!(one.done + other.done, 1, "{mode:?}");
        let notes = app.standins.notes();
        assert_eq!(notes.len(), before + 1, "{mode:?}");
        assert!(!app.a_text_is_held().await, "{draft}");
        assert_eq!(app.count("retry_job").await, 0);
    }
}

/// The chart has it, and its answer is lost: asked again, it has it still once.
#[tokio::test(flavor = "multi_thread")]
async fn a_note_whose_answer_was_lost_is_not_written_twice() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let draft = app.draft(&visit).await;
    // Longer than is waited for.
    app.standins.set_mode(Name::Chart, Mode::UP.after(std::time::Duration::from_millis(1300)));
    app.accept(&visit, &draft).await.expect(202);
    for _ in 0..3 {
        app.clock.advance(Duration::minutes(2));
        app.write_notes().await;
    }
    app.standins.set_mode(Name::Chart, Mode::UP);
    app.clock.advance(Duration::minutes(2));
    app.write_notes().await;
    only_note(&app);
    assert_eq!(app.count("retry_job").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_summaries_of_a_visit_each_come_into_the_chart_once() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    app.standins.set_mode(Name::Chart, Mode::DOWN);
    let mut drafts = Vec::new();
    for n in 0..3 {
        app.standins.ai().write(&format!("Draft number {n}."));
        let draft = app.draft(&visit).await;
        app.accept(&visit, &draft).await.expect(202);
        drafts.push(draft);
    }
    assert_eq!(app.count("retry_job").await, 1, "one job for a visit");
    app.standins.set_mode(Name::Chart, Mode::UP);
    // The breaker may have opened; whoever accepts the next one takes all along, or a worker does.
    app.clock.advance(Duration::minutes(2));
    let (report, one_more) = tokio::join!(app.write_notes(), async {
        let draft = app.draft(&visit).await;
        app.accept(&visit, &draft).await
    });
    assert!(matches!(one_more.status, 200 | 202), "{}", one_more.body);
    app.clock.advance(Duration::minutes(2));
    app.write_notes().await;
    let notes = app.standins.notes();
    assert_eq!(notes.len(), 4, "{report:?} {notes:#?}");
    assert!(notes.iter().all(|note| note["sections"].as_array().unwrap().len() == 1), "{notes:#?}");
    assert!(!app.a_text_is_held().await);
    assert_eq!(app.count("retry_job").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_chart_refuses_waits_for_a_person_and_can_be_taken_up_again() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let draft = app.draft(&visit).await;
    app.standins.set_mode(Name::Chart, Mode::down_with(422));
    let answer = app.accept(&visit, &draft).await.expect(202);
    assert_eq!(answer.body["chartStatus"], "parked");
    let job = "SELECT state, last_error FROM retry_job WHERE kind = 'push_summary'";
    let row = app.database.query_one(job, &[]).await.unwrap();
    assert_eq!((row.get(0), row.get(1)), ("parked", "refused"));
    assert!(app.a_text_is_held().await);
    assert_eq!(app.draft_audit().await.pop().unwrap(), "AI_SUMMARY_REFUSED_BY_CHART");
    app.clock.advance(Duration::DAY);
    assert_eq!(app.write_notes().await, WorkReport::default());

    app.standins.set_mode(Name::Chart, Mode::UP);
    let id: SessionId = visit.id.parse().unwrap();
    assert!(app.app.requeue_job(&scope(TENANT), id, JobKind::PushSummary, None).await.unwrap());
    assert_eq!(app.write_notes().await.done, 1);
    only_note(&app);
    assert!(!app.a_text_is_held().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_may_set_a_delivery_aside() {
    let app = TestApp::start().await;
    let (visit, draft) = accepted_while_the_chart_is(&app, Mode::DOWN).await;
    let id: SessionId = visit.id.parse().unwrap();
    assert!(app.app.park_job(&scope(TENANT), id, JobKind::PushSummary).await.unwrap());
    let delivery = "SELECT delivery FROM ai_draft";
    assert_eq!(app.database.query_one(delivery, &[]).await.unwrap().get::<_, &str>(0), "parked", "{draft}");
    app.standins.set_mode(Name::Chart, Mode::UP);
    app.clock.advance(Duration::HOUR);
    assert_eq!(app.write_notes().await, WorkReport::default());
}

/// A dead chart keeps nobody from their Encounters.
#[tokio::test(flavor = "multi_thread")]
async fn a_dead_chart_holds_up_nothing_but_its_own() {
    let app = TestApp::start().await;
    let (visit, _) = accepted_while_the_chart_is(&app, Mode::DOWN).await;
    app.clock.advance(Duration::MINUTE);
    app.end(&visit).await.expect(200);
    assert_eq!(app.standins.encounters().len(), 1);
    let report = app.app.work_due(JobKind::CreateEncounter, 10, &CancellationToken::new()).await.unwrap();
    assert_eq!(report, WorkReport::default());
}

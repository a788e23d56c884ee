//! Who looks is written down: one entry for each look and each refusal, before the answer, and nothing without one.

use std::future::Future;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, CONSENTED, NO_CONSENT, OTHER_TENANT, TENANT, TestApp};
use crate::uploads::pictures::photo;

/// Ids of nothing.
const NO_SESSION: &str = "vsn_01KA8Z0Q3CJ9XW2V5T7N4B6M8R";
const NO_ASYNC_VISIT: &str = "avs_01KA8Z0Q3CJ9XW2V5T7N4B6M8R";

async fn entries(app: &TestApp) -> Vec<Value> {
    app.audited().await
}

/// What a request left in the audit, and its answer.
async fn left_by(app: &TestApp, request: impl Future<Output = Answer>) -> (Answer, Vec<Value>) {
    let before = entries(app).await.len();
    let answer = request.await;
    (answer, entries(app).await.split_off(before))
}

/// The same of one that leaves one entry, under its own id.
async fn entry_of(app: &TestApp, request: impl Future<Output = Answer>) -> (Answer, Value) {
    let (answer, mut left) = left_by(app, request).await;
    assert_eq!(left.len(), 1, "{} {}: {left:#?}", answer.status, answer.body);
    let event = left.remove(0);
    assert_eq!(event["correlationid"], answer.header("x-request-id"));
    (answer, event)
}

/// Asserts that a read is audited, with exactly this entry.
#[track_caller]
fn must_tell(event: &Value, user: &str, about: (&str, &str), relation: Option<&str>, shown: &[&str]) {
    let metadata = relation.map_or_else(|| json!({}), |relation| json!({ "relation": relation }));
    let mut expected = json!({
        "eventType": "RECORD_READ", "actorId": user, "actorType": "USER", "resourceType": about.0,
        "resourceId": about.1, "action": "READ", "outcome": "SUCCESS", "metadata": metadata,
    });
    if !shown.is_empty() {
        expected["resourceIds"] = json!(shown);
    }
    assert_eq!(event["data"], expected);
    assert_eq!(event["actorid"], user);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_a_visit_or_a_page_of_them_is_written_down_with_what_they_were_shown() {
    let app = TestApp::start().await;
    let (first, second) = (app.visit().await, app.visit().await);
    let sent = app.submitted().await;
    let (clinician, patient) = (app.token("clinician"), app.token("patient"));
    let session = ("VirtualSession", first.id.as_str());
    for (token, user, relation) in [
        (&clinician, "clinician-1", "treating"),
        (&patient, "patient-1", "self"),
        (&app.token("scheduler"), "scheduler-1", "scheduling"),
    ] {
        let (answer, event) = entry_of(&app, app.get(token, &first.path(""))).await;
        assert_eq!(answer.expect(200).body["id"], first.id);
        must_tell(&event, user, session, Some(relation), &[]);
    }
    app.standins.assign("clinician-2", CONSENTED);
    let (answer, event) = entry_of(&app, app.get(&app.other_clinician(), &first.path(""))).await;
    answer.expect(200);
    must_tell(&event, "clinician-2", session, Some("assigned"), &[]);
    app.standins.make_proxy("mother-1", CONSENTED, "rel-1");
    let mother = app.standins.issuer().token(&app.account(TENANT, "mother-1", "patient").patient("pat-mother"));
    let (answer, event) = entry_of(&app, app.get(&mother, &first.path(""))).await;
    answer.expect(200);
    must_tell(&event, "mother-1", session, Some("proxy"), &[]);

    let (page, event) = entry_of(&app, app.get(&clinician, "/sessions?limit=1")).await;
    must_tell(&event, "clinician-1", ("VirtualSession", TENANT), None, &[&first.id]);
    let cursor = page.expect(200).text("nextCursor");
    let (page, event) = entry_of(&app, app.get(&clinician, &format!("/sessions?limit=1&cursor={cursor}"))).await;
    page.expect(200);
    must_tell(&event, "clinician-1", ("VirtualSession", TENANT), None, &[&second.id]);
    // Patients see the newest first.
    let (page, event) = entry_of(&app, app.get(&patient, "/sessions")).await;
    page.expect(200);
    must_tell(&event, "patient-1", ("VirtualSession", TENANT), None, &[&second.id, &first.id]);
    // Nothing was shown, and that they looked is written down.
    let others = format!("/sessions?patientId={NO_CONSENT}");
    let (page, event) = entry_of(&app, app.get(&patient, &others)).await;
    assert_eq!(page.expect(200).body["items"], json!([]));
    must_tell(&event, "patient-1", ("VirtualSession", TENANT), None, &[]);

    let path = format!("/async-visits/{sent}");
    for (token, user, relation) in [(&clinician, "clinician-1", "assigned"), (&patient, "patient-1", "self")] {
        let (answer, event) = entry_of(&app, app.get(token, &path)).await;
        answer.expect(200);
        must_tell(&event, user, ("AsyncVisit", &sent), Some(relation), &[]);
        let (page, event) = entry_of(&app, app.get(token, "/async-visits")).await;
        page.expect(200);
        must_tell(&event, user, ("AsyncVisit", TENANT), None, &[&sent]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_opens_an_attachment_is_who_its_link_was_made_for_whoever_holds_it() {
    let app = TestApp::start().await;
    let place = app.uploaded("0", "original", &photo(32, 32)).await;
    let upload = place.rsplit('/').next().unwrap();
    app.look_after_uploads().await;
    let visit = app.submitted_with(1).await;
    app.review(&visit, "claim", &json!({})).await.expect(200);
    let list = format!("/async-visits/{visit}/attachments");
    let (patient, clinician) = (app.token("patient"), app.token("clinician"));
    for (own, user, relation, others) in
        [(&patient, "patient-1", "self", &clinician), (&clinician, "clinician-1", "treating", &patient)]
    {
        let (answer, event) = entry_of(&app, app.get(own, &list)).await;
        must_tell(&event, user, ("AttachmentList", &visit), Some(relation), &[upload]);
        let item = answer.expect(200).body["items"][0].clone();
        let (answer, event) = entry_of(&app, app.open(&item, "url")).await;
        assert!(!answer.expect(200).bytes.is_empty());
        must_tell(&event, user, ("Attachment", upload), None, &[]);
        // By somebody else, who has signed in as themselves.
        let path = item["url"].as_str().unwrap().strip_prefix("https://care.example").unwrap();
        let request = app.request(Method::GET, &format!("/{path}")).bearer_auth(others);
        let (answer, event) = entry_of(&app, app.send(request)).await;
        answer.expect(200);
        must_tell(&event, user, ("Attachment", upload), None, &[]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_shown_a_draft_again_is_written_down_again() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let (clinician, path) = (app.token("clinician"), visit.path("/ai/summary"));
    let wish = json!({"transcript": "The cough is better."});
    let once = || app.post_once(&clinician, &path, &wish, "summary-1");
    let (first, event) = entry_of(&app, once()).await;
    assert_eq!(event["data"]["eventType"], "AI_SUMMARY_DRAFTED");
    let first = first.expect(201);
    for _ in 0..2 {
        let (again, event) = entry_of(&app, once()).await;
        assert_eq!(again.expect(201).body, first.body);
        must_tell(&event, "clinician-1", ("AiDraft", &first.text("draftId")), Some("treating"), &[]);
    }
}

/// One request that is refused, and its audit entry.
struct Refused<'a> {
    token: &'a str,
    method: Method,
    path: String,
    status: u16,
    about: (&'a str, &'a str),
    attempted: &'a str,
    action: &'a str,
    reason: &'a str,
}

impl Refused<'_> {
    async fn ask(&self, app: &TestApp) -> Answer {
        let body = if self.path.ends_with("/end") { json!({}) } else { json!({"reason": "snow"}) };
        match self.method {
            Method::POST => app.post(self.token, &self.path, &body).await,
            _ => app.get(self.token, &self.path).await,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_refused_is_written_down_with_what_they_tried_and_why_not() {
    let app = TestApp::start().await;
    let (visit, sent) = (app.visit().await, app.submitted().await);
    app.standins.assign("clinician-3", CONSENTED);
    let (scheduler, patient) = (app.token("scheduler"), app.token("patient"));
    let (clinician, stranger) = (app.token("clinician"), app.other_clinician());
    let assigned = app.token_of(TENANT, "clinician-3", "clinician");
    let other = app.standins.issuer().token(&app.account(TENANT, "pat-2", "patient").patient(NO_CONSENT));
    let elsewhere = app.token_of(OTHER_TENANT, "clinician-1", "clinician");
    let (session, sent_path) = (visit.id.as_str(), format!("/async-visits/{sent}"));
    let (list, end) = (format!("{sent_path}/attachments"), visit.path("/end"));
    let unknown = format!("/sessions/{NO_SESSION}");
    let put_out = visit.path(&format!("/participants/{}/remove", visit.patient));
    let (live, asynchronous, files) = ("VirtualSession", "AsyncVisit", "AttachmentList");
    let (see, see_async) = ("virtual_care:session:read", "virtual_care:async_visit:read");
    let reads = |token, path: &str, status, about, attempted, reason| Refused {
        token,
        method: Method::GET,
        path: path.to_owned(),
        status,
        about,
        attempted,
        action: "READ",
        reason,
    };
    let tries = |token, path: &str, status, about, attempted, reason| Refused {
        method: Method::POST,
        action: "EVALUATE",
        ..reads(token, path, status, about, attempted, reason)
    };
    for refused in [
        // By what they are.
        reads(&scheduler, &sent_path, 403, (asynchronous, &sent), see_async, "role"),
        reads(&scheduler, "/async-visits", 403, (asynchronous, TENANT), see_async, "role"),
        reads(&scheduler, &list, 403, (files, &sent), see_async, "role"),
        tries(&patient, &end, 403, (live, session), "virtual_care:session:end", "role"),
        // By their relation to a visit that they may see.
        tries(&assigned, &end, 403, (live, session), "virtual_care:session:end", "relation"),
        tries(&assigned, &put_out, 403, (live, session), "virtual_care:session:remove", "relation"),
        reads(&stranger, &list, 403, (files, &sent), see_async, "relation"),
        // Of visits that they must not know of, and of those that there are not.
        reads(&stranger, &visit.path(""), 404, (live, session), see, "not_found"),
        reads(&other, &visit.path(""), 404, (live, session), see, "not_found"),
        reads(&elsewhere, &visit.path(""), 404, (live, session), see, "not_found"),
        tries(&stranger, &end, 404, (live, session), "virtual_care:session:end", "not_found"),
        reads(&other, &sent_path, 404, (asynchronous, &sent), see_async, "not_found"),
        reads(&other, &list, 404, (files, &sent), see_async, "not_found"),
        reads(&elsewhere, &sent_path, 404, (asynchronous, &sent), see_async, "not_found"),
        reads(&clinician, &unknown, 404, (live, NO_SESSION), see, "not_found"),
        reads(&stranger, &unknown, 404, (live, NO_SESSION), see, "not_found"),
        tries(&clinician, &format!("{unknown}/end"), 404, (live, NO_SESSION), "virtual_care:session:end", "not_found"),
        reads(
            &clinician,
            &format!("/async-visits/{NO_ASYNC_VISIT}"),
            404,
            (asynchronous, NO_ASYNC_VISIT),
            see_async,
            "not_found",
        ),
    ] {
        let (answer, event) = entry_of(&app, refused.ask(&app)).await;
        let what = format!("{} {}: {}", refused.method, refused.path, answer.body);
        assert_eq!(answer.status, refused.status, "{what}");
        let data = &event["data"];
        assert_eq!(data["eventType"], "ACCESS_DENIED", "{what}");
        assert_eq!((&data["resourceType"], &data["resourceId"]), (&json!(refused.about.0), &json!(refused.about.1)));
        assert_eq!((&data["action"], &data["outcome"]), (&json!(refused.action), &json!("FAILURE")), "{what}");
        let metadata = json!({"attemptedAction": refused.attempted, "reason": refused.reason});
        assert_eq!(data["metadata"], metadata, "{what}");
        let tenant = if std::ptr::eq(refused.token, elsewhere.as_str()) { OTHER_TENANT } else { TENANT };
        assert_eq!(event["tenantid"], tenant, "who looks into another tenant is in their own audit");
    }
}

/// Who is refused cannot tell somebody else's visit from none, and neither can who reads the audit of it by its kind.
#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_visit_is_answered_and_written_down_as_one_that_is_not_there() {
    let app = TestApp::start().await;
    let (visit, sent) = (app.visit().await, app.submitted().await);
    let stranger = app.other_clinician();
    let other = app.standins.issuer().token(&app.account(TENANT, "pat-2", "patient").patient(NO_CONSENT));
    for (token, there, not_there) in [
        (&stranger, visit.path(""), format!("/sessions/{NO_SESSION}")),
        (&other, visit.path(""), format!("/sessions/{NO_SESSION}")),
        (&other, format!("/async-visits/{sent}"), format!("/async-visits/{NO_ASYNC_VISIT}")),
    ] {
        let mut alike = Vec::new();
        for path in [&there, &not_there] {
            let (answer, mut event) = entry_of(&app, app.get(token, path)).await;
            let mut answer = answer.expect(404);
            for own in ["requestId", "instance"] {
                answer.body[own].take();
            }
            event["data"]["resourceId"].take();
            alike.push((answer.body, event["data"].take()));
        }
        assert_eq!(alike[0], alike[1]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_again_and_again_how_one_stands_is_no_look() {
    let app = TestApp::start().await;
    let (visit, token) = app.waiting_visit().await;
    let polls = async {
        app.join_status(&token).await.expect(200);
        app.wait(&token, "since=0").await.expect(200);
        app.admit(&visit).await.expect(200);
        app.join_status(&token).await.expect(200)
    };
    let (_, left) = left_by(&app, polls).await;
    assert!(left.is_empty(), "{left:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_written_down_is_not_shown() {
    let app = TestApp::start().await;
    app.uploaded("0", "original", &photo(32, 32)).await;
    app.look_after_uploads().await;
    let sent = app.submitted_with(1).await;
    app.review(&sent, "claim", &json!({})).await.expect(200);
    let (visit, _) = app.active_visit().await;
    let (clinician, scheduler) = (app.token("clinician"), app.token("scheduler"));
    let stranger = app.other_clinician();
    let item = app.attachments(&clinician, &sent).await[0].clone();
    let (summary, wish) = (visit.path("/ai/summary"), json!({"transcript": "The cough is better."}));
    let drafted = app.post_once(&clinician, &summary, &wish, "summary-1").await.expect(201);
    let words = [visit.id.as_str(), &sent, "a rash since Friday", CONSENTED, &drafted.text("text")].map(str::to_owned);
    let before = entries(&app).await.len();

    let looks = async || {
        let mut answers = Vec::new();
        for (token, path) in [
            (&clinician, visit.path("")),
            (&clinician, "/sessions".to_owned()),
            (&clinician, format!("/async-visits/{sent}")),
            (&clinician, "/async-visits".to_owned()),
            (&clinician, format!("/async-visits/{sent}/attachments")),
            // Not even that there is something, or is not.
            (&stranger, visit.path("")),
            (&stranger, format!("/sessions/{NO_SESSION}")),
            (&scheduler, format!("/async-visits/{sent}")),
        ] {
            answers.push(app.get(token, &path).await);
        }
        answers.push(app.open(&item, "url").await);
        answers.push(app.post_once(&clinician, &summary, &wish, "summary-1").await);
        answers
    };
    app.database.execute("REVOKE INSERT ON outbox FROM vcare_api", &[]).await.unwrap();
    for answer in looks().await {
        let answer = answer.refused(503, "SERVICE_UNAVAILABLE");
        let text = String::from_utf8_lossy(&answer.bytes);
        assert!(!words.iter().any(|word| text.contains(word.as_str())), "{text}");
    }
    assert_eq!(entries(&app).await.len(), before);
    app.database.execute("GRANT INSERT ON outbox TO vcare_api", &[]).await.unwrap();
    let statuses: Vec<u16> = looks().await.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 404, 404, 403, 200, 201]);
    assert_eq!(entries(&app).await.len(), before + statuses.len());
}

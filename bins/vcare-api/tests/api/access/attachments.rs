//! Whose attachments are in a visit: the submitter's and those of the answer, and nobody else's.

use serde_json::{Value, json};

use super::people::Who;
use crate::support::TestApp;
use crate::uploads::pictures::photo;
use crate::uploads::{attachment, place};

/// Uploads a picture into that slot, and has it looked at.
async fn upload(app: &TestApp, token: &str, index: &str) -> u16 {
    let bytes = photo(32, 32);
    let begun = app.begin_upload(token, bytes.len(), &attachment(index, "original")).await;
    if begun.status == 201 {
        app.append(token, &place(&begun), 0, &bytes).await.expect(204);
        app.look_after_uploads().await;
    }
    begun.status
}

fn summary(items: &Value) -> Vec<(&str, u64, &str)> {
    let items = items.as_array().unwrap().iter();
    let text = |value: &'_ Value| value.as_str().unwrap_or("-").to_owned();
    items
        .map(|item| {
            let part: &'static str = match text(&item["partOf"]).as_str() {
                "answer" => "answer",
                _ => "submission",
            };
            let by: &'static str = match text(&item["uploadedBy"]).as_str() {
                "patient-1" => "patient-1",
                "clinician-9" => "clinician-9",
                "mother-1" => "mother-1",
                "-" => "-",
                other => panic!("{other}"),
            };
            (part, item["index"].as_u64().unwrap(), by)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_takes_the_slots_of_a_patients_visit() {
    let app = TestApp::start().await;
    app.tell_relations();
    // Before the visit is there, and after it.
    assert_eq!(upload(&app, &Who::Stranger.token(&app), "0").await, 201);
    let visit = app.submitted_with(2).await;
    assert_eq!(upload(&app, &Who::Stranger.token(&app), "1").await, 404, "no part in it");
    for index in ["0", "1"] {
        assert_eq!(upload(&app, &Who::Own.token(&app), index).await, 201);
    }
    let items = app.attachments(&Who::Assigned.token(&app), &visit).await;
    assert_eq!(summary(&items), [("submission", 0, "patient-1"), ("submission", 1, "patient-1")]);
    let items = app.attachments(&Who::Own.token(&app), &visit).await;
    assert_eq!(summary(&items), [("submission", 0, "-"), ("submission", 1, "-")], "no account is shown to patients");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clinician_attaches_to_their_own_answer_and_nothing_is_added_after_it() {
    let app = TestApp::start().await;
    app.tell_relations();
    let visit = app.submitted_with(1).await;
    assert_eq!(upload(&app, &Who::Own.token(&app), "0").await, 201);
    let (holder, path) = (Who::Stranger.token(&app), format!("/async-visits/{visit}"));
    app.post(&holder, &format!("{path}/claim"), &json!({})).await.expect(200);
    assert_eq!(upload(&app, &holder, "0").await, 201);
    app.post(&holder, &format!("{path}/respond"), &json!({"responseText": "see the picture"})).await.expect(200);
    for who in [Who::Stranger, Who::Own, Who::Proxy] {
        let token = who.token(&app);
        let refused = app.begin_upload(&token, 9, &attachment("3", "original")).await;
        refused.refused(409, "INVALID_STATUS_TRANSITION");
    }
    assert_eq!(upload(&app, &Who::Assigned.token(&app), "4").await, 404);
    let items = app.attachments(&holder, &visit).await;
    assert_eq!(summary(&items), [("submission", 0, "patient-1"), ("answer", 0, "clinician-9")]);
    // The patient sees what the clinician attached.
    let items = app.attachments(&Who::Own.token(&app), &visit).await;
    app.open(&items[1], "url").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_that_was_on_its_way_when_the_answer_came_arrives() {
    let app = TestApp::start().await;
    let visit = app.submitted_with(1).await;
    let token = Who::Own.token(&app);
    let bytes = photo(32, 32);
    let begun = app.begin_upload(&token, bytes.len(), &attachment("0", "original")).await.expect(201);
    app.review(&visit, "claim", &json!({})).await.expect(200);
    app.respond(&visit).await.expect(200);
    app.append(&token, &place(&begun), 0, &bytes).await.expect(204);
    app.look_after_uploads().await;
    assert_eq!(app.attachments(&token, &visit).await[0]["status"], "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_acts_for_a_patient_uploads_for_them() {
    let app = TestApp::start().await;
    app.tell_relations();
    let visit = app.submitted_with(1).await;
    assert_eq!(upload(&app, &Who::Proxy.token(&app), "0").await, 201);
    assert_eq!(upload(&app, &Who::OtherPatient.token(&app), "0").await, 403);
    let items = app.attachments(&Who::Assigned.token(&app), &visit).await;
    assert_eq!(summary(&items), [("submission", 0, "mother-1")]);
}

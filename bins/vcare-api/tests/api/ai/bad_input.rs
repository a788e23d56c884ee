//! What no machine and no chart is bothered with.

use serde_json::{Value, json};
use vcare_testkit::Name;

use crate::support::{OTHER_TENANT, TestApp, audio};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_audio_is_not_heard() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let clinician = app.token("clinician");
    app.transcribe(&clinician, &visit, Vec::new()).await.names_field("audio");
    let text = "Good morning, doctor. The cough is better.";
    let said = app.transcribe(&clinician, &visit, text).await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    assert!(said.text("detail").contains("audio/webm") && !said.text("detail").contains("cough"), "{}", said.body);
    app.transcribe(&clinician, &visit, b"\x1A\x45".to_vec()).await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    let kinds =
        ["text/plain", "application/json", "application/octet-stream", "video/webm", "audio/", "audio/*", "webm", ""];
    for kind in kinds {
        let request = app.request(reqwest::Method::POST, &visit.path("/ai/transcribe")).bearer_auth(&clinician);
        let answer = app.send(request.header("Content-Type", kind).body(audio(500))).await;
        assert!(answer.refused(415, "UNSUPPORTED_MEDIA_TYPE").text("detail").contains("audio/webm"), "{kind}");
    }
    // Another kind than it is said to be.
    let request = app.request(reqwest::Method::POST, &visit.path("/ai/transcribe")).bearer_auth(&clinician);
    let ogg = request.header("Content-Type", "audio/ogg").body(audio(500));
    app.send(ogg).await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    let packed = app.to_transcribe(&clinician, &visit).header("Content-Encoding", "gzip").body(audio(500));
    app.send(packed).await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    assert!(app.standins.requests(Name::Ai).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transcript_is_a_text_of_a_visit_that_has_begun() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let clinician = app.token("clinician");
    let path = visit.path("/ai/summary");
    let long = "x".repeat(200_001);
    for wrong in [json!({}), json!({"transcript": null}), json!({"transcript": 7}), json!({"transcript": ["a"]})] {
        app.post(&clinician, &path, &wrong).await.names_field("transcript");
    }
    for wrong in ["", " \n", "a\u{0}b", "a\u{202E}b", &long] {
        app.summarise(&clinician, &visit, wrong).await.names_field("transcript");
    }
    app.summarise(&clinician, &visit, &"x".repeat(1 << 20)).await.refused(413, "PAYLOAD_TOO_LARGE");
    let (waiting, _) = app.waiting_visit().await;
    app.summarise(&clinician, &waiting, "cough").await.refused(409, "INVALID_STATUS_TRANSITION");
    app.summarise(&app.other_clinician(), &visit, "cough").await.refused(404, "SESSION_NOT_FOUND");
    assert!(app.standins.requests(Name::Ai).is_empty());
    // Two hours of Pashto, every letter escaped.
    let hours = "\\u0646\\u0627 ".repeat(40_000);
    let request = app.request(reqwest::Method::POST, &path).bearer_auth(&clinician);
    let request = request.header("Content-Type", "application/json").body(format!("{{\"transcript\": \"{hours}\"}}"));
    app.send(request).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_a_boolean_on_a_draft_of_this_visit() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let (another, _) = app.active_visit().await;
    let (draft, of_another) = (app.draft(&visit).await, app.draft(&another).await);
    let clinician = app.token("clinician");
    let decide = async |body: Value| app.decide(&clinician, &visit, &body).await;

    decide(json!({})).await.names_field("accepted");
    for wrong in ["", "drf_", "7", &visit.id, &draft.to_lowercase().replace("drf_0", "drf_9")] {
        decide(json!({"draftId": wrong, "accepted": true})).await.names_field("draftId");
    }
    decide(json!({"draftId": draft})).await.names_field("accepted");
    for wrong in [json!("true"), json!("yes"), json!(1), json!(null), json!([true]), json!({"is": true})] {
        decide(json!({"draftId": draft, "accepted": wrong})).await.names_field("accepted");
    }
    let accept = |text: Value| json!({"draftId": draft, "accepted": true, "editedText": text});
    for wrong in [json!(7), json!(["a"]), json!(""), json!(" \n"), json!("a\u{0}b"), json!("x".repeat(20_001))] {
        decide(accept(wrong)).await.names_field("editedText");
    }
    decide(accept(json!("x".repeat(1 << 20)))).await.refused(413, "PAYLOAD_TOO_LARGE");
    decide(json!({"draftId": draft, "accepted": false, "editedText": "x"})).await.names_field("editedText");

    let nobodys = "drf_01KA8Z0Q3CJ9XW2V5T7N4B6M8T";
    for other in [nobodys, &of_another] {
        decide(json!({"draftId": other, "accepted": true})).await.refused(404, "DRAFT_NOT_FOUND");
        decide(json!({"draftId": other, "accepted": true, "editedText": "x"})).await.refused(404, "DRAFT_NOT_FOUND");
        decide(json!({"draftId": other, "accepted": false})).await.refused(404, "DRAFT_NOT_FOUND");
    }
    // Of a colleague in the same tenant, who is not in the visit; and of another tenant.
    app.decide(&app.other_clinician(), &visit, &json!({"draftId": draft, "accepted": true}))
        .await
        .refused(404, "SESSION_NOT_FOUND");
    app.decide(&app.other_clinician(), &visit, &json!({"draftId": draft, "accepted": true, "editedText": "x"}))
        .await
        .refused(404, "SESSION_NOT_FOUND");
    let herat = app.token_of(OTHER_TENANT, "clinician-1", "clinician");
    let decision = json!({"draftId": draft, "accepted": true});
    app.decide(&herat, &visit, &decision).await.refused(404, "SESSION_NOT_FOUND");
    assert!(app.standins.requests(Name::Chart).is_empty());
    app.accept(&visit, &draft).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_of_another_tenant_is_not_there() {
    let app = TestApp::start().await;
    app.standins.set_consent("pat-of-herat", vcare_testkit::Consents::ALL);
    let herat = app.token_of(OTHER_TENANT, "clinician-1", "clinician");
    let mut wish = app.wish();
    wish["patientId"] = json!("pat-of-herat");
    let theirs = crate::support::Visit::of(&app.post(&herat, "/sessions", &wish).await.expect(201).body);
    let path = theirs.path(&format!("/participants/{}/join-token", theirs.patient));
    let link = app.post(&herat, &path, &json!({})).await.expect(201).text("joinToken");
    app.join(&link).await.expect(200);
    app.admit_as(&herat, &theirs).await.expect(200);
    let draft = app.summarise(&herat, &theirs, "cough").await.expect(201).text("draftId");
    let (visit, _) = app.active_visit().await;
    for accepted in [true, false] {
        let decision = json!({"draftId": draft, "accepted": accepted});
        app.decide(&app.token("clinician"), &visit, &decision).await.refused(404, "DRAFT_NOT_FOUND");
    }
    app.decide(&herat, &theirs, &json!({"draftId": draft, "accepted": false})).await.expect(200);
}

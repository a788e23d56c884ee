//! What each audience is shown of a visit, field by field.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::people::Who;
use crate::support::{TestApp, draft};

fn fields(value: &Value) -> BTreeSet<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

/// The fields that the OpenAPI document knows of a schema, with those of the schemas that it is put together from.
fn described(document: &Value, schema: &Value) -> BTreeSet<String> {
    if let Some(reference) = schema["$ref"].as_str() {
        return described(document, document.pointer(reference.trim_start_matches('#')).unwrap());
    }
    let parts = schema["allOf"].as_array().into_iter().flatten().flat_map(|part| described(document, part));
    schema["properties"].as_object().into_iter().flat_map(|own| own.keys().cloned()).chain(parts).collect()
}

fn words(text: &str) -> BTreeSet<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// The schema of an audience's view.
fn schema(audience: &str) -> String {
    let (first, rest) = audience.split_at(1);
    format!("{}{rest}Session", first.to_uppercase())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_audience_is_shown_its_own_fields_of_a_visit_and_no_others() {
    const ALWAYS: &str =
        "audience id status scheduledStart scheduledEnd timeZone version createdAt updatedAt participants";
    const TIMES: &str = "audience id status scheduledStart scheduledEnd timeZone expectedAt actualStart actualEnd \
                         cancelReasonCode noShowReasonCode version createdAt updatedAt erasedAt participants";
    const PLAN: &str = "tenantId nodeId patientId appointmentId encounterId encounterStatus initiatorId providerId \
                        videoBackend roomName roomUrl durationSeconds recordingEnabled";
    const COURSE: &str = "failureReason cancelReason endCause endReason mediaMode segments secondsTogether providers";
    const THREAD: &str = "messagingThreadId messagingStatus";
    let app = TestApp::start().await;
    app.tell_relations();
    let visit = app.visit_of_everybody().await;
    app.open_emergency(&visit).await;
    let document = serde_json::to_value(vcare_api::openapi::document()).unwrap();
    let guest = format!("{TIMES} providerName");
    let patient =
        format!("{TIMES} {THREAD} providerName patientId appointmentId durationSeconds recordingEnabled failureReason");
    let scheduler = format!("{TIMES} {PLAN}");
    let staff = format!("{TIMES} {PLAN} {COURSE}");
    let treating = format!("{TIMES} {PLAN} {COURSE} {THREAD} messagingReason recordingRef recordingRefs");
    for (who, audience, shown) in [
        (Who::Own, "patient", patient.as_str()),
        (Who::Proxy, "patient", &patient),
        (Who::Invited, "guest", guest.as_str()),
        (Who::Scheduler, "scheduler", &scheduler),
        (Who::Admin, "scheduler", &scheduler),
        (Who::TenantAdmin, "scheduler", &scheduler),
        (Who::PlatformAdmin, "scheduler", &scheduler),
        (Who::Creator, "scheduler", &scheduler),
        (Who::Assigned, "staff", &staff),
        (Who::Emergency, "staff", &staff),
        (Who::Treating, "treating", &treating),
        (Who::TreatingNurse, "treating", &treating),
    ] {
        let seen = app.get(&who.token(&app), &visit.path("")).await.expect(200).body;
        assert_eq!(seen["audience"], audience, "{who:?}");
        // A field without a value is absent: what may be shown at all is what the document says of the view.
        let shown = words(shown);
        let mut view = described(&document, &document["components"]["schemas"][schema(audience)]);
        view.insert("audience".to_owned());
        assert_eq!(view, shown, "{audience}");
        assert!(fields(&seen).is_subset(&shown), "{who:?}: {seen}");
        assert!(fields(&seen).is_superset(&words(ALWAYS)), "{who:?}: {seen}");
        let people = seen["participants"].as_array().unwrap();
        match audience {
            "patient" | "guest" => {
                assert_eq!(people.len(), 1, "{who:?}: only their own part");
                let own = words("id displayName language role status link joinedAt leftAt removedReasonCode");
                assert!(fields(&people[0]).is_subset(&own), "{who:?}: {}", people[0]);
            }
            "scheduler" => {
                assert!(people.iter().all(|one| one.get("removedReason").is_none() && one.get("link").is_none()))
            }
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reasons_and_accounts_are_not_shown_to_patients_and_schedulers() {
    let app = TestApp::start().await;
    app.tell_relations();
    let visit = app.visit_of_everybody().await;
    let nurse = app.read(&visit).await["participants"][2]["id"].as_str().unwrap().to_owned();
    app.remove(&visit, &nurse, "quarrelled with brother Habib").await.expect(200);
    app.cancel(&visit, "brother Habib came to the ward").await.expect(200);
    for who in [Who::Own, Who::Proxy, Who::Invited, Who::Scheduler, Who::Admin, Who::Creator] {
        let seen = app.get(&who.token(&app), &visit.path("")).await.expect(200).body.to_string();
        assert!(!seen.contains("Habib"), "{who:?}: {seen}");
        if matches!(who, Who::Own | Who::Proxy | Who::Invited) {
            assert!(!seen.contains("clinician-1") && !seen.contains("planner-1"), "{who:?}: {seen}");
        }
    }
    for who in [Who::Treating, Who::Assigned] {
        let seen = app.get(&who.token(&app), &visit.path("")).await.expect(200).body.to_string();
        assert!(seen.contains("Habib"), "{who:?}: {seen}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_with_two_parts_is_shown_the_one_from_which_they_were_not_removed() {
    let app = TestApp::start().await;
    app.tell_relations();
    let visit = app.visit_of_everybody().await;
    let token = Who::Invited.token(&app);
    let first = app.get(&token, &visit.path("")).await.expect(200).body["participants"][0].clone();
    let second =
        app.invite(&visit, &json!({"role": "interpreter", "userId": Who::Invited.account()})).await.expect(201);
    let second = second.body["participants"].as_array().unwrap().last().unwrap()["id"].as_str().unwrap().to_owned();
    app.remove(&visit, &second, "one interpreter is enough").await.expect(200);
    let seen = app.get(&token, &visit.path("")).await.expect(200).body;
    assert_eq!(seen["participants"], json!([first]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_patient_wrote_is_shown_to_who_cares_for_them_and_the_queue_says_only_that_it_is_there() {
    let app = TestApp::start().await;
    app.tell_relations();
    let id = app.post(&Who::Own.token(&app), "/async-visits", &draft()).await.expect(201).text("id");
    let path = format!("/async-visits/{id}");
    let complaint = draft()["chiefComplaint"].as_str().unwrap().to_owned();
    for (who, audience, shown) in [
        (Who::Own, "patient", true),
        (Who::Proxy, "patient", true),
        (Who::Assigned, "staff", true),
        (Who::Stranger, "queue", false),
        (Who::TreatingNurse, "queue", false),
    ] {
        let token = who.token(&app);
        let seen = app.get(&token, &path).await.expect(200).body;
        assert_eq!(seen["audience"], audience, "{who:?}");
        assert_eq!(seen.to_string().contains(&complaint), shown, "{who:?}");
        let list = app.get(&token, "/async-visits").await;
        if audience == "queue" {
            assert!(!list.expect(200).body.to_string().contains(&complaint), "{who:?}");
            app.get(&token, &format!("{path}/attachments")).await.refused(403, "ACCESS_DENIED");
        }
    }
    for who in [Who::Scheduler, Who::Admin, Who::TenantAdmin, Who::PlatformAdmin] {
        app.get(&who.token(&app), &path).await.refused(403, "ACCESS_DENIED");
    }
    app.get(&Who::OtherPatient.token(&app), &path).await.refused(404, "ASYNC_VISIT_NOT_FOUND");
    // Who claims it sees what was written, and the others nothing of it after the answer.
    let claimed = app.post(&Who::Stranger.token(&app), &format!("{path}/claim"), &json!({})).await.expect(200).body;
    assert_eq!(claimed["audience"], "treating");
    assert!(claimed.to_string().contains(&complaint));
    let answer = json!({"responseText": "rest"});
    app.post(&Who::Stranger.token(&app), &format!("{path}/respond"), &answer).await.expect(200);
    app.get(&Who::TreatingNurse.token(&app), &path).await.refused(404, "ASYNC_VISIT_NOT_FOUND");
    let own = app.get(&Who::Own.token(&app), &path).await.expect(200).body.to_string();
    assert!(own.contains("rest") && !own.contains(Who::Stranger.account()), "{own}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_answered_again_to_who_sent_it_and_to_nobody_else() {
    let app = TestApp::start().await;
    app.tell_relations();
    let draft = draft();
    app.post(&Who::Own.token(&app), "/async-visits", &draft).await.expect(201);
    app.post(&Who::Own.token(&app), "/async-visits", &draft).await.expect(200);
    for who in [Who::Proxy, Who::Assigned, Who::Stranger] {
        app.post(&who.token(&app), "/async-visits", &draft).await.refused(409, "CLIENT_MUTATION_ID_TAKEN");
    }
}

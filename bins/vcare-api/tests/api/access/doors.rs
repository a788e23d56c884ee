//! Doors inside a tenant: what somebody without a part in a visit must not do.

use serde_json::json;
use vcare_testkit::{Mode, Name};

use super::people::{OTHER_PATIENT, Who};
use crate::support::{CONSENTED, OTHER_TENANT, TENANT, TestApp, Visit, draft};

#[tokio::test(flavor = "multi_thread")]
async fn a_clinician_without_a_part_in_a_visit_cannot_do_anything_with_it() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let before = app.read(&visit).await;
    let token = Who::Stranger.token(&app);
    app.get(&token, &visit.path("")).await.refused(404, "SESSION_NOT_FOUND");
    for (path, body) in [
        ("/join".to_owned(), json!({})),
        ("/end".to_owned(), json!({})),
        ("/cancel".to_owned(), json!({"reason": "no"})),
        ("/fallback-message".to_owned(), json!({})),
        ("/recording/withdraw".to_owned(), json!({})),
        ("/participants".to_owned(), json!({"role": "provider", "userId": Who::Stranger.account()})),
        (format!("/participants/{}/remove", visit.provider), json!({"reason": "no"})),
        (format!("/participants/{}/join-token", visit.patient), json!({})),
        (format!("/admit/{}", visit.patient), json!({})),
        ("/ai/summary".to_owned(), json!({"transcript": "cough"})),
        ("/connection".to_owned(), json!({"state": "lost"})),
    ] {
        app.post(&token, &visit.path(&path), &body).await.refused(404, "SESSION_NOT_FOUND");
    }
    let listed = app.get(&token, "/sessions").await.expect(200).body;
    assert_eq!(listed["items"], json!([]));
    assert_eq!(app.read(&visit).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_brings_themselves_into_a_colleagues_visit() {
    let app = TestApp::start().await;
    app.tell_relations();
    let visit = app.visit_of_everybody().await;
    let path = visit.path("/participants");
    for (who, role) in [
        (Who::Assigned, "provider"),
        (Who::Assigned, "observer"),
        (Who::Creator, "provider"),
        (Who::Scheduler, "observer"),
        (Who::Admin, "provider"),
    ] {
        let invite = json!({"role": role, "userId": who.account()});
        app.post(&who.token(&app), &path, &invite).await.refused(403, "ACCESS_DENIED");
    }
    // Care is handed over by a provider or a planner, not by a clinician who is only assigned to the patient.
    let colleague = json!({"role": "provider", "userId": "dr-jawid"});
    app.post(&Who::Assigned.token(&app), &path, &colleague).await.refused(403, "ACCESS_DENIED");
    app.post(&Who::Scheduler.token(&app), &path, &colleague).await.expect(201);
    app.post(&Who::Assigned.token(&app), &path, &json!({"role": "interpreter"})).await.expect(201);
    let jawid = app.token_of(TENANT, "dr-jawid", "clinician");
    app.come(&jawid, &visit).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_clinician_is_out_until_a_provider_or_scheduler_invites_them() {
    let app = TestApp::start().await;
    let visit = app.visit_of_everybody().await;
    let (nurse, treating) = (Who::TreatingNurse.token(&app), Who::Treating.token(&app));
    app.come(&nurse, &visit).await.expect(200);
    let provider = visit.provider.clone();
    let path = visit.path(&format!("/participants/{provider}/remove"));
    app.post(&nurse, &path, &json!({"reason": "wrong ward"})).await.expect(200);
    app.standins.unassign(Who::Treating.account(), CONSENTED);
    app.get(&treating, &visit.path("")).await.refused(404, "SESSION_NOT_FOUND");
    let oneself = json!({"role": "provider", "userId": Who::Treating.account()});
    app.post(&treating, &visit.path("/participants"), &oneself).await.refused(404, "SESSION_NOT_FOUND");
    app.come(&treating, &visit).await.refused(404, "SESSION_NOT_FOUND");
    app.post(&nurse, &visit.path("/participants"), &oneself).await.expect(201);
    app.come(&treating, &visit).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_summary_is_for_the_providers_of_a_visit_and_joining_makes_nobody_one() {
    let app = TestApp::start().await;
    app.tell_relations();
    let (visit, _) = app.active_visit().await;
    let assigned = Who::Assigned.token(&app);
    let summary = json!({"transcript": "cough"});
    app.post(&assigned, &visit.path("/ai/summary"), &summary).await.refused(403, "ACCESS_DENIED");
    app.come(&assigned, &visit).await.refused(403, "ACCESS_DENIED");
    app.post(&assigned, &visit.path("/ai/summary"), &summary).await.refused(403, "ACCESS_DENIED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_that_nobody_cares_for_is_open_to_clinicians_and_then_to_the_one_who_came() {
    let app = TestApp::start().await;
    let created = app.post(&app.token("scheduler"), "/sessions", &app.wish()).await.expect(201);
    let visit = Visit::of(&created.body);
    let (one, two) = (Who::Stranger.token(&app), app.other_clinician());
    let seen = app.get(&one, &visit.path("")).await.expect(200).body;
    assert_eq!(seen["audience"], "scheduler");
    assert_eq!(app.get(&one, "/sessions").await.expect(200).body["items"][0]["id"], visit.id.as_str());
    app.come(&one, &visit).await.expect(200);
    assert_eq!(app.get(&one, &visit.path("")).await.expect(200).body["audience"], "treating");
    app.come(&two, &visit).await.refused(404, "SESSION_NOT_FOUND");
    assert_eq!(app.get(&two, "/sessions").await.expect(200).body["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_calls_off_and_ends_and_nothing_else_and_that_is_on_record() {
    let app = TestApp::start().await;
    let (visit, _) = app.active_visit().await;
    let admin = app.token("admin");
    for (path, body) in [
        (format!("/participants/{}/remove", visit.patient), json!({"reason": "no"})),
        ("/fallback-message".to_owned(), json!({})),
        ("/recording/withdraw".to_owned(), json!({})),
    ] {
        app.post(&admin, &visit.path(&path), &body).await.refused(403, "ACCESS_DENIED");
    }
    app.clock.advance(time::Duration::MINUTE);
    let ended = app.post(&admin, &visit.path("/end"), &json!({})).await.expect(200).body;
    assert_eq!((&ended["audience"], &ended["status"]), (&json!("scheduler"), &json!("ended")));
    let entries = app.audited().await;
    let entry = entries.iter().find(|entry| entry["data"]["eventType"] == "VISIT_CHANGED_BY_STAFF").unwrap();
    assert_eq!(entry["data"]["actorId"], "admin-1");
    let people = serde_json::to_string(&app.standins.encounters()).unwrap();
    assert!(!people.contains("admin-1"), "who ends a colleague's visit does not stand in its Encounter: {people}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nurse_practitioner_ends_their_own_visit() {
    let app = TestApp::start().await;
    let visit = app.visit_of_everybody().await;
    let nurse = Who::TreatingNurse.token(&app);
    let token = app.join_token(&visit).await;
    app.join(&token).await.expect(200);
    app.admit_as(&nurse, &visit).await.expect(200);
    app.post(&nurse, &visit.path("/end"), &json!({})).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_treats_themselves() {
    let app = TestApp::start().await;
    let account = app.account(TENANT, "dr-amin", "clinician").patient(CONSENTED);
    let both = account.claim("realm_access", json!({"roles": ["clinician", "patient"]}));
    let token = app.standins.issuer().token(&both);
    app.post(&token, "/sessions", &app.wish()).await.refused(403, "ACCESS_DENIED");
    // They are a patient elsewhere, and have no part in this visit.
    let visit = app.visit().await;
    assert_eq!(app.get(&token, &visit.path("")).await.expect(200).body["audience"], "patient");
    app.come(&token, &visit).await.refused(403, "ACCESS_DENIED");
    let id = app.post(&token, "/async-visits", &draft()).await.expect(201).text("id");
    app.post(&token, &format!("/async-visits/{id}/claim"), &json!({})).await.refused(403, "ACCESS_DENIED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patients_role_alone_is_nobody() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    // The account has the same name as the patient: that does not make them the patient.
    let token = app.standins.issuer().token(&app.account(TENANT, CONSENTED, "patient"));
    app.get(&token, "/sessions").await.refused(403, "ACCESS_DENIED");
    app.get(&token, "/async-visits").await.refused(403, "ACCESS_DENIED");
    app.get(&token, &visit.path("")).await.refused(404, "SESSION_NOT_FOUND");
    app.post(&token, "/async-visits", &draft()).await.refused(403, "ACCESS_DENIED");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_acts_for_a_patient_does_what_the_patient_does_and_is_named() {
    let app = TestApp::start().await;
    app.tell_relations();
    let visit = app.visit().await;
    let mother = Who::Proxy.token(&app);
    assert_eq!(app.get(&mother, &visit.path("")).await.expect(200).body["audience"], "patient");
    let list = app.get(&mother, &format!("/sessions?patientId={CONSENTED}")).await.expect(200).body;
    assert_eq!(list["items"][0]["id"], visit.id.as_str());
    let id = app.post(&mother, "/async-visits", &draft()).await.expect(201).text("id");
    app.review(&id, "claim", &json!({})).await.expect(200);
    app.respond(&id).await.expect(200);
    let encounter = app.standins.encounters().pop().unwrap();
    let people = serde_json::to_string(&encounter["participant"]).unwrap();
    assert!(people.contains("RelatedPerson/rel-mother-1") && !people.contains(CONSENTED), "{people}");
    // Nobody is a proxy for another patient, nor after access-policy says no.
    let mut other = draft();
    other["patientId"] = json!(OTHER_PATIENT);
    app.post(&mother, "/async-visits", &other).await.refused(403, "ACCESS_DENIED");
    app.standins.end_proxy(Who::Proxy.account(), CONSENTED);
    app.get(&mother, &visit.path("")).await.refused(404, "SESSION_NOT_FOUND");
    app.post(&mother, "/async-visits", &draft()).await.refused(403, "ACCESS_DENIED");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_access_policy_own_visits_go_on_and_every_other_relation_is_a_no() {
    for mode in [Mode::DOWN, Mode::down_with(500), Mode::WRONG] {
        let app = TestApp::start().await;
        app.tell_relations();
        let visit = app.visit().await;
        app.standins.set_mode(Name::Access, mode);
        for who in [Who::Treating, Who::Own, Who::Scheduler] {
            app.get(&who.token(&app), &visit.path("")).await.expect(200);
        }
        for who in [Who::Assigned, Who::Proxy, Who::Stranger] {
            app.get(&who.token(&app), &visit.path("")).await.refused(404, "SESSION_NOT_FOUND");
        }
    }
    let app = TestApp::start().await;
    app.tell_relations();
    let visit = app.visit().await;
    app.standins.answer_about(Some(OTHER_TENANT));
    app.get(&Who::Assigned.token(&app), &visit.path("")).await.refused(404, "SESSION_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn access_policy_is_asked_only_when_no_closer_relation_answers() {
    let app = TestApp::start().await;
    app.tell_relations();
    let (visit, _) = app.active_visit().await;
    app.standins.clear_requests(Name::Access);
    let treating = Who::Treating.token(&app);
    app.get(&treating, &visit.path("")).await.expect(200);
    app.get(&Who::Own.token(&app), &visit.path("")).await.expect(200);
    app.get(&Who::Scheduler.token(&app), &visit.path("")).await.expect(200);
    app.end(&visit).await.expect(200);
    assert_eq!(app.standins.requests(Name::Access).len(), 0);
    app.get(&Who::Assigned.token(&app), &visit.path("")).await.expect(200);
    assert_eq!(app.standins.requests(Name::Access).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_is_not_there_asks_what_one_that_is_not_yours_asks() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let nothing = "/sessions/vsn_01KA8Z0Q3CJ9XW2V5T7N4B6M8R";
    for who in [Who::Stranger, Who::OtherPatient] {
        let token = who.token(&app);
        let mut asked = Vec::new();
        let mut answers = Vec::new();
        for path in [visit.path(""), nothing.to_owned()] {
            app.standins.clear_requests(Name::Access);
            let before = app.audited().await.len();
            let mut answer = app.get(&token, &path).await.refused(404, "SESSION_NOT_FOUND").body;
            for own in ["requestId", "instance"] {
                answer.as_object_mut().unwrap().remove(own);
            }
            answers.push(answer);
            asked.push((app.standins.requests(Name::Access).len(), app.audited().await.len() - before));
        }
        assert_eq!(asked, [(1, 1), (1, 1)], "{who:?}");
        assert_eq!(answers[0], answers[1], "{who:?}");
    }
}

//! Who sees which name.

use serde_json::{Value, json};

use super::{DOCTOR, INTERPRETER, PATIENT, names};
use crate::support::{CONSENTED, OTHER_TENANT, TENANT, TestApp, VideoUrl};

#[tokio::test(flavor = "multi_thread")]
async fn those_who_hold_and_plan_a_visit_see_who_is_who() {
    let app = TestApp::start().await;
    let visit = app.named_visit().await;
    let all = [PATIENT, DOCTOR, INTERPRETER].map(|name| json!(name));
    for role in ["clinician", "scheduler", "admin"] {
        let seen = app.get(&app.token(role), &visit.path("")).await.expect(200).body;
        assert_eq!(names(&seen), all, "{role}");
        assert_eq!(seen["participants"][2]["language"], "ps", "{role}");
        let listed = app.get(&app.token(role), "/sessions").await.expect(200).body;
        assert_eq!(listed["items"][0]["patientName"], PATIENT, "{role}");
        // A clinician's own list does not say who the clinician is.
        let provider = if role == "clinician" { Value::Null } else { json!(DOCTOR) };
        assert_eq!(listed["items"][0]["providerName"], provider, "{role}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn patients_and_guests_see_the_provider_and_themselves() {
    let app = TestApp::start().await;
    let visit = app.named_visit().await;
    let patient = app.token("patient");
    let guest = app.standins.issuer().token(&app.account(TENANT, "tr-1", "clinician"));
    for (token, audience, own) in [(patient, "patient", PATIENT), (guest, "guest", INTERPRETER)] {
        let seen = app.get(&token, &visit.path("")).await.expect(200).body;
        assert_eq!(seen["audience"], audience);
        assert_eq!((&seen["providerName"], names(&seen)), (&json!(DOCTOR), vec![json!(own)]), "{audience}");
        let others = [PATIENT, INTERPRETER].into_iter().filter(|name| *name != own);
        assert!(others.into_iter().all(|name| !seen.to_string().contains(name)), "{audience}: {seen}");
    }
    // A join link returns whose visit it is.
    let link = app.join_token(&visit).await;
    assert_eq!(app.join(&link).await.expect(200).body["providerName"], DOCTOR);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_video_room_everybody_has_their_name() {
    let app = TestApp::start().await;
    let visit = app.named_visit().await;
    let link = app.join_token(&visit).await;
    app.join(&link).await.expect(200);
    let doctor = app.come(&app.named_clinician(), &visit).await.expect(200);
    assert_eq!(doctor.body["participant"]["displayName"], DOCTOR);
    app.admit(&visit).await.expect(200);
    let patient = app.join(&link).await.expect(200);
    for (url, name) in [(doctor.text("videoJoinUrl"), DOCTOR), (patient.text("url"), PATIENT)] {
        let claims = VideoUrl::read(TENANT, &url).await.claims;
        assert_eq!(claims["context"]["user"]["name"], name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visit_of_people_without_names_is_as_it_was_before_there_were_names() {
    let app = TestApp::start().await;
    let (visit, link) = app.active_visit().await;
    let seen = app.read(&visit).await;
    assert!(names(&seen).iter().all(Value::is_null) && !seen.to_string().contains("displayName"), "{seen}");
    let joined = app.join(&link).await.expect(200);
    assert!(joined.body.get("providerName").is_none());
    let claims = VideoUrl::read(TENANT, &joined.text("url")).await.claims;
    assert!(claims["context"]["user"].get("name").is_none(), "{claims}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_is_named_when_they_join_unless_somebody_named_them_before() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    app.come(&app.named_clinician(), &visit).await.expect(200);
    let colleague = json!({"role": "provider", "userId": "clinician-2", "displayName": "Dr. Amiri"});
    app.invite(&visit, &colleague).await.expect(201);
    let account = app.account(TENANT, "clinician-2", "clinician").claim("name", json!("Amiri, Ahmad"));
    app.come(&app.standins.issuer().token(&account), &visit).await.expect(200);
    let seen = app.read(&visit).await;
    assert_eq!(names(&seen)[1..], [json!(DOCTOR), json!("Dr. Amiri")]);
    // A claim that cannot be shown names nobody, and keeps nobody out.
    for odd in [json!("<b>Noori</b>"), json!("N\u{202E}oori"), json!(7), json!("x".repeat(5000))] {
        let account = app.account(TENANT, "clinician-1", "clinician").claim("name", odd);
        let created = app.post(&app.standins.issuer().token(&account), "/sessions", &app.wish()).await.expect(201);
        let id = created.text("id");
        let seen = app.get(&app.token("clinician"), &format!("/sessions/{id}")).await.expect(200).body;
        assert!(names(&seen).iter().all(Value::is_null), "{seen}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_sealed_at_rest_and_stand_in_no_event_and_no_stored_response() {
    let app = TestApp::start().await;
    let mut wish = app.wish();
    wish["patientName"] = json!(PATIENT);
    let created = app.post_once(&app.named_clinician(), "/sessions", &wish, "once").await.expect(201);
    let again = app.post_once(&app.named_clinician(), "/sessions", &wish, "once").await.expect(201);
    assert_eq!(created.bytes, again.bytes);
    let visit = crate::support::Visit::of(&created.body);
    let guest = json!({"role": "interpreter", "displayName": INTERPRETER});
    let invited = app.post_once(&app.token("clinician"), &visit.path("/participants"), &guest, "two").await.expect(201);
    let last = invited.body["participants"].as_array().unwrap().len() - 1;
    assert!(invited.body["participants"][last].get("displayName").is_none());
    let dump =
        "SELECT encode(body, 'escape') FROM idempotency_key UNION ALL SELECT convert_from(body, 'UTF8') FROM outbox
                UNION ALL SELECT v::text FROM virtual_session AS v";
    let rows = app.database.rows(dump, &[]).await.unwrap();
    assert!(rows.len() >= 5);
    for row in rows {
        let row: String = row.get(0);
        for name in [PATIENT, DOCTOR, INTERPRETER] {
            assert!(!row.contains(name), "{row}");
        }
    }
    let seen = app.read(&visit).await;
    assert_eq!(names(&seen), [PATIENT, DOCTOR, INTERPRETER].map(|name| json!(name)));
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_named_by_staff_and_not_by_patients_or_another_tenant() {
    let app = TestApp::start().await;
    let visit = app.visit().await;
    let path = visit.path(&format!("/participants/{}/join-token", visit.patient));
    let wish = json!({"displayName": PATIENT});
    app.post(&app.token("patient"), &path, &wish).await.refused(403, "ACCESS_DENIED");
    let mother = app.account(TENANT, "mother-1", "patient").patient("pat-mother");
    app.standins.make_proxy("mother-1", CONSENTED, "rp-mother");
    app.post(&app.standins.issuer().token(&mother), &path, &wish).await.refused(403, "ACCESS_DENIED");
    for role in ["clinician", "scheduler"] {
        let other = app.token_of(OTHER_TENANT, &format!("{role}-1"), role);
        app.post(&other, &path, &wish).await.refused(404, "SESSION_NOT_FOUND");
        let guest = json!({"role": "interpreter", "displayName": INTERPRETER});
        app.post(&other, &visit.path("/participants"), &guest).await.refused(404, "SESSION_NOT_FOUND");
    }
    app.post(&app.other_clinician(), &path, &wish).await.refused(404, "SESSION_NOT_FOUND");
    assert!(names(&app.read(&visit).await).iter().all(Value::is_null));
    app.post(&app.token("scheduler"), &path, &wish).await.expect(201);
    assert_eq!(names(&app.read(&visit).await)[0], PATIENT);
    // A new link without a name leaves the name as it is.
    app.post(&app.token("patient"), &path, &json!({})).await.expect(201);
    assert_eq!(names(&app.read(&visit).await)[0], PATIENT);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_name_somebody_at_once_one_wins_and_nobody_else_loses_a_name() {
    let app = TestApp::start().await;
    let visit = app.named_visit().await;
    let path = visit.path(&format!("/participants/{}/join-token", visit.patient));
    let token = app.token("clinician");
    let wishes: Vec<Value> = (0..6).map(|n| json!({"displayName": format!("Ahmad {n}")})).collect();
    let both = futures_util::future::join_all(wishes.iter().map(|wish| app.post(&token, &path, wish))).await;
    assert!(both.iter().all(|answer| answer.status == 201));
    let seen = names(&app.read(&visit).await);
    assert!(wishes.iter().any(|wish| wish["displayName"] == seen[0]), "{seen:?}");
    assert_eq!(seen[1..], [json!(DOCTOR), json!(INTERPRETER)]);
}

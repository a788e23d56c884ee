//! Visits are listed and read.

use serde_json::{Value, json};

use crate::support::{CONSENTED, NO_RECORDING_CONSENT, OTHER_TENANT, TENANT, TestApp, Visit};

/// A visit of that patient, so many minutes ahead.
async fn visit_of(app: &TestApp, patient: &str, minutes: i64) -> Visit {
    let wish = json!({"patientId": patient, "scheduledStart": app.minutes_ahead(minutes)});
    Visit::of(&app.post(&app.token("clinician"), "/sessions", &wish).await.expect(201).body)
}

fn ids(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap();
    items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

/// What a query lists on its one page.
async fn listed(app: &TestApp, token: &str, query: &str) -> Vec<String> {
    let page = app.get(token, &format!("/sessions?{query}")).await.expect(200).body;
    assert_eq!(page["nextCursor"], Value::Null, "{query}");
    ids(&page)
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_go_by_planned_start_and_lose_and_repeat_nothing_where_starts_are_equal() {
    let app = TestApp::start().await;
    let mut expected = Vec::new();
    for minutes in [60, 30, 30, 90, 30, 30, 60] {
        let visit = visit_of(&app, CONSENTED, minutes).await;
        expected.push((minutes, visit.id));
    }
    // Ids are in the order of creation, as their text is.
    expected.sort_unstable();
    let expected: Vec<String> = expected.into_iter().map(|(_, id)| id).collect();
    let clinician = app.token("clinician");
    assert_eq!(listed(&app, &clinician, "").await, expected);
    assert_eq!(listed(&app, &clinician, "limit=7").await, expected);
    for limit in 1..=6 {
        let mut seen = Vec::new();
        let mut query = format!("?limit={limit}");
        loop {
            let page = app.get(&clinician, &format!("/sessions{query}")).await.expect(200).body;
            let found = ids(&page);
            assert!(!found.is_empty() && found.len() <= limit);
            seen.extend(found);
            let Some(cursor) = page["nextCursor"].as_str() else { break };
            query = format!("?limit={limit}&cursor={cursor}");
        }
        assert_eq!(seen, expected, "limit {limit}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_goes_on_where_the_one_before_ended_whatever_was_added_meanwhile() {
    let app = TestApp::start().await;
    let clinician = app.token("clinician");
    let (first, second) = (visit_of(&app, CONSENTED, 30).await, visit_of(&app, CONSENTED, 60).await);
    let page = app.get(&clinician, "/sessions?limit=1").await.expect(200).body;
    assert_eq!(ids(&page), [first.id.as_str()]);
    let cursor = page["nextCursor"].as_str().unwrap();
    visit_of(&app, CONSENTED, 10).await;
    let same_start = visit_of(&app, CONSENTED, 30).await;
    app.cancel(&first, "snow").await.expect(200);
    let rest = listed(&app, &clinician, &format!("cursor={cursor}")).await;
    assert_eq!(rest, [same_start.id, second.id]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_can_be_narrowed_by_status_patient_and_planned_start() {
    let app = TestApp::start().await;
    let clinician = app.token("clinician");
    let early = visit_of(&app, CONSENTED, 30).await;
    let other = visit_of(&app, NO_RECORDING_CONSENT, 60).await;
    let late = visit_of(&app, CONSENTED, 90).await;
    app.cancel(&late, "snow").await.expect(200);
    let (at_60, at_90) = (app.minutes_ahead(60), app.minutes_ahead(90));
    let all = [&early.id, &other.id, &late.id].map(String::clone);
    for (query, expected) in [
        (String::new(), &all[..]),
        ("status=cancelled".to_owned(), &all[2..]),
        ("status=scheduled".to_owned(), &all[..2]),
        ("status=active".to_owned(), &[]),
        (format!("patientId={NO_RECORDING_CONSENT}"), &all[1..2]),
        ("patientId=pat-unknown".to_owned(), &[]),
        // From then on, until before then.
        (format!("from={at_60}"), &all[1..]),
        (format!("to={at_60}"), &all[..1]),
        (format!("from={at_60}&to={at_90}"), &all[1..2]),
        (format!("status=scheduled&patientId={CONSENTED}"), &all[..1]),
    ] {
        assert_eq!(listed(&app, &clinician, &query).await, expected, "{query}");
    }
    for (query, field) in [
        ("status=paused", "status"),
        ("limit=0", "limit"),
        ("limit=x", "limit"),
        ("from=yesterday", "from"),
        ("to=2026-11-24", "to"),
        ("updatedSince=yesterday", "updatedSince"),
        ("order=newest", "order"),
        ("order=asc&order=asc", "order"),
        ("patientId=a%2Fb", "patientId"),
        ("page=2", "page"),
        ("limit=1&limit=2", "limit"),
    ] {
        app.get(&clinician, &format!("/sessions?{query}")).await.names_field(field);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_can_be_narrowed_by_appointment_provider_and_several_states() {
    let app = TestApp::start().await;
    let scheduler = app.token("scheduler");
    let [first, second, third] = [app.visit().await, app.visit().await, app.visit().await];
    let mut wish = app.wish();
    wish["providerId"] = json!("clinician-9");
    let other = Visit::of(&app.post(&scheduler, "/sessions", &wish).await.expect(201).body);
    app.cancel(&second, "snow").await.expect(200);
    let link = app.join_token(&third).await;
    app.join(&link).await.expect(200);
    let all = [&first.id, &second.id, &third.id, &other.id].map(String::clone);
    for (query, expected) in [
        ("appointmentId=appt-2", vec![&all[1]]),
        ("appointmentId=appt-9", vec![]),
        ("providerId=clinician-1", vec![&all[0], &all[1], &all[2]]),
        ("providerId=clinician-9", vec![&all[3]]),
        ("providerId=clinician-9&appointmentId=appt-1", vec![]),
        ("providerId=clinician-1&status=scheduled,waiting", vec![&all[0], &all[2]]),
        ("status=cancelled,waiting", vec![&all[1], &all[2]]),
        ("status=waiting%2Ccancelled", vec![&all[1], &all[2]]),
        ("status=waiting,waiting", vec![&all[2]]),
    ] {
        let expected: Vec<String> = expected.into_iter().cloned().collect();
        assert_eq!(listed(&app, &scheduler, query).await, expected, "{query}");
    }
    for (query, field) in [
        ("status=waiting,paused", "status"),
        ("status=waiting,", "status"),
        ("status=", "status"),
        ("status=waiting&status=active", "status"),
        ("appointmentId=a%2Fb", "appointmentId"),
        ("appointmentId=", "appointmentId"),
        ("providerId=a%20b", "providerId"),
        ("present=yes", "present"),
        ("present=", "present"),
    ] {
        app.get(&scheduler, &format!("/sessions?{query}")).await.names_field(field);
    }
    // Another tenant's list holds none of them, whatever it is narrowed by.
    let elsewhere = app.token_of(OTHER_TENANT, "scheduler-1", "scheduler");
    for query in ["appointmentId=appt-2", "providerId=clinician-1", "status=cancelled,waiting", "present=true"] {
        assert!(listed(&app, &elsewhere, query).await.is_empty(), "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_can_be_narrowed_to_patients_who_are_present() {
    let app = TestApp::start().await;
    let clinician = app.token("clinician");
    let (away, (here, link)) = (app.visit().await, app.waiting_visit().await);
    let (came_in, _) = app.active_visit().await;
    assert_eq!(listed(&app, &clinician, "present=true").await, [here.id.as_str()]);
    let others = listed(&app, &clinician, "present=false").await;
    assert_eq!(others, [away.id.as_str(), came_in.id.as_str()]);
    // As the answer itself says it, to the second.
    app.clock.advance(time::Duration::seconds(119));
    assert_eq!(listed(&app, &clinician, "present=true").await, [here.id.as_str()]);
    assert_eq!(app.participant(&here, &here.patient).await["present"], true);
    app.clock.advance(time::Duration::seconds(1));
    assert!(listed(&app, &clinician, "present=true").await.is_empty());
    assert_eq!(app.participant(&here, &here.patient).await["present"], false);
    assert_eq!(listed(&app, &clinician, "present=false").await.len(), 3);
    // Heard from again; then the visit is over, and nobody waits for it.
    app.join(&link).await.expect(200);
    assert_eq!(listed(&app, &clinician, "present=true&status=waiting").await, [here.id.as_str()]);
    app.cancel(&here, "snow").await.expect(200);
    assert!(listed(&app, &clinician, "present=true").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_a_narrowed_list_lose_and_repeat_nothing() {
    let app = TestApp::start().await;
    let clinician = app.token("clinician");
    let mut expected = Vec::new();
    for round in 0..7 {
        let (visit, _) = app.waiting_visit().await;
        if round % 2 == 0 {
            expected.push(visit.id);
        } else {
            app.admit(&visit).await.expect(200);
        }
    }
    for narrowed in ["present=true", "status=waiting,scheduled", "providerId=clinician-1&status=waiting&present=true"] {
        for limit in 1..=4 {
            let (mut seen, mut cursor) = (Vec::new(), String::new());
            loop {
                let query = format!("/sessions?{narrowed}&limit={limit}{cursor}");
                let page = app.get(&clinician, &query).await.expect(200).body;
                seen.extend(ids(&page));
                let Some(next) = page["nextCursor"].as_str() else { break };
                cursor = format!("&cursor={next}");
            }
            assert_eq!(seen, expected, "{narrowed} limit {limit}");
        }
    }
}

/// Who may not see a thing in a visit does not find it out by asking for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_not_narrowed_by_what_the_callers_view_does_not_show() {
    let app = TestApp::start().await;
    let (visit, _) = app.waiting_visit().await;
    app.invite(&visit, &json!({"role": "interpreter", "userId": "nurse_practitioner-1"})).await.expect(201);
    let (guest, patient) = (app.token("nurse_practitioner"), app.token("patient"));
    assert_eq!(listed(&app, &guest, "status=waiting").await, [visit.id.as_str()]);
    for query in ["appointmentId=appt-1", "providerId=clinician-1", "present=true", "present=false"] {
        assert!(listed(&app, &guest, query).await.is_empty(), "{query}");
    }
    assert_eq!(listed(&app, &patient, "appointmentId=appt-1&present=true").await, [visit.id.as_str()]);
    assert!(listed(&app, &patient, "providerId=clinician-1").await.is_empty());
    // A colleague without a part in it finds it by no filter.
    let colleague = app.other_clinician();
    for query in ["", "appointmentId=appt-1", "providerId=clinician-1", "present=true"] {
        assert!(listed(&app, &colleague, query).await.is_empty(), "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_has_twenty_visits_unless_another_number_is_asked_for() {
    let app = TestApp::start().await;
    for _ in 0..21 {
        app.visit().await;
    }
    let page = app.get(&app.token("scheduler"), "/sessions").await.expect(200).body;
    assert_eq!(ids(&page).len(), 20);
    let next = page["nextCursor"].as_str().unwrap();
    assert_eq!(listed(&app, &app.token("scheduler"), &format!("cursor={next}")).await.len(), 1);
    assert_eq!(listed(&app, &app.token("scheduler"), "limit=100").await.len(), 21);
}

#[tokio::test(flavor = "multi_thread")]
async fn patients_see_their_own_visits_only() {
    let app = TestApp::start().await;
    let own = visit_of(&app, CONSENTED, 30).await;
    let others = visit_of(&app, NO_RECORDING_CONSENT, 30).await;
    let patient = app.token("patient");
    assert_eq!(listed(&app, &patient, "").await, [own.id.as_str()]);
    assert_eq!(listed(&app, &patient, &format!("patientId={CONSENTED}")).await, [own.id.as_str()]);
    // Asking for another's is answered as if there were none.
    assert!(listed(&app, &patient, &format!("patientId={NO_RECORDING_CONSENT}")).await.is_empty());
    app.get(&patient, &own.path("")).await.expect(200);
    app.get(&patient, &others.path("")).await.refused(404, "SESSION_NOT_FOUND");
    // Who is staff and a patient sees what they have a part in as staff, and what is their own when they ask for it; who is
    // a patient at another hospital reads there.
    let both = app.account(TENANT, "clinician-9", "patient").patient(CONSENTED);
    let both = both.claim("realm_access", json!({"roles": ["patient", "clinician"]}));
    let both = app.standins.issuer().token(&both);
    assert!(listed(&app, &both, "").await.is_empty());
    assert_eq!(listed(&app, &both, &format!("patientId={CONSENTED}")).await, [own.id.as_str()]);
    let elsewhere = app.token_of(OTHER_TENANT, "patient-1", "patient");
    assert!(listed(&app, &elsewhere, "").await.is_empty());
    app.get(&elsewhere, &own.path("")).await.refused(404, "SESSION_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_not_there_is_404() {
    let app = TestApp::start().await;
    let clinician = app.token("clinician");
    app.get(&clinician, "/sessions/vsn_01KA8Z0Q3CJ9XW2V5T7N4B6M8R").await.refused(404, "SESSION_NOT_FOUND");
    app.get(&clinician, "/sessions/vsp_01KA8Z0Q3CJ9XW2V5T7N4B6M8R").await.names_field("sessionId");
    app.get(&clinician, "/sessions/1").await.names_field("sessionId");
}

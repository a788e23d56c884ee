//! What a list is asked for: filters, order, length.

use serde_json::{Value, json};
use time::Duration;

use super::ids;
use crate::support::{CONSENTED, TENANT, TestApp, Visit, draft};

#[tokio::test(flavor = "multi_thread")]
async fn me_is_the_account_that_asks() {
    let app = TestApp::start().await;
    let (clinician, other) = (app.token("clinician"), app.other_clinician());
    let mine = app.visit().await;
    let wish = json!({"patientId": CONSENTED, "scheduledStart": app.minutes_ahead(90), "providerId": "clinician-2"});
    let theirs = Visit::of(&app.post(&clinician, "/sessions", &wish).await.expect(201).body);
    // The first one planned the second one, and sees it without being its provider.
    assert_eq!(app.ids(&clinician, "/sessions").await, [mine.id.clone(), theirs.id.clone()]);
    assert_eq!(app.ids(&clinician, "/sessions?providerId=me").await, [mine.id.as_str()]);
    assert_eq!(app.ids(&other, "/sessions?providerId=me").await, [theirs.id.as_str()]);
    assert_eq!(app.ids(&app.token("scheduler"), "/sessions?providerId=me").await, [""; 0]);
    let held = app.claimed().await;
    app.submitted().await;
    assert_eq!(app.ids(&clinician, "/async-visits?providerId=me").await, [held.as_str()]);
    assert_eq!(app.ids(&other, "/async-visits?providerId=me").await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_since_a_moment_is_on_a_list_and_nothing_else() {
    let app = TestApp::start().await;
    let clinician = app.token("clinician");
    let (old, moved) = (app.visit().await, app.visit().await);
    let (waiting, claimed) = (app.submitted().await, app.submitted().await);
    app.clock.advance(Duration::minutes(1));
    let since = app.minutes_ahead(0);
    assert_eq!(app.ids(&clinician, &format!("/sessions?updatedSince={since}")).await, [""; 0]);
    let later = json!({"scheduledStart": app.minutes_ahead(300)});
    app.patch(&clinician, &moved, &later).await.expect(200);
    app.review(&claimed, "claim", &json!({})).await.expect(200);
    assert_eq!(app.ids(&clinician, &format!("/sessions?updatedSince={since}")).await, [moved.id.as_str()], "it is in");
    assert_eq!(app.ids(&clinician, &format!("/async-visits?updatedSince={since}")).await, [claimed.as_str()]);
    app.clock.advance(Duration::minutes(1));
    let since = app.minutes_ahead(0);
    let both = format!("updatedSince={since}&status=cancelled,scheduled");
    app.cancel(&old, "snow").await.expect(200);
    assert_eq!(app.ids(&clinician, &format!("/sessions?{both}")).await, [old.id.as_str()]);
    assert_eq!(app.ids(&clinician, &format!("/async-visits?updatedSince={since}")).await, [""; 0]);
    assert_eq!(app.ids(&clinician, "/async-visits").await, [waiting, claimed]);
}

#[tokio::test(flavor = "multi_thread")]
async fn async_visits_can_be_narrowed_by_several_states_and_by_arrival() {
    let app = TestApp::start().await;
    let clinician = app.token("clinician");
    let mut all = Vec::new();
    let mut times = Vec::new();
    for _ in 0..3 {
        app.clock.advance(Duration::minutes(1));
        times.push(app.minutes_ahead(0));
        all.push(app.submitted().await);
    }
    app.review(&all[1], "claim", &json!({})).await.expect(200);
    app.review(&all[2], "claim", &json!({})).await.expect(200);
    app.respond(&all[2]).await.expect(200);
    for (query, expected) in [
        ("status=submitted,under_review".to_owned(), &all[..2]),
        ("status=responded,under_review,responded".to_owned(), &all[1..]),
        ("status=closed".to_owned(), &[]),
        // From then on, until before then.
        (format!("from={}", times[1]), &all[1..]),
        (format!("to={}", times[1]), &all[..1]),
        (format!("from={}&to={}", times[1], times[2]), &all[1..2]),
        (format!("from={}&status=submitted", times[1]), &[]),
    ] {
        assert_eq!(app.ids(&clinician, &format!("/async-visits?{query}")).await, expected, "{query}");
    }
    for (query, field) in [
        ("status=submitted,", "status"),
        ("status=submitted&status=closed", "status"),
        ("status=waiting", "status"),
        ("from=yesterday", "from"),
        ("to=2026-11-24", "to"),
        ("updatedSince=1", "updatedSince"),
        ("order=newest", "order"),
        ("order=", "order"),
        ("limit=0", "limit"),
        ("appointmentId=appt-1", "appointmentId"),
    ] {
        app.get(&clinician, &format!("/async-visits?{query}")).await.names_field(field);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn patients_see_the_newest_first_and_staff_the_oldest_unless_they_ask_for_another_order() {
    let app = TestApp::start().await;
    app.standins.make_proxy("mother-1", CONSENTED, "rel-1");
    let mother = app.standins.issuer().token(&app.account(TENANT, "mother-1", "patient").patient("pat-mother"));
    let (patient, clinician, scheduler) = (app.token("patient"), app.token("clinician"), app.token("scheduler"));
    let (mut visits, mut asynchronous) = (Vec::new(), Vec::new());
    for minutes in [10, 20, 20, 30] {
        visits.push(app.visit_in(minutes).await.id);
        app.clock.advance(Duration::SECOND);
        asynchronous.push(app.submit(&draft()).await.expect(201).text("id"));
    }
    let newest = |ids: &[String]| -> Vec<String> { ids.iter().rev().cloned().collect() };
    for (path, oldest) in [("/sessions", &visits), ("/async-visits", &asynchronous)] {
        let ask = async |token: &str, query: &str| app.ids(token, &format!("{path}?{query}")).await;
        assert_eq!(ask(&patient, "").await, newest(oldest), "{path}");
        assert_eq!(ask(&mother, &format!("patientId={CONSENTED}")).await, newest(oldest), "{path}");
        assert_eq!(ask(&patient, "order=asc").await, *oldest, "{path}");
        assert_eq!(ask(&clinician, "").await, *oldest, "{path}");
        assert_eq!(ask(&clinician, "order=desc").await, newest(oldest), "{path}");
        if path == "/sessions" {
            assert_eq!(ask(&scheduler, "").await, *oldest);
        }
        // Page by page, also where two begin at the same time.
        for (order, expected) in [("asc", oldest.clone()), ("desc", newest(oldest))] {
            let (mut seen, mut cursor) = (Vec::new(), String::new());
            loop {
                let page = app.get(&patient, &format!("{path}?limit=1&order={order}{cursor}")).await.expect(200).body;
                seen.extend(ids(&page));
                let Some(next) = page["nextCursor"].as_str() else { break };
                cursor = format!("&cursor={next}");
            }
            assert_eq!(seen, expected, "{path} {order}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_above_the_most_is_the_most() {
    let app = TestApp::start().await;
    let scheduler = app.token("scheduler");
    // Copies of one visit: a hundred and one requests would say no more.
    app.visit_in(30).await;
    let copy = "CREATE TEMPORARY TABLE copies AS SELECT * FROM virtual_session;
                UPDATE copies SET room_name = '';
                INSERT INTO virtual_session SELECT (jsonb_populate_record(copies, jsonb_build_object(
                    'id', gen_random_uuid(), 'room_name', 'kabul-' || n))).* FROM copies, generate_series(1, 100) AS n;";
    app.database.client().await.unwrap().batch_execute(copy).await.unwrap();
    for limit in ["101", "200", "99999999999999999999"] {
        let page = app.get(&scheduler, &format!("/sessions?limit={limit}")).await.expect(200).body;
        assert_eq!(ids(&page).len(), 100, "{limit}");
        assert_ne!(page["nextCursor"], Value::Null);
    }
    for limit in ["0", "-1", "ten", "1.5", ""] {
        for path in ["/sessions", "/async-visits"] {
            app.get(&app.token("clinician"), &format!("{path}?limit={limit}")).await.names_field("limit");
        }
    }
}

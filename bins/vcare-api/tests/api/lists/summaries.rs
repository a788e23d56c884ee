//! What of a visit is on a list, and how long that is.

use std::collections::BTreeSet;
use std::io::Read;

use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;

use super::{ids, items};
use crate::access::people::Who;
use crate::support::{CONSENTED, TENANT, TestApp, Visit, draft};

fn fields(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn names(list: &str) -> BTreeSet<&str> {
    list.split_whitespace().collect()
}

/// What the clinician's screen asks for in the morning.
fn today(app: &TestApp) -> String {
    let (from, to) = (app.minutes_ahead(-12 * 60), app.minutes_ahead(12 * 60));
    format!("/sessions?providerId=me&from={from}&to={to}&status=scheduled,waiting,active,failed,ended")
}

#[tokio::test(flavor = "multi_thread")]
async fn my_visits_today_are_one_request_of_two_kilobytes_for_ten_visits() {
    let app = TestApp::start().await;
    let clinician = app.token("clinician");
    let mut visits = Vec::new();
    for (number, name) in ["Gul Bibi", "Ahmad", "زرغونه", "Habib", "Laila", "Omar", "Nasrin", "Karim", "Mina", "Yusuf"]
        .into_iter()
        .enumerate()
    {
        let start = app.minutes_ahead(10 + 20 * i64::try_from(number).unwrap());
        let wish =
            json!({"patientId": CONSENTED, "patientName": name, "scheduledStart": start, "recordingEnabled": false});
        visits.push(Visit::of(&app.post(&clinician, "/sessions", &wish).await.expect(201).body));
    }
    // Visits of other days and of other people are not on the screen.
    app.visit_in(3 * 24 * 60).await;
    let page = app.get(&clinician, &today(&app)).await.expect(200);
    assert_eq!((ids(&page.body).len(), &page.body["nextCursor"]), (10, &Value::Null));
    assert!(page.bytes.len() <= 2000, "{} bytes: {}", page.bytes.len(), page.body);
    // In the middle of the day some wait, one is seen, one is over; and the browser takes what is packed.
    for visit in &visits[..5] {
        let link = app.join_token(visit).await;
        app.join(&link).await.expect(200);
        let probe = json!({"rttMs": 120, "lossPercent": 0.5, "upKbps": 90, "downKbps": 90});
        app.post(&link, "/sessions/join/link-probe", &probe).await.expect(200);
    }
    app.admit(&visits[0]).await.expect(200);
    let request = app.request(Method::GET, &today(&app)).bearer_auth(&clinician).header("Accept-Encoding", "gzip");
    let packed = app.send(request).await.expect(200);
    assert_eq!(packed.header("content-encoding"), "gzip");
    assert!(packed.bytes.len() <= 1000, "{} bytes", packed.bytes.len());
    let mut body = Vec::new();
    flate2::read::GzDecoder::new(&packed.bytes[..]).read_to_end(&mut body).unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(ids(&body).len(), 10);
    assert_eq!(items(&body).iter().filter(|visit| visit["waitingSeconds"].is_u64()).count(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_audience_has_a_summary_of_its_own_and_no_other_fields() {
    const ALL: &str = "audience id status scheduledStart version";
    const PATIENT: &str = "patientId patientName expectedAt waitingSeconds present";
    let app = TestApp::start().await;
    app.tell_relations();
    let visit = app.visit_of_everybody().await;
    app.open_emergency(&visit).await;
    let (end, planned) = ("scheduledEnd timeZone", "appointmentId providerId providerName");
    for (who, audience, shown) in [
        (Who::Own, "patient", format!("{ALL} {end} patientId appointmentId expectedAt providerName")),
        (Who::Proxy, "patient", format!("{ALL} {end} patientId appointmentId expectedAt providerName")),
        (Who::Invited, "guest", format!("{ALL} {end} providerName")),
        (Who::Scheduler, "scheduler", format!("{ALL} {end} {PATIENT} {planned}")),
        (Who::Admin, "scheduler", format!("{ALL} {end} {PATIENT} {planned}")),
        (Who::Creator, "scheduler", format!("{ALL} {end} {PATIENT} {planned}")),
        (Who::Assigned, "staff", format!("{ALL} {end} {PATIENT} providerId providerName")),
        (Who::Treating, "treating", format!("{ALL} {PATIENT} linkMode")),
        (Who::TreatingNurse, "treating", format!("{ALL} {PATIENT} linkMode")),
    ] {
        let page = app.get(&who.token(&app), &format!("/sessions?patientId={CONSENTED}")).await.expect(200).body;
        let item = &items(&page)[0];
        assert_eq!(item["audience"], audience, "{who:?}");
        let (found, may) = (fields(item), names(&shown));
        assert!(found.is_subset(&may) && names(ALL).is_subset(&found), "{who:?}: {found:?}");
        assert!(item.as_object().unwrap().values().all(|value| !value.is_null()), "{who:?}: {item}");
        // What it shares with the whole visit it calls and says the same.
        let whole = app.get(&who.token(&app), &visit.path("")).await.expect(200).body;
        let own = names("patientName providerName waitingSeconds present linkMode");
        for field in found.difference(&own) {
            assert_eq!(item[field], whole[field], "{who:?}: {field}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_summary_says_who_waits_for_how_long_whether_they_are_there_and_on_which_link() {
    let app = TestApp::start().await;
    let clinician = app.token("clinician");
    let mut wish = app.wish();
    wish["patientName"] = json!("Gul Bibi");
    let visit = Visit::of(&app.post(&clinician, "/sessions", &wish).await.expect(201).body);
    let first_item = async |token: &str| items(&app.get(token, "/sessions").await.expect(200).body)[0].clone();
    let waits = |item: &Value| [&item["waitingSeconds"], &item["present"], &item["linkMode"]].map(Clone::clone);
    let before = first_item(&clinician).await;
    assert_eq!((waits(&before), &before["patientName"]), ([Value::Null, Value::Null, Value::Null], &json!("Gul Bibi")));
    let link = app.join_token(&visit).await;
    app.post("", "/sessions/join/delay", &json!({"token": link, "minutes": 20})).await.expect(200);
    assert_eq!(first_item(&clinician).await["expectedAt"], app.read(&visit).await["expectedAt"]);
    app.join(&link).await.expect(200);
    app.clock.advance(Duration::seconds(100));
    app.join_status(&link).await.expect(200);
    app.clock.advance(Duration::seconds(100));
    assert_eq!(waits(&first_item(&clinician).await), [json!(200), json!(true), Value::Null]);
    let probe = json!({"rttMs": 120, "lossPercent": 0.5, "upKbps": 90, "downKbps": 90});
    app.post(&link, "/sessions/join/link-probe", &probe).await.expect(200);
    app.clock.advance(Duration::seconds(300));
    assert_eq!(waits(&first_item(&clinician).await), [json!(500), json!(false), json!("audio")]);
    // Who plans sees that they wait, and nothing of their link; the patient sees neither.
    assert_eq!(waits(&first_item(&app.token("scheduler")).await), [json!(500), json!(false), Value::Null]);
    assert_eq!(waits(&first_item(&app.token("patient")).await), [Value::Null, Value::Null, Value::Null]);
    app.admit(&visit).await.expect(200);
    assert_eq!(waits(&first_item(&clinician).await), [Value::Null, Value::Null, json!("audio")]);
    app.clock.advance(Duration::minutes(5));
    app.end(&visit).await.expect(200);
    assert_eq!(waits(&first_item(&clinician).await), [Value::Null, Value::Null, Value::Null]);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_async_visits_hold_nothing_that_was_written() {
    const ALL: &str = "audience id status submittedAt version patientId";
    const QUEUE: &str = "locale attachmentsExpected";
    let app = TestApp::start().await;
    app.tell_relations();
    let id = app.post(&Who::Own.token(&app), "/async-visits", &draft()).await.expect(201).text("id");
    let ask = async |who: Who| {
        let query = if who == Who::Stranger { String::new() } else { format!("?patientId={CONSENTED}") };
        let page = app.get(&who.token(&app), &format!("/async-visits{query}")).await.expect(200).body;
        let whole = app.get(&who.token(&app), &format!("/async-visits/{id}")).await.expect(200).body;
        let item = items(&page)[0].clone();
        assert!(fields(&item).into_iter().all(|field| item[field] == whole[field]), "{who:?}: {item}");
        let words = draft()["chiefComplaint"].as_str().unwrap().to_owned();
        assert!(!page.to_string().contains(&words), "{who:?}");
        item
    };
    for (who, audience, shown) in [
        (Who::Own, "patient", ALL.to_owned()),
        (Who::Proxy, "patient", ALL.to_owned()),
        (Who::Assigned, "staff", format!("{ALL} {QUEUE}")),
        (Who::Stranger, "queue", format!("{ALL} {QUEUE}")),
    ] {
        let item = ask(who).await;
        assert_eq!((&item["audience"], fields(&item)), (&json!(audience), names(&shown)), "{who:?}");
    }
    let path = format!("/async-visits/{id}");
    app.post(&Who::Stranger.token(&app), &format!("{path}/claim"), &json!({})).await.expect(200);
    let held = ask(Who::Stranger).await;
    assert_eq!(fields(&held), names(&format!("{ALL} {QUEUE} claimedUntil providerId")));
    let answer = json!({"responseText": "rest"});
    app.post(&Who::Stranger.token(&app), &format!("{path}/respond"), &answer).await.expect(200);
    assert_eq!(fields(&ask(Who::Stranger).await), names(&format!("{ALL} {QUEUE} respondedAt providerId")));
    assert_eq!(fields(&ask(Who::Own).await), names(&format!("{ALL} respondedAt")));
    let mine = app.token_of(TENANT, Who::Stranger.account(), "clinician");
    assert_eq!(app.ids(&mine, "/async-visits?providerId=me").await, [id.as_str()]);
}

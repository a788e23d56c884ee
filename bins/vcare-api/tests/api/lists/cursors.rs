//! A cursor is good for one list, and for nothing else.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Url;
use serde_json::{Value, json};
use time::Duration;

use super::ids;
use crate::support::{CONSENTED, OTHER_TENANT, TENANT, TestApp, Visit};

const CODE: &str = "CURSOR_MISMATCH";

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_of_other_filters_another_order_or_another_list_is_refused() {
    let app = TestApp::start().await;
    let clinician = app.token("clinician");
    for minutes in [10, 20, 30] {
        app.visit_in(minutes).await;
        app.clock.advance(Duration::SECOND);
        app.claimed().await;
    }
    let time = app.minutes_ahead(-60);
    let sessions: &[&str] = &[
        "",
        "order=desc",
        "status=scheduled",
        "status=scheduled,waiting",
        "present=false",
        "providerId=me",
        &format!("patientId={CONSENTED}"),
        &format!("from={time}"),
        &format!("updatedSince={time}"),
        &format!("to={}", app.minutes_ahead(60)),
    ];
    let asynchronous: &[&str] = &[
        "",
        "order=desc",
        "status=under_review",
        "status=under_review,submitted",
        "providerId=me",
        &format!("patientId={CONSENTED}"),
        &format!("from={time}"),
        &format!("updatedSince={time}"),
        &format!("to={}", app.minutes_ahead(60)),
    ];
    app.standins.assign("clinician-1", CONSENTED);
    let (mut cursors, lists) = (Vec::new(), [("/sessions", sessions), ("/async-visits", asynchronous)]);
    for (path, queries) in lists {
        for query in queries {
            let page = app.get(&clinician, &format!("{path}?{query}&limit=1")).await.expect(200);
            cursors.push((path, *query, page.text("nextCursor")));
        }
    }
    for (path, queries) in lists {
        for query in queries {
            for (of, with, cursor) in &cursors {
                let next = app.get(&clinician, &format!("{path}?{query}&limit=2&cursor={cursor}")).await;
                if (path, *query) == (*of, *with) {
                    assert_eq!(ids(&next.expect(200).body).len(), 2, "{path} {query}");
                } else {
                    next.refused(400, CODE);
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_asks_for_the_same_list_takes_the_same_cursor() {
    let app = TestApp::start().await;
    let clinician = app.token("clinician");
    for minutes in [10, 20, 30] {
        app.visit_in(minutes).await;
    }
    let first = "/sessions?providerId=me&status=waiting,scheduled&limit=1&from=2026-01-01T04:30:00%2B04:30";
    let cursor = app.get(&clinician, first).await.expect(200).text("nextCursor");
    // The default order, the account by its name, states in another sequence, the same moment in another zone, more on a page.
    let second =
        "order=asc&status=scheduled,waiting,scheduled&from=2026-01-01T00:00:00Z&providerId=clinician-1&limit=500";
    let rest = app.get(&clinician, &format!("/sessions?{second}&cursor={cursor}")).await.expect(200).body;
    assert_eq!((ids(&rest).len(), &rest["nextCursor"]), (2, &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_of_another_tenant_or_account_is_refused() {
    let app = TestApp::start().await;
    let scheduler = app.token("scheduler");
    for minutes in [10, 20] {
        app.visit_in(minutes).await;
    }
    let cursor = app.get(&scheduler, "/sessions?limit=1").await.expect(200).text("nextCursor");
    let next = format!("/sessions?limit=1&cursor={cursor}");
    app.get(&app.token_of(OTHER_TENANT, "scheduler-1", "scheduler"), &next).await.refused(400, CODE);
    app.get(&app.token_of(TENANT, "scheduler-2", "scheduler"), &next).await.refused(400, CODE);
    app.get(&app.token("patient"), &next).await.refused(400, CODE);
    // Nobody learns by it what they may not list at all.
    app.get(&scheduler, &format!("/async-visits?cursor={cursor}")).await.refused(403, "ACCESS_DENIED");
    app.get(&scheduler, &next).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_bit_of_a_cursor_can_be_changed_and_none_can_be_made_up() {
    let app = TestApp::start().await;
    let clinician = app.token("clinician");
    for minutes in [10, 20] {
        app.visit_in(minutes).await;
    }
    let page = app.get(&clinician, "/sessions?limit=1").await.expect(200).body;
    let cursor = page["nextCursor"].as_str().unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(cursor).unwrap();
    let refused = async |cursor: &str| {
        for path in ["/sessions", "/async-visits"] {
            let problem = app.get(&clinician, &format!("{path}?limit=1&cursor={cursor}")).await.refused(400, CODE);
            assert!(!problem.body.to_string().contains(&ids(&page)[0]), "{}", problem.body);
        }
    };
    for at in 0..bytes.len() {
        let mut forged = bytes.clone();
        forged[at] ^= 1 << (at % 8);
        refused(&URL_SAFE_NO_PAD.encode(forged)).await;
    }
    // As they were before they had a MAC; shorter, longer, written otherwise, nothing.
    let old = URL_SAFE_NO_PAD.encode(&bytes[4..28]);
    let longer = format!("{cursor}AAAA");
    for forged in [old.as_str(), &cursor[1..], &cursor[..79], &longer, "", "x", "AAAA", "%00", "a%2Bb/c%3D%3D"] {
        refused(forged).await;
    }
    refused(&URL_SAFE_NO_PAD.encode([0; 60])).await;
    refused(&URL_SAFE_NO_PAD.encode([255; 60])).await;
    refused(&"A".repeat(8000)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_page_is_where_link_says_it_is_behind_whatever_gateway() {
    let app = TestApp::start().await;
    let clinician = app.token("clinician");
    let mut all = Vec::new();
    for minutes in [10, 20, 30, 40, 50] {
        all.push(app.visit_in(minutes).await.id);
    }
    let from = "2026-01-01T04:30:00%2B04:30";
    let mut asked = format!("/sessions?status=scheduled,waiting&providerId=me&from={from}&limit=2");
    let mut seen = Vec::new();
    loop {
        let page = app.get(&clinician, &asked).await.expect(200);
        seen.extend(ids(&page.body));
        let link = page.header("link");
        let Some(cursor) = page.body["nextCursor"].as_str() else {
            assert_eq!((link, &page.body["nextCursor"]), ("", &Value::Null), "null, and not absent");
            assert!(page.body.as_object().unwrap().contains_key("nextCursor"));
            break;
        };
        let reference = link.strip_prefix('<').and_then(|link| link.strip_suffix(r#">; rel="next""#)).unwrap();
        let behind = Url::parse(&format!("https://care.example/kabul/api/v1{asked}")).unwrap().join(reference).unwrap();
        assert_eq!(behind.path(), "/kabul/api/v1/sessions");
        assert!(behind.query().unwrap().contains(cursor) && behind.query().unwrap().contains("limit=2"));
        asked = format!("/sessions?{}", behind.query().unwrap());
    }
    assert_eq!(seen, all);
}

/// That there is another page is not told of visits that are left out.
#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_narrow_a_list_by_something_does_not_find_it_out_by_a_next_page() {
    let app = TestApp::start().await;
    for _ in 0..3 {
        let visit = app.visit().await;
        app.invite(&visit, &json!({"role": "interpreter", "userId": "nurse_practitioner-1"})).await.expect(201);
    }
    for token in [app.token("nurse_practitioner"), app.token("patient")] {
        let all = app.get(&token, "/sessions?limit=1").await.expect(200).body;
        assert_eq!(ids(&all).len(), 1);
        for query in ["providerId=clinician-1", "providerId=clinician-1&status=scheduled"] {
            assert_eq!(app.ids(&token, &format!("/sessions?{query}&limit=1")).await, [""; 0], "{query}");
        }
    }
    for query in ["appointmentId=appt-1", "present=false"] {
        let guest = app.token("nurse_practitioner");
        assert_eq!(app.ids(&guest, &format!("/sessions?{query}&limit=1")).await, [""; 0], "{query}");
    }
    let visit: Visit = app.visit().await;
    assert_eq!(app.ids(&app.token("clinician"), "/sessions?appointmentId=appt-4").await, [visit.id.as_str()]);
}

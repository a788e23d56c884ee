//! Visits move to another time while somebody reads page after page.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use time::Duration;

use super::items;
use crate::support::{TestApp, Visit};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_moved_is_on_exactly_one_page_and_what_was_moved_is_found_by_its_change() {
    for order in ["asc", "desc"] {
        let app = TestApp::start().await;
        let clinician = app.token("clinician");
        let mut visits: Vec<Visit> = Vec::new();
        for minutes in [60, 70, 80, 90, 100, 110, 120, 130] {
            visits.push(app.visit_in(minutes).await);
        }
        app.clock.advance(Duration::minutes(1));
        let begun = app.minutes_ahead(0);
        if order == "desc" {
            visits.reverse();
        }
        let (before, after) = if order == "asc" { (5, 300) } else { (300, 5) };
        let moves = [
            // Shown on the first page, and moved behind the cursor; not shown yet, and moved before it.
            vec![(1, after), (4, before)],
            // The last one of the page, which the cursor names; one that stays on a later page.
            vec![(3, after), (5, if order == "asc" { 115 } else { 65 })],
        ];
        let (mut seen, mut cursor, mut moves) =
            (BTreeMap::<String, Vec<Value>>::new(), String::new(), moves.into_iter());
        loop {
            let path = format!("/sessions?order={order}&limit=2{cursor}");
            let page = app.get(&clinician, &path).await.expect(200).body;
            for item in items(&page) {
                seen.entry(item["id"].as_str().unwrap().to_owned()).or_default().push(item.clone());
            }
            let Some(next) = page["nextCursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
            for (at, minutes) in moves.next().unwrap_or_default() {
                let wish = json!({"scheduledStart": app.minutes_ahead(minutes), "allowOverlap": true});
                app.patch(&clinician, &visits[at], &wish).await.expect(200);
            }
        }
        let moved = [1, 3, 4, 5];
        for (at, visit) in visits.iter().enumerate() {
            let times = seen.get(&visit.id).map_or(0, Vec::len);
            let expected = match at {
                // Twice, and the second time as it is now.
                1 | 3 => 2,
                4 => 0,
                _ => 1,
            };
            assert_eq!(times, expected, "{order}: {at}");
            if let Some([first, second]) = seen.get(&visit.id).map(Vec::as_slice) {
                assert!(first["version"].as_u64() < second["version"].as_u64(), "the newer one has the higher version");
                assert_ne!(first["scheduledStart"], second["scheduledStart"]);
            }
        }
        let changed = app.ids(&clinician, &format!("/sessions?updatedSince={begun}")).await;
        assert_eq!(changed.len(), moved.len());
        assert!(moved.iter().all(|at| changed.contains(&visits[*at].id)), "{order}");
    }
}

/// What else happens to a visit between two pages moves nothing: it has its place by its planned start alone.
#[tokio::test(flavor = "multi_thread")]
async fn visits_that_begin_end_or_come_to_be_meanwhile_put_no_other_out_of_its_place() {
    let app = TestApp::start().await;
    let clinician = app.token("clinician");
    let mut visits = Vec::new();
    for minutes in [10, 20, 30, 40] {
        visits.push(app.visit_in(minutes).await);
    }
    let page = app.get(&clinician, "/sessions?status=scheduled&limit=2").await.expect(200).body;
    let cursor = page["nextCursor"].as_str().unwrap();
    app.cancel(&visits[1], "snow").await.expect(200);
    app.cancel(&visits[2], "snow").await.expect(200);
    app.visit_in(15).await;
    let late = app.visit_in(35).await;
    let rest = app.ids(&clinician, &format!("/sessions?status=scheduled&cursor={cursor}")).await;
    assert_eq!(rest, [late.id.as_str(), &visits[3].id]);
}

//! A phone that sends the same draft over and over, all at once.

use futures_util::future::join_all;
use vcare_api::routes::async_visits::visit_body;
use vcare_app::async_visits::Submitted;
use vcare_app::{App, InLine};
use vcare_testkit::Name;

use super::crash::{caller, wish};
use crate::support::{Answer, TestApp, draft};

const SUBMITTED: &str = "virtual_care.async_visit.submitted.v1";

/// Few connections, for which the requests stand in line for as long as it takes.
const FEW: &str = "database.max_connections = 8\ndatabase.connection_timeout_ms = 60000";

async fn at_once(app: &TestApp, count: usize) -> Vec<Answer> {
    let draft = draft();
    join_all((0..count).map(|_| app.submit(&draft))).await
}

fn are_one(answers: &[Answer]) {
    let first = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(first, 1, "{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
    for answer in answers {
        assert!(matches!(answer.status, 200 | 201), "{} {}", answer.status, answer.body);
        assert_eq!(answer.bytes, answers[0].bytes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn us_013_a_thousand_parallel_repeats_are_one_row_one_event_and_identical_bodies() {
    let app = TestApp::start_with(FEW).await;
    let answers = at_once(&app, 1000).await;
    assert_eq!(answers.len(), 1000);
    are_one(&answers);
    assert_eq!(app.count("async_visit").await, 1);
    app.only_event(SUBMITTED).await;
    assert_eq!(app.standins.requests(Name::Consent).len(), 1, "the neighbours are asked once");
}

/// Those who stand in no line with each other: the database decides.
#[tokio::test(flavor = "multi_thread")]
async fn us_013_repeats_at_several_processes_are_one_row_and_one_event() {
    let app = TestApp::start().await;
    for round in 1..=5 {
        let wish = wish(round);
        let answers = join_all((0..10).map(|_| {
            let process = App { drafts: InLine::default(), ..app.app.clone() };
            let (caller, wish) = (caller(), wish.clone());
            async move { process.submit_async_visit(&caller, wish, &visit_body).await.unwrap() }
        }))
        .await;
        let bodies: Vec<&Vec<u8>> = answers
            .iter()
            .map(|answer| match answer {
                Submitted::Now { body, .. } => body,
                Submitted::Before { body, differs } => {
                    assert!(!differs);
                    body
                }
            })
            .collect();
        assert!(bodies.iter().all(|body| *body == bodies[0]));
        assert_eq!(answers.iter().filter(|answer| matches!(answer, Submitted::Now { .. })).count(), 1);
        assert_eq!(app.count("async_visit").await, i64::try_from(round).unwrap());
        assert_eq!(app.events_of(SUBMITTED).await.len(), usize::try_from(round).unwrap());
    }
}

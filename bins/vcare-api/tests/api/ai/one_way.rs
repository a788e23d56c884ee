//! There is one way into a chart, and it begins with a clinician's yes.

use reqwest::Method;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use vcare_app::Role;
use vcare_app::ports::JobKind;
use vcare_testkit::Name;

use crate::described::operations;
use crate::support::{INTERNAL_TOKEN, TestApp};

/// Everything that there is to be done in the background.
async fn background(app: &TestApp) {
    for kind in JobKind::ALL {
        app.app.work_due(kind, 100, &CancellationToken::new()).await.unwrap();
    }
    app.app.expire_drafts(100).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_and_no_worker_writes_to_the_chart_without_a_clinicians_acceptance() {
    let app = TestApp::start().await;
    let mut tried = 0;
    let clinician = app.token("clinician");
    let strangers = Role::ALL.into_iter().filter(|role| *role != Role::Clinician).map(|role| app.token(role.as_str()));
    let strangers: Vec<String> = strangers.chain([app.other_clinician(), INTERNAL_TOKEN.to_owned()]).collect();
    for operation in operations() {
        // One for each, as many of them end it.
        let (visit, link) = app.active_visit().await;
        let draft = app.draft(&visit).await;
        let decides = operation.id == "acceptSummary";
        let callers = strangers.iter().chain([&link]).chain((!decides).then_some(&clinician));
        for token in callers {
            let request = app.request(operation.method.clone(), &operation.path(&visit.id, &visit.patient));
            let request = request.bearer_auth(token);
            let request = if decides {
                request.json(&json!({"draftId": draft, "accepted": true}))
            } else {
                operation.fill(request, &app.wish())
            };
            app.send(request).await;
            tried += 1;
        }
        background(&app).await;
        assert!(app.standins.requests(Name::Chart).is_empty(), "{}", operation.id);
    }
    // By its own clinician: declined, or not quite accepted, or too late.
    let (visit, _) = app.active_visit().await;
    let (declined, late) = (app.draft(&visit).await, app.draft(&visit).await);
    for accepted in [json!("true"), json!(1), json!(null)] {
        app.decide(&clinician, &visit, &json!({"draftId": late, "accepted": accepted})).await.expect(400);
    }
    app.decline(&visit, &declined).await.expect(200);
    app.accept(&visit, &declined).await.refused(409, "DRAFT_ALREADY_DECIDED");
    app.clock.advance(time::Duration::DAY);
    background(&app).await;
    let request = app.request(Method::POST, &visit.path("/ai/accept-summary"));
    let answer =
        app.send(request.bearer_auth(app.token("clinician")).json(&json!({"draftId": late, "accepted": true})));
    answer.await.refused(409, "DRAFT_EXPIRED");
    background(&app).await;
    assert!(app.standins.requests(Name::Chart).is_empty());
    assert!(tried > 200, "{tried}");

    let wanted = app.draft(&visit).await;
    app.accept(&visit, &wanted).await.expect(200);
    assert_eq!(app.standins.notes().len(), 1, "and with it, it is written");
}

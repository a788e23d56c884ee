//! The gates in front of every draft fail closed.

use serde_json::json;
use vcare_testkit::{Licence, Mode, Name};

use crate::support::{Answer, CONSENTED, NO_CONSENT, TENANT, TestApp, draft};

const AUDIT: &str = "virtual_care.audit.recorded.v1";

async fn submit_for(app: &TestApp, patient: &str) -> Answer {
    let mut draft = draft();
    draft["patientId"] = json!(patient);
    app.post(&app.token("clinician"), "/async-visits", &draft).await
}

#[tokio::test(flavor = "multi_thread")]
async fn us_013_without_telehealth_consent_a_draft_is_refused_and_audited() {
    let app = TestApp::start().await;
    let answer = submit_for(&app, NO_CONSENT).await.refused(403, "CONSENT_REQUIRED");
    assert_eq!(answer.body["gate"], "telehealth_consent");
    let audit = app.only_event(AUDIT).await;
    assert_eq!(
        (&audit["data"]["eventType"], &audit["data"]["resourceId"]),
        (&json!("CONSENT_GATE_BLOCKED"), &json!(NO_CONSENT))
    );
    assert_eq!(
        audit["data"]["metadata"],
        json!({
            "gate": "telehealth_consent", "reason": "consent_missing",
            "attemptedAction": "virtual_care:async_visit:create",
        })
    );
    assert_eq!((app.count("async_visit").await, app.event_types().await), (0, vec![AUDIT.to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn us_013_no_good_answer_about_consent_or_licence_means_no_visit() {
    let app = TestApp::start().await;
    for (blocks, mode) in (1..).zip([Mode::DOWN, Mode::down_with(500), Mode::SLOW, Mode::WRONG]) {
        app.standins.set_mode(Name::Consent, mode);
        submit_for(&app, CONSENTED).await.refused(503, "CONSENT_SERVICE_UNAVAILABLE");
        assert_eq!(app.events_of(AUDIT).await.len(), blocks, "{mode:?}");
    }
    app.standins.set_mode(Name::Consent, Mode::UP);
    app.standins.set_mode(Name::Licence, Mode::DOWN);
    submit_for(&app, CONSENTED).await.refused(503, "LICENCE_SERVICE_UNAVAILABLE");
    app.standins.set_mode(Name::Licence, Mode::UP);
    app.standins.set_licence(TENANT, Licence::Expired);
    submit_for(&app, CONSENTED).await.refused(403, "MODULE_NOT_LICENSED");
    assert_eq!(app.count("async_visit").await, 0);
}

/// No room is needed: a visit without a link is what is left when video is down.
#[tokio::test(flavor = "multi_thread")]
async fn us_013_a_draft_arrives_while_the_video_server_is_down() {
    let app = TestApp::start().await;
    app.standins.set_mode(Name::Jitsi, Mode::DOWN);
    submit_for(&app, CONSENTED).await.expect(201);
    assert!(app.standins.requests(Name::Jitsi).is_empty());
    let asked = app.standins.requests(Name::Consent);
    assert_eq!(asked[0].body["gates"], json!(["telehealth_consent"]));
}

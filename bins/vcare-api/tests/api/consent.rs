//! VCARE-US-005: telehealth consent before a session is created, and the licence before that.

use serde_json::json;
use vcare_testkit::{Consents, Licence, Mode, Name};

use crate::support::{Answer, CONSENTED, NO_CONSENT, TENANT, TestApp};

const AUDIT: &str = "virtual_care.audit.recorded.v1";

async fn create(app: &TestApp, patient: &str, recording: bool) -> Answer {
    let mut wish = app.wish();
    wish["patientId"] = json!(patient);
    wish["recordingEnabled"] = json!(recording);
    app.post(&app.token("clinician"), "/sessions", &wish).await
}

#[tokio::test(flavor = "multi_thread")]
async fn us_005_a_missing_consent_is_403_and_audited() {
    let app = TestApp::start().await;
    let answer = create(&app, NO_CONSENT, false).await.refused(403, "CONSENT_REQUIRED");
    assert_eq!(answer.body["gate"], "telehealth_consent");
    let audit = app.only_event(AUDIT).await;
    assert_eq!(
        audit["data"],
        json!({
            "eventType": "CONSENT_GATE_BLOCKED", "actorId": "clinician-1", "actorType": "USER",
            "resourceType": "Patient", "resourceId": NO_CONSENT, "action": "EVALUATE", "outcome": "FAILURE",
            "metadata": {
                "gate": "telehealth_consent", "reason": "consent_missing",
                "attemptedAction": "virtual_care:session:create",
            },
        })
    );
    assert_eq!((audit["tenantid"].as_str(), audit["actorid"].as_str()), (Some(TENANT), Some("clinician-1")));
    assert_eq!(audit["correlationid"], answer.header("x-request-id"));

    // Each block is a fact of its own.
    create(&app, NO_CONSENT, false).await.refused(403, "CONSENT_REQUIRED");
    assert_eq!(app.event_types().await, [AUDIT, AUDIT]);
    assert_eq!(app.count("virtual_session").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn us_005_a_consent_service_that_gives_no_good_answer_blocks_and_is_audited() {
    let app = TestApp::start().await;
    let modes = [Mode::DOWN, Mode::down_with(500), Mode::down_with(404), Mode::down_with(302), Mode::SLOW, Mode::WRONG];
    for (blocks, mode) in (1..).zip(modes) {
        app.standins.set_mode(Name::Consent, mode);
        let answer = create(&app, CONSENTED, false).await.refused(503, "CONSENT_SERVICE_UNAVAILABLE");
        assert_eq!(answer.body["gate"], "telehealth_consent");
        assert_eq!(answer.header("retry-after"), "5");
        let audits = app.events_of(AUDIT).await;
        assert_eq!(audits.len(), blocks, "{mode:?}");
        assert_eq!(audits[blocks - 1]["data"]["eventType"], "CONSENT_GATE_BLOCKED");
        assert_eq!(audits[blocks - 1]["data"]["metadata"]["reason"], "consent_unavailable");
    }
    assert_eq!(app.count("virtual_session").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn us_005_with_consent_nothing_is_said_about_it() {
    let app = TestApp::start().await;
    create(&app, CONSENTED, false).await.expect(201);
    assert!(app.events_of(AUDIT).await.is_empty());
    let asked = app.standins.requests(Name::Consent);
    let [asked] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!(asked.body, json!({"tenantId": TENANT, "patientId": CONSENTED, "gates": ["telehealth_consent"]}));
}

/// A consent is looked up for each session: one that was given, or taken back, counts at once.
#[tokio::test(flavor = "multi_thread")]
async fn us_005_a_consent_counts_from_the_moment_it_is_given_until_it_is_taken_back() {
    let app = TestApp::start().await;
    create(&app, "pat-new", false).await.refused(403, "CONSENT_REQUIRED");
    app.standins.set_consent("pat-new", Consents::TELEHEALTH);
    create(&app, "pat-new", false).await.expect(201);
    app.standins.set_consent("pat-new", Consents::NONE);
    create(&app, "pat-new", false).await.refused(403, "CONSENT_REQUIRED");
}

#[tokio::test(flavor = "multi_thread")]
async fn us_001_a_tenant_without_a_good_licence_is_403_module_not_licensed() {
    let app = TestApp::start().await;
    for licence in [Licence::None, Licence::Suspended, Licence::Expired] {
        app.standins.set_licence(TENANT, licence);
        let answer = create(&app, CONSENTED, false).await.refused(403, "MODULE_NOT_LICENSED");
        assert!(answer.body.get("gate").is_none(), "{licence:?}: {}", answer.body);
    }
    app.standins.set_licence(TENANT, Licence::Active);
    for mode in [Mode::DOWN, Mode::SLOW, Mode::WRONG, Mode::down_with(401)] {
        app.standins.set_mode(Name::Licence, mode);
        create(&app, CONSENTED, false).await.refused(503, "LICENCE_SERVICE_UNAVAILABLE");
    }
    assert_eq!(app.count("virtual_session").await, 0);
    assert!(app.events().await.is_empty());
}

/// Licence, telehealth, recording, video: asked side by side, answered in that order, whatever is wrong behind.
#[tokio::test(flavor = "multi_thread")]
async fn us_005_of_several_closed_gates_the_first_is_answered() {
    let app = TestApp::start().await;
    app.standins.set_licence(TENANT, Licence::None);
    app.standins.set_consent("pat-new", Consents::NONE);
    app.standins.set_mode(Name::Jitsi, Mode::DOWN);
    create(&app, "pat-new", true).await.refused(403, "MODULE_NOT_LICENSED");
    for name in [Name::Licence, Name::Consent, Name::Jitsi] {
        assert_eq!(app.standins.requests(name).len(), 1, "{name}");
    }
    app.standins.set_mode(Name::Licence, Mode::DOWN);
    create(&app, "pat-new", true).await.refused(503, "LICENCE_SERVICE_UNAVAILABLE");
    app.standins.set_mode(Name::Licence, Mode::UP);
    app.standins.set_licence(TENANT, Licence::Active);

    let answer = create(&app, "pat-new", true).await.refused(403, "CONSENT_REQUIRED");
    assert_eq!(answer.body["gate"], "telehealth_consent");
    app.standins.set_mode(Name::Consent, Mode::DOWN);
    create(&app, "pat-new", true).await.refused(503, "CONSENT_SERVICE_UNAVAILABLE");
    app.standins.set_mode(Name::Consent, Mode::UP);
    app.standins.set_consent("pat-new", Consents::TELEHEALTH);

    let answer = create(&app, "pat-new", true).await.refused(403, "CONSENT_REQUIRED");
    assert_eq!(answer.body["gate"], "recording_consent");
    app.standins.set_consent("pat-new", Consents::ALL);

    create(&app, "pat-new", true).await.refused(503, "VIDEO_PROVIDER_UNAVAILABLE");
    app.standins.set_mode(Name::Jitsi, Mode::UP);
    create(&app, "pat-new", true).await.expect(201);
    // Only what a consent gate blocked is audited: twice the telehealth gate, once the recording gate.
    assert_eq!(app.events_of(AUDIT).await.len(), 3);
}

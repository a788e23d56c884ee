//! VCARE-US-001: create a virtual care session.

use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn us_001_a_licensed_tenant_and_a_consenting_patient_get_a_scheduled_session_with_a_room() {
    let app = TestApp::start().await;
    let created = app.post(&app.token("clinician"), "/sessions", &app.wish()).await.expect(201);
    assert_eq!(created.body["status"], "scheduled");
    assert_eq!(created.body["version"], 1);
    let name = created.text("roomName");
    assert_eq!(created.text("roomUrl"), format!("{}/{name}", app.standins.jitsi_url()));
}

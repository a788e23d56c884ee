//! VCARE-US-007: the video rooms, from the side of Jitsi's own servers and of everybody's browser.

mod branding;
mod closing;
mod jitsi;
mod presence;
mod removed;
mod reservation;
mod tokens;

use serde_json::json;
use vcare_domain::TenantConfigDraft;

use crate::support::{OTHER_TENANT, TENANT, TestApp, Visit, scope};

/// Changes a tenant's settings.
pub async fn settings(app: &TestApp, tenant: &str, change: impl FnOnce(&mut TenantConfigDraft)) {
    let scope = scope(tenant);
    let config = app.app.store.tenant_config(&scope.tenant_id).await.unwrap().unwrap();
    let mut draft = config.draft().clone();
    change(&mut draft);
    app.app.set_tenant_config(&scope, draft).await.unwrap();
}

/// The visit's room.
async fn room(app: &TestApp, visit: &Visit) -> String {
    app.read(visit).await["roomName"].as_str().unwrap().to_owned()
}

/// Two tenants on one Jitsi, each with its path segment.
async fn shared_jitsi(app: &TestApp) {
    for (tenant, path) in [(TENANT, "kabul-clinic"), (OTHER_TENANT, "herat-clinic")] {
        settings(app, tenant, |draft| draft.jitsi_tenant = Some(path.to_owned())).await;
    }
}

/// `room_name`, and how it is asked for under a tenant's path segment.
fn under(path: &str, room: &str) -> String {
    format!("[{path}]{room}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_segment_is_one_tenants() {
    let app = TestApp::start().await;
    settings(&app, TENANT, |draft| draft.jitsi_tenant = Some("clinic".to_owned())).await;
    let scope = scope(OTHER_TENANT);
    let mut draft = TenantConfigDraft::new(app.standins.jitsi_url(), "herat");
    draft.jitsi_tenant = Some("clinic".to_owned());
    let refused = app.app.set_tenant_config(&scope, draft).await.unwrap_err();
    assert_eq!(refused.to_string(), "jitsiTenant belongs to another tenant");
}

#[tokio::test(flavor = "multi_thread")]
async fn us_007_a_room_is_asked_for_by_the_name_of_its_tenant_alone() {
    let app = TestApp::start().await;
    shared_jitsi(&app).await;
    let (visit, _) = app.active_visit().await;
    let room = room(&app, &visit).await;
    app.reserve(&under("kabul-clinic", &room)).await.expect(200);
    app.reserve(&under("KABUL-clinic", &room.to_uppercase())).await.expect(200);
    for crafted in [
        room.clone(),
        under("herat-clinic", &room),
        under("kabul-clinic]x", &room),
        under("", &room),
        format!("[kabul-clinic]{room}]"),
        format!("kabul-clinic/{room}"),
        format!("[kabul-clinic][kabul-clinic]{room}"),
        format!("[kabul-clinic]{room}' OR '1'='1"),
        format!("[kabul-clinic]{room}\u{0}"),
        "x".repeat(5000),
    ] {
        let refused = app.reserve(&crafted).await.expect(403);
        assert_eq!(refused.body, json!({"message": "This link does not lead to a visit."}), "{crafted:.80}");
    }
}

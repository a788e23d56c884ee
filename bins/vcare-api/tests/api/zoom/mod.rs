//! A tenant that holds its visits at Zoom.

mod create;
mod reaping;
mod visit;

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use vcare_app::ports::{Ids, Secret, SecretName, SecretsError, TenantSecrets};
use vcare_boot::{Overrides, SystemIds};
use vcare_domain::{TenantId, VideoBackend};
use vcare_testkit::standins::zoom::Settings;

use crate::rooms::settings;
use crate::support::{TENANT, TestApp, jitsi_secret};

/// What every tenant brought; Jitsi's secrets are the real ones.
struct Brought;

#[async_trait]
impl TenantSecrets for Brought {
    async fn brought(&self, _: &TenantId, name: SecretName) -> Result<Option<Secret>, SecretsError> {
        let settings = Settings::default();
        Ok(Some(Secret::new(match name {
            SecretName::JitsiJwtSecret => return Ok(None),
            SecretName::ZoomApiKey => settings.client_id,
            SecretName::ZoomApiSecret => settings.client_secret,
        })))
    }

    async fn jitsi_secret(&self, tenant: &TenantId) -> Result<Secret, SecretsError> {
        Ok(jitsi_secret(tenant.as_str()).await)
    }
}

/// A service, one of whose tenants is at Zoom.
async fn start() -> TestApp {
    start_drawing(Arc::new(SystemIds::default())).await
}

/// The same, with ids and random numbers from there.
async fn start_drawing(ids: Arc<dyn Ids>) -> TestApp {
    let overrides = Overrides { ids, tenant_secrets: Some(Arc::new(Brought)), ..Overrides::default() };
    let app = TestApp::start_over("", overrides).await;
    app.standins.zoom().configure(Settings { clock: app.clock.clone(), ..Settings::default() });
    go_to(&app, TENANT, VideoBackend::Zoom).await;
    app
}

/// From here on the tenant holds its new visits there; it keeps the settings of both.
async fn go_to(app: &TestApp, tenant: &str, backend: VideoBackend) {
    settings(app, tenant, |draft| {
        draft.video_backend = backend;
        draft.zoom_account_id = Some("zoom-account".to_owned());
    })
    .await;
}

/// The one meeting there is.
fn meeting(app: &TestApp) -> Value {
    let mut meetings = app.standins.zoom().meetings();
    assert_eq!(meetings.len(), 1, "{meetings:#?}");
    meetings.remove(0)
}

fn id(meeting: &Value) -> u64 {
    meeting["id"].as_u64().unwrap()
}

//! The ward's tenant at Zoom.

use std::sync::Arc;

use async_trait::async_trait;
use time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use vcare_app::ports::{RoomWish, Secret, SecretName, SecretsError, TenantSecrets};
use vcare_app::{ActorRef, Scope};
use vcare_boot::{Config, Metrics, Overrides, Service, compose};
use vcare_domain::{RoomName, Schedule, TenantConfigDraft, TenantId, TimeZoneName, VideoBackend};
use vcare_testkit::HandClock;
use vcare_testkit::standins::zoom::Settings;

use super::{Ward, trace};

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

    async fn jitsi_secret(&self, _: &TenantId) -> Result<Secret, SecretsError> {
        Err(SecretsError("nobody here is at Jitsi".into()))
    }
}

impl Ward {
    /// The tenant goes to Zoom, where a meeting without a visit is left, planned some hours ago. A worker that can read the
    /// tenant's keys runs in the test's process until the token is cancelled.
    pub async fn worker_after_a_crash_at_zoom(&self) -> (JoinHandle<anyhow::Result<()>>, CancellationToken) {
        let service = self.service().await;
        let tenant_id = TenantId::parse("hosp-kabul").unwrap();
        let scope = Scope { tenant_id, actor: ActorRef::System("test"), trace: trace() };
        let mut draft = TenantConfigDraft::new(self.standins.jitsi_url(), "kabul");
        draft.video_backend = VideoBackend::Zoom;
        draft.zoom_account_id = Some("zoom-account".to_owned());
        let config = service.app.set_tenant_config(&scope, draft).await.unwrap();
        let (name, now) = (RoomName::parse("kabul-orphan01").unwrap(), service.clock.now());
        let schedule = Schedule::plan(now, None, TimeZoneName::utc(), now).unwrap();
        let then = HandClock::at(now - Duration::hours(3));
        self.standins.zoom().configure(Settings { clock: then, ..Settings::default() });
        let wish = RoomWish { name: &name, schedule: &schedule, trace: &scope.trace };
        service.app.neighbours.video.zoom.create_room(&config.config, &wish).await.unwrap();
        let shutdown = CancellationToken::new();
        let (stop, config) = (shutdown.clone(), Config::from_file(&self.settings).unwrap());
        let running =
            tokio::spawn(
                async move { vcare_retry_worker::run(service, Metrics::detached(), &config, stop, |_| ()).await },
            );
        (running, shutdown)
    }

    async fn service(&self) -> Service {
        let overrides = Overrides { tenant_secrets: Some(Arc::new(Brought)), ..Overrides::default() };
        compose(&Config::from_file(&self.settings).unwrap(), overrides).await.unwrap()
    }
}

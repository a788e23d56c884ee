//! Somebody who configures a tenant tries its video backend.

use time::Duration;

use vcare_domain::TenantId;

use crate::actor::{Caller, TraceContext};
use crate::app::App;
use crate::authorisation::Permission;
use crate::error::AppError;
use crate::ports::{ConnectionCheck, ConnectionProblem, ConnectionReport};

impl App {
    /// Tries everything that a visit of the caller's tenant will need of its video backend. What is wrong is an answer.
    ///
    /// # Errors
    /// [`AppError::Forbidden`], [`AppError::Store`].
    #[tracing::instrument(skip_all, fields(tenant_id = %caller.tenant_id))]
    pub async fn test_connection(&self, caller: &Caller) -> Result<ConnectionReport, AppError> {
        caller.require(Permission::ConfigTest)?;
        self.try_connection(&caller.tenant_id, &caller.trace).await
    }

    /// The same for any tenant: for operators.
    ///
    /// # Errors
    /// [`AppError::Store`].
    pub async fn try_connection(&self, tenant: &TenantId, trace: &TraceContext) -> Result<ConnectionReport, AppError> {
        let Some(config) = self.store.tenant_config(tenant).await? else {
            let problem = ConnectionProblem { setting: None, message: "the tenant has no configuration yet" };
            let checks = vec![ConnectionCheck { check: "configuration", problem: Some(problem) }];
            return Ok(ConnectionReport { latency: Duration::ZERO, checks });
        };
        // Whoever tries it has just changed something, perhaps in another process.
        self.secrets.forget(tenant);
        let report = self.neighbours.video.of(config.video_backend()).test_connection(&config, trace).await;
        let outcome = if report.healthy() { "healthy" } else { "unhealthy" };
        metrics::counter!("vcare_connection_tests_total", "outcome" => outcome).increment(1);
        Ok(report)
    }
}

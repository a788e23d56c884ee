//! Trying a tenant's account, and saying what is wrong with it.

use std::time::Instant;

use time::Duration;
use vcare_app::TraceContext;
use vcare_app::ports::{
    ConnectionCheck, ConnectionProblem, ConnectionReport, NeighbourError, NeighbourFault, RoomWish, VideoError,
    VideoProvider,
};
use vcare_domain::{RoomName, Schedule, TenantConfig, TimeZoneName};

use super::ZoomVideo;

impl ZoomVideo {
    /// Signs in, looks for the host, plans a meeting, fetches its addresses and deletes it; what fails ends the test.
    pub(super) async fn diagnose(&self, config: &TenantConfig, trace: &TraceContext) -> ConnectionReport {
        let began = Instant::now();
        let mut checks = Vec::new();
        let mut passed = |check, problem: Option<ConnectionProblem>| {
            checks.push(ConnectionCheck { check, problem });
            problem.is_none()
        };
        if passed("login", self.try_login(config, trace).await)
            && passed("host", self.see_host(config, trace).await.err().map(|error| host_problem(&error)))
        {
            passed("meeting", self.try_meeting(config, trace).await);
        }
        let latency = Duration::try_from(began.elapsed()).unwrap_or(Duration::MAX);
        ConnectionReport { latency, checks }
    }

    /// With a token that was not asked for before: key, secret and scopes may have changed since.
    async fn try_login(&self, config: &TenantConfig, trace: &TraceContext) -> Option<ConnectionProblem> {
        let Some(zoom) = config.zoom() else {
            return Some(ConnectionProblem { setting: Some("zoomAccountId"), message: "is not set" });
        };
        self.tokens.forget_all(config.tenant_id()).await;
        self.tokens.get(config.tenant_id(), zoom, trace).await.err().map(|error| login_problem(&error))
    }

    async fn try_meeting(&self, config: &TenantConfig, trace: &TraceContext) -> Option<ConnectionProblem> {
        let now = self.client.clock().now();
        let name = RoomName::parse(format!("{}-connectiontest", config.room_slug_prefix()));
        let (Ok(name), Ok(schedule)) = (name, Schedule::plan(now, None, TimeZoneName::utc(), now)) else {
            return Some(ConnectionProblem { setting: Some("roomSlugPrefix"), message: "makes no room name" });
        };
        let tried = async {
            let planned = self.plan(config, &RoomWish { name: &name, schedule: &schedule, trace }).await?;
            let room = planned.room(&name).ok_or_else(super::malformed)?;
            let addresses = self.addresses(config, &room, trace).await;
            // Whatever came of it: nothing is left behind.
            self.close_room(config, &room, trace).await?;
            addresses.map(|_| planned.opens_by_address())
        };
        match tried.await {
            Ok(true) => None,
            Ok(false) => Some(ConnectionProblem {
                setting: None,
                message: "the account does not embed the passcode in invite links: patients would be asked for it",
            }),
            Err(error) => Some(meeting_problem(&error)),
        }
    }
}

const fn fault(error: &VideoError) -> Option<NeighbourFault> {
    match error {
        VideoError::Unavailable(NeighbourError { fault, .. }) => Some(*fault),
        _ => None,
    }
}

fn login_problem(error: &VideoError) -> ConnectionProblem {
    let (setting, message) = match fault(error) {
        Some(NeighbourFault::Status(401)) => {
            (Some("zoomApiSecret"), "Zoom does not accept zoomApiKey with zoomApiSecret")
        }
        Some(NeighbourFault::Status(400)) => (Some("zoomAccountId"), "Zoom does not accept the account"),
        _ => return other_problem(error),
    };
    ConnectionProblem { setting, message }
}

fn host_problem(error: &VideoError) -> ConnectionProblem {
    match fault(error) {
        Some(NeighbourFault::Status(404)) => {
            ConnectionProblem { setting: Some("zoomHostUser"), message: "the account has no such user" }
        }
        _ => meeting_problem(error),
    }
}

fn meeting_problem(error: &VideoError) -> ConnectionProblem {
    match fault(error) {
        Some(NeighbourFault::Status(400 | 403)) => ConnectionProblem {
            setting: None,
            message: "Zoom refuses it: the app lacks a scope, or a rule of the account stands against it",
        },
        _ => other_problem(error),
    }
}

fn other_problem(error: &VideoError) -> ConnectionProblem {
    let (setting, message) = match error {
        VideoError::NotConfigured => (Some("zoomApiKey"), "zoomApiKey and zoomApiSecret are not both set"),
        VideoError::QuotaExceeded { .. } => (None, "the account's quota is used up for now"),
        VideoError::Secrets(_) => (None, "the key store is unavailable"),
        VideoError::Unavailable(_) | VideoError::NoEndpoint(_) => (None, "Zoom does not answer as it should"),
    };
    ConnectionProblem { setting, message }
}

//! Zoom: tokens, meetings, and everything that Zoom may answer.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod connection;
mod faults;
mod meetings;
mod reserved;
mod secrecy;
mod tokens;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use support::{DEADLINE, trace};
use time::macros::datetime;
use uuid::Uuid;
use vcare_adapters_http::{AddressPolicy, ClientConfig, HttpClient, ZoomConfig, ZoomVideo};
use vcare_app::TraceContext;
use vcare_app::ports::{
    NeighbourError, NeighbourFault, RoomClosing, RoomWish, Secret, SecretName, SecretsError, TenantSecrets, VideoError,
    VideoGrant, VideoProvider,
};
use vcare_domain::{
    ParticipantId, ParticipantRole, Room, RoomName, Schedule, TenantConfig, TenantConfigDraft, TenantId, TimeZoneName,
    Version, VideoBackend,
};
use vcare_testkit::standins::zoom::Settings;
use vcare_testkit::{HandClock, Name, RecordedRequest, SeededIds, Standins, StandinsConfig};

/// What a tenant brought; may be changed.
struct Brought(Mutex<HashMap<SecretName, &'static str>>);

impl Brought {
    fn bring(&self, name: SecretName, value: Option<&'static str>) {
        let mut all = self.0.lock().unwrap();
        match value {
            Some(value) => all.insert(name, value),
            None => all.remove(&name),
        };
    }
}

#[async_trait]
impl TenantSecrets for Brought {
    async fn brought(&self, tenant: &TenantId, name: SecretName) -> Result<Option<Secret>, SecretsError> {
        match tenant.as_str() {
            "herat" => Err(SecretsError("no such key".into())),
            _ => Ok(self.0.lock().unwrap().get(&name).map(|text| Secret::new(*text))),
        }
    }

    async fn jitsi_secret(&self, _: &TenantId) -> Result<Secret, SecretsError> {
        panic!("nobody here is at Jitsi")
    }
}

/// Who plans meetings here.
const DEPLOYMENT: &str = "https://care.example";

/// A tenant at Zoom.
struct Account {
    clock: Arc<HandClock>,
    brought: Arc<Brought>,
    video: ZoomVideo,
    config: TenantConfig,
}

/// The same, and the Zoom that the testkit plays.
struct Hospital {
    standins: Standins,
    account: Account,
}

impl std::ops::Deref for Hospital {
    type Target = Account;

    fn deref(&self) -> &Account {
        &self.account
    }
}

fn config(tenant: &str, account_id: &str, host: &str) -> TenantConfig {
    let mut draft = TenantConfigDraft::new("https://meet.example", "kabul");
    draft.video_backend = VideoBackend::Zoom;
    draft.zoom_account_id = Some(account_id.to_owned());
    draft.zoom_host_user = host.to_owned();
    TenantConfig::check(TenantId::parse(tenant).unwrap(), Version::FIRST, draft).unwrap()
}

impl Account {
    /// With a Zoom at that address.
    fn at(zoom: &str) -> Self {
        let clock = HandClock::new();
        let keys = [(SecretName::ZoomApiKey, "zoom-client"), (SecretName::ZoomApiSecret, "zoom-client-secret")];
        let brought = Arc::new(Brought(Mutex::new(keys.into())));
        let client = ClientConfig::new(AddressPolicy::PRIVATE);
        let client = HttpClient::new(&client, clock.clone(), Arc::new(SeededIds::new(7))).unwrap();
        let (oauth, api) = (format!("{zoom}/oauth"), format!("{zoom}/v2"));
        let config = ZoomConfig::new(&oauth, &api, DEADLINE, DEPLOYMENT).unwrap();
        let video = ZoomVideo::new(client, config, Arc::clone(&brought) as _);
        Self { clock, brought, video, config: self::config("kabul", "zoom-account", "me") }
    }

    fn schedule(&self) -> Schedule {
        let start = datetime!(2026-11-24 08:00:00.250 UTC);
        Schedule::plan(start, None, TimeZoneName::utc(), datetime!(2026-11-23 20:00 UTC)).unwrap()
    }

    async fn create(&self) -> Result<Room, VideoError> {
        let (name, schedule) = (RoomName::parse("kabul-k3j9x2qa").unwrap(), self.schedule());
        let wish = RoomWish { name: &name, schedule: &schedule, trace: &trace() };
        self.video.create_room(&self.config, &wish).await
    }

    async fn url(&self, room: &Room, role: ParticipantRole) -> Result<String, VideoError> {
        self.video.join_url(&self.config, &grant(room, role, &trace())).await
    }

    async fn close(&self, room: &Room) -> Result<(), VideoError> {
        let closing = self.video.close_room(&self.config, room, &trace()).await?;
        assert_eq!(closing, RoomClosing::Closed);
        Ok(())
    }

    async fn release(&self, room: &Room) -> Result<(), VideoError> {
        self.video.release_room(&self.config, room, &trace()).await
    }

    async fn health(&self) -> Result<(), VideoError> {
        self.video.health(&self.config, &trace()).await
    }
}

impl Hospital {
    async fn open() -> Self {
        let standins = Standins::start(StandinsConfig::default()).await.unwrap();
        let account = Account::at(&standins.zoom_url());
        standins.zoom().configure(Settings { clock: account.clock.clone(), ..Settings::default() });
        Self { standins, account }
    }

    /// How often a token was asked for.
    fn logins(&self) -> usize {
        self.asked("POST", "/oauth/token").len()
    }

    /// What was asked by that method at a path that begins so.
    fn asked(&self, method: &str, path: &str) -> Vec<RecordedRequest> {
        let path = format!("/zoom{path}");
        let all = self.standins.requests(Name::Zoom);
        all.into_iter().filter(|asked| asked.method == method && asked.path.starts_with(&path)).collect()
    }
}

fn grant<'a>(room: &'a Room, role: ParticipantRole, trace: &'a TraceContext) -> VideoGrant<'a> {
    VideoGrant {
        room,
        participant_id: ParticipantId::from_uuid(Uuid::from_u128(7)),
        role,
        name: None,
        recording_enabled: false,
        link: None,
        issued_at: datetime!(2026-11-23 10:00 UTC),
        expires_at: datetime!(2026-11-23 11:30 UTC),
        trace,
    }
}

fn number(room: &Room) -> u64 {
    room.url.as_str().rsplit_once('/').unwrap().1.parse().unwrap()
}

fn fault<T>(outcome: Result<T, VideoError>) -> NeighbourFault {
    match outcome {
        Err(VideoError::Unavailable(NeighbourError { neighbour: "zoom", fault, .. })) => fault,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it went well"),
    }
}

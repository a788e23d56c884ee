//! Jitsi: its health, its addresses, and the tokens that Prosody will check.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;
#[path = "support/tls.rs"]
mod tls;

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use support::{HandClock, Reply, Stub, answer, client, client_of, trace};
use time::Duration;
use time::macros::datetime;
use tls::Authority;
use uuid::Uuid;
use vcare_adapters_http::{AddressPolicy, ClientConfig, JitsiVideo};
use vcare_app::TraceContext;
use vcare_app::ports::{
    NeighbourFault, RoomWish, Secret, SecretName, SecretsError, TenantSecrets, VideoError, VideoGrant, VideoProvider,
};
use vcare_domain::{
    HttpsUrl, LinkUse, MediaMode, ParticipantId, ParticipantRole, Room, RoomName, Schedule, TenantConfig,
    TenantConfigDraft, TenantId, TimeZoneName, Version,
};
use vcare_jose::hs256;
use vcare_testkit::standins::jitsi::{Page, Release};

const SECRET: &[u8] = b"printable-text-of-more-than-32-bytes-012345";

struct OneSecret;

#[async_trait]
impl TenantSecrets for OneSecret {
    async fn brought(&self, _: &TenantId, _: SecretName) -> Result<Option<Secret>, SecretsError> {
        Ok(None)
    }

    async fn jitsi_secret(&self, tenant: &TenantId) -> Result<Secret, SecretsError> {
        match tenant.as_str() {
            "kabul" => Ok(Secret::new(SECRET)),
            _ => Err(SecretsError("no such key".into())),
        }
    }
}

fn jitsi() -> JitsiVideo {
    JitsiVideo::new(client(), client(), Arc::new(OneSecret), HandClock::new())
}

fn fault(error: VideoError) -> (&'static str, NeighbourFault) {
    match error {
        VideoError::Unavailable(error) => (error.neighbour, error.fault),
        other => panic!("{other}"),
    }
}

fn config(server: &str, tenant: Option<&str>) -> TenantConfig {
    let draft = TenantConfigDraft {
        jitsi_tenant: tenant.map(str::to_owned),
        jitsi_app_id: "our-app".to_owned(),
        jitsi_audience: "our-audience".to_owned(),
        ..TenantConfigDraft::new(server, "kabul")
    };
    TenantConfig::check(TenantId::parse("kabul").unwrap(), Version::FIRST, draft).unwrap()
}

async fn room(config: &TenantConfig) -> Room {
    let name = RoomName::parse("kabul-k3j9x2qa").unwrap();
    let now = datetime!(2026-11-23 10:00 UTC);
    let schedule = Schedule::plan(now, None, TimeZoneName::utc(), now).unwrap();
    jitsi().create_room(config, &RoomWish { name: &name, schedule: &schedule, trace: &trace() }).await.unwrap()
}

fn grant<'a>(
    room: &'a Room,
    role: ParticipantRole,
    recording_enabled: bool,
    trace: &'a TraceContext,
) -> VideoGrant<'a> {
    VideoGrant {
        room,
        participant_id: ParticipantId::from_uuid(Uuid::from_u128(7)),
        role,
        name: None,
        recording_enabled,
        link: None,
        issued_at: datetime!(2026-11-23 10:00:00.750 UTC),
        expires_at: datetime!(2026-11-23 11:30 UTC),
        trace,
    }
}

async fn claims(config: &TenantConfig, role: ParticipantRole, recording: bool) -> Value {
    let room = room(config).await;
    let url = jitsi().join_url(config, &grant(&room, role, recording, &trace())).await.unwrap();
    let token = url.split("%22").nth(1).unwrap();
    hs256::verify(SECRET, token).unwrap()
}

#[tokio::test]
async fn a_room_is_the_name_below_the_server_and_its_tenant() {
    let shared = config("https://meet.example/", Some("kabul-clinic"));
    assert_eq!(room(&shared).await.url.as_str(), "https://meet.example/kabul-clinic/kabul-k3j9x2qa");
    let own = config("https://meet.example", None);
    assert_eq!(room(&own).await.url.as_str(), "https://meet.example/kabul-k3j9x2qa");
}

#[tokio::test]
async fn the_address_holds_the_token_quoted_in_its_fragment() {
    let config = config("https://meet.example", None);
    let room = room(&config).await;
    let url = jitsi().join_url(&config, &grant(&room, ParticipantRole::Patient, false, &trace())).await.unwrap();
    let rest = url.strip_prefix("https://meet.example/kabul-k3j9x2qa#jwt=%22").unwrap();
    let (token, rest) = rest.split_once("%22").unwrap();
    assert_eq!(rest, "&config.prejoinConfig.enabled=false");
    assert_eq!(token.split('.').count(), 3);
    assert!(!url.contains('?'), "nothing of it reaches a server's log");
}

#[tokio::test]
async fn the_address_tells_jitsi_what_the_link_carries_by_settings_that_it_takes() {
    let config = config("https://meet.example", None);
    let room = room(&config).await;
    let low = "&config.startLowBandwidthMode=true&config.startAudioOnly=true&config.startWithVideoMuted=true\
               &config.channelLastN=0";
    for (mode, cap_kbps, told) in [
        (MediaMode::Video, 2000, "&config.resolution=720"),
        (MediaMode::Video, 1500, "&config.resolution=720"),
        (MediaMode::Video, 1499, "&config.resolution=360"),
        (MediaMode::Video, 500, "&config.resolution=360"),
        (MediaMode::Video, 499, "&config.resolution=180"),
        (MediaMode::Video, 0, "&config.resolution=180"),
        (MediaMode::Audio, 30, low),
        (MediaMode::Message, 0, low),
    ] {
        let trace = trace();
        let link = Some(LinkUse { mode, cap_kbps });
        let grant = VideoGrant { link, ..grant(&room, ParticipantRole::Patient, false, &trace) };
        let url = jitsi().join_url(&config, &grant).await.unwrap();
        let (_, rest) = url.split_once("%22&config.prejoinConfig.enabled=false").unwrap();
        assert_eq!(rest, told, "{mode:?} {cap_kbps}");
    }
}

/// Pages from before and after 17 July 2026 take different names.
#[tokio::test]
async fn whichever_page_a_tenants_jitsi_has_a_link_for_audio_carries_no_video_at_all() {
    let config = config("https://meet.example", Some("kabul-clinic"));
    let room = room(&config).await;
    for (mode, cap_kbps, video, resolution) in [
        (MediaMode::Message, 0, false, 720),
        (MediaMode::Audio, 30, false, 720),
        (MediaMode::Video, 400, true, 180),
        (MediaMode::Video, 2000, true, 720),
    ] {
        let trace = trace();
        let link = Some(LinkUse { mode, cap_kbps });
        let grant = VideoGrant { link, ..grant(&room, ParticipantRole::Patient, false, &trace) };
        let url = jitsi().join_url(&config, &grant).await.unwrap();
        for release in Release::ALL {
            let page = Page::at(release, &url).unwrap();
            let expected = Page { prejoin: false, sends_video: video, receives_video: video, resolution };
            assert_eq!(page, expected, "{release:?} {mode:?} {cap_kbps}");
        }
    }
}

#[tokio::test]
async fn a_token_has_the_claims_that_prosody_checks() {
    let expected = |sub: &str, group: Option<&str>| {
        let mut claims = json!({
            "iss": "our-app", "aud": "our-audience", "sub": sub, "room": "kabul-k3j9x2qa",
            "nbf": datetime!(2026-11-23 9:59:30 UTC).unix_timestamp(),
            "iat": datetime!(2026-11-23 10:00 UTC).unix_timestamp(),
            "exp": datetime!(2026-11-23 11:30 UTC).unix_timestamp(),
            "context": {
                "user": {"id": "vsp_00000000000000000000000007", "moderator": true},
                "features": {"recording": true, "transcription": false, "livestreaming": false},
            },
        });
        if let Some(group) = group {
            claims["context"]["group"] = json!(group);
        }
        claims
    };
    let shared = config("https://meet.example", Some("kabul-clinic"));
    let own = config("https://meet.example", None);
    let provider = ParticipantRole::Provider;
    assert_eq!(claims(&shared, provider, true).await, expected("kabul-clinic", Some("kabul-clinic")));
    assert_eq!(claims(&own, provider, true).await, expected("meet.jitsi", None));
}

#[tokio::test]
async fn only_a_provider_moderates_and_only_a_provider_may_record() {
    let config = config("https://meet.example", None);
    for role in ParticipantRole::ALL {
        for recording in [false, true] {
            let context = claims(&config, role, recording).await["context"].clone();
            let provider = role == ParticipantRole::Provider;
            assert_eq!(context["user"]["moderator"], json!(provider), "{role:?}");
            assert_eq!(context["features"]["recording"], json!(provider && recording), "{role:?} {recording}");
            assert_eq!(context["features"]["transcription"], json!(false));
            assert_eq!(context["features"]["livestreaming"], json!(false));
            let user: Vec<&String> = context["user"].as_object().unwrap().keys().collect();
            assert_eq!(user, ["id", "moderator"], "nothing else is told of a person");
        }
    }
}

#[tokio::test]
async fn without_the_tenants_secret_there_is_no_address() {
    let draft = TenantConfigDraft::new("https://meet.example", "herat");
    let config = TenantConfig::check(TenantId::parse("herat").unwrap(), Version::FIRST, draft).unwrap();
    let room = room(&config).await;
    assert!(jitsi().join_url(&config, &grant(&room, ParticipantRole::Patient, false, &trace())).await.is_err());
}

/// A Jitsi on this machine and a provider that trusts its certificate.
async fn server(reply: Reply, addresses: AddressPolicy) -> (Stub, JitsiVideo, TenantConfig) {
    let authority = Authority::new();
    let tls = authority.server(&["localhost", "127.0.0.1"]);
    let stub = Stub::start(Some(tls), Arc::new(move |_, _| reply.clone())).await;
    let client = ClientConfig { extra_roots_pem: vec![authority.pem], ..ClientConfig::new(addresses) };
    let video =
        JitsiVideo::new(client_of(&client, HandClock::new()), self::client(), Arc::new(OneSecret), HandClock::new());
    let config = config(&format!("https://localhost:{}/video", stub.port), None);
    (stub, video, config)
}

#[tokio::test]
async fn a_server_is_up_when_its_http_bind_answers_200() {
    let page = answer("200 OK\r\ncontent-type: text/html", "<html>It works!</html>");
    let (stub, video, config) = server(page, AddressPolicy::PRIVATE).await;
    assert!(video.health(&config, &trace()).await.is_ok());
    let request = &stub.requests()[0];
    assert_eq!(request.line, "GET /video/http-bind HTTP/1.1");
    assert_eq!(request.header("authorization"), None);
}

#[tokio::test]
async fn a_server_without_its_prosody_is_down() {
    for (head, status) in [
        ("502 Bad Gateway", 502),
        ("504 Gateway Time-out", 504),
        ("404 Not Found", 404),
        ("301 Moved\r\nlocation: /", 301),
        ("204 No Content", 204),
    ] {
        let (_stub, video, config) = server(answer(head, ""), AddressPolicy::PRIVATE).await;
        let error = video.health(&config, &trace()).await.unwrap_err();
        assert_eq!(fault(error), ("jitsi", NeighbourFault::Status(status)), "{head}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up_after_two_seconds() {
    let (_stub, video, config) = server(Reply::Stall(Vec::new()), AddressPolicy::PRIVATE).await;
    let began = std::time::Instant::now();
    let error = video.health(&config, &trace()).await.unwrap_err();
    assert_eq!(fault(error).1, NeighbourFault::TimedOut);
    assert!(Duration::try_from(began.elapsed()).unwrap() < Duration::seconds(4));
}

#[tokio::test]
async fn a_server_whose_certificate_nobody_vouches_for_is_unreachable() {
    let stranger = Authority::new();
    let tls = stranger.server(&["localhost"]);
    let stub = Stub::start(Some(tls), Arc::new(|_, _| answer("200 OK", ""))).await;
    let config = config(&format!("https://localhost:{}", stub.port), None);
    let error = jitsi().health(&config, &trace()).await.unwrap_err();
    assert_eq!(fault(error).1, NeighbourFault::Unreachable);
    assert!(stub.requests().is_empty());
}

#[tokio::test]
async fn a_tenants_address_inside_our_network_is_never_connected_to() {
    let (stub, video, _) = server(answer("200 OK", ""), AddressPolicy::PUBLIC).await;
    let port = stub.port;
    for host in
        ["localhost", "127.0.0.1", "127.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "10.0.0.1"]
    {
        let config = config(&format!("https://{host}:{port}"), None);
        let error = video.health(&config, &trace()).await.unwrap_err();
        assert_eq!(fault(error).1, NeighbourFault::ForbiddenAddress, "{host}");
    }
    assert!(stub.requests().is_empty());
}

#[tokio::test]
async fn the_clouds_metadata_is_out_of_reach_where_private_addresses_are_allowed_too() {
    let config = config("https://169.254.169.254", None);
    let error = jitsi().health(&config, &trace()).await.unwrap_err();
    assert_eq!(fault(error).1, NeighbourFault::ForbiddenAddress);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

    /// Whatever else a token says: who is no provider moderates nothing, and records nothing.
    #[test]
    fn nobody_but_a_provider_is_ever_a_moderator(
        role in proptest::sample::select(&ParticipantRole::ALL[..]),
        recording in proptest::bool::ANY,
        person in proptest::num::u128::ANY,
        tenant in proptest::option::of("[a-z0-9.-]{1,20}"),
        (from, length) in (0..4_000_000_000_i64, 0..100_000_i64),
    ) {
        let config = config("https://meet.example", tenant.as_deref());
        let issued_at = time::OffsetDateTime::from_unix_timestamp(from).unwrap();
        // Building a client reads the system's certificates: once is enough.
        static VIDEO: std::sync::LazyLock<JitsiVideo> = std::sync::LazyLock::new(jitsi);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let claims = runtime.block_on(async {
            let (url, trace) = (HttpsUrl::parse("https://meet.example/kabul-k3j9x2qa").unwrap(), trace());
            let room = Room { name: RoomName::parse("kabul-k3j9x2qa").unwrap(), url };
            let grant = VideoGrant {
                participant_id: ParticipantId::from_uuid(Uuid::from_u128(person)),
                issued_at,
                expires_at: issued_at + Duration::seconds(length),
                ..grant(&room, role, recording, &trace)
            };
            let url = VIDEO.join_url(&config, &grant).await.unwrap();
            hs256::verify::<Value>(SECRET, url.split("%22").nth(1).unwrap()).unwrap()
        });
        let provider = role == ParticipantRole::Provider;
        proptest::prop_assert_eq!(&claims["context"]["user"]["moderator"], &json!(provider));
        proptest::prop_assert_eq!(&claims["context"]["features"]["recording"], &json!(provider && recording));
        proptest::prop_assert_eq!(claims["context"]["user"].as_object().unwrap().len(), 2);
    }
}

//! Ending a room in Prosody: which 404 is whose.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;

use async_trait::async_trait;
use support::{HandClock, Reply, Stub, answer, client, trace};
use vcare_adapters_http::JitsiVideo;
use vcare_app::ports::{
    NeighbourFault, RoomClosing, Secret, SecretName, SecretsError, TenantSecrets, VideoError, VideoProvider,
};
use vcare_domain::{HttpsUrl, Room, RoomName, TenantConfig, TenantConfigDraft, TenantId, Version};

struct OneSecret;

#[async_trait]
impl TenantSecrets for OneSecret {
    async fn brought(&self, _: &TenantId, _: SecretName) -> Result<Option<Secret>, SecretsError> {
        Ok(None)
    }

    async fn jitsi_secret(&self, _: &TenantId) -> Result<Secret, SecretsError> {
        Ok(Secret::new("printable-text-of-more-than-32-bytes-012345"))
    }
}

/// Closes a room at a Prosody that answers a question about a room in one way, and one about none in another.
async fn closed(of_the_room: &str, of_none: &str) -> (Result<RoomClosing, VideoError>, Vec<String>) {
    let reply = |status: &str| answer(status, "<html><body>Not Found</body></html>");
    let (of_the_room, of_none) = (reply(of_the_room), reply(of_none));
    let script = move |_: usize, asked: &support::Request| -> Reply {
        if asked.line.contains("conference=") { of_the_room.clone() } else { of_none.clone() }
    };
    let stub = Stub::answering(script).await;
    let draft = TenantConfigDraft {
        prosody_url: Some(format!("http://127.0.0.1:{}", stub.port)),
        ..TenantConfigDraft::new("https://meet.example", "kabul")
    };
    let config = TenantConfig::check(TenantId::parse("kabul").unwrap(), Version::FIRST, draft).unwrap();
    let url = HttpsUrl::parse("https://meet.example/kabul-k3j9x2qa").unwrap();
    let room = Room { name: RoomName::parse("kabul-k3j9x2qa").unwrap(), url };
    let video = JitsiVideo::new(client(), client(), Arc::new(OneSecret), HandClock::new());
    let closed = video.close_room(&config, &room, &trace()).await;
    (closed, stub.requests().iter().map(|request| request.line.clone()).collect())
}

const OF_THE_ROOM: &str = "POST /end-meeting?conference=kabul-k3j9x2qa%40muc.meet.jitsi HTTP/1.1";
const OF_NONE: &str = "POST /end-meeting HTTP/1.1";

#[tokio::test]
async fn a_room_that_was_open_is_closed_and_nothing_more_is_asked() {
    let (closed, asked) = closed("200 OK", "404 Not Found").await;
    assert_eq!(closed.unwrap(), RoomClosing::Closed);
    assert_eq!(asked, [OF_THE_ROOM]);
}

#[tokio::test]
async fn a_404_of_an_endpoint_that_lives_is_that_of_a_room_that_is_not_open() {
    let (closed, asked) = closed("404 Not Found", "400 Bad Request").await;
    assert_eq!(closed.unwrap(), RoomClosing::Closed);
    assert_eq!(asked, [OF_THE_ROOM, OF_NONE]);
}

#[tokio::test]
async fn a_404_of_everything_is_that_of_an_endpoint_that_is_not_there() {
    let (closed, asked) = closed("404 Not Found", "404 Not Found").await;
    assert!(matches!(&closed, Err(VideoError::NoEndpoint(_))), "{closed:?}");
    assert_eq!(asked, [OF_THE_ROOM, OF_NONE]);
}

#[tokio::test]
async fn whatever_else_is_said_no_room_was_closed() {
    for (of_the_room, of_none, status) in [
        ("401 Unauthorized", "400 Bad Request", 401),
        ("405 Method Not Allowed", "405 Method Not Allowed", 405),
        ("404 Not Found", "405 Method Not Allowed", 405),
        ("404 Not Found", "200 OK", 200),
        ("404 Not Found", "502 Bad Gateway", 502),
    ] {
        let (closed, _) = closed(of_the_room, of_none).await;
        let Err(VideoError::Unavailable(error)) = closed else { panic!("{of_the_room}: {closed:?}") };
        assert_eq!((error.neighbour, error.fault), ("prosody", NeighbourFault::Status(status)), "{of_the_room}");
    }
}

//! What its web server shows, over TLS.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use vcare_adapters_http::JitsiVideo;
use vcare_app::ports::{NeighbourFault, VideoError, VideoProvider};
use vcare_domain::{TenantConfig, TenantConfigDraft, TenantId, Version};
use vcare_testkit::{HandClock, Mode, Name, Standins};

use crate::support::{Answer, ask_over, client, put, standins, trace};
use crate::{OneSecret, connected, its_authority, trusting};

async fn visit(standins: &Standins, method: &str, path: &str) -> Answer {
    let stream = connected(standins).await;
    ask_over(stream, method, "localhost", path, &[], "").await
}

#[tokio::test]
async fn it_is_trusted_by_who_trusts_its_authority_and_by_nobody_else() {
    let (standins, stranger) = (standins().await, standins().await);
    let (_, port) = standins.jitsi_url().rsplit_once(':').unwrap();
    let connect = async |authorities: RootCertStore, name: &'static str| {
        let stream = TcpStream::connect(format!("127.0.0.1:{port}")).await.unwrap();
        trusting(authorities).connect(ServerName::try_from(name).unwrap(), stream).await
    };
    for name in ["localhost", "127.0.0.1"] {
        connect(its_authority(&standins), name).await.unwrap();
    }
    assert!(connect(its_authority(&standins), "meet.example").await.is_err());
    assert!(connect(its_authority(&stranger), "localhost").await.is_err());
    assert!(connect(RootCertStore::empty(), "localhost").await.is_err());
}

#[tokio::test]
async fn it_shows_what_jitsi_shows_without_a_browser() {
    let standins = standins().await;
    let bosh = visit(&standins, "GET", "/http-bind").await;
    assert_eq!((bosh.status, bosh.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let config = visit(&standins, "GET", "/config.js").await;
    assert!(config.body.contains("domain: 'meet.jitsi'") && config.body.contains("muc: 'muc.meet.jitsi'"));
    let room = visit(&standins, "GET", "/acme/acme-k3j9?jwt=eyJhbGciOi&x=1").await;
    assert!(room.body.contains("acme-k3j9") && !room.body.contains("eyJ"), "{}", room.body);
    let nasty = visit(&standins, "GET", "/%3Cscript%3E").await;
    assert!(nasty.body.contains("&lt;script>") || nasty.body.contains("&lt;script&gt;"), "{}", nasty.body);
    assert_eq!(visit(&standins, "POST", "/room").await.status, 405);
    let recorded = standins.requests(Name::Jitsi);
    assert_eq!(recorded[2].path, "/acme/acme-k3j9?jwt=masked&x=1");
}

#[tokio::test]
async fn its_control_is_on_the_plain_listener() {
    let standins = standins().await;
    let url = format!("{}/_control/jitsi", standins.base_url());
    assert_eq!(put(&url, r#"{"mode":"down"}"#).await.status, 200);
    assert_eq!(visit(&standins, "GET", "/http-bind").await.status, 503);
    assert_eq!(visit(&standins, "GET", "/_control/fhir").await.status, 503);
    standins.set_mode(Name::Jitsi, Mode::UP);
    assert_eq!(visit(&standins, "GET", "/http-bind").await.status, 200);
}

#[tokio::test]
async fn the_service_finds_it_up_and_down_and_not_at_all_without_its_authority() {
    let standins = standins().await;
    for url in [standins.jitsi_url().to_owned(), standins.jitsi_url().replace("localhost", "127.0.0.1")] {
        let draft = TenantConfigDraft::new(url, "acme");
        let config = TenantConfig::check(TenantId::parse("tenant-a").unwrap(), Version::FIRST, draft).unwrap();
        let health = async |authorities: &[&str]| {
            let clock = HandClock::new();
            let video = JitsiVideo::new(client(authorities), client(&[]), Arc::new(OneSecret), clock);
            video.health(&config, &trace()).await.map_err(|error| match error {
                VideoError::Unavailable(error) => error.fault,
                other => panic!("{other}"),
            })
        };
        standins.set_mode(Name::Jitsi, Mode::UP);
        assert_eq!(health(&[standins.ca_pem()]).await, Ok(()));
        assert_eq!(health(&[]).await, Err(NeighbourFault::Unreachable));
        standins.set_mode(Name::Jitsi, Mode::DOWN);
        assert_eq!(health(&[standins.ca_pem()]).await, Err(NeighbourFault::Status(503)));
    }
}

//! Logos from where tenants say that they are.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;
#[path = "support/tls.rs"]
mod tls;

use std::sync::Arc;

use support::{HandClock, Reply, Stub, answer, client_of, trace};
use tls::Authority;
use vcare_adapters_http::{AddressPolicy, ClientConfig, HttpLogos};
use vcare_app::ports::{LogoFault, LogoSource};
use vcare_domain::HttpsUrl;

async fn fetched(addresses: AddressPolicy, reply: Reply) -> (Result<Vec<u8>, LogoFault>, Stub) {
    let authority = Authority::new();
    let server = Stub::start(Some(authority.server(&["localhost"])), Arc::new(move |_, _| reply.clone())).await;
    let mut config = ClientConfig::new(addresses);
    config.extra_roots_pem.push(authority.pem.clone());
    let logos = HttpLogos::new(client_of(&config, HandClock::new()));
    let url = HttpsUrl::parse(&format!("https://localhost:{}/logo.png", server.port)).unwrap();
    (logos.fetch(&url, &trace()).await, server)
}

#[tokio::test]
async fn a_logo_comes_as_it_is() {
    let (logo, server) = fetched(AddressPolicy::PRIVATE, answer("200 OK", "some bytes")).await;
    assert_eq!(logo, Ok(b"some bytes".to_vec()));
    let asked = &server.requests()[0];
    assert_eq!((asked.line.as_str(), asked.header("authorization")), ("GET /logo.png HTTP/1.1", None));
}

#[tokio::test]
async fn nobody_on_our_own_network_is_asked_and_nobody_is_followed_elsewhere() {
    let (logo, server) = fetched(AddressPolicy::PUBLIC, answer("200 OK", "some bytes")).await;
    assert_eq!((logo, server.requests().len()), (Err(LogoFault::NotFetched), 0));
    let elsewhere = answer("302 Found\r\nlocation: https://169.254.169.254/", "");
    let (logo, server) = fetched(AddressPolicy::PRIVATE, elsewhere).await;
    assert_eq!((logo, server.requests().len()), (Err(LogoFault::NotFetched), 1));
}

#[tokio::test]
async fn what_is_too_long_refused_or_cut_off_is_not_fetched() {
    let long = "x".repeat(256 * 1024 + 1);
    let endless = Reply::Bytes(format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{long}").into_bytes());
    for reply in [answer("200 OK", &long), endless, answer("404 Not Found", ""), answer("500 Oops", ""), Reply::Close] {
        assert_eq!(fetched(AddressPolicy::PRIVATE, reply).await.0, Err(LogoFault::NotFetched));
    }
    let longest = "x".repeat(256 * 1024);
    let (logo, _) = fetched(AddressPolicy::PRIVATE, answer("200 OK", &longest)).await;
    assert_eq!(logo.map(|logo| logo.len()), Ok(256 * 1024));
}

//! The smallest HTTP client that there is, and the service's own.

#![allow(dead_code, reason = "each test file uses its part")]

pub mod server;

use std::sync::Arc;

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use vcare_adapters_http::{AddressPolicy, ClientConfig, HttpClient, NeighbourConfig};
use vcare_app::TraceContext;
use vcare_testkit::{HandClock, SeededIds, Standins, StandinsConfig};

pub async fn standins() -> Standins {
    Standins::start(StandinsConfig::default()).await.unwrap()
}

/// The service's client, trusting those authorities too.
pub fn client(authorities: &[&str]) -> HttpClient {
    let mut config = ClientConfig::new(AddressPolicy::PRIVATE);
    config.extra_roots_pem = authorities.iter().map(|pem| (*pem).to_owned()).collect();
    HttpClient::new(&config, HandClock::new(), Arc::new(SeededIds::new(1))).unwrap()
}

pub fn neighbour(base_url: &str) -> NeighbourConfig {
    NeighbourConfig::new(base_url, time::Duration::milliseconds(700), None).unwrap()
}

pub fn trace() -> TraceContext {
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    TraceContext { correlation_id: "req-1".to_owned(), traceparent: traceparent.to_owned() }
}

/// An answer as it came.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    head: String,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Asks for `http://host:port/path`.
pub async fn ask(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let stream = TcpStream::connect(host).await.unwrap();
    ask_over(stream, method, host, path, headers, body).await
}

pub async fn get(url: &str) -> Answer {
    ask("GET", url, &[], "").await
}

pub async fn put(url: &str, body: &str) -> Answer {
    ask("PUT", url, &[], body).await
}

pub async fn ask_over(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    method: &str,
    host: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut request = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    // A server that does not say goodbye on TLS ends the same.
    let _ = stream.read_to_end(&mut bytes).await;
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

//! A server that answers with given bytes, a clock moved by hand, and clients for both.

#![allow(dead_code, reason = "each test file uses its part")]

use std::sync::{Arc, Mutex};

use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;
use uuid::Uuid;
use vcare_adapters_http::{AddressPolicy, ClientConfig, HttpClient, NeighbourConfig};
use vcare_app::TraceContext;
use vcare_app::ports::{Clock, Ids, Secret};

pub const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

pub fn trace() -> TraceContext {
    TraceContext { correlation_id: "req-1".to_owned(), traceparent: TRACEPARENT.to_owned() }
}

/// A clock that stands until it is moved.
pub struct HandClock(Mutex<OffsetDateTime>);

impl HandClock {
    pub fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(datetime!(2026-11-23 20:00:00 UTC))))
    }

    pub fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for HandClock {
    fn now(&self) -> OffsetDateTime {
        *self.0.lock().unwrap()
    }

    fn uptime(&self) -> Duration {
        self.now() - OffsetDateTime::UNIX_EPOCH
    }
}

struct Ones;

impl Ids for Ones {
    fn uuid(&self) -> Uuid {
        Uuid::from_u128(1)
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        bytes.fill(0x11);
    }
}

pub fn client_of(config: &ClientConfig, clock: Arc<HandClock>) -> HttpClient {
    HttpClient::new(config, clock, Arc::new(Ones)).unwrap()
}

/// A client that may call this machine.
pub fn client() -> HttpClient {
    client_of(&ClientConfig::new(AddressPolicy::PRIVATE), HandClock::new())
}

/// Short enough to wait for, long enough for a busy machine.
pub const DEADLINE: Duration = Duration::milliseconds(700);

pub fn neighbour(base_url: &str) -> NeighbourConfig {
    NeighbourConfig::new(base_url, DEADLINE, Some(Secret::new(*b"service-token"))).unwrap()
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Request {
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// What is done with a request.
#[derive(Debug, Clone)]
pub enum Reply {
    /// These bytes, and the connection is closed.
    Bytes(Vec<u8>),
    /// These bytes, and nothing more ever.
    Stall(Vec<u8>),
    /// The connection is closed.
    Close,
    /// Nothing before somebody lets it go on; then the other reply.
    Held(Arc<Notify>, Box<Reply>),
}

/// A whole answer with a right length.
pub fn answer(head: &str, body: &str) -> Reply {
    let length = body.len();
    Reply::Bytes(format!("HTTP/1.1 {head}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes())
}

/// A whole answer with a JSON body.
pub fn json(status: &str, body: &str) -> Reply {
    answer(&format!("{status}\r\ncontent-type: application/json"), body)
}

type Script = Arc<dyn Fn(usize, &Request) -> Reply + Send + Sync>;

/// A server on this machine, gone with the test's runtime.
pub struct Stub {
    pub port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
    came: Arc<Notify>,
}

impl Stub {
    /// Answers the first request with the first reply, and so on; the last reply is repeated.
    pub async fn replying(replies: Vec<Reply>) -> Self {
        Self::start(None, Arc::new(move |n, _| replies[n.min(replies.len() - 1)].clone())).await
    }

    /// Answers by what is asked.
    pub async fn answering(script: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::start(None, Arc::new(script)).await
    }

    pub async fn start(tls: Option<TlsAcceptor>, script: Script) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (requests, came) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Notify::new()));
        let stub = Self { port, requests: Arc::clone(&requests), came: Arc::clone(&came) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, script) = (tls.clone(), Arc::clone(&script));
                let (requests, came) = (Arc::clone(&requests), Arc::clone(&came));
                tokio::spawn(async move {
                    match tls {
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, &requests, &came, &script).await;
                            }
                        }
                        None => serve(stream, &requests, &came, &script).await,
                    }
                });
            }
        });
        stub
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Waits until so many requests have come.
    pub async fn received(&self, count: usize) {
        loop {
            let came = self.came.notified();
            if self.requests.lock().unwrap().len() >= count {
                return;
            }
            came.await;
        }
    }
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin + Send,
    requests: &Mutex<Vec<Request>>,
    came: &Notify,
    script: &Script,
) {
    let Some(request) = read(&mut stream).await else { return };
    let number = {
        let mut requests = requests.lock().unwrap();
        requests.push(request.clone());
        requests.len() - 1
    };
    came.notify_one();
    let mut reply = script(number, &request);
    while let Reply::Held(go, then) = reply {
        go.notified().await;
        reply = *then;
    }
    match reply {
        Reply::Bytes(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
        Reply::Stall(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.flush().await;
            // Until the client has had enough.
            let _ = stream.read(&mut [0; 1]).await;
        }
        Reply::Close | Reply::Held(..) => {}
    }
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Request> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8(bytes[..head].to_vec()).ok()?;
    let mut lines = text.split("\r\n");
    let line = lines.next()?.to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let chunked = headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    let length = headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, n)| n.parse().unwrap_or(0));
    while bytes.len() < head + 4 + length || chunked && !bytes[head + 2..].ends_with(b"\r\n0\r\n\r\n") {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8_lossy(&bytes[head + 4..]);
    Some(Request { line, headers, body: if chunked { joined(&body)? } else { body.into_owned() } })
}

/// The chunks of a body of ASCII.
fn joined(mut chunks: &str) -> Option<String> {
    let mut body = String::new();
    loop {
        let (length, rest) = chunks.split_once("\r\n")?;
        let (chunk, rest) = rest.split_at_checked(usize::from_str_radix(length, 16).ok()?)?;
        body.push_str(chunk);
        if chunk.is_empty() {
            return Some(body);
        }
        chunks = rest.strip_prefix("\r\n")?;
    }
}

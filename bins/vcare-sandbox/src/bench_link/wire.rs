//! Bytes on the wire, on real sockets.

use std::fmt;

use anyhow::{Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use vcare_testkit::ServiceProcess;

/// Where the questions go.
pub const STATUS: &str = "/api/v1/virtual-care/sessions/join/status";
/// What the question says that somebody knows.
pub const WAITING: &str = "?since=3&deviceId=d4Zk0PqLmN8x";
/// Headers beside `Host` and `Authorization`.
pub const PLAIN: &str = "";
/// What Chromium 139 on a phone adds to a page's `fetch`.
pub const CHROMIUM: &str = "Connection: keep-alive\r\n\
    sec-ch-ua-platform: \"Android\"\r\n\
    User-Agent: Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Mobile Safari/537.36\r\n\
    sec-ch-ua: \"Not;A=Brand\";v=\"99\", \"Google Chrome\";v=\"139\", \"Chromium\";v=\"139\"\r\n\
    sec-ch-ua-mobile: ?1\r\n\
    Accept: */*\r\n\
    Sec-Fetch-Site: same-origin\r\n\
    Sec-Fetch-Mode: cors\r\n\
    Sec-Fetch-Dest: empty\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Accept-Language: fa-AF,fa;q=0.9,en-US;q=0.8,en;q=0.7\r\n";

/// Each question is held open for a minute.
pub const QUESTIONS: u32 = 30;

/// What was sent and received.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bytes {
    pub sent: usize,
    pub received: usize,
}

impl Bytes {
    pub const fn total(self) -> usize {
        self.sent + self.received
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} sent, {} received)", self.total(), self.sent, self.received)
    }
}

/// A question as it is sent.
pub fn question(token: &str, query: &str, headers: &str) -> String {
    format!("GET {STATUS}{query} HTTP/1.1\r\nHost: care.example\r\nAuthorization: Bearer {token}\r\n{headers}\r\n")
}

/// Sends a question and reads the answer to its end: head and body.
pub async fn ask(stream: &mut TcpStream, question: &str) -> Result<(String, usize)> {
    stream.write_all(question.as_bytes()).await?;
    let mut answer = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        let read = stream.read(&mut buffer).await?;
        ensure!(read > 0, "the connection was closed");
        answer.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&answer).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
            if body.len() >= length.map_or(Ok(0), str::parse)? {
                return Ok((text, answer.len()));
            }
        }
    }
}

/// What the waiting room's page weighs in that form, all in all.
pub async fn page(api: &ServiceProcess, coding: &str) -> Result<usize> {
    let mut stream = TcpStream::connect(api.address()).await?;
    let request =
        format!("GET /visit HTTP/1.1\r\nHost: care.example\r\nAccept-Encoding: {coding}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    ensure!(answer.starts_with(b"HTTP/1.1 200"), "the page is not there");
    Ok(answer.len())
}

/// Half an hour of one patient's.
pub async fn half_an_hour(api: &ServiceProcess, token: &str, headers: &str) -> Result<Bytes> {
    let mut stream = TcpStream::connect(api.address()).await?;
    let mut bytes = Bytes::default();
    let question = question(token, WAITING, headers);
    for _ in 0..QUESTIONS {
        let (answer, received) = ask(&mut stream, &question).await?;
        ensure!(answer.starts_with("http/1.1 204"), "{answer}");
        bytes.sent += question.len();
        bytes.received += received;
    }
    Ok(bytes)
}

//! VCARE-US-002 and VCARE-US-008: waiting over a poor link.

mod bounds;
mod connection;
mod devices;
mod line;
mod news;
mod parking;
mod promises;
mod put_aside;
mod short;
mod wire;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use vcare_testkit::until;

use crate::support::{Program, TestApp};

impl TestApp {
    /// Waits until so many visits are waited for.
    pub async fn until_waited_for(&self, visits: usize) {
        let watched = || self.app.waiting.changes.watched().iter().map(|(_, visits)| visits.len()).sum::<usize>();
        until("so many visits are waited for", async || watched() == visits).await;
    }
}

impl Program {
    /// Waits until the program holds a question open.
    pub async fn until_somebody_waits(&self) {
        self.until_measured("vcare_waiting 1").await;
    }

    /// Waits until a line is among the program's metrics.
    pub async fn until_measured(&self, line: &str) {
        until(line, async || self.metrics().await.lines().any(|measured| measured == line)).await;
    }
}

/// A connection that counts.
struct Wire {
    stream: TcpStream,
    sent: usize,
    received: usize,
    /// What was read after the last answer.
    rest: Vec<u8>,
}

impl Wire {
    async fn connect(url: &str) -> Self {
        let address = url.trim_start_matches("http://");
        Self { stream: TcpStream::connect(address).await.unwrap(), sent: 0, received: 0, rest: Vec::new() }
    }

    async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
        self.sent += text.len();
    }

    /// Reads one answer to its end; in small letters.
    async fn answer(&mut self) -> String {
        let mut buffer = [0; 4096];
        loop {
            let text = String::from_utf8_lossy(&self.rest).to_lowercase();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
                let length: usize = length.map_or(0, |length| length.parse().unwrap());
                if body.len() >= length {
                    let all = head.len() + 4 + length;
                    self.rest.drain(..all);
                    return text[..all].to_owned();
                }
            }
            let read = self.stream.read(&mut buffer).await.unwrap();
            assert!(read > 0, "the connection was closed: {text}");
            self.received += read;
            self.rest.extend_from_slice(&buffer[..read]);
        }
    }

    /// Sends a request as it is, and reads the answer to its end.
    async fn ask(&mut self, request: &str) -> String {
        self.send(request).await;
        self.answer().await
    }
}

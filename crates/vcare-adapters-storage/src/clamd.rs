//! ClamAV's daemon, over TCP: `INSTREAM`.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use vcare_app::ports::{MalwareScanner, ScanError, ScanVerdict};

/// The most of a piece that is announced at once.
const PIECE: usize = 64 * 1024;
/// An answer is a line; a longer one is none.
const LONGEST_ANSWER: u64 = 1024;

/// Where the daemon is.
#[derive(Debug, Clone)]
pub struct ClamdConfig {
    /// `host:port`.
    pub address: String,
    /// How long one scan may take.
    pub deadline: Duration,
}

/// Asks a daemon, one connection a scan.
#[derive(Debug, Clone)]
pub struct Clamd {
    config: ClamdConfig,
}

impl Clamd {
    /// A scanner that connects when it is asked.
    #[must_use]
    pub const fn new(config: ClamdConfig) -> Self {
        Self { config }
    }

    async fn ask(&self, bytes: &[u8]) -> Result<ScanVerdict, ScanError> {
        let fault = |fault| move |_: std::io::Error| ScanError { fault };
        let mut stream = TcpStream::connect(&self.config.address).await.map_err(fault("unreachable"))?;
        // A daemon that has heard enough (its own limit, or a find) answers and closes while we still send.
        let sent = send(&mut stream, bytes).await;
        let mut answer = Vec::new();
        let read = (&mut stream).take(LONGEST_ANSWER).read_to_end(&mut answer).await;
        match verdict(&answer) {
            Some(verdict) => Ok(verdict),
            None if sent.is_err() || read.is_err() || answer.is_empty() => Err(ScanError { fault: "cut_off" }),
            None => Err(ScanError { fault: "malformed" }),
        }
    }
}

async fn send(stream: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    stream.write_all(b"zINSTREAM\0").await?;
    for piece in bytes.chunks(PIECE) {
        stream.write_all(&u32::try_from(piece.len()).unwrap_or(u32::MAX).to_be_bytes()).await?;
        stream.write_all(piece).await?;
    }
    stream.write_all(&[0; 4]).await?;
    stream.flush().await
}

/// `stream: OK`, or `stream: {name} FOUND`; everything else, an error of the daemon's among it, is no verdict.
fn verdict(answer: &[u8]) -> Option<ScanVerdict> {
    let line = std::str::from_utf8(answer).ok()?.strip_suffix('\0')?.strip_prefix("stream: ")?;
    match line {
        "OK" => Some(ScanVerdict::Clean),
        found if found.ends_with(" FOUND") => Some(ScanVerdict::Infected),
        _ => None,
    }
}

#[async_trait]
impl MalwareScanner for Clamd {
    async fn scan(&self, bytes: &Bytes) -> Result<ScanVerdict, ScanError> {
        let begun = Instant::now();
        let said = timeout(self.config.deadline, self.ask(bytes)).await;
        let said = said.unwrap_or(Err(ScanError { fault: "timed_out" }));
        let outcome = match &said {
            Ok(ScanVerdict::Clean) => "clean",
            Ok(ScanVerdict::Infected) => "infected",
            Err(error) => error.fault,
        };
        metrics::histogram!("vcare_scan_duration_seconds", "outcome" => outcome).record(begun.elapsed().as_secs_f64());
        said
    }
}

/// No scanner, where a deployment has none: everything passes.
#[derive(Debug, Clone, Copy)]
pub struct NoScanner;

#[async_trait]
impl MalwareScanner for NoScanner {
    async fn scan(&self, _: &Bytes) -> Result<ScanVerdict, ScanError> {
        Ok(ScanVerdict::Clean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_two_verdicts_are_verdicts() {
        let table: [(&[u8], Option<ScanVerdict>); 9] = [
            (b"stream: OK\0", Some(ScanVerdict::Clean)),
            (b"stream: Win.Test.EICAR_HDB-1 FOUND\0", Some(ScanVerdict::Infected)),
            (b"", None),
            (b"stream: OK", None),
            (b"OK\0", None),
            (b"stream: OK\0stream: OK\0", None),
            (b"INSTREAM size limit exceeded. ERROR\0", None),
            (b"stream: Can't allocate memory ERROR\0", None),
            (b"\xFF\xFE\0", None),
        ];
        for (answer, expected) in table {
            assert_eq!(verdict(answer), expected, "{}", String::from_utf8_lossy(answer));
        }
    }
}
